"""How much today's lists differ from the lists of an earlier day, for the same users.

Lists that change all over every morning are as much a warning as lists that never change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from evaluation.beyond import item_frequency, jaccard, rbo
from evaluation.relevance import EvaluationError, as_lists

CHUNK = 65_536
"""Users compared at a time, so that memory does not grow with them."""
MOVED = 10
"""Items named that entered or left most lists."""


def stability(today: np.ndarray, before: np.ndarray, n_items: int) -> dict[str, Any]:
    """Compare the lists of two days user by user.

    Only users with a list on both days are compared; the others are counted. Means over nobody
    are 0. Rank-biased overlap is that of :func:`evaluation.beyond.rbo` with p = 0.9.

    Args:
        today: ``(n_users, width)`` item codes, best first, padded with -1.
        before: lists of the same users on the earlier day; an empty one had no list.
        n_items: all item codes are below it.

    Returns:
        ``users`` compared, ``new_users``, ``gone_users``; means ``rbo``, ``jaccard``; shares of
        users ``unchanged`` (same items in the same order), ``same_items``, ``same_first``,
        ``all_new``; ``kept``: users by how many of yesterday's items they keep, 0..width;
        ``entered`` and ``left``: items whose number of lists rose or fell most, each with ``item``
        and the ``lists`` it stands in and ``before`` stood in, of the users compared.

    Raises:
        EvaluationError: the two days are not of the same users.

    >>> both = stability(np.array([[1, 2], [3, 4]]), np.array([[1, 2], [4, 5]]), n_items=6)
    >>> both["users"], both["unchanged"], both["same_items"], both["kept"]
    (2, 0.5, 0.5, [0, 1, 1])
    """
    today, before = as_lists(today), as_lists(before)
    if len(today) != len(before):
        raise EvaluationError(
            f"{len(today)} lists today against {len(before)}; both must be of the same users"
        )
    has, had = ((lists >= 0).any(axis=1) for lists in (today, before))
    rows = np.flatnonzero(has & had)
    width = max(today.shape[1], before.shape[1])
    sums = np.zeros(6)
    kept, now, then = np.zeros(width + 1, np.int64), *np.zeros((2, n_items), np.int64)
    for a, b in _chunks(today, before, rows, width):
        same = jaccard(a, b)
        lengths = (a >= 0).sum(axis=1) + (b >= 0).sum(axis=1)
        shared = np.rint(same * lengths / (1 + same)).astype(np.int64)
        kept += np.bincount(shared, minlength=width + 1)
        now += item_frequency(a, n_items)
        then += item_frequency(b, n_items)
        sums += (
            rbo(a, b).sum(),
            same.sum(),
            (a == b).all(axis=1).sum(),
            (same == 1.0).sum(),
            (a[:, 0] == b[:, 0]).sum(),
            (shared == 0).sum(),
        )
    names = ("rbo", "jaccard", "unchanged", "same_items", "same_first", "all_new")
    means = dict(zip(names, (sums / max(len(rows), 1)).tolist(), strict=True))
    return {
        "users": len(rows),
        "new_users": int((has & ~had).sum()),
        "gone_users": int((had & ~has).sum()),
        **means,
        "kept": kept.tolist(),
        "entered": _moved(now, then, 1),
        "left": _moved(now, then, -1),
    }


def _chunks(
    today: np.ndarray, before: np.ndarray, rows: np.ndarray, width: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give the lists of some users of both days, padded to the same width."""
    for at in range(0, len(rows), CHUNK):
        chosen = rows[at : at + CHUNK]
        pair = np.full((2, len(chosen), width), -1, np.int32)
        for side, lists in zip(pair, (today, before), strict=True):
            side[:, : lists.shape[1]] = lists[chosen]
        yield pair[0], pair[1]


def _moved(now: np.ndarray, then: np.ndarray, sign: int) -> list[dict[str, int]]:
    """Name the items that stand in most more lists than before (sign 1) or fewer (-1)."""
    change = sign * (now - then)
    order = np.argsort(-change, kind="stable")[:MOVED]
    return [
        {"item": int(item), "lists": int(now[item]), "before": int(then[item])}
        for item in order
        if change[item] > 0
    ]
