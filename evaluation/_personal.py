"""Lists against the user's own history: popularity, surprise, calibration.

The history is a set of items a user row (:class:`evaluation.relevance.UserItems`). Where a metric
says nothing of a user (no history, no attribute known), it is 0 and not ``known``; means are over
the users who are known, and 0 where nobody is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from numba import njit

from evaluation._catalogue import item_means, list_means
from evaluation._pairs import Values, csr_of, unit_rows
from evaluation.relevance import EvaluationError, UserItems, as_lists


class PerUser(NamedTuple):
    """A metric of every user row.

    Attributes:
        values: ``(n_users,)`` float64, finite; 0 where not known.
        known: ``(n_users,)`` bool.
    """

    values: np.ndarray
    known: np.ndarray

    @property
    def mean(self) -> float:
        """Mean over the users who are known; 0 where nobody is."""
        count = int(np.count_nonzero(self.known))
        return float(self.values.sum() / count) if count else 0.0


def popularity_lift(lists: np.ndarray, item_counts: np.ndarray, history: UserItems) -> float:
    """Give how much more popular the lists are than what their users choose themselves.

    The change of the group average popularity (GAP): ``mean popularity of lists / mean popularity
    of histories - 1``, both averaged within a user first. 0: as popular as the history, 1: twice as
    popular, -1: items nobody met. Abdollahpouri et al. 2019, "The unfairness of popularity bias in
    recommendation".

    Args:
        lists: ``(n_users, k)`` item codes, best first, padded with -1.
        item_counts: ``(n_items,)`` past interactions (or users) of every item.
        history: items of the same user rows.

    Returns:
        Over the users with a list and a history; 0 where there are none, or where no item of any
        history was ever counted.

    >>> history = UserItems(np.array([0, 1]), np.array([1], np.int32))
    >>> popularity_lift(np.array([[0, 2]]), np.array([5, 2, 1]), history)
    0.5
    """
    lists = _same_rows(lists, history)
    both = (lists >= 0).any(axis=1) & (history.counts > 0)
    if not both.any():
        return 0.0
    own = float(item_means(history, item_counts)[both].mean())
    return float(list_means(lists, item_counts)[both].mean()) / own - 1 if own > 0 else 0.0


def unexpectedness(lists: np.ndarray, history: UserItems, item_values: Values) -> PerUser:
    """Mean cosine distance between the items of a list and those of the user's history.

    ``1 - mean cos(i, h)`` over all pairs of a list's item i and a history's item h: 0 for more of
    the same, 1 for nothing in common, up to 2 for vectors that point away. Items without values
    are left out. Vargas & Castells 2011 (profile distance), "Rank and relevance in novelty and
    diversity metrics".

    Args:
        lists: ``(n_users, k)`` item codes, best first, padded with -1.
        history: items of the same user rows.
        item_values: ``(n_items, n_values)`` attributes or vectors, scipy sparse or dense.

    >>> history = UserItems(np.array([0, 1]), np.array([0], np.int32))
    >>> unexpectedness(np.array([[1, 2]]), history, np.array([[1, 0], [1, 0], [0, 1]])).mean
    0.5
    """
    lists = _same_rows(lists, history)
    matrix = unit_rows(_covering(lists, history, item_values))
    values, known = _distances(
        lists,
        history.indptr,
        history.items,
        matrix.indptr,
        matrix.indices,
        matrix.data,
        matrix.shape[1],
    )
    return PerUser(values, known)


def miscalibration(
    lists: np.ndarray, history: UserItems, item_values: Values, alpha: float = 0.01
) -> PerUser:
    """Kullback-Leibler divergence of a list's attribute values from those of the history, nats.

    With p the shares of values (genres) in the history and q in the list, every item spreading 1
    over its values: ``sum p log(p / ((1 - alpha) q + alpha p))``. 0: the list mixes genres as the
    user does; at most ``-log(alpha)`` (4.6), when it has none of them. Steck 2018, "Calibrated
    recommendations".

    Args:
        lists: ``(n_users, k)`` item codes, best first, padded with -1.
        history: items of the same user rows.
        item_values: ``(n_items, n_values)``, scipy sparse or dense; what is not 0 counts as 1.
        alpha: smoothing, 0 < alpha < 1.

    Half drama and half comedy, and a list of drama alone:

    >>> history = UserItems(np.array([0, 2]), np.array([0, 1], np.int32))
    >>> genres = np.array([[1, 0], [0, 1], [1, 0]])
    >>> round(miscalibration(np.array([[0, 2]]), history, genres).mean, 3)
    1.959
    """
    if not 0 < alpha < 1:
        raise EvaluationError(f"alpha must lie between 0 and 1, found {alpha}")
    lists = _same_rows(lists, history)
    matrix = _covering(lists, history, item_values)
    values, known = _divergences(
        lists, history.indptr, history.items, matrix.indptr, matrix.indices, matrix.shape[1], alpha
    )
    return PerUser(values, known)


def serendipity(lists: np.ndarray, relevant: UserItems, item_counts: np.ndarray) -> PerUser:
    """Hits that popularity would not have placed there, a place of the list.

    ``sum(rel_i max(p_i - a_i, 0)) / length`` with ``p_i = (n + 1 - place) / n`` for a list's place
    and ``a_i = (n + 1 - popularity rank) / n``, n items in the catalogue: a hit counts by how much
    higher the list has it than a list of popularity would; items of the same count share a rank
    (without gaps), items never met have ``a = 0``. RecTools' ``Serendipity``; the idea is Ge et al.
    2010, "Beyond accuracy".

    Args:
        lists: ``(n_users, k)`` item codes, best first, padded with -1.
        relevant: relevant items of the same user rows; users without any are not known.
        item_counts: ``(n_items,)`` past interactions (or users) of every item.

    >>> relevant = UserItems(np.array([0, 1]), np.array([1], np.int32))
    >>> serendipity(np.array([[1, 0]]), relevant, np.array([9, 3, 0, 0])).mean
    0.125
    """
    lists = _same_rows(lists, relevant)
    counts = np.asarray(item_counts)
    if lists.size and lists.max() >= len(counts):
        raise EvaluationError(
            f"a list holds item code {lists.max()}, but the items' counts end at {len(counts) - 1}"
        )
    n_items = max(len(counts), 1)
    rank = len(np.unique(counts)) - np.unique(counts, return_inverse=True)[1]
    by_popularity = np.where(counts > 0, (n_items + 1 - rank) / n_items, 0.0)
    values = _surprise(lists, relevant.indptr, relevant.items, by_popularity, n_items)
    return PerUser(values, relevant.counts > 0)


def _same_rows(lists: np.ndarray, owned: UserItems) -> np.ndarray:
    lists = as_lists(lists)
    if len(lists) != len(owned):
        raise EvaluationError(
            f"{len(lists)} lists but items of {len(owned)} users; give both for the same user rows"
        )
    return lists


def _covering(lists: np.ndarray, history: UserItems, item_values: Values) -> sp.csr_matrix:
    """Give the values as CSR with a row for every item of the lists and of the histories."""
    csr_of(history.items, item_values)
    return csr_of(lists, item_values)


@njit(nogil=True, cache=True)
def _distances(lists, starts, met, indptr, indices, data, n_values):  # type: ignore[no-untyped-def]
    """Compare lists with the sum of the history's unit rows: the mean of products is linear."""
    n = len(lists)
    out, known = np.zeros(n), np.zeros(n, np.bool_)
    profile = np.zeros(n_values)
    for row in range(n):
        size, compared, alike = 0, 0, 0.0
        for at in range(starts[row], starts[row + 1]):
            size += indptr[met[at] + 1] > indptr[met[at]]
            for x in range(indptr[met[at]], indptr[met[at] + 1]):
                profile[indices[x]] += data[x]
        if size:
            for item in lists[row]:
                if item >= 0 and indptr[item + 1] > indptr[item]:
                    compared += 1
                    for x in range(indptr[item], indptr[item + 1]):
                        alike += data[x] * profile[indices[x]]
        if compared:
            known[row] = True
            out[row] = max(1 - alike / (compared * size), 0.0)
        for at in range(starts[row], starts[row + 1]):
            for x in range(indptr[met[at]], indptr[met[at] + 1]):
                profile[indices[x]] = 0.0
    return out, known


