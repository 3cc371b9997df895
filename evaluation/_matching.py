"""The kernels of the candidate report: positives among candidates, best proposals of a source."""

from __future__ import annotations

import numpy as np
from numba import njit


def histogram(masks: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct masks and their counts; counting beats sorting while all masks fit a table."""
    if bits > 16:
        return np.unique(masks, return_counts=True)
    counts = np.bincount(masks, minlength=1)
    present = np.flatnonzero(counts)
    return present, counts[present]


@njit(nogil=True, cache=True)
def match(indptr, items, proposed, relevant_indptr, relevant_items):  # type: ignore[no-untyped-def]
    """Give every positive the sources that proposed it, and bit 32 where it is a candidate."""
    size = 1
    for item in items:
        size = max(size, item + 1)
    place = np.full(size, -1, np.int64)
    keys = np.zeros(len(relevant_items), np.int64)
    for row in range(len(indptr) - 1):
        start = indptr[row]
        for at in range(start, indptr[row + 1]):
            place[items[at]] = at
        for at in range(relevant_indptr[row], relevant_indptr[row + 1]):
            item = relevant_items[at]
            # Places of earlier users lie before this user's first.
            if item < size and place[item] >= start:
                keys[at] = (np.int64(1) << 32) | np.int64(proposed[place[item]])
    return keys


@njit(nogil=True, cache=True)
def tops(indptr, items, proposed, ranks, top):  # type: ignore[no-untyped-def]
    """Give each source's best ``top`` proposals by its ranks, ``(n_sources, n_users, top)``."""
    n_sources, n_users = ranks.shape[0], len(indptr) - 1
    lists = np.full((n_sources, n_users, top), -1, np.int32)
    best = np.empty(top)
    for source in range(n_sources):
        bit = np.uint32(1) << np.uint32(source)
        for row in range(n_users):
            size = 0
            for at in range(indptr[row], indptr[row + 1]):
                rank = ranks[source, at]
                if not proposed[at] & bit or (size == top and rank >= best[size - 1]):
                    continue
                place = min(size, top - 1)
                while place > 0 and best[place - 1] > rank:
                    best[place] = best[place - 1]
                    lists[source, row, place] = lists[source, row, place - 1]
                    place -= 1
                best[place] = rank
                lists[source, row, place] = items[at]
                size = min(size + 1, top)
    return lists
