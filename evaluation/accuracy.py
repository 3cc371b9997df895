"""Accuracy of top-k lists: every metric at every k for every user in one pass.

Two conventions live side by side under names of their own. With ``R`` relevant items and binary
relevance, for one user:

=============  ==================================================================================
``Recall@k``   hits / R
``Precision``  hits / k
``HitRate@k``  1 with at least one hit, else 0
``MRR@k``      1 / place of the first hit, 0 without one
``MAP@k``      sum of precision@i over the places i of hits, / R
``MAP_min@k``  the same, / min(k, R)
``NDCG@k``     sum of 1/log2(i + 1) over the places i of hits, / that sum over all places 1..k
``NDCG_min@k`` the same, / that sum over the places 1..min(k, R)
=============  ==================================================================================

A list shorter than k counts as padded with misses. Users without relevant items cannot be judged:
they are left out of every value and counted in :attr:`UserMetrics.excluded`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from evaluation.relevance import EvaluationError, Relevant, as_lists

METRICS = (
    "MAP",
    "NDCG",
    "Recall",
    "Precision",
    "HitRate",
    "MRR",
    "MAP_min",
    "NDCG_min",
)
"""Names without their k, in the order of tables."""


@dataclass(frozen=True)
class UserMetrics:
    """Metrics of every judged user.

    Attributes:
        values: name such as ``"MAP@10"`` → ``(m,)`` float64, each in 0..1.
        rows: ``(m,)`` int64, the user rows judged, ascending.
        n_users: all user rows, judged or not.
    """

    values: dict[str, np.ndarray]
    rows: np.ndarray
    n_users: int

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def excluded(self) -> int:
        """Users left out because nothing was relevant to them."""
        return self.n_users - len(self.rows)

    def count(self, mask: np.ndarray | None = None) -> int:
        """Count the judged users of a segment.

        Args:
            mask: ``(n_users,)`` bool over all user rows; None: everyone.
        """
        return len(self.rows) if mask is None else int(np.count_nonzero(mask[self.rows]))

    def mean(self, mask: np.ndarray | None = None) -> dict[str, float]:
        """Average over the judged users of a segment; 0 for all names where it has none.

        Args:
            mask: ``(n_users,)`` bool over all user rows; None: everyone.
        """
        chosen = slice(None) if mask is None else np.asarray(mask, np.bool_)[self.rows]
        if not self.count(mask):
            return dict.fromkeys(self.values, 0.0)
        return {name: float(array[chosen].mean()) for name, array in self.values.items()}

    def by_segment(self, labels: np.ndarray) -> dict[Hashable, dict[str, float]]:
        """Average within every segment, segments in ascending order.

        Args:
            labels: ``(n_users,)`` label of every user row.
        """
        return {label: self.mean(labels == label) for label in np.unique(labels).tolist()}


def accuracy(lists: np.ndarray, relevant: Relevant, ks: Sequence[int] = (1, 5, 10)) -> UserMetrics:
    """Judge lists by the relevant items; formulas stand at the top of this module.

    Args:
        lists: ``(n_users, width)`` int32 item codes, best first, padded with -1.
        relevant: relevant items of the same user rows.
        ks: lengths judged, each >= 1; one past ``width`` counts the missing places as misses.

    Raises:
        EvaluationError: shapes do not fit, a k below 1, or a list has a relevant item twice.

    A list [a, b, c] of which a and c are relevant, and one more item is, judged at 3: precision
    is 1/1 at the first hit and 2/3 at the second, so AP = (1 + 2/3) / 3:

    >>> lists = np.array([[0, 1, 2]])
    >>> relevant = Relevant(np.array([0, 3]), np.array([0, 2, 9], np.int32))
    >>> for name, value in accuracy(lists, relevant, ks=[3]).mean().items():
    ...     print(f"{name:11} {value:.4f}")
    MAP@3       0.5556
    NDCG@3      0.7039
    Recall@3    0.6667
    Precision@3 0.6667
    HitRate@3   1.0000
    MRR@3       1.0000
    MAP_min@3   0.5556
    NDCG_min@3  0.7039
    """
    lists = as_lists(lists)
    if len(lists) != len(relevant):
        raise EvaluationError(
            f"{len(lists)} lists but relevant items of {len(relevant)} users; give both for the "
            "same user rows"
        )
    depths = np.unique(np.asarray(ks, np.int64))
    if not len(depths) or depths[0] < 1:
        raise EvaluationError(f"ks must be numbers of places >= 1, found {list(ks)}")
    rows = np.flatnonzero(relevant.counts)
    out = np.zeros((len(depths), len(METRICS), len(rows)))
    double = _judge(lists, relevant.indptr, relevant.items, rows, depths, out)
    if double >= 0:
        raise EvaluationError(f"list of user row {double} holds a relevant item twice")
    values = {
        f"{name}@{k}": out[at, metric]
        for at, k in enumerate(depths.tolist())
        for metric, name in enumerate(METRICS)
    }
    return UserMetrics(values, rows, len(lists))


@njit(nogil=True, cache=True)
def _judge(lists, indptr, items, rows, depths, out):  # type: ignore[no-untyped-def]
    """Fill ``out (n_depths, n_metrics, len(rows))`` in the order of :data:`METRICS`.

    Returns:
        The first user row whose list has a relevant item twice, else -1.
    """
    deepest = depths[-1]
    discount = 1.0 / np.log2(np.arange(2.0, deepest + 2.0))
    ideal = np.zeros(deepest + 1)
    for place in range(deepest):
        ideal[place + 1] = ideal[place] + discount[place]
    met = np.full(np.max(indptr[1:] - indptr[:-1]) if len(rows) else 0, -1, np.int64)
    for at, row in enumerate(rows):
        start, end = indptr[row], indptr[row + 1]
        n_relevant = end - start
        hits, first, precision, gain = 0, 0, 0.0, 0.0
        step = 0
        for place in range(deepest):
            item = lists[row, place] if place < lists.shape[1] else -1
            if item >= 0:
                found = np.searchsorted(items[start:end], item)
                if found < n_relevant and items[start + found] == item:
                    if met[found] == at:
                        return row
                    met[found] = at
                    hits += 1
                    first = first or place + 1
                    precision += hits / (place + 1)
                    gain += discount[place]
            if place + 1 == depths[step]:
                k = place + 1
                reachable = min(k, n_relevant)
                out[step, 0, at] = precision / n_relevant
                out[step, 1, at] = gain / ideal[k]
                out[step, 2, at] = hits / n_relevant
                out[step, 3, at] = hits / k
                out[step, 4, at] = 1.0 if hits else 0.0
                out[step, 5, at] = 1.0 / first if first else 0.0
                out[step, 6, at] = precision / reachable
                out[step, 7, at] = gain / ideal[reachable]
                step += 1
    return -1