@njit(nogil=True, cache=True)
def _divergences(lists, starts, met, indptr, indices, n_values, alpha):  # type: ignore[no-untyped-def]
    n = len(lists)
    out, known = np.zeros(n), np.zeros(n, np.bool_)
    own, given = np.zeros(n_values), np.zeros(n_values)
    for row in range(n):
        in_history, in_list = 0, 0
        for at in range(starts[row], starts[row + 1]):
            item = met[at]
            many = indptr[item + 1] - indptr[item]
            in_history += many > 0
            for x in range(indptr[item], indptr[item + 1]):
                own[indices[x]] += 1 / many
        for item in lists[row]:
            if item >= 0:
                many = indptr[item + 1] - indptr[item]
                in_list += many > 0
                for x in range(indptr[item], indptr[item + 1]):
                    given[indices[x]] += 1 / many
        if in_history and in_list:
            known[row] = True
            for at in range(starts[row], starts[row + 1]):
                for x in range(indptr[met[at]], indptr[met[at] + 1]):
                    value = indices[x]
                    if own[value] > 0:  # not yet counted
                        p, q = own[value] / in_history, given[value] / in_list
                        out[row] += p * np.log(p / ((1 - alpha) * q + alpha * p))
                        own[value] = 0.0
            out[row] = max(out[row], 0.0)  # rounding may fall below 0
        for at in range(starts[row], starts[row + 1]):
            for x in range(indptr[met[at]], indptr[met[at] + 1]):
                own[indices[x]] = 0.0
        for item in lists[row]:
            if item >= 0:
                for x in range(indptr[item], indptr[item + 1]):
                    given[indices[x]] = 0.0
    return out, known


@njit(nogil=True, cache=True)
def _surprise(lists, indptr, items, by_popularity, n_items):  # type: ignore[no-untyped-def]
    out = np.zeros(len(lists))
    for row in range(len(lists)):
        relevant = items[indptr[row] : indptr[row + 1]]
        length = 0
        for place in range(lists.shape[1]):
            item = lists[row, place]
            if item < 0:
                break
            length += 1
            found = np.searchsorted(relevant, item)
            if found < len(relevant) and relevant[found] == item:
                out[row] += max((n_items - place) / n_items - by_popularity[item], 0.0)
        if length:
            out[row] /= length
    return out
