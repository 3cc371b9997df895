"""Attributes of the second path: read once more, one version after the other, as plain Python."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

from data.contract import ATTRIBUTE, CODE, VALUE
from data.ids import FOLDER
from data.lake import Lake
from data.values import values_file
from features.declaration import Catalog, kind_of

T = TypeVar("T")


class Kept:
    """Results by key, made when first asked for."""

    def __init__(self) -> None:
        self._results: dict[Any, Any] = {}

    def __call__(self, key: Any, make: Callable[[], T]) -> T:
        """Give the result of a key; ``make`` is called for the first who asks."""
        if key not in self._results:
            self._results[key] = make()
        found: T = self._results[key]
        return found


class SlowAttributes:
    """Attributes of users and items as they were known before a day.

    Args:
        lake: holds the tables, and all versions where the source gives them.
        catalog: says of which kind an attribute is.
        day: versions that hold from it or later are not seen.
    """

    def __init__(self, lake: Lake, catalog: Catalog, day: date) -> None:
        self.lake, self.catalog, self.day = lake, catalog, day
        self._once = Kept()

    def known(self, side: str, name: str) -> dict[int, Any]:
        """Attribute by code, of the newest version; unknown values left out."""

        def read() -> dict[int, Any]:
            newest = dict(self._versions(side, name))
            return {c: value for c, value in newest.items() if value is not None and value == value}

        return self._once(("known", side, name), read)

    def values(self, side: str, name: str) -> dict[int, list[Any]]:
        """The values of each entity; a category is a list of one."""
        return self._once(
            ("values", side, name),
            lambda: {c: self._list(side, name, v) for c, v in self.known(side, name).items()},
        )

    def numbers(self, side: str, name: str) -> dict[Any, int]:
        """Codes of the values that versions known before the day carry."""

        def number() -> dict[Any, int]:
            table = self.lake.read_table(FOLDER, values_file(side)).to_pylist()
            codes = {row[VALUE]: row[CODE] for row in table if row[ATTRIBUTE] == name}
            lists = (self._list(side, name, value) for _, value in self._versions(side, name))
            return {value: codes[value] for values in lists for value in values}

        return self._once(("numbers", side, name), number)

    def _versions(self, side: str, name: str) -> list[tuple[int, Any]]:
        """Code and attribute of every version known before the day, oldest first, then by code."""

        def read() -> list[tuple[int, Any]]:
            key, file = side.removesuffix("s"), f"{side}_history.parquet"
            if self.lake.exists(file):
                table = self.lake.read_table(file, columns=[key, name, "valid_from"]).to_pydict()
            else:
                table = self.lake.read_table(f"{side}.parquet", columns=[key, name]).to_pydict()
                table["valid_from"] = [date.min] * len(table[key])
            rows = zip(table["valid_from"], table[key], table[name], strict=True)
            known = sorted((row for row in rows if row[0] < self.day), key=lambda row: row[:2])
            return [(code, value) for _, code, value in known]

        return self._once(("versions", side, name), read)

    def _list(self, side: str, name: str, value: Any) -> list[Any]:
        if kind_of(self.catalog.attributes, side, name) != "multi":
            value = [value]
        return [v for v in dict.fromkeys(value or ()) if v is not None]
