"""The kernels of diversity: mean distance of the pairs of a list, as the list grows."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import scipy.sparse as sp
from numba import njit

from evaluation.relevance import EvaluationError

Metric = Literal["jaccard", "cosine"]
Values: TypeAlias = sp.sparray | sp.spmatrix | np.ndarray
"""What is known of the items, ``(n_items, n_values)``, scipy sparse or dense; 0: not so."""


def csr_of(lists: np.ndarray, item_values: Values) -> sp.csr_matrix:
    """Give the values as CSR, sorted and without zeros, after checking that it has all items.

    Raises:
        EvaluationError: a list holds a code past the rows.
    """
    matrix = sp.csr_matrix(item_values, dtype=np.float64)
    matrix.eliminate_zeros()
    matrix.sum_duplicates()
    if lists.size and lists.max() >= matrix.shape[0]:
        raise EvaluationError(
            f"a list holds item code {lists.max()}, but item_values has {matrix.shape[0]} rows; "
            "give one row for every item code (empty where nothing is known)"
        )
    return matrix


def unit_rows(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """Scale the rows to length 1; rows of zeros stay."""
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    scale = np.repeat(1 / np.where(length > 0, length, 1.0), np.diff(matrix.indptr))
    return sp.csr_matrix((matrix.data * scale, matrix.indices, matrix.indptr), matrix.shape)


def grow(lists: np.ndarray, item_values: Values, metric: Metric) -> tuple[np.ndarray, np.ndarray]:
    """Follow every list item by item.

    Args:
        lists: ``(n, width)`` int32 item codes, best first, padded with -1.
        item_values: see :data:`Values`.
        metric: ``jaccard`` or ``cosine``.

    Returns:
        ``(n, width)`` float64: mean distance of the comparable pairs among the first places, 0
        where there is none; ``(width,)`` float64: distinct values among the first places of a
        list, summed over the lists.

    Raises:
        EvaluationError: another metric, or a code past the rows.
    """
    if metric not in ("jaccard", "cosine"):
        raise EvaluationError(f"metric must be 'jaccard' or 'cosine', found {metric!r}")
    matrix = csr_of(lists, item_values)
    if metric == "cosine":
        matrix = unit_rows(matrix)
    kernel = _jaccard if metric == "jaccard" else _cosine
    distance = np.empty(lists.shape)
    kernel(lists, matrix.indptr, matrix.indices, matrix.data, matrix.shape[1], distance)
    values = _distinct(lists, matrix.indptr, matrix.indices, matrix.shape[1])
    return distance, values


@njit(nogil=True, cache=True)
def _distinct(lists, indptr, indices, n_values):  # type: ignore[no-untyped-def]
    """Count the distinct values among the first places, summed over the lists."""
    values = np.zeros(lists.shape[1])
    met = np.full(n_values, -1, np.int64)
    for row in range(len(lists)):
        distinct = 0
        for place in range(lists.shape[1]):
            item = lists[row, place]
            if item >= 0:
                for at in range(indptr[item], indptr[item + 1]):
                    if met[indices[at]] != row:
                        met[indices[at]] = row
                        distinct += 1
            values[place] += distinct
    return values


@njit(nogil=True, cache=True)
def _jaccard(lists, indptr, indices, data, n_values, out):  # type: ignore[no-untyped-def]
    """Compare each new item with those before it by the values both have."""
    for row in range(len(lists)):
        total, compared = 0.0, 0
        for place in range(lists.shape[1]):
            item = lists[row, place]
            if item >= 0 and indptr[item + 1] > indptr[item]:
                start, end = indptr[item], indptr[item + 1]
                for before in range(place):
                    other = lists[row, before]
                    x, y, stop = start, indptr[other], indptr[other + 1]
                    if y == stop:
                        continue
                    size, shared = end - start + stop - y, 0
                    while x < end and y < stop:
                        left, right = indices[x], indices[y]
                        shared += left == right
                        x += left <= right
                        y += right <= left
                    total += 1 - shared / (size - shared)
                    compared += 1
            out[row, place] = total / max(compared, 1)


@njit(nogil=True, cache=True)
def _cosine(lists, indptr, indices, data, n_values, out):  # type: ignore[no-untyped-def]
    """Compare each new item with the sum of those before it: one product for all its pairs."""
    whole = np.zeros(n_values)
    for row in range(len(lists)):
        total, compared, known = 0.0, 0, 0
        for place in range(lists.shape[1]):
            item = lists[row, place]
            if item >= 0 and indptr[item + 1] > indptr[item]:
                alike = 0.0
                for at in range(indptr[item], indptr[item + 1]):
                    alike += data[at] * whole[indices[at]]
                    whole[indices[at]] += data[at]
                total += known - alike
                compared += known
                known += 1
            out[row, place] = max(total, 0.0) / max(compared, 1)  # rounding may fall below 0
        for item in lists[row]:
            if item >= 0:
                for at in range(indptr[item], indptr[item + 1]):
                    whole[indices[at]] = 0.0
