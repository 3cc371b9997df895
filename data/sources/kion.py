"""KION, the public log of a streaming service (https://github.com/irsafilo/KION_DATASET)."""

from __future__ import annotations

from data.contract import DataError
from data.sources.base import Attributes, Entities, Log, Part, Source
from data.sources.files import find
from data.sources.parts import open_part, require

_USERS = Attributes(categorical=("age", "income", "sex", "kids_flg"))
_ITEMS = Attributes(
    categorical=("content_type", "age_rating", "for_kids"),
    numeric=("release_year",),
    multi=("genres", "countries", "studios", "directors", "actors"),
)
_PERCENT = 100.0


class KionSource(Source):
    """A folder with ``interactions*.csv`` and, if there are, ``users*.csv`` and ``items*.csv``.

    The value is the share watched (``watched_pct`` / 100, at most 1), or 1 where the files do not
    have it; the duration is ``total_dur``. Attributes are those of the columns that are there, so
    the original, the English and cut-down files all load.

    Args:
        path: the folder, or an fsspec URL of it.

    Raises:
        DataError: there are no interactions, or a file lacks the columns it must have.
    """

    kind = "kion"

    def __init__(self, path: str) -> None:
        self._folder = path.rstrip("/")
        self._notes: list[str] = []
        parts = self._parts("interactions")
        if not parts:
            raise DataError(
                f"{path} holds no interactions*.csv: give the folder of the unpacked KION files, "
                "or get them with `zavtra fetch kion`"
            )
        hint = "Expected are the columns of KION's interactions.csv"
        for part in parts:
            require(part, ["user_id", "item_id", "last_watch_dt"], hint)
        columns = set.intersection(*({*part.schema().names} for part in parts))
        if "watched_pct" not in columns:
            self._notes.append("interactions have no watched_pct: every one has the value 1")
        self._log = Log(
            parts,
            "user_id",
            "item_id",
            "last_watch_dt",
            value="watched_pct" if "watched_pct" in columns else None,
            value_scale=_PERCENT if "watched_pct" in columns else 1.0,
            clip=True,
            duration_s="total_dur" if "total_dur" in columns else None,
        )
        self._users = self._entities("users", "user_id", _USERS)
        self._items = self._entities("items", "item_id", _ITEMS)

    def log(self) -> Log:
        """Give the interactions."""
        return self._log

    def users(self) -> Entities | None:
        """Give the users with age, income, sex and children."""
        return self._users

    def items(self) -> Entities | None:
        """Give the items with type, rating, genres, countries and people."""
        return self._items

    def notes(self) -> list[str]:
        """Say which files or columns are not there."""
        return list(self._notes)

    def _entities(self, table: str, id_column: str, wanted: Attributes) -> Entities | None:
        parts = self._parts(table)
        if not parts:
            self._notes.append(f"no {table}*.csv: {table} have no attributes")
            return None
        for part in parts:
            require(part, [id_column], f"Expected are the columns of KION's {table}.csv")
        columns = set.intersection(*({*part.schema().names} for part in parts))
        kinds = (wanted.categorical, wanted.numeric, wanted.multi)
        present = Attributes(*(tuple(n for n in names if n in columns) for names in kinds))
        missing = [name for name in wanted.names if name not in columns]
        if missing:
            self._notes.append(f"{table} have no {', '.join(missing)}")
        title = "title" if table == "items" and "title" in columns else None
        return Entities(parts, id_column, present, ",", title)

    def _parts(self, table: str) -> tuple[Part, ...]:
        try:
            files = find(f"{self._folder}/{table}*.csv")
        except DataError:
            return ()
        original = [file for file in files if not file.name.endswith("_en.csv")]
        if original and len(original) < len(files):
            self._notes.append(f"{table}: the English files are left aside for the original ones")
            files = tuple(original)
        return tuple(open_part(file) for file in files)
