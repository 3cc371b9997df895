"""Reading the state as of a day: totals of all days, and the single days of the windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeVar

import numpy as np
import pyarrow.dataset as ds

from data.lake import Lake
from features import cut
from features.cut import epoch_day
from features.declaration import FeatureError
from features.due import BLOCKS, DAYS, PART, state_blocks, state_days
from features.state import BLOCK_SCHEMA, DAY_SCHEMA

T = TypeVar("T")


@dataclass
class Events:
    """Sums by (user, item) of some days; a pair may stand in several rows.

    Attributes:
        user: ``(n,)`` int32 codes.
        item: ``(n,)`` int32 codes.
        first: ``(n,)`` int32 epoch day of the first event.
        last: ``(n,)`` int32 epoch day of the last event.
        n: ``(n,)`` int32 events.
        positive: ``(n,)`` int32 events with at least the least positive value.
        value: ``(n,)`` int64 sum of values in fixed point.
    """

    user: np.ndarray
    item: np.ndarray
    first: np.ndarray
    last: np.ndarray
    n: np.ndarray
    positive: np.ndarray
    value: np.ndarray

    def __len__(self) -> int:
        return len(self.user)

    def column(self, name: str) -> np.ndarray:
        """One of the arrays, by name."""
        return np.asarray(getattr(self, name))

    def where(self, mask: np.ndarray) -> Events:
        """The rows of a boolean mask."""
        return Events(*(getattr(self, name)[mask] for name in BLOCK_SCHEMA.names))


@dataclass
class History:
    """All that is known before ``day``.

    Attributes:
        day: epoch day of the cut.
        n_users: number of user codes.
        n_items: number of item codes.
        total: all days.
        recent: the last days singly (``first == last`` is the day of the event).
    """

    day: int
    n_users: int
    n_items: int
    total: Events
    recent: Events
    _kept: dict[tuple[object, ...], object] = field(default_factory=dict)

    def events(self, window: int | None) -> Events:
        """Events of the last ``window`` days before the cut; None: of all days."""
        if window is None:
            return self.total
        return self.keep(
            ("events", window), lambda: self.recent.where(self.recent.first >= self.day - window)
        )

    def sums(self, side: str, column: str, window: int | None) -> np.ndarray:
        """Exact sums of a column by "user" or "item" code, ``(n_codes,)`` int64."""
        return self.keep(("sums", side, column, window), lambda: self._sums(side, column, window))

    def keep(self, key: tuple[object, ...], make: Callable[[], T]) -> T:
        """Compute once, remember for the other features of the same day."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]  # type: ignore[return-value]

    def size(self, side: str) -> int:
        """Number of codes of "user" or "item"."""
        return self.n_users if side == "user" else self.n_items

    def _sums(self, side: str, column: str, window: int | None) -> np.ndarray:
        events = self.events(window)
        # float64 holds every whole number up to 2**53, so these sums are exact in any order
        sums = np.bincount(events.column(side), events.column(column), self.size(side))
        return sums.astype(np.int64)


def read_history(lake: Lake, day: date, days_read: int, n_users: int, n_items: int) -> History:
    """Read the state before ``day``.

    Args:
        lake: the lake with an up-to-date state.
        day: the cut: what became known on it or later is not read.
        days_read: how many single days the windows need.
        n_users: number of user codes; events of codes past it are an error.
        n_items: number of item codes.

    Raises:
        FeatureError: days of the log have no state, or codes lie outside the tables.
    """
    known = [d for d in state_days(lake) if cut.before(d, day)]
    logged = [d for d in lake.days() if cut.before(d, day)]
    if known != logged:
        odd = sorted(set(known) ^ set(logged))
        raise FeatureError(
            f"the feature state of {lake.url} does not match the log before {day}: days "
            f"{[str(d) for d in odd[:3]]} differ; run update_state(as_of={day}) first"
        )
    ends = [end for end in state_blocks(lake) if end <= day]
    since = ends[-1] if ends else date.min
    rest = [d for d in known if d >= since]
    blocks = _read(lake, [lake.path(*BLOCKS, f"before={e}", PART) for e in ends], False)
    tail = _read(lake, [lake.path(*DAYS, f"day={d}", PART) for d in rest], True)
    total = Events(
        *(np.concatenate([blocks.column(n), tail.column(n)]) for n in BLOCK_SCHEMA.names)
    )
    start = day - timedelta(days=days_read)
    window = [d for d in known if d >= start]
    recent = _read(lake, [lake.path(*DAYS, f"day={d}", PART) for d in window], True)
    for side, size in (("user", n_users), ("item", n_items)):
        codes = total.column(side)
        if len(codes) and (codes.max() >= size or codes.min() < 0):
            raise FeatureError(
                f"the log before {day} has {side} code {codes.max()}, but only {size} {side} "
                "codes were given; pass the number of codes of the id table"
            )
    return History(epoch_day(day), n_users, n_items, total, recent)


def _read(lake: Lake, files: list[str], single_days: bool) -> Events:
    schema = DAY_SCHEMA if single_days else BLOCK_SCHEMA
    if not files:
        table = schema.empty_table()
    else:
        try:
            table = ds.dataset(
                files, schema=schema, filesystem=lake.fs, format="parquet"
            ).to_table()
        except (OSError, ValueError) as error:
            raise FeatureError(
                f"the feature state of {lake.url} is not readable ({error}); remove its "
                "folder 'features' and run again: it is rebuilt from the log"
            ) from error
    names = {"first": "event", "last": "event"} if single_days else {}
    return Events(*(table[names.get(n, n)].to_numpy() for n in BLOCK_SCHEMA.names))
