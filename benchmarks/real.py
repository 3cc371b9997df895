"""Finding and reading real data sets under ``$ZAVTRA_DATA``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv

from benchmarks.protocol import MissingDataError

VARIABLE = "ZAVTRA_DATA"


def real_data(name: str, *files: str) -> Path:
    """Give the folder of a data set.

    Args:
        name: such as ``"ml-1m"``.
        files: what must lie in it.

    Raises:
        MissingDataError: the variable is not set, or the folder or a file is missing.
    """
    root = os.environ.get(VARIABLE)
    if not root:
        raise MissingDataError(
            f"{VARIABLE} is not set; set it to the folder that holds {name}/ "
            f"(`zavtra fetch {name}` downloads the public sets)"
        )
    folder = Path(root, name)
    for path in (folder, *(folder / file for file in files)):
        if not path.exists():
            raise MissingDataError(
                f"{path} is missing; set {VARIABLE} (now {root}) to the folder that holds "
                f"{name}/ with {', '.join(files)}"
            )
    return folder


@dataclass(frozen=True)
class Ratings:
    """MovieLens ratings, oldest first, ties in the order of the file.

    Attributes:
        user: ``(n,)`` int32 ids as in the file.
        item: ``(n,)`` int32 ids as in the file.
        rating: ``(n,)`` float32, stars.
        ts: ``(n,)`` int64, microseconds since 1970 (UTC).
    """

    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    ts: np.ndarray

    def __len__(self) -> int:
        return len(self.user)

    def where(self, mask: np.ndarray) -> Ratings:
        """Keep the rows of a boolean mask ``(n,)``."""
        return Ratings(self.user[mask], self.item[mask], self.rating[mask], self.ts[mask])


def read_ml1m() -> Ratings:
    """Read ``ml-1m/ratings.dat``.

    Raises:
        MissingDataError: it is not there.
    """
    path = real_data("ml-1m", "ratings.dat") / "ratings.dat"
    # Its "::" is read as ":" with an empty column between every two.
    names = ["user", "", "item", " ", "rating", "  ", "ts"]
    types = {"user": pa.int32(), "item": pa.int32(), "rating": pa.float32(), "ts": pa.int64()}
    table = csv.read_csv(
        path,
        read_options=csv.ReadOptions(column_names=names),
        parse_options=csv.ParseOptions(delimiter=":"),
        convert_options=csv.ConvertOptions(column_types=types, include_columns=list(types)),
    )
    order = np.argsort(table["ts"].to_numpy(), kind="stable")
    return Ratings(
        user=table["user"].to_numpy()[order],
        item=table["item"].to_numpy()[order],
        rating=table["rating"].to_numpy()[order],
        ts=table["ts"].to_numpy()[order] * 1_000_000,
    )


def read_movie_titles() -> dict[int, str]:
    """Read the titles of ``ml-1m/movies.dat`` by movie id.

    Raises:
        MissingDataError: it is not there.
    """
    path = real_data("ml-1m", "movies.dat") / "movies.dat"
    lines = path.read_text(encoding="latin-1").splitlines()
    return {int(movie): title for movie, title, _ in (line.split("::") for line in lines)}


def read_ml100k() -> Ratings:
    """Read ``ml-100k/u.data``.

    Raises:
        MissingDataError: it is not there.
    """
    path = real_data("ml-100k", "u.data") / "u.data"
    user, item, rating, ts = np.loadtxt(path, np.int64, delimiter="\t", unpack=True)
    order = np.argsort(ts, kind="stable")
    return Ratings(
        user=user[order].astype(np.int32),
        item=item[order].astype(np.int32),
        rating=rating[order].astype(np.float32),
        ts=ts[order] * 1_000_000,
    )


def read_ml100k_attributes(user_ids: np.ndarray, item_ids: np.ndarray) -> tuple[pa.Table, pa.Table]:
    """Read ``ml-100k/u.user`` and ``u.item``: age, gender, occupation; year and genres.

    Args:
        user_ids: ascending; a user's code is the place in it, others are left out.
        item_ids: the same of the movies.

    Raises:
        MissingDataError: a file is not there.
    """
    folder = real_data("ml-100k", "u.user", "u.item")
    lines = (folder / "u.user").read_text(encoding="latin-1").splitlines()
    rows = [line.split("|") for line in lines]
    code = {str(user): at for at, user in enumerate(user_ids.tolist())}
    rows = [row for row in rows if row[0] in code]
    users = pa.table(
        {
            "user": pa.array([code[row[0]] for row in rows], pa.int32()),
            "age": [float(row[1]) for row in rows],
            "gender": [row[2] for row in rows],
            "occupation": [row[3] for row in rows],
        }
    )
    lines = (folder / "u.item").read_text(encoding="latin-1").splitlines()
    rows = [line.split("|") for line in lines]
    code = {str(item): at for at, item in enumerate(item_ids.tolist())}
    rows = [row for row in rows if row[0] in code]
    items = pa.table(
        {
            "item": pa.array([code[row[0]] for row in rows], pa.int32()),
            "year": pa.array([float(r[2][-4:]) if r[2] else None for r in rows], pa.float64()),
            "genres": [[str(g) for g, flag in enumerate(r[5:]) if flag == "1"] for r in rows],
        }
    )
    return users, items
