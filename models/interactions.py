"""Interactions as flat arrays, and users' histories as slices of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy.sparse as sp

EPOCH_DAY_US = 86_400_000_000
"""Microseconds of a day."""


@dataclass(frozen=True)
class Interactions:
    """Events before a cut, oldest first (ties in the order of the source).

    Attributes:
        user: ``(n,)`` int32 codes.
        item: ``(n,)`` int32 codes.
        ts: ``(n,)`` int64, microseconds since 1970 (UTC).
        value: ``(n,)`` float32 in 0..1.
        n_users: number of user codes (one past the largest possible).
        n_items: number of item codes.
    """

    user: np.ndarray
    item: np.ndarray
    ts: np.ndarray
    value: np.ndarray
    n_users: int
    n_items: int

    def __len__(self) -> int:
        return len(self.user)

    def where(self, mask: np.ndarray) -> Self:
        """Return the events of a boolean mask ``(n,)``, in the same order."""
        return type(self)(
            self.user[mask],
            self.item[mask],
            self.ts[mask],
            self.value[mask],
            self.n_users,
            self.n_items,
        )

    def positive(self, minimum: float) -> Self:
        """Return the events whose value is at least ``minimum``."""
        return self.where(self.value >= np.float32(minimum))

    def since(self, ts: int) -> Self:
        """Return the events at or after ``ts`` (microseconds since 1970)."""
        return self.where(self.ts >= ts)

    def matrix(self) -> sp.csr_matrix:
        """Return users x items, float32, 1 where there is at least one event."""
        ones = np.ones(len(self), np.float32)
        matrix = sp.csr_matrix((ones, (self.user, self.item)), shape=(self.n_users, self.n_items))
        matrix.data[:] = 1.0  # duplicates were summed
        return matrix

    def histories(self) -> Histories:
        """Return every user's items, oldest first; row ``u`` is user code ``u``."""
        order = np.argsort(self.user, kind="stable")
        counts = np.bincount(self.user, minlength=self.n_users)
        indptr = np.zeros(self.n_users + 1, np.int64)
        np.cumsum(counts, out=indptr[1:])
        users = np.arange(self.n_users, dtype=np.int32)
        return Histories(users, indptr, self.item[order], self.ts[order], self.n_items)


@dataclass(frozen=True)
class Histories:
    """Items of a batch of users before the day recommended for, oldest first.

    Attributes:
        user: ``(n_users,)`` int32, the users' codes.
        indptr: ``(n_users + 1,)`` int64; user row ``r`` owns ``indptr[r]:indptr[r + 1]``.
        item: ``(n,)`` int32 codes, oldest first within a user.
        ts: ``(n,)`` int64 microseconds since 1970.
        n_items: number of item codes; codes at or past it do not occur.
    """

    user: np.ndarray
    indptr: np.ndarray
    item: np.ndarray
    ts: np.ndarray
    n_items: int

    def __len__(self) -> int:
        return len(self.user)

    @property
    def lengths(self) -> np.ndarray:
        """Events per user, ``(n_users,)`` int64."""
        return np.diff(self.indptr)

    def take(self, rows: np.ndarray) -> Self:
        """Return the histories of some rows, in that order."""
        return self._gather(self.user[rows], self.indptr[rows], self.indptr[rows + 1])

    def last(self, count: int) -> Self:
        """Return the newest ``count`` events of every user."""
        ends = self.indptr[1:]
        return self._gather(self.user, np.maximum(self.indptr[:-1], ends - count), ends)

    def _gather(self, user: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> Self:
        lengths = ends - starts
        indptr = np.zeros(len(lengths) + 1, np.int64)
        np.cumsum(lengths, out=indptr[1:])
        index = np.repeat(starts - indptr[:-1], lengths) + np.arange(indptr[-1])
        return type(self)(user, indptr, self.item[index], self.ts[index], self.n_items)

    def matrix(self, n_items: int | None = None) -> sp.csr_matrix:
        """Return rows x items, float32, 1 where the user met the item; no duplicates.

        Args:
            n_items: number of columns; items past it are left out (a model fitted on a
                smaller catalogue does not know them).
        """
        width = self.n_items if n_items is None else n_items
        known = self.item < width
        row = np.repeat(np.arange(len(self)), self.lengths)[known]
        item = self.item[known]
        ones = np.ones(len(item), np.float32)
        matrix = sp.csr_matrix((ones, (row, item)), shape=(len(self), width))
        matrix.data[:] = 1.0
        return matrix
