"""The kernels of candidate generation: top k of a score row, union of the lists, ranks.

They release the GIL and use no threads of their own: callers run one chunk of users a thread.
"""

from __future__ import annotations

import numpy as np
from numba import njit

NEVER = np.int32(-(2**31))
"""Sort key below every score's: of hidden items, of NaN, of what pads a row."""


def top_k(
    block: np.ndarray,
    floor: float,
    k: int,
    hidden_indptr: np.ndarray,
    hidden_items: np.ndarray,
) -> np.ndarray:
    """Give the best k items of every row, best first; ties go to the smaller code.

    A row that all users share (``np.broadcast_to``) is ordered once for all of them.

    Args:
        block: ``(n, n_items)`` float32 scores; NaN is never given.
        floor: items at or below it are never given.
        k: items a row.
        hidden_indptr: ``(n + 1,)`` int64.
        hidden_items: int32 codes that row ``r`` must not get (``hidden_indptr[r]:…[r + 1]``);
            codes past the width of the block are ignored.

    Returns:
        ``(n, k)`` int32, padded with -1.
    """
    n, n_items = block.shape
    if n > 1 and block.strides[0] == 0:
        longest = int(np.diff(hidden_indptr).max())
        order = top_k(block[:1], floor, min(n_items, k + longest), _NOTHING, hidden_items)[0]
        return _first_shown(order, n_items, k, hidden_indptr, hidden_items)
    bits = np.ascontiguousarray(block, np.float32).view(np.int32)
    return _top_k(bits, _key(np.float32(floor).view(np.int32)), k, hidden_indptr, hidden_items)


_NOTHING = np.zeros(2, np.int64)  # one row that hides nothing


@njit(nogil=True, cache=True)
def _key(bits):  # type: ignore[no-untyped-def]
    """Map the bits of a float32 to an int32 of the same order; -0 equals 0, NaN is below all."""
    sign = bits >> 31
    magnitude = bits & np.int32(0x7FFFFFFF)
    return np.int32((magnitude ^ sign) - sign) if magnitude <= np.int32(0x7F800000) else NEVER


@njit(nogil=True, cache=True)
def _above(keys, low):  # type: ignore[no-untyped-def]
    """Count the keys above ``low``."""
    count = 0
    for at in range(len(keys)):
        count += keys[at] > low
    return count


@njit(nogil=True, cache=True)
def _threshold(tops, floor, k):  # type: ignore[no-untyped-def]
    """Find a key, as high as is cheap, that at least k of ``tops`` are above; else ``floor``."""
    low = np.int64(floor)
    if _above(tops, np.int32(low)) <= k:
        return np.int32(low)
    high = np.int64(tops.max())
    while high - low > 1:
        middle = (low + high) >> 1
        count = _above(tops, np.int32(middle))
        if count < k:
            high = middle
        else:
            low = middle
            if count <= k + k // 8:
                break
    return np.int32(low)


