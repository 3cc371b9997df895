"""Users and items of :mod:`benchmarks.kion_shape`, with KION's attributes and their shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

GROUPS = 32
"""Groups of taste: users of one group draw items from one distribution."""
GENRES, COUNTRIES, DIRECTORS, ACTORS = 97, 70, 6_000, 25_000

_AGES = ["age_18_24", "age_25_34", "age_35_44", "age_45_54", "age_55_64", "age_65_inf"]
_AGE_SHARE = [0.15, 0.264, 0.24, 0.166, 0.133, 0.047]
_INCOMES = [
    "income_0_20", "income_20_40", "income_40_60", "income_60_90", "income_90_150",
    "income_150_inf",
]  # fmt: skip
_INCOME_SHARE = [0.027, 0.586, 0.296, 0.076, 0.0137, 0.0013]
_RATINGS = ["0", "6", "12", "16", "18", "21"]


@dataclass(frozen=True)
class ItemTable:
    """The items table and what only the making of the log knows.

    Attributes:
        table: what is written.
        item_id: ``(n,)`` int64 external ids.
        popularity: ``(n,)`` weight of the item.
        released_week: ``(n,)`` week of the log in which it comes; negative: was there before.
        liking: ``(GROUPS, n)`` factor by which a group of taste likes the item.
        length_s: ``(n,)`` seconds.
    """

    table: pa.Table
    item_id: np.ndarray
    popularity: np.ndarray
    released_week: np.ndarray
    liking: np.ndarray
    length_s: np.ndarray


def make_users(rng: np.random.Generator, n: int) -> tuple[pa.Table, np.ndarray]:
    """Give the users table and everyone's group of taste ``(n,)``.

    An eighth of the users has no attributes, as in KION (there, no row at all).
    """
    ids = np.sort(rng.choice(n + n // 7, size=n, replace=False))
    age = rng.choice(len(_AGES), size=n, p=_AGE_SHARE)
    sex = rng.integers(0, 2, n)
    unknown = rng.random(n) < 0.125
    # Age and sex lean a user to some groups; most of a taste is the user's own.
    taste = rng.integers(0, GROUPS, n)
    taste = np.where(rng.random(n) < 0.35, (5 * age + 2 * sex + taste % 2) % GROUPS, taste)
    income = rng.choice(len(_INCOMES), size=n, p=_INCOME_SHARE)
    table = pa.table(
        {
            "user_id": ids,
            "age": _labels(_AGES, age, unknown),
            "income": _labels(_INCOMES, income, unknown),
            "sex": _labels(["Ж", "М"], sex, unknown),
            "kids_flg": _labels(["False", "True"], (rng.random(n) < 0.28).astype(int), unknown),
        }
    )
    return table, taste


def make_items(rng: np.random.Generator, n: int, days: int) -> ItemTable:
    """Give ``n`` items: Zipf-Mandelbrot popularity, 12 % released during the log."""
    ids = np.sort(rng.choice(n + n // 20, size=n, replace=False))
    is_series = rng.random(n) < 0.24
    genres = _several(rng, n, GENRES, mean=2.7, most=8, s=1.0)
    released = np.where(rng.random(n) < 0.12, rng.integers(0, max(days // 7, 1), n), -1_000)
    year = np.where(released >= 0, 2021, 2021 - rng.gamma(1.2, 9.0, n).astype(int))
    # Exponent and shift fit the share of KION's top 10, 100 and 1,000 items of a day.
    popularity = (rng.permutation(n) + 18.0) ** -1.1
    table = pa.table(
        {
            "item_id": ids,
            "content_type": _labels(["film", "series"], is_series.astype(int)),
            "title": pa.array([f"Title {number}" for number in ids.tolist()]),
            "release_year": np.maximum(year, 1920).astype(np.float64),
            "genres": _lists(genres, "genre"),
            "countries": _lists(_several(rng, n, COUNTRIES, mean=1.3, most=6, s=1.4), "country"),
            "age_rating": _labels(
                _RATINGS, rng.choice(6, size=n, p=[0.1, 0.1, 0.2, 0.4, 0.19, 0.01])
            ),
            "directors": _lists(_several(rng, n, DIRECTORS, mean=1.2, most=4, s=0.4), "director"),
            "actors": _lists(_several(rng, n, ACTORS, mean=7.0, most=16, s=0.5), "actor"),
        }
    )
    return ItemTable(
        table=table,
        item_id=ids,
        popularity=popularity / popularity.sum(),
        released_week=released,
        liking=_liking(rng, n, genres),
        length_s=(60 * np.where(is_series, 210, 98) * rng.lognormal(0, 0.3, n)).astype(np.int64),
    )


def _several(
    rng: np.random.Generator, n: int, values: int, *, mean: float, most: int, s: float
) -> tuple[np.ndarray, np.ndarray]:
    """Give ``1 + Poisson`` different values each, Zipf with exponent ``s``: (row, value) pairs."""
    counts = 1 + np.minimum(rng.poisson(mean - 1, n), most - 1)
    row = np.repeat(np.arange(n), counts)
    share = np.arange(1, values + 1) ** -s
    cumulative = np.cumsum(share / share.sum())
    value = np.minimum(np.searchsorted(cumulative, rng.random(len(row))), values - 1)
    pairs = np.unique(row * np.int64(values) + value)  # a value drawn twice counts once
    return pairs // values, pairs % values


def _liking(rng: np.random.Generator, n: int, genres: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Log-normal by the mean over the item's genres, and by the item itself."""
    by_genre = rng.normal(0, 1.3, (GROUPS, GENRES))
    row, value = genres
    member = np.zeros((GENRES, n))
    member[value, row] = 1
    return np.exp(by_genre @ (member / member.sum(axis=0)) + rng.normal(0, 0.6, (GROUPS, n)))


def _lists(pairs: tuple[np.ndarray, np.ndarray], word: str) -> pa.Array:
    """Build lists of labels from (row, value) pairs sorted by row; every row has one or more."""
    row, value = pairs
    starts = np.r_[np.flatnonzero(np.r_[True, row[1:] != row[:-1]]), len(row)]
    names = pa.array([f"{word} {number}" for number in range(int(value.max()) + 1)])
    return pa.ListArray.from_arrays(pa.array(starts, pa.int32()), names.take(pa.array(value)))


def _labels(names: list[str], codes: np.ndarray, unknown: np.ndarray | None = None) -> pa.Array:
    return pa.array(names).take(pa.array(codes, mask=unknown))
