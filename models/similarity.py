"""How similar a candidate is to single items of the user's history, in a source's own space.

A source's score is a sum over the history; the best and the latest match are lost in it. Here each
candidate is compared with the newest items one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numba import njit

from models.interactions import Histories

NEWEST, FEW = 20, 5
"""Items of the history compared with a candidate, and those of the shortest look-back."""
HALF_LIFE = 5.0
"""Items after which a similarity weighs half in the recency-weighted sum."""
MEASURES = (f"sim_max_last{FEW}", f"sim_max_last{NEWEST}", "sim_mean", "sim_recent")
"""Largest similarity to the newest few and to the newest items, their mean, their sum weighted by
recency."""


class Space(Protocol):
    """Similarities between items, as a fitted source knows them."""

    def compare(self, history: Histories, indptr: np.ndarray, item: np.ndarray, out: Any) -> None:
        """Fill ``out`` (``(4, n)`` float32, rows as in :data:`MEASURES`) for every user's items.

        Args:
            history: newest items of the users, at most :data:`NEWEST` each.
            indptr: ``(n_users + 1,)`` int64; user row ``r`` owns ``item[indptr[r]:indptr[r + 1]]``.
            item: ``(n,)`` int32 candidates.
            out: NaN where the history is empty or the source knows neither side.
        """


@dataclass(frozen=True)
class Weights:
    """A dense matrix over the items kept: EASE.

    Attributes:
        weights: ``(n_kept, n_kept)`` float32, row: item met, column: candidate.
        kept: ``(n_kept,)`` int32 codes.
        n_items: number of codes known to the source.
    """

    weights: np.ndarray
    kept: np.ndarray
    n_items: int

    def compare(self, history: Histories, indptr: np.ndarray, item: np.ndarray, out: Any) -> None:
        """See :class:`Space`."""
        place = np.full(max(history.n_items, self.n_items), -1, np.int32)
        place[self.kept] = np.arange(len(self.kept), dtype=np.int32)
        _dense(history.indptr, place[history.item], indptr, place[item], self.weights, out)


@dataclass(frozen=True)
class Neighbours:
    """A sparse matrix: item-KNN. What is no neighbour is 0.

    Attributes:
        data: float32 values of a CSR matrix.
        indices: int32 columns.
        indptr: ``(n_items + 1,)`` int64.
    """

    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray

    def compare(self, history: Histories, indptr: np.ndarray, item: np.ndarray, out: Any) -> None:
        """See :class:`Space`."""
        _sparse(
            history.indptr,
            history.item,
            indptr,
            item,
            self.data,
            self.indices,
            self.indptr,
            history.n_items,
            out,
        )


@dataclass(frozen=True)
class Vectors:
    """Cosine of vectors: ALS, neural models.

    Attributes:
        unit: ``(n_items, d)`` float32 of length 1, or 0 where the source knows nothing.
    """

    unit: np.ndarray

    @classmethod
    def of(cls, vectors: np.ndarray) -> Vectors:
        """Scale vectors to length 1."""
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        return cls((vectors / np.where(length > 0, length, 1)).astype(np.float32))

    def compare(self, history: Histories, indptr: np.ndarray, item: np.ndarray, out: Any) -> None:
        """See :class:`Space`."""
        _cosine(history.indptr, history.item, indptr, item, self.unit, out)


@njit(nogil=True, cache=True)
def _take(out, at, back, value, seen):  # type: ignore[no-untyped-def]
    """Add one similarity; ``back`` counts from the newest item, which is 0."""
    weight = np.float32(0.5 ** (back / HALF_LIFE))
    if seen == 0:
        out[0, at] = value if back < FEW else np.nan
        out[1, at] = out[2, at] = value
        out[3, at] = weight * value
        return
    if back < FEW and not out[0, at] >= value:
        out[0, at] = value
    out[1, at] = max(out[1, at], value)
    out[2, at] += value
    out[3, at] += weight * value


@njit(nogil=True, cache=True)
def _dense(starts, met, indptr, items, weights, out):  # type: ignore[no-untyped-def]
    out[:] = np.nan
    for row in range(len(starts) - 1):
        seen, end = 0, starts[row + 1]
        for back in range(end - starts[row]):
            place = met[end - 1 - back]
            if place < 0:
                continue
            for at in range(indptr[row], indptr[row + 1]):
                if items[at] >= 0:
                    _take(out, at, back, weights[place, items[at]], seen)
            seen += 1
        out[2, indptr[row] : indptr[row + 1]] /= max(seen, 1)


@njit(nogil=True, cache=True)
def _sparse(starts, met, indptr, items, data, columns, rows, width, out):  # type: ignore[no-untyped-def]
    out[:] = np.nan
    near = np.zeros(width, np.float32)
    for row in range(len(starts) - 1):
        seen, end = 0, starts[row + 1]
        for back in range(end - starts[row]):
            item = met[end - 1 - back]
            if item >= len(rows) - 1:
                continue
            for place in range(rows[item], rows[item + 1]):
                near[columns[place]] = data[place]
            for at in range(indptr[row], indptr[row + 1]):
                _take(out, at, back, near[items[at]], seen)
            for place in range(rows[item], rows[item + 1]):
                near[columns[place]] = 0.0
            seen += 1
        out[2, indptr[row] : indptr[row + 1]] /= max(seen, 1)


@njit(nogil=True, cache=True)
def _cosine(starts, met, indptr, items, unit, out):  # type: ignore[no-untyped-def]
    out[:] = np.nan
    for row in range(len(starts) - 1):
        seen, end = 0, starts[row + 1]
        for back in range(end - starts[row]):
            item = met[end - 1 - back]
            if item >= len(unit):
                continue
            for at in range(indptr[row], indptr[row + 1]):
                if items[at] < len(unit):
                    total = np.float32(0.0)
                    for factor in range(unit.shape[1]):
                        total += unit[item, factor] * unit[items[at], factor]
                    _take(out, at, back, total, seen)
            seen += 1
        out[2, indptr[row] : indptr[row + 1]] /= max(seen, 1)