@njit(nogil=True, cache=True)
def _top_k(bits, floor, k, hidden_indptr, hidden_items):  # type: ignore[no-untyped-def]
    """Do :func:`top_k` on the scores' bits.

    A row is dealt into lanes (item j to lane j modulo their number); the k-th best of the lanes'
    maxima is no better than the k-th best item, so only the few items above it, all in lanes whose
    maximum is above it, are sorted. The passes over the whole row have no branches and vectorise.
    """
    n, n_items = bits.shape
    best = np.full((n, k), -1, np.int32)
    lanes = 16 * (8 * k // 16 | 1)  # whole vectors; an odd number of them spares the cache's sets
    depth = (n_items + lanes - 1) // lanes
    flat = np.full(depth * lanes, NEVER, np.int32)
    layers = flat.reshape(depth, lanes)
    tops = np.empty(lanes, np.int32)
    chosen_lanes = np.empty(lanes, np.int32)
    chosen = np.empty(n_items, np.int64)
    for row in range(n):
        scores = bits[row]
        for item in range(n_items):
            flat[item] = _key(scores[item])
        for at in range(hidden_indptr[row], hidden_indptr[row + 1]):
            if hidden_items[at] < n_items:
                flat[hidden_items[at]] = NEVER
        tops[:] = NEVER
        for at in range(depth):
            layer = layers[at]  # iterating over the array itself would not vectorise
            for lane in range(lanes):
                tops[lane] = max(tops[lane], layer[lane])
        low = _threshold(tops, floor, k)
        n_lanes = 0
        for lane in range(lanes):
            if tops[lane] > low:
                chosen_lanes[n_lanes] = lane
                n_lanes += 1
        size = 0
        for at in range(depth):
            layer = layers[at]
            for place in range(n_lanes):
                lane = chosen_lanes[place]
                if layer[lane] > low:
                    chosen[size] = (~np.int64(layer[lane]) << 32) | (at * lanes + lane)
                    size += 1
        found = chosen[:size]
        found.sort()
        for place in range(min(k, size)):
            best[row, place] = found[place] & 0xFFFFFFFF
    return best


@njit(nogil=True, cache=True)
def _first_shown(order, n_items, k, hidden_indptr, hidden_items):  # type: ignore[no-untyped-def]
    """Give every row the first k items of ``order`` that are not hidden from it."""
    n = len(hidden_indptr) - 1
    best = np.full((n, k), -1, np.int32)
    hidden_from = np.full(n_items, -1, np.int64)  # the last row it is hidden from
    for row in range(n):
        for at in range(hidden_indptr[row], hidden_indptr[row + 1]):
            if hidden_items[at] < n_items:
                hidden_from[hidden_items[at]] = row
        size = 0
        for item in order:
            if size == k or item < 0:
                break
            if hidden_from[item] != row:
                best[row, size] = item
                size += 1
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


def ranks_within(scores: np.ndarray, floor: float, indptr: np.ndarray, out: np.ndarray) -> None:
    """Rank a user's candidates by one source's scores, 1 is best.

    Items at or below ``floor`` share the rank behind all others; ties go to the smaller code,
    which is the earlier candidate.

    Args:
        scores: ``(n_pairs,)`` float32.
        floor: see above.
        indptr: ``(n + 1,)`` int64.
        out: ``(n_pairs,)`` float32, overwritten.
    """
    _ranks_of(_best_first(scores, indptr), scores, np.float32(floor), indptr, out)


def best_of(scores: np.ndarray, indptr: np.ndarray, k: int) -> np.ndarray:
    """Give the positions of every user's k best candidates, best first, padded with -1.

    Ties go to the smaller code, which is the earlier candidate.

    Args:
        scores: ``(n_pairs,)`` float32.
        indptr: ``(n + 1,)`` int64.
        k: positions a user.

    Returns:
        ``(n, k)`` int64.
    """
    packed = _best_first(scores, indptr)[:, :k]
    best = np.full((len(packed), k), -1, np.int64)
    found = (packed & 0xFFFFFFFF) + indptr[:-1, None]
    np.copyto(best[:, : packed.shape[1]], found, where=packed != _PADDING)
    return best


_PADDING = np.int64(2**63 - 1)


def _best_first(scores: np.ndarray, indptr: np.ndarray) -> np.ndarray:
    """Sort every user's scores, best first, ties by position, NaN last.

    Returns:
        ``(n, longest)`` int64, the position among the user's own in the lower half of the bits;
        padded with :data:`_PADDING`.
    """
    longest = int(np.diff(indptr).max(initial=0))
    packed = np.empty((len(indptr) - 1, longest), np.int64)
    _pack(np.asarray(scores, np.float32).view(np.int32), indptr, packed)
    packed.sort(axis=1)  # numpy sorts whole numbers with vector instructions, compiled loops do not
    return packed


@njit(nogil=True, cache=True)
def _pack(bits, indptr, packed):  # type: ignore[no-untyped-def]
    for row in range(len(packed)):
        size = indptr[row + 1] - indptr[row]
        for at in range(size):
            packed[row, at] = (~np.int64(_key(bits[indptr[row] + at])) << 32) | at
        packed[row, size:] = _PADDING


@njit(nogil=True, cache=True)
def _ranks_of(packed, scores, floor, indptr, out):  # type: ignore[no-untyped-def]
    for row in range(len(packed)):
        start, rank = indptr[row], 0
        for place in range(indptr[row + 1] - start):
            at = start + (packed[row, place] & 0xFFFFFFFF)
            if scores[at] > floor:
                rank += 1
                out[at] = rank
            else:
                out[at] = rank + 1
