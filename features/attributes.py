"""Attribute tables of users and items, as they were known on a day, as arrays by code.

Where the source gives versions (:mod:`data.versions`), an entity has the attributes of its newest
version from before the day, in every feature and for all its events, however old: what is known of
it, not what was known when it was met. Without a version before the day nothing is known of it.

A value of an attribute gets a number in the order in which versions, by day and then by code, first
carry it. Codes of entities and days of versions are append-only, so the numbers of values are too:
an entity or a version added tomorrow changes no number of today, and a ranker trained on them still
understands them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data.contract import VALID_FROM
from data.lake import Lake
from data.versions import KEYS, newest, versions_before
from features import cut
from features.declaration import Catalog, FeatureError, kind_of

NUMBER_SCALE = 65536
"""Numeric attributes are averaged as ``round(x * NUMBER_SCALE)``, so that sums are exact."""


@dataclass(frozen=True)
class Values:
    """Values of one categorical or multi-valued attribute, by entity.

    Attributes:
        indptr: ``(n + 1,)`` int64; entity ``e`` owns ``indptr[e]:indptr[e + 1]``.
        index: int32 numbers of values, rising and without repeats within an entity.
        count: how many values there are.
    """

    indptr: np.ndarray
    index: np.ndarray
    count: int

    @cached_property
    def single(self) -> np.ndarray:
        """The first value of each entity, ``(n,)`` int32, -1 where it has none."""
        out = np.full(len(self.indptr) - 1, -1, np.int32)
        some = self.indptr[1:] > self.indptr[:-1]
        out[some] = self.index[self.indptr[:-1][some]]
        return out

    @cached_property
    def rows(self) -> np.ndarray:
        """The entity of each entry of ``index``, int32."""
        return np.repeat(np.arange(len(self.indptr) - 1, dtype=np.int32), np.diff(self.indptr))

    def keep(self, wanted: np.ndarray) -> Values:
        """Drop the values outside a boolean mask ``(count,)`` and number the others anew."""
        number = np.cumsum(wanted, dtype=np.int32) - 1
        kept = wanted[self.index]
        lengths = np.bincount(self.rows[kept], minlength=len(self.indptr) - 1)
        return Values(_indptr(lengths), number[self.index[kept]], int(wanted.sum()))


@dataclass(frozen=True)
class Attributes:
    """The attributes a catalog reads, keyed by side ("users", "items") and name.

    Attributes:
        values: categorical and multi-valued attributes.
        numbers: numeric ones, ``(n,)`` float32, NaN where unknown.
    """

    values: dict[tuple[str, str], Values]
    numbers: dict[tuple[str, str], np.ndarray]


def load_attributes(
    lake: Lake, catalog: Catalog, day: date, n_users: int, n_items: int
) -> Attributes:
    """Read the users and items of the lake as known before ``day``, the catalog's columns only.

    Raises:
        FeatureError: a column is missing, a code stands twice (on a day) or is negative.
    """
    wanted: dict[str, set[str]] = {"users": set(), "items": set()}
    for feature in catalog:
        for side, name in ((feature.entity, feature.attribute), ("by", feature.by)):
            if name is not None:
                wanted[_side(side, feature.measure)].add(name)
    values: dict[tuple[str, str], Values] = {}
    numbers: dict[tuple[str, str], np.ndarray] = {}
    for side, n in (("users", n_users), ("items", n_items)):
        if not wanted[side]:
            continue
        table, current = _read(lake, side, sorted(wanted[side]), day, n)
        codes = table[KEYS[side]].to_numpy()
        for name in sorted(wanted[side]):
            kind = kind_of(catalog.attributes, side, name)
            column = table[name].combine_chunks()
            if kind == "numeric":
                numbers[side, name] = _numbers(column, codes, current, n)
            else:
                values[side, name] = _values(column, codes, current, n, kind == "multi")
    return Attributes(values, numbers)


def distinct(numbers: np.ndarray) -> np.ndarray:
    """Sorted distinct numbers; several times faster here than the hash table of np.unique."""
    ordered = np.sort(numbers)
    first = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return np.asarray(ordered[first])


def _side(entity: str, measure: str) -> str:
    if entity in ("user", "by", "item x user attribute") or measure == "gap to users":
        return "users"
    return "items"


def _read(
    lake: Lake, side: str, names: list[str], day: date, n: int
) -> tuple[pa.Table, np.ndarray]:
    """Give the versions known before a day, oldest first, and which of them are the newest."""
    key, file = KEYS[side], lake.path(f"{side}.parquet")
    table = versions_before(lake, side, lambda known: cut.before(known, day))
    missing = sorted({key, *names} - set(table.column_names))
    if missing:
        raise FeatureError(
            f"{file} lacks the columns {missing} that the catalog reads; it has "
            f"{table.column_names}. Ingest again, or leave these attributes out"
        )
    codes = table[key].to_numpy()
    again = codes[1:] == codes[:-1]
    if VALID_FROM in table.column_names:
        days = table[VALID_FROM].cast(pa.int32()).to_numpy()
        again &= days[1:] == days[:-1]
    odd = np.concatenate([codes[codes < 0], codes[1:][again]])
    if len(odd):
        raise FeatureError(
            f"{file}: codes {odd[:3].tolist()} are negative or stand twice in column {key!r}; "
            "expected one row per code (and day). Ingest again"
        )
    table = table.select([key, *names]).filter(pa.array(codes < n))
    return table, newest(table).to_numpy(zero_copy_only=False)


def _numbers(column: pa.Array, codes: np.ndarray, current: np.ndarray, n: int) -> np.ndarray:
    out = np.full(n, np.nan, np.float32)
    out[codes[current]] = column.cast(pa.float32()).to_numpy(zero_copy_only=False)[current]
    return out


def _values(
    column: pa.Array, codes: np.ndarray, current: np.ndarray, n: int, multi: bool
) -> Values:
    row = np.arange(len(codes))
    if multi:
        row = pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
        column = pc.list_flatten(column)
    # pandas numbers the values in the order of appearance; nulls become -1
    number, _ = pd.factorize(column.to_numpy(zero_copy_only=False))
    count = int(number.max(initial=-1)) + 1
    stands = (number >= 0) & current[row]
    flat = distinct(codes[row[stands]].astype(np.int64) * max(count, 1) + number[stands])
    lengths = np.bincount(flat // max(count, 1), minlength=n)
    return Values(_indptr(lengths), (flat % max(count, 1)).astype(np.int32), count)


def _indptr(lengths: np.ndarray) -> np.ndarray:
    out = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=out[1:])
    return out
