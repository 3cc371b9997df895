"""The proof that no feature knows its own day: run as a step of every day.

1. Rows are recomputed by a second, simple path from the raw log cut at the day
   (:mod:`features.slow`) and must be equal.
2. Everything known on the day or later is poisoned (:mod:`features.poison`): the tables must stay
   the same to the byte.
3. Features logged when a list was made must be those computed now (train/serve skew).
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, fields
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from data.lake import Lake
from features.asof import AsOf
from features.attributes import Values
from features.columns import Column
from features.declaration import Catalog, Feature, FeatureError, Measure
from features.join import join
from features.poison import poison
from features.slow import SlowPath
from features.state import update_state

EXACT: tuple[Measure, ...] = (
    "count",
    "sum",
    "decayed count",
    "days since first",
    "days since last",
    "active days",
    "attribute",
)
"""Measures compared bit by bit. The others are ratios of whole numbers, and differences of such:
two orders of division may differ in the last bit of float64, so one unit in the last place of
float32 is allowed."""


@dataclass(frozen=True)
class AuditReport:
    """What an audit looked at. It exists only where nothing was found.

    Attributes:
        day: the cut.
        rows: (user, item) rows recomputed.
        features: features of each.
        values: numbers compared.
        last_place: of these, those that differ by one unit in the last place.
        undefined: of these, NaN on both sides.
        poisoned_days: days from the cut on that were changed, deleted or added.
        digest: of the feature tables, the same before and after poisoning; "" where not asked for.
    """

    day: date
    rows: int
    features: int
    values: int
    last_place: int
    undefined: int
    poisoned_days: int
    digest: str


def audit(
    lake: Lake,
    catalog: Catalog,
    rows: np.ndarray,
    *,
    day: date,
    n_users: int,
    n_items: int,
    positive_min: float,
    timezone: str = "UTC",
    logged: np.ndarray | None = None,
    poisoned: bool = True,
    memory_gb: float = 2.0,
    threads: int = 2,
    seed: int = 0,
) -> AuditReport:
    """Prove the features of some rows, or raise.

    Args:
        lake: the lake with an up-to-date state.
        catalog: the features.
        rows: ``(m, 2)`` int32 of user and item codes.
        day: the day the rows were made for.
        n_users: number of user codes.
        n_items: number of item codes.
        positive_min: an event with at least this value is a positive.
        timezone: the zone in which a day begins.
        logged: ``(n_features, m)`` float32 as used when the rows were made; compared bit by bit.
        poisoned: also poison the day and all later ones.
        memory_gb: limit of the aggregations, GB.
        threads: threads of DuckDB.
        seed: of the poison.

    Raises:
        FeatureError: a difference; the message names feature, entity and day.
    """
    tables = AsOf.open(lake, catalog, day, n_users, n_items, memory_gb)
    found = features_of(tables, rows)
    if logged is not None:
        compare_logged(catalog, rows, found, logged, day)
    last_place = _compare_slow(
        catalog, rows, found, SlowPath(lake, catalog, day, positive_min, timezone)
    )
    changed, fingerprint = 0, ""
    if poisoned:
        with tempfile.TemporaryDirectory(prefix="zavtra-audit-") as folder:
            copy = poison(lake, day, Path(folder) / "lake", n_users, n_items, seed)
            later = {d for d in (*lake.days(), *copy.days()) if d >= day}
            changed = len(later)
            update_state(
                copy,
                as_of=max(later) + timedelta(days=1),
                positive_min=positive_min,
                catalog=catalog,
                memory_gb=memory_gb,
                threads=threads,
                timezone=timezone,
            )
            other = AsOf.open(copy, catalog, day, n_users, n_items, memory_gb)
            fingerprint = _compare_poisoned(tables, other, rows, found)
    return AuditReport(
        day=day,
        rows=len(rows),
        features=len(catalog),
        values=found.size,
        last_place=last_place,
        undefined=int(np.isnan(found).sum()),
        poisoned_days=changed,
        digest=fingerprint,
    )


def features_of(tables: AsOf, rows: np.ndarray) -> np.ndarray:
    """Join single rows ``(m, 2)`` of user and item; ``(n_features, m)`` float32."""
    out = np.empty((len(tables.catalog), len(rows)), np.float32)
    indptr = np.arange(len(rows) + 1, dtype=np.int64)
    join(tables, np.ascontiguousarray(rows[:, 0]), indptr, np.ascontiguousarray(rows[:, 1]), out)
    return out


def _compare_slow(catalog: Catalog, rows: np.ndarray, found: np.ndarray, slow: SlowPath) -> int:
    last_place = 0
    for feature, values in zip(catalog, found, strict=True):
        for (user, item), value in zip(rows.tolist(), values, strict=True):
            expected = np.float32(slow.value(feature, user, item))
            if value == expected or (np.isnan(value) and np.isnan(expected)):
                continue
            near = np.nextafter(expected, value) == value
            if not near or feature.measure in EXACT:
                raise FeatureError(
                    f"{_row(feature, user, item)} on {slow.day}: the engine gives {value!r}, the "
                    f"raw log before that day {expected!r}. Nothing was published; remove the "
                    "folder 'features' of the lake and run again, and report it if it stays"
                )
            last_place += 1
    return last_place


def compare_logged(
    catalog: Catalog, rows: np.ndarray, found: np.ndarray, logged: np.ndarray, day: date
) -> None:
    """Compare features as used when a list was made with those computed now, bit by bit.

    Args:
        catalog: the features.
        rows: ``(m, 2)`` user and item codes.
        found: ``(n_features, m)`` float32, computed now.
        logged: the same, as used.
        day: the day the list was made for.

    Raises:
        FeatureError: a difference; the message names feature, entity and day.
    """
    if logged.shape != found.shape:
        raise FeatureError(f"logged features are {logged.shape}; expected {found.shape}")
    differs = np.ascontiguousarray(logged, np.float32).view(np.int32) != found.view(np.int32)
    differs &= ~(np.isnan(logged) & np.isnan(found))
    if differs.any():
        number, row = np.argwhere(differs)[0]
        feature = catalog.features[number]
        raise FeatureError(
            f"{_row(feature, *rows[row].tolist())} on {day}: {logged[number, row]!r} was used when "
            f"the list was made, {found[number, row]!r} is computed now (train/serve skew). "
            "Nothing was published; remove the folder 'features' of the lake and run again: it is "
            f"built anew from the log. If it stays, the lists of {day} rest on numbers that were "
            "wrong: report it, and remove 'logged.npz' beside them to go on without comparing"
        )


def _compare_poisoned(clean: AsOf, poisoned: AsOf, rows: np.ndarray, found: np.ndarray) -> str:
    sums = []
    after = features_of(poisoned, rows)
    for number, feature in enumerate(clean.catalog):
        one, other = (column_digest(t.columns[number]) for t in (clean, poisoned))
        sums.append(one)
        differs = found[number].view(np.int32) != after[number].view(np.int32)
        if one != other or differs.any():
            where = f"feature {feature.name!r} (no sampled row)"
            if differs.any():
                where = _row(feature, *rows[int(differs.argmax())].tolist())
            raise FeatureError(
                f"{where} on {clean.day} changes when the log from {clean.day} on is changed: it "
                "knows what it must not. Nothing was published; leave it out of the catalog "
                "and report it"
            )
    return hashlib.sha256("".join(sums).encode()).hexdigest()


def column_digest(column: Column) -> str:
    """SHA-256 of all numbers of a column."""
    digest = hashlib.sha256()

    def take(value: object) -> None:
        if isinstance(value, np.ndarray):
            digest.update(np.ascontiguousarray(value).data)
        elif isinstance(value, Values):
            for field in fields(value):
                take(getattr(value, field.name))
        else:
            digest.update(repr(value).encode())

    for field in fields(column):
        take(getattr(column, field.name))
    return digest.hexdigest()


def _row(feature: Feature, user: int, item: int) -> str:
    of = {"user": f"user {user}", "item": f"item {item}"}
    return f"feature {feature.name!r} of {of.get(feature.entity, f'user {user} and item {item}')}"
