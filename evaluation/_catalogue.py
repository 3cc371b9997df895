"""How lists use the catalogue: coverage, concentration, popularity, novelty, freshness."""

from __future__ import annotations

from datetime import date

import numpy as np
from numba import njit

from evaluation.relevance import EvaluationError, UserItems, as_lists


def item_frequency(lists: np.ndarray, n_items: int, k: int | None = None) -> np.ndarray:
    """Count how many lists hold each item among their first k, ``(n_items,)`` int64.

    Args:
        lists: ``(n_users, width)`` item codes, best first, padded with -1.
        n_items: size of the catalogue.
        k: places counted; None: all.

    Raises:
        EvaluationError: a list holds a code that is not of the catalogue.
    """
    top = as_lists(lists)[:, :k]
    _check_codes(top, n_items, "the catalogue")
    return _count(top, n_items)


def coverage(lists: np.ndarray, n_items: int, k: int | None = None) -> float:
    """Share of the catalogue that is in at least one list; 0 for an empty catalogue.

    >>> coverage(np.array([[0, 1], [1, 2]]), n_items=4)
    0.75
    """
    return float(np.count_nonzero(item_frequency(lists, n_items, k)) / max(n_items, 1))


def gini(lists: np.ndarray, n_items: int, k: int | None = None) -> float:
    """Gini index of how often each item of the catalogue is recommended.

    With the counts x ascending, ``sum((2i - n - 1) x_i) / (n sum(x))`` for i = 1..n: 0 when all
    are recommended equally often, 1 - 1/n when one item has all places. Items never recommended
    belong to it. 0 where nothing is recommended.

    >>> gini(np.array([[0], [0]]), n_items=4)
    0.75
    """
    counts = np.sort(item_frequency(lists, n_items, k)).astype(np.float64)
    if not counts.sum():
        return 0.0
    weights = 2.0 * np.arange(1, n_items + 1) - n_items - 1
    return float(weights @ counts / (n_items * counts.sum()))


def entropy(lists: np.ndarray, n_items: int, k: int | None = None) -> float:
    """Shannon entropy of the recommended places over items, bits; 0 where there are none.

    At most log2(n_items); 2 ** entropy is the number of items that, equally often recommended,
    would be as varied.

    >>> entropy(np.array([[0, 1], [2, 3]]), n_items=8)
    2.0
    """
    counts = item_frequency(lists, n_items, k)
    shares = counts[counts > 0] / max(counts.sum(), 1)
    return float(-(shares * np.log2(shares)).sum() + 0.0)


def novelty(lists: np.ndarray, item_users: np.ndarray, n_users: int) -> np.ndarray:
    """Mean self-information of every list, ``-log2(users who met the item / n_users)``, bits.

    An item nobody met counts as met by one user, so that the newest item is the most novel and
    nothing is infinite (Zhou et al. 2010, "Solving the apparent diversity-accuracy dilemma").

    Args:
        lists: ``(n, k)`` item codes, best first, padded with -1.
        item_users: ``(n_items,)`` number of users who met the item.
        n_users: all users of the log, >= 1.

    Returns:
        ``(n,)`` float64; 0 for an empty list.

    >>> novelty(np.array([[0, 1], [2, -1]]), np.array([4, 1, 0]), n_users=4).tolist()
    [1.0, 2.0]
    """
    if n_users < 1:
        raise EvaluationError(f"n_users must be >= 1, found {n_users}")
    return list_means(lists, -np.log2(np.maximum(item_users, 1) / n_users) + 0.0)


def popularity(lists: np.ndarray, item_counts: np.ndarray) -> np.ndarray:
    """Mean number of past interactions of every list's items, ``(n,)``; 0 for an empty list."""
    return list_means(lists, item_counts)


def in_tail(item_counts: np.ndarray, head: float = 0.8) -> np.ndarray:
    """Mark the items of the tail, ``(n_items,)`` bool.

    The head is the smallest set of most popular items that has the share ``head`` of all
    interactions; ties at its edge go to the smaller code. Without any interaction all is tail.

    >>> in_tail(np.array([70, 5, 20, 5]), head=0.8).tolist()
    [False, True, False, True]
    """
    order = np.argsort(-np.asarray(item_counts, np.int64), kind="stable")
    before = np.cumsum(item_counts[order]) - item_counts[order]
    tail = np.ones(len(item_counts), np.bool_)
    tail[order[before < head * item_counts.sum()]] = False
    return tail


def tail_share(lists: np.ndarray, item_counts: np.ndarray, head: float = 0.8) -> np.ndarray:
    """Share of every list that is from the tail (:func:`in_tail`); 0 for an empty list."""
    return list_means(lists, in_tail(item_counts, head))


def freshness(lists: np.ndarray, first_seen: np.ndarray, as_of: date) -> np.ndarray:
    """Mean age of every list's items in days at ``as_of``, ``(n,)``; 0 for an empty list.

    Args:
        lists: ``(n, k)`` item codes, best first, padded with -1.
        first_seen: ``(n_items,)`` datetime64[D], the item's first day in the log or its release;
            NaT or a day from ``as_of`` on means it is new: age 0.
        as_of: the day recommended for.

    >>> days = np.array(["2021-01-01", "NaT"], "datetime64[D]")
    >>> freshness(np.array([[0, 1]]), days, date(2021, 1, 11)).tolist()
    [5.0]
    """
    days = np.asarray(first_seen, "datetime64[D]")
    age = (np.datetime64(as_of, "D") - days).astype(np.float64)
    return list_means(lists, np.where(np.isnat(days), 0.0, np.maximum(age, 0.0)))


def list_means(lists: np.ndarray, item_values: np.ndarray) -> np.ndarray:
    """Mean of an item's property over each list, ``(n,)`` float64; 0 for an empty list."""
    lists = as_lists(lists)
    _check_codes(lists, len(item_values), "the items' values")
    return _means(lists, np.asarray(item_values, np.float64))


def item_means(owned: UserItems, item_values: np.ndarray) -> np.ndarray:
    """Mean of an item's property over each user's items, ``(n_users,)`` float64; 0 without any."""
    values = np.asarray(item_values, np.float64)
    before = np.zeros(len(owned.items) + 1)
    _check_codes(owned.items, len(values), "the items' values", "a history")
    np.cumsum(values[owned.items], out=before[1:])
    return np.diff(before[owned.indptr]) / np.maximum(owned.counts, 1)


def _check_codes(codes: np.ndarray, n_items: int, what: str, who: str = "a list") -> None:
    if codes.size and codes.max() >= n_items:
        raise EvaluationError(
            f"{who} holds item code {codes.max()}, but {what} end at {n_items - 1}; give the "
            "number of all item codes, also of new items"
        )


@njit(nogil=True, cache=True)
def _count(lists, n_items):  # type: ignore[no-untyped-def]
    counts = np.zeros(n_items, np.int64)
    for row in range(lists.shape[0]):
        for place in range(lists.shape[1]):
            if lists[row, place] >= 0:
                counts[lists[row, place]] += 1
    return counts


@njit(nogil=True, cache=True)
def _means(lists, values):  # type: ignore[no-untyped-def]
    out = np.zeros(len(lists))
    for row in range(len(lists)):
        size = 0
        for item in lists[row]:
            if item >= 0:
                out[row] += values[item]
                size += 1
        out[row] /= max(size, 1)
    return out
