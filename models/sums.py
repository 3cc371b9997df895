"""The kernels of item-to-item models: a user's scores are the sum of the rows of the items met.

Histories are short, catalogues long: a row is added up while it lies in the processor's cache. The
kernels release the GIL and add in the order of the codes, so that a user's scores depend on nobody
else.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def distinct(indptr, items, width):  # type: ignore[no-untyped-def]
    """Give every row's different codes below ``width``, ascending.

    Args:
        indptr: ``(n + 1,)`` int64; row ``r`` owns ``items[indptr[r]:indptr[r + 1]]``.
        items: int32 codes, in any order, repeated or not.
        width: number of codes.

    Returns:
        indptr ``(n + 1,)`` int64 and items int32 of the result.
    """
    starts = np.zeros(len(indptr), np.int64)
    found = np.empty(len(items), np.int32)
    size = 0
    for row in range(len(indptr) - 1):
        codes = np.sort(items[indptr[row] : indptr[row + 1]])
        for at in range(len(codes)):
            if codes[at] < width and (at == 0 or codes[at] != codes[at - 1]):
                found[size] = codes[at]
                size += 1
        starts[row + 1] = size
    return starts, found[:size]


@njit(nogil=True, cache=True)
def add_dense(indptr, items, weights, kept, out):  # type: ignore[no-untyped-def]
    """Sum rows of a dense matrix: ``out[r, kept] = sum of weights[place of i] over the items i``.

    Args:
        indptr: as :func:`distinct` gives it.
        items: as :func:`distinct` gives it.
        weights: ``(n_kept, n_kept)`` float32.
        kept: ``(n_kept,)`` int32 codes, ascending: what row and column p of ``weights`` stand for.
        out: ``(n, n_items)`` float32, overwritten; 0 where an item is not kept.
    """
    n_items, n_kept = out.shape[1], len(kept)
    place = np.full(n_items, -1, np.int32)
    for at in range(n_kept):
        place[kept[at]] = at
    total = np.empty(n_kept, np.float32)
    for row in range(len(indptr) - 1):
        total[:] = 0.0
        for at in range(indptr[row], indptr[row + 1]):
            if place[items[at]] >= 0:
                weight = weights[place[items[at]]]
                for column in range(n_kept):
                    total[column] += weight[column]
        scores = out[row]
        scores[:] = 0.0
        for column in range(n_kept):
            scores[kept[column]] = total[column]


@njit(nogil=True, cache=True)
def add_sparse(indptr, items, data, indices, starts, out):  # type: ignore[no-untyped-def]
    """Sum rows of a sparse matrix.

    Args:
        indptr: as :func:`distinct` gives it.
        items: as :func:`distinct` gives it.
        data: float32 values of a CSR matrix.
        indices: their int32 columns.
        starts: ``(n_items + 1,)`` int64, the rows of the matrix.
        out: ``(n, n_items)`` float32, overwritten.
    """
    for row in range(len(indptr) - 1):
        scores = out[row]
        scores[:] = 0.0
        for at in range(indptr[row], indptr[row + 1]):
            for place in range(starts[items[at]], starts[items[at] + 1]):
                scores[indices[place]] += data[place]
