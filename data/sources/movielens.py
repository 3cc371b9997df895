"""MovieLens 100k, 1m and latest (https://grouplens.org/datasets/movielens), original files."""

from __future__ import annotations

from data.contract import DataError
from data.sources.base import Attributes, Entities, Log, Source
from data.sources.csvfile import CsvPart
from data.sources.files import File, find

STARS = 5.0
"""The best rating."""

_GENRES_100K = [
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
]

_LAST_YEAR = r"regexp_extract(title, '\(([0-9]{4})\)\s*$', 1)"
_FILES = {"1m": "ratings.dat", "100k": "u.data", "latest": "ratings.csv"}


class MovieLensSource(Source):
    """A folder with ``ratings.dat`` (1m), ``u.data`` (100k) or ``ratings.csv`` (latest).

    Values are rating / 5. Items have genres and the year of the title (of the release date in
    100k); users of 1m and 100k have gender, occupation and age.

    Args:
        path: the folder, or an fsspec URL of it.
        stars_min: ratings below it are left out (and counted); none: all are read.

    Raises:
        DataError: the folder holds none of these, or a file that belongs to them is missing.
    """

    kind = "movielens"

    def __init__(self, path: str, stars_min: float | None = None) -> None:
        self._stars_min = stars_min
        self._folder = path.rstrip("/")
        found = [edition for edition, file in _FILES.items() if self._has(file)]
        if not found:
            raise DataError(
                f"{path} holds none of {', '.join(_FILES.values())}: give the folder of an "
                "unpacked MovieLens, or get it with `zavtra fetch ml-1m`"
            )
        self._edition = found[0]

    def log(self) -> Log:
        """Give the ratings."""
        names: tuple[str, ...] | None = ("userId", "movieId", "rating", "timestamp")
        delimiter = {"1m": "::", "100k": "\t", "latest": ","}[self._edition]
        if self._edition == "latest":
            names = None
        part = CsvPart(self._file(_FILES[self._edition]), delimiter, names)
        return Log(
            (part,),
            "userId",
            "movieId",
            "timestamp",
            "s",
            value="rating",
            value_scale=STARS,
            value_min=self._stars_min,
        )

    def users(self) -> Entities | None:
        """Give the users; the edition "latest" has none."""
        if self._edition == "latest":
            return None
        if self._edition == "1m":
            columns = ("id", "gender", "age", "occupation", "zip")
            part = CsvPart(self._file("users.dat"), "::", columns, encoding="latin-1")
        else:
            columns = ("id", "age", "gender", "occupation", "zip")
            part = CsvPart(self._file("u.user"), "|", columns, False, "latin-1")
        return Entities((part,), "id", Attributes(("gender", "occupation"), ("age",)))

    def items(self) -> Entities:
        """Give the movies with title, genres and year."""
        attributes = Attributes(numeric=("year",), multi=("genres",))
        if self._edition == "100k":
            flags = [f"genre{n}" for n in range(len(_GENRES_100K))]
            columns = ("id", "title", "release", "video", "url", *flags)
            # u.item writes 1 below a genre that the movie has; "unknown" is no genre.
            cases = [
                f"CASE WHEN {flag} = '1' THEN '{genre.replace(chr(39), chr(39) * 2)}' END"
                for flag, genre in list(zip(flags, _GENRES_100K, strict=True))[1:]
            ]
            derived = {
                "genres": f"concat_ws('|', {', '.join(cases)})",
                "year": "regexp_extract(release, '([0-9]{4})$', 1)",
            }
            part = CsvPart(self._file("u.item"), "|", columns, False, "latin-1")
            return Entities(
                (part,), "id", attributes, "|", "title", derived, ("title", "release", *flags)
            )
        if self._edition == "1m":
            names = ("id", "title", "genres")
            part = CsvPart(self._file("movies.dat"), "::", names, encoding="latin-1")
            return Entities(
                (part,), "id", attributes, "|", "title", {"year": _LAST_YEAR}, ("title",)
            )
        derived = {"year": _LAST_YEAR, "genres": "nullif(genres, '(no genres listed)')"}
        return Entities(
            (CsvPart(self._file("movies.csv")),),
            "movieId",
            attributes,
            "|",
            "title",
            derived,
            ("title", "genres"),
        )

    def _file(self, name: str) -> File:
        file = find(f"{self._folder}/{name}")[0]
        file.is_parquet()  # says so if it is empty or binary
        return file

    def _has(self, name: str) -> bool:
        try:
            find(f"{self._folder}/{name}")
        except DataError:
            return False
        return True
