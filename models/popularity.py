"""Popularity: share of recent events, with a window, a decay, by weekday or by user segment."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.base import Generator, ModelError, require_above_zero
from models.interactions import EPOCH_DAY_US, Histories, Interactions

MAX_COUNTS = 1 << 27
"""Groups of users times items at most (1 GiB of counts)."""


class Popularity(Generator):
    """Score an item by its share of the positives of the last days.

    Counts are taken anew for every day recommended for (:meth:`refresh`), so a list made ten days
    after the fit knows of yesterday's hit.

    Args:
        window_days: how far back events count, days (fractions allowed: 0.25 is six hours);
            none: all time.
        half_life_days: age at which an event counts half, days; none: all count alike.
        weekday: count only events of the weekday recommended for.
        segment_by: categorical user attributes; users are grouped by their values together and
            each group has its own counts, smoothed by everybody's.
        smoothing: events of everybody that a group's own counts are blended with; 0: none.
    """

    kind: ClassVar[str] = "popularity"
    learned: ClassVar[tuple[str, ...]] = ("share",)

    def __init__(
        self,
        window_days: float | None = None,
        half_life_days: float | None = None,
        weekday: bool = False,
        segment_by: list[str] | None = None,
        smoothing: float = 100.0,
    ) -> None:
        require_above_zero("popularity", window_days=window_days, half_life_days=half_life_days)
        if not smoothing >= 0:
            raise ModelError(f"popularity: smoothing is {smoothing}; it must be at least 0")
        self.window_days = window_days
        self.half_life_days = half_life_days
        self.weekday = weekday
        self.segment_by = segment_by or []
        self.smoothing = smoothing
        self.share: np.ndarray | None = None  # (n_segments, n_items) float32
        self._segment: np.ndarray | None = None  # (n_users,) row of `share`

    def attach(self, users: pa.Table, items: pa.Table) -> None:
        """Group the users by ``segment_by``.

        Raises:
            ModelError: an attribute is not in the users table, or has several values a user.
        """
        del items
        if not self.segment_by:
            return
        unknown = [name for name in self.segment_by if name not in users.column_names]
        if unknown:
            raise ModelError(
                f"popularity: segment_by {unknown[0]!r} is no attribute of the users; "
                f"there are {users.column_names[1:]}"
            )
        for name in self.segment_by:
            if pa.types.is_nested(users[name].type):
                raise ModelError(
                    f"popularity: segment_by {name!r} is a {users[name].type}; it must be a "
                    "categorical attribute, one value a user"
                )
        values = [pc.fill_null(users[name].cast(pa.string()), "") for name in self.segment_by]
        keys = pc.binary_join_element_wise(*values, "\x1f").combine_chunks().dictionary_encode()
        codes = users.column(0).to_numpy()
        self._segment = np.zeros(int(codes.max(initial=0)) + 1, np.int32)  # 0: everybody
        self._segment[codes] = np.asarray(keys.indices, np.int32) + 1

    def fit(self, train: Interactions) -> Self:
        """Count; the day recommended for is the one after the last event."""
        self.n_items = train.n_items
        last = int(train.ts.max(initial=0))
        self.refresh(train, (last // EPOCH_DAY_US + 1) * EPOCH_DAY_US)
        return self

    def refresh(self, log: Interactions, until: int) -> None:
        """Count the events of the window that ends at ``until``.

        Raises:
            ModelError: so many groups of users that their counts would not fit into memory.
        """
        if self.window_days is not None:
            log = log.since(until - int(self.window_days * EPOCH_DAY_US))
        if self.weekday:
            # Days are counted back from `until`, a midnight where the users live, not UTC's.
            log = log.where((log.ts - until) // EPOCH_DAY_US % 7 == 0)
        weight = np.ones(len(log))
        if self.half_life_days is not None:
            age = (until - log.ts) / EPOCH_DAY_US
            weight = np.exp2(-age / self.half_life_days)
        self.n_items = log.n_items
        total = np.bincount(log.item, weight, self.n_items)
        share = total / max(total.sum(), 1e-12)
        if self._segment is None:
            self.share = share.astype(np.float32)[None, :]
            return
        n_segments = int(self._segment.max(initial=0)) + 1
        if n_segments * self.n_items > MAX_COUNTS:
            raise ModelError(
                f"popularity: segment_by {self.segment_by} makes {n_segments - 1} groups of users; "
                f"{self.n_items} items allow {MAX_COUNTS // self.n_items}: take attributes with "
                "fewer values"
            )
        segment = self._segments_of(log.user)
        flat = np.bincount(segment * self.n_items + log.item, weight, n_segments * self.n_items)
        own = flat.reshape(n_segments, self.n_items)
        own[0] = total
        size = own.sum(axis=1, keepdims=True)
        blended = (own + self.smoothing * share) / np.maximum(size + self.smoothing, 1e-12)
        self.share = blended.astype(np.float32)

    def score(self, histories: Histories, out: np.ndarray | None = None) -> np.ndarray:
        """Give every user the shares of their segment (a view where there is only one)."""
        assert self.share is not None, "fit or refresh first"
        if self._segment is None:
            return np.broadcast_to(self.share[0], (len(histories), self.n_items))
        segments = self._segments_of(histories.user)
        return np.take(self.share, segments, axis=0, out=self.block(histories, out), mode="clip")

    def _segments_of(self, users: np.ndarray) -> np.ndarray:
        assert self._segment is not None
        known = users < len(self._segment)
        return np.where(known, self._segment[np.where(known, users, 0)], 0)
