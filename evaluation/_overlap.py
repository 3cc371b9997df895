"""How much lists share: two systems for the same users, or the users of one system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numba import njit

from evaluation._catalogue import item_frequency
from evaluation.relevance import EvaluationError, as_lists


def jaccard(a: np.ndarray, b: np.ndarray, k: int | None = None) -> np.ndarray:
    """Items that both lists of a user have, over the items that any has, ``(n_users,)`` in 0..1.

    Two empty lists are the same: 1. Order within the first k does not count.

    >>> jaccard(np.array([[1, 2, 3]]), np.array([[3, 2, 7]])).tolist()
    [0.5]
    """
    a, b = _aligned(a, b, k)
    return _compare(a, b, np.ones(a.shape[1]))[0]


def rbo(a: np.ndarray, b: np.ndarray, k: int | None = None, p: float = 0.9) -> np.ndarray:
    """Rank-biased overlap of a user's two lists, ``(n_users,)`` in 0..1, 1 for the same list.

    ``sum(p^(d-1) |a[:d] & b[:d]| / d) / sum(p^(d-1))`` over the depths d = 1..the longer of the two
    lists (at most k): truncated and normalised, so that a list equals itself at any length. Two
    empty lists are the same: 1. Webber, Moffat & Zobel 2010, "A similarity measure for indefinite
    rankings".

    Args:
        a: ``(n_users, width)`` item codes, best first, padded with -1.
        b: lists of the same users.
        k: depth at most; None: all places.
        p: weight of a place against the one above it, 0 < p < 1.

    Agreement 0 at depth 1 and 1 at depth 2, weights 1 and 1/2:

    >>> rbo(np.array([[1, 2]]), np.array([[2, 1]]), p=0.5).round(4).tolist()
    [0.3333]
    """
    a, b = _aligned(a, b, k)
    return _compare(a, b, _weights(p, a.shape[1]))[1]


def personalisation(lists: np.ndarray, n_items: int, k: int | None = None) -> float:
    """Measure how different the users' lists are: 1 - mean overlap of two users' lists, in 0..1.

    The overlap of all pairs is counted item by item: an item in c lists is shared by c(c - 1)/2
    pairs. It is divided by what the pairs would share if each pair had the same list (the mean
    length of the two); for lists of k items that is the mean of shared items / k. With one user or
    none there is nothing to compare and personalisation is 0.

    >>> personalisation(np.array([[0, 1], [0, 2]]), n_items=3)
    0.5
    """
    counts = item_frequency(lists, n_items, k).astype(np.float64)
    users = int(np.count_nonzero(as_lists(lists)[:, :1] >= 0))
    if users < 2:
        return 0.0
    shared = (counts * (counts - 1)).sum() / 2
    return float(1 - shared / (counts.sum() * (users - 1) / 2))


def overlap_part(
    systems: Mapping[str, np.ndarray], k: int | None = None, p: float = 0.9
) -> dict[str, Any]:
    """Compare every two systems, sources and final list alike, on the same users.

    Args:
        systems: name → ``(n_users, width)`` item codes, best first, padded with -1.
        k: depth at most; None: all places.
        p: of the rank-biased overlap.

    Returns:
        JSON-able: ``systems``; ``k``; ``jaccard`` and ``rbo``: square matrices in that order, means
        over the users to whom any of the two gives a list, 0 where neither does for anybody, 1 on
        the diagonal; ``users``: how many those are.

    Raises:
        EvaluationError: no system, or lists of different numbers of users.

    >>> part = overlap_part({"a": np.array([[1, 2]]), "b": np.array([[2, 3]])})
    >>> part["jaccard"][0][1], part["users"][0][1]
    (0.3333333333333333, 1)
    """
    if not systems:
        raise EvaluationError("no system to compare")
    names = list(systems)
    matrices = {"jaccard": np.eye(len(names)), "rbo": np.eye(len(names))}
    users = np.zeros((len(names), len(names)), np.int64)
    for i, one in enumerate(systems.values()):
        users[i, i] = np.count_nonzero((np.asarray(one)[:, :1] >= 0).any(axis=1))
        for j, other in enumerate(list(systems.values())[:i]):
            a, b = _aligned(one, other, k)
            any_of = (a[:, 0] >= 0) | (b[:, 0] >= 0)
            users[i, j] = users[j, i] = count = int(np.count_nonzero(any_of))
            both = _compare(a[any_of], b[any_of], _weights(p, a.shape[1]))
            for name, found in zip(matrices, both, strict=True):
                matrices[name][i, j] = matrices[name][j, i] = found.sum() / max(count, 1)
    lists = {name: matrix.tolist() for name, matrix in matrices.items()}
    return {"systems": names, "k": k, **lists, "users": users.tolist()}


def _aligned(a: np.ndarray, b: np.ndarray, k: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Cut to k places and pad to the same width, at least 1."""
    a, b = as_lists(a)[:, :k], as_lists(b)[:, :k]
    if len(a) != len(b):
        raise EvaluationError(f"{len(a)} lists against {len(b)}; both must be of the same users")
    width = max(a.shape[1], b.shape[1], 1)
    padded = [np.full((len(x), width), -1, np.int32) for x in (a, b)]
    for target, source in zip(padded, (a, b), strict=True):
        target[:, : source.shape[1]] = source
    return padded[0], padded[1]


def _weights(p: float, width: int) -> np.ndarray:
    """Give the weight of every depth in the rank-biased overlap."""
    if not 0 < p < 1:
        raise EvaluationError(f"p must lie between 0 and 1, found {p}")
    return np.asarray(p ** np.arange(width))


@njit(nogil=True, cache=True)
def _compare(a, b, weights):  # type: ignore[no-untyped-def]
    """Give Jaccard and rank-biased overlap of two lists a row, ``(n,)`` float64 each."""
    n, width = a.shape
    jaccard, rbo = np.ones(n), np.ones(n)
    size = max(np.max(a), np.max(b)) + 1 if n else 0
    in_a = np.full(size, -1, np.int64)
    in_b = np.full(size, -1, np.int64)
    for row in range(n):
        shared, items, agreed, whole = 0, 0, 0.0, 0.0
        for place in range(width):
            x, y = a[row, place], b[row, place]
            if x < 0 and y < 0:
                break
            if x >= 0:
                in_a[x] = row
                shared += in_b[x] == row
                items += 1
            if y >= 0:
                in_b[y] = row
                # x == y was not in b before, so it is counted here, once.
                shared += in_a[y] == row
                items += 1
            agreed += weights[place] * shared / (place + 1)
            whole += weights[place]
        if items:
            jaccard[row] = shared / (items - shared)
            rbo[row] = agreed / whole
    return jaccard, rbo
