"""Attribute tables of users and items, as they were known on a day, as arrays by code.

Where the source gives versions (:mod:`data.versions`), an entity has the attributes of its newest
version from before the day, in every feature and for all its events, however old: what is known of
it, not what was known when it was met. Without a version before the day nothing is known of it.

What a ranker is told of a category is its code from :mod:`data.values`, given once and for ever:
whatever is added, changed or removed tomorrow changes no code of today, and a ranker trained on
them still understands them. Inside the tables of one day the values known by then are numbered
through, in order of their codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.contract import VALID_FROM
from data.lake import Lake
from data.values import read_values
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
        codes: ``(count,)`` int32, rising; the codes of the values by their numbers.
    """

    indptr: np.ndarray
    index: np.ndarray
    codes: np.ndarray

    @property
    def count(self) -> int:
        """How many values there are."""
        return len(self.codes)

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
        return Values(_indptr(lengths), number[self.index[kept]], self.codes[wanted])


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
        FeatureError: a column is missing, a code stands twice (on a day) or is negative, or a value
            has no code.
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
        codes, coded = table[KEYS[side]].to_numpy(), read_values(lake, side)
        for name in sorted(wanted[side]):
            kind = kind_of(catalog.attributes, side, name)
            column = table[name].combine_chunks()
            if kind == "numeric":
                numbers[side, name] = _numbers(column, codes, current, n)
            else:
                row = np.arange(len(codes))
                if kind == "multi":
                    row = pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
                    column = pc.list_flatten(column)
                code = _value_codes(column, coded.get(name), lake.path(f"{side}.parquet"), name)
                values[side, name] = _values(codes[row], code, current[row], n)
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


def _value_codes(column: pa.Array, coded: pa.Array | None, file: str, name: str) -> np.ndarray:
    """Give the code of each value, int32, -1 where it is unknown."""
    values = pa.array([], pa.string()) if coded is None else coded
    column = column.cast(values.type)
    codes = pc.index_in(column, value_set=values)
    lacking = column.filter(pc.and_(codes.is_null(), column.is_valid()))
    if len(lacking):
        raise FeatureError(
            f"{file}: the value {lacking[0].as_py()!r} of {name!r} has no code in the lake's ids: "
            "the table was not written by an ingest. Ingest again"
        )
    return np.asarray(codes.fill_null(-1))


def _values(entity: np.ndarray, code: np.ndarray, current: np.ndarray, n: int) -> Values:
    """Gather the values of ``n`` entities out of (entity, code of a value), current or not."""
    known = np.zeros(code.max(initial=-1) + 1, bool)
    known[code[code >= 0]] = True
    number, count = np.cumsum(known) - 1, max(int(known.sum()), 1)
    stands = (code >= 0) & current
    flat = distinct(entity[stands].astype(np.int64) * count + number[code[stands]])
    lengths = np.bincount(flat // count, minlength=n)
    codes = np.flatnonzero(known).astype(np.int32)
    return Values(_indptr(lengths), (flat % count).astype(np.int32), codes)


def _indptr(lengths: np.ndarray) -> np.ndarray:
    out = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=out[1:])
    return out
