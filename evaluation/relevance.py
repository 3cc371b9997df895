"""What the metrics are computed from: lists of item codes and the items that were relevant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

PADDING = -1
"""Fills a list behind its last item."""


class EvaluationError(ValueError):
    """Lists or relevant items that cannot be judged; the message says which row and why."""


@dataclass(frozen=True)
class UserItems:
    """A set of items for every user: those relevant to them, or those of their history.

    Attributes:
        indptr: ``(n_users + 1,)`` int64; user row ``r`` owns ``items[indptr[r]:indptr[r + 1]]``.
        items: ``(n,)`` int32 codes, ascending and without duplicates within a user.
    """

    indptr: np.ndarray
    items: np.ndarray

    def __post_init__(self) -> None:
        """Refuse what would give silently wrong metrics.

        Raises:
            EvaluationError: pointers and items do not fit, or a user's items are not ascending.
        """
        lengths = np.diff(self.indptr)
        if self.indptr[0] != 0 or self.indptr[-1] != len(self.items) or (lengths < 0).any():
            raise EvaluationError(
                f"indptr does not cut {len(self.items)} items into users: it must start at 0, "
                f"ascend and end at {len(self.items)} (found {self.indptr[-1]})"
            )
        ascending = np.diff(self.items.astype(np.int64)) > 0
        starts = self.indptr[1:-1]
        ascending[starts[(starts > 0) & (starts < len(self.items))] - 1] = True
        if not ascending.all():
            at = int(np.argmin(ascending)) + 1
            row = int(np.searchsorted(self.indptr, at, side="right")) - 1
            raise EvaluationError(
                f"items of user row {row} are not ascending and unique (item {self.items[at]} "
                f"follows {self.items[at - 1]}); use UserItems.from_pairs"
            )

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def counts(self) -> np.ndarray:
        """Items per user, ``(n_users,)`` int64."""
        return np.diff(self.indptr)

    @classmethod
    def from_pairs(cls, rows: np.ndarray, items: np.ndarray, n_users: int) -> Self:
        """Collect (user row, item) pairs; order is free, duplicates count once.

        Args:
            rows: ``(n,)`` user rows in ``0..n_users - 1``.
            items: ``(n,)`` item codes.
            n_users: number of user rows; those without a pair have no item.

        Raises:
            EvaluationError: a row is outside ``0..n_users - 1`` or an item is negative.

        >>> UserItems.from_pairs(np.array([1, 0, 1]), np.array([7, 3, 5]), n_users=3).items.tolist()
        [3, 5, 7]
        """
        rows, items = np.asarray(rows, np.int64), np.asarray(items, np.int64)
        if len(rows) and (rows.min() < 0 or rows.max() >= n_users or items.min() < 0):
            raise EvaluationError(
                f"pairs must have rows in 0..{n_users - 1} and items >= 0; found rows "
                f"{rows.min()}..{rows.max()} and items from {items.min()}"
            )
        width = int(items.max()) + 1 if len(items) else 1
        keys = np.unique(rows * width + items)
        indptr = np.zeros(n_users + 1, np.int64)
        np.cumsum(np.bincount(keys // width, minlength=n_users), out=indptr[1:])
        return cls(indptr, (keys % width).astype(np.int32))

    def take(self, rows: np.ndarray) -> Self:
        """Give some users, in the order asked for.

        Args:
            rows: ``(m,)`` user rows, or ``(n_users,)`` bool.

        >>> met = UserItems(np.array([0, 2, 3]), np.array([4, 6, 5], np.int32))
        >>> met.take(np.array([1, 0])).items.tolist()
        [5, 4, 6]
        """
        counts = self.counts[rows]
        indptr = np.zeros(len(counts) + 1, np.int64)
        np.cumsum(counts, out=indptr[1:])
        at = np.arange(indptr[-1]) + np.repeat(self.indptr[:-1][rows] - indptr[:-1], counts)
        return type(self)(indptr, self.items[at])


Relevant = UserItems
"""What a list is judged by: the items relevant to every user."""


def as_lists(lists: np.ndarray) -> np.ndarray:
    """Check recommendation lists and return them as C-contiguous int32 ``(n_users, k)``.

    Raises:
        EvaluationError: not a table of integers, or an item behind the padding of its list.
    """
    array = np.asarray(lists)
    if array.ndim != 2 or array.dtype.kind not in "iu":
        raise EvaluationError(
            f"lists must be integers of shape (n_users, k), best first, padded with {PADDING}; "
            f"found {array.dtype} of shape {array.shape}"
        )
    array = np.ascontiguousarray(array, np.int32)
    gaps = ((array[:, :-1] < 0) & (array[:, 1:] >= 0)).any(axis=1)
    if gaps.any():
        raise EvaluationError(
            f"list of user row {int(np.argmax(gaps))} has an item behind its padding "
            f"({PADDING}); padding belongs at the end"
        )
    return array
