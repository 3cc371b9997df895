"""Data of KION's shape and size, made by code: for speed and memory, not for quality.

Shape of https://github.com/irsafilo/KION_DATASET: 962,179 users, 15,706 items, 163 days from
2021-03-13 to 2021-08-22, histories of 5.7 events on average with a heavy tail, every pair of user
and item at most once, half of the events of a day on about 250 items. Columns are KION's own.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.kion_shape_tables import ItemTable, make_items, make_users

USERS = 962_179
ITEMS = 15_706
INTERACTIONS = 5_000_000
START = date(2021, 3, 13)
DAYS = 163

_WEEK = 7
_OVERSAMPLE = 1.12
"""Pairs drawn for each that is wanted; the rest falls to duplicates or is thrown away."""
_LONGEST = 1_300
_NEW_HALF_LIFE_WEEKS = 2.5


def write_kion_shape(
    folder: Path,
    users: int = USERS,
    items: int = ITEMS,
    interactions: int | None = None,
    days: int = DAYS,
    seed: int = 0,
) -> None:
    """Write ``interactions.parquet``, ``users.parquet`` and ``items.parquet``.

    Args:
        folder: created if needed; files of the same names are replaced.
        users: users in the log, every one with at least one event.
        items: rows of the items table.
        interactions: events, exactly; None: in proportion to the users (5,000,000 for all).
        days: length of the log, the last day is 2021-08-22 for 163.
        seed: same seed, same bytes.

    Raises:
        ValueError: fewer interactions than users, or more than the pairs leave room for.
    """
    if interactions is None:
        interactions = round(INTERACTIONS * users / USERS)
    if not users <= interactions <= 0.1 * users * items:
        raise ValueError(
            f"{interactions} interactions for {users} users and {items} items: expected at least "
            f"one a user and at most a tenth of all pairs ({int(0.1 * users * items)})"
        )
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    catalogue = make_items(rng, items, days)
    user_table, taste = make_users(rng, users)
    pq.write_table(catalogue.table, folder / "items.parquet")
    pq.write_table(user_table, folder / "users.parquet")
    pq.write_table(
        _interactions(
            rng,
            user_table["user_id"].to_numpy(),
            taste,
            catalogue,
            interactions=interactions,
            days=days,
        ),
        folder / "interactions.parquet",
    )


def kion_shape_settings(folder: Path) -> dict[str, Any]:
    """Give the configuration of what :func:`write_kion_shape` wrote, for ``Settings``."""
    return {
        "name": "kion-shape",
        "source": {
            "kind": "tabular",
            "interactions": {
                "path": str(folder / "interactions.parquet"),
                "ts": "last_watch_dt",
                "value": "watched_pct",
                "value_scale": 100,
                "duration_s": "total_dur",
            },
            "users": {
                "path": str(folder / "users.parquet"),
                "id": "user_id",
                "categorical": ["age", "income", "sex", "kids_flg"],
            },
            "items": {
                "path": str(folder / "items.parquet"),
                "id": "item_id",
                "title": "title",
                "categorical": ["content_type", "age_rating"],
                "numeric": ["release_year"],
                "multi": ["genres", "countries", "directors", "actors"],
            },
        },
    }


def last_day(days: int = DAYS) -> date:
    """Give the last day of the log; the day recommended for is the next one."""
    return START + timedelta(days=days - 1)


def _interactions(
    rng: np.random.Generator,
    user_ids: np.ndarray,
    taste: np.ndarray,
    catalogue: ItemTable,
    *,
    interactions: int,
    days: int,
) -> pa.Table:
    # A third was there before the log begins, the others come evenly.
    came = np.where(rng.random(len(user_ids)) < 0.3, 0, rng.integers(0, days, len(user_ids)))
    lengths = _history_lengths(rng, days - came, round(_OVERSAMPLE * interactions))
    user = np.repeat(np.arange(len(user_ids), dtype=np.int32), lengths)
    # Most active after they came.
    since = rng.beta(0.8, 1.2, len(user)) * (days - came)[user]
    day = np.minimum(came[user] + since.astype(np.int64), days - 1)
    item = _draw_items(rng, taste[user], day // _WEEK, catalogue)
    keep = _distinct(rng, user, item, len(catalogue.item_id), interactions)
    keep = keep[np.argsort(day[keep], kind="stable")]
    user, item, day = user[keep], item[keep], day[keep]
    # KION: a third is seen to the end, the others anywhere, mostly near the beginning.
    watched = np.where(
        rng.random(interactions) < 0.33, 100, 100 * rng.beta(0.6, 0.8, interactions)
    ).astype(np.int64)
    seconds = np.maximum(watched * catalogue.length_s[item] // 100, 1)
    first = (START - date(1970, 1, 1)).days
    return pa.table(
        {
            "user_id": user_ids[user],
            "item_id": catalogue.item_id[item],
            "last_watch_dt": pa.array((day + first).astype(np.int32)).cast(pa.date32()),
            "total_dur": seconds,
            "watched_pct": watched,
        }
    )


def _history_lengths(rng: np.random.Generator, present: np.ndarray, total: int) -> np.ndarray:
    """One event for everyone, the rest by a log-normal and the days present: some get hundreds."""
    weight = np.minimum(rng.lognormal(0, 1.8, len(present)), _LONGEST) * (present + 10)
    extra = weight * ((total - len(present)) / weight.sum())
    whole = extra.astype(np.int64)
    return 1 + whole + (rng.random(len(present)) < extra - whole)


def _draw_items(
    rng: np.random.Generator, taste: np.ndarray, week: np.ndarray, catalogue: ItemTable
) -> np.ndarray:
    """Draw an item for every event from the distribution of its week and group of taste."""
    groups = catalogue.liking.shape[0]
    # Some evenings somebody else holds the remote control.
    taste = np.where(rng.random(len(taste)) < 0.15, rng.integers(0, groups, len(taste)), taste)
    cell = week * groups + taste
    order = np.argsort(cell.astype(np.int32), kind="stable")
    bounds = np.searchsorted(cell[order], np.arange(groups * (int(week.max()) + 1) + 1))
    item = np.empty(len(taste), np.int32)
    chance = rng.random(len(taste))
    for now in range(int(week.max()) + 1):
        age = now - catalogue.released_week
        fresh = np.where(age < 0, 0.0, 1 + 12 * 0.5 ** (np.maximum(age, 0) / _NEW_HALF_LIFE_WEEKS))
        cumulative = np.cumsum(catalogue.liking * (catalogue.popularity * fresh), axis=1)
        for group in range(groups):
            at = now * groups + group
            rows = order[bounds[at] : bounds[at + 1]]
            wanted = chance[rows] * cumulative[group, -1]
            item[rows] = np.searchsorted(cumulative[group], wanted, side="right")
    return item


def _distinct(
    rng: np.random.Generator, user: np.ndarray, item: np.ndarray, items: int, wanted: int
) -> np.ndarray:
    """Rows without repeated pairs, thinned at random to ``wanted``; every user keeps a row."""
    _, rows = np.unique(user * np.int64(items) + item, return_index=True)
    if len(rows) < wanted:
        raise ValueError(
            f"only {len(rows)} different pairs came out of {len(user)}, {wanted} are wanted: "
            "ask for fewer interactions or more items"
        )
    first = np.r_[True, user[rows][1:] != user[rows][:-1]]
    spare = rng.permutation(rows[~first])[: wanted - int(first.sum())]
    return np.sort(np.concatenate([rows[first], spare]))
