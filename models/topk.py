"""The kernels of candidate generation: top k of a score row, union of the lists, ranks.

They release the GIL and use no threads of their own: callers run one chunk of users a thread.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def _worse(score_a, item_a, score_b, item_b):  # type: ignore[no-untyped-def]
    """Whether a stands below b: lower score, or the same score and a larger code."""
    return score_a < score_b or (score_a == score_b and item_a > item_b)


@njit(nogil=True, cache=True)
def _sift_down(scores, items, start, size):  # type: ignore[no-untyped-def]
    """Restore the heap whose root is the worst entry."""
    root = start
    while 2 * root + 1 < size:
        child = 2 * root + 1
        if child + 1 < size and _worse(
            scores[child + 1], items[child + 1], scores[child], items[child]
        ):
            child += 1
        if not _worse(scores[child], items[child], scores[root], items[root]):
            return
        scores[root], scores[child] = scores[child], scores[root]
        items[root], items[child] = items[child], items[root]
        root = child


@njit(nogil=True, cache=True)
def top_k(block, floor, k, hidden_indptr, hidden_items):  # type: ignore[no-untyped-def]
    """Give the best k items of every row, best first; ties go to the smaller code.

    Args:
        block: ``(n, n_items)`` float32 scores.
        floor: items at or below it are never given.
        k: items a row.
        hidden_indptr: ``(n + 1,)`` int64.
        hidden_items: int32 codes that row ``r`` must not get (``hidden_indptr[r]:…[r + 1]``).

    Returns:
        ``(n, k)`` int32, padded with -1.
    """
    n, n_items = block.shape
    best = np.full((n, k), -1, np.int32)
    hidden = np.zeros(n_items, np.bool_)
    heap_scores = np.empty(k, np.float32)
    heap_items = np.empty(k, np.int32)
    for row in range(n):
        for at in range(hidden_indptr[row], hidden_indptr[row + 1]):
            if hidden_items[at] < n_items:
                hidden[hidden_items[at]] = True
        size = 0
        threshold = floor
        for item in range(n_items):
            score = block[row, item]
            # Codes ascend, so an equal score never displaces an entry of a full heap.
            if score <= threshold or hidden[item]:
                continue
            if size < k:
                heap_scores[size] = score
                heap_items[size] = item
                size += 1
                if size == k:
                    for start in range(k // 2 - 1, -1, -1):
                        _sift_down(heap_scores, heap_items, start, k)
                    threshold = max(floor, heap_scores[0])
            else:
                heap_scores[0] = score
                heap_items[0] = item
                _sift_down(heap_scores, heap_items, 0, k)
                threshold = heap_scores[0]
        if size < k:
            for start in range(size // 2 - 1, -1, -1):
                _sift_down(heap_scores, heap_items, start, size)
        for place in range(size - 1, -1, -1):  # heap sort: the worst leaves first
            best[row, place] = heap_items[0]
            heap_scores[0] = heap_scores[place]
            heap_items[0] = heap_items[place]
            _sift_down(heap_scores, heap_items, 0, place)
        for at in range(hidden_indptr[row], hidden_indptr[row + 1]):
            if hidden_items[at] < n_items:
                hidden[hidden_items[at]] = False
    return best


@njit(nogil=True, cache=True)
def union(proposals, n_items, fill, minimum, hidden_indptr, hidden_items):  # type: ignore[no-untyped-def]
    """Join the lists of all sources, without duplicates, items ascending within a user.

    Args:
        proposals: ``(n_sources, n, k)`` int32, padded with -1.
        n_items: number of item codes.
        fill: ``(n_fill,)`` int32: items, best first, that complete a user with fewer than
            ``minimum`` candidates.
        minimum: candidates a user has at least, as far as ``fill`` reaches.
        hidden_indptr: as in :func:`top_k`; hidden items do not fill either.
        hidden_items: as in :func:`top_k`.

    Returns:
        indptr ``(n + 1,)`` int64, items int32, proposed uint32 (bit s: source s proposed it).
    """
    n_sources, n, k = proposals.shape
    indptr = np.zeros(n + 1, np.int64)
    items = np.empty(n * max(minimum, n_sources * k), np.int32)
    proposed = np.empty(len(items), np.uint32)
    bits = np.zeros(n_items, np.uint32)
    # The last bit marks what is taken or hidden; it is no source.
    taken = np.uint32(1) << np.uint32(31)
    size = 0
    for row in range(n):
        start = size
        for source in range(n_sources):
            bit = np.uint32(1) << np.uint32(source)
            for place in range(k):
                item = proposals[source, row, place]
                if item < 0:
                    break
                if bits[item] == 0:
                    items[size] = item
                    size += 1
                bits[item] |= bit
        if size - start < minimum:
            for at in range(hidden_indptr[row], hidden_indptr[row + 1]):
                if hidden_items[at] < n_items:
                    bits[hidden_items[at]] |= taken
            for item in fill:
                if size - start == minimum:
                    break
                if bits[item] == 0:
                    items[size] = item
                    size += 1
            for at in range(hidden_indptr[row], hidden_indptr[row + 1]):
                if hidden_items[at] < n_items:
                    bits[hidden_items[at]] &= ~taken
        items[start:size].sort()
        for at in range(start, size):
            proposed[at] = bits[items[at]]
            bits[items[at]] = 0
        indptr[row + 1] = size
    return indptr, items[:size].copy(), proposed[:size].copy()


@njit(nogil=True, cache=True)
def gather(block, floor, indptr, items, out):  # type: ignore[no-untyped-def]
    """Read ``out[p] = block[row of p, items[p]]``; ``floor`` for items past the block's width."""
    n_items = block.shape[1]
    for row in range(block.shape[0]):
        for at in range(indptr[row], indptr[row + 1]):
            out[at] = block[row, items[at]] if items[at] < n_items else floor


@njit(nogil=True, cache=True)
def ranks_within(scores, floor, indptr, out):  # type: ignore[no-untyped-def]
    """Rank a user's candidates by one source's scores, 1 is best.

    Items at or below ``floor`` share the rank behind all others; ties go to the smaller code,
    which is the earlier candidate.
    """
    for row in range(len(indptr) - 1):
        start, end = indptr[row], indptr[row + 1]
        order = np.argsort(-scores[start:end], kind="mergesort")
        rank = 0
        for at in order:
            if scores[start + at] > floor:
                rank += 1
                out[start + at] = rank
            else:
                out[start + at] = rank + 1


@njit(nogil=True, cache=True)
def best_of(scores, indptr, k):  # type: ignore[no-untyped-def]
    """Give the positions of every user's k best candidates, best first, padded with -1.

    Ties go to the smaller code, which is the earlier candidate.
    """
    n = len(indptr) - 1
    best = np.full((n, k), -1, np.int64)
    for row in range(n):
        start, end = indptr[row], indptr[row + 1]
        order = np.argsort(-scores[start:end], kind="mergesort")
        for place in range(min(k, end - start)):
            best[row, place] = start + order[place]
    return best
