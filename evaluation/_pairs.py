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
MAX_BITS = 256
"""Values up to which an item's are compared as bits."""


def csr_of(lists: np.ndarray, item_values: Values) -> sp.csr_matrix:
    """Give the values as CSR, sorted and without zeros, after checking that it has all items.

    Raises:
        EvaluationError: a list holds a code past the rows, or a value is not finite.
    """
    matrix = sp.csr_matrix(item_values, dtype=np.float64)
    matrix.eliminate_zeros()
    matrix.sum_duplicates()
    _check_rows(lists, matrix.shape[0])
    _check_finite(matrix.data)
    return matrix


def unit_rows(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """Scale the rows to length 1; rows of zeros stay."""
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    scale = np.repeat(1 / np.where(length > 0, length, 1.0), np.diff(matrix.indptr))
    return sp.csr_matrix((matrix.data * scale, matrix.indices, matrix.indptr), matrix.shape)


def mean_distances(
    lists: np.ndarray, item_values: Values, metric: Metric, whole: bool = False
) -> np.ndarray:
    """Follow every list item by item: mean distance of the comparable pairs of its first places.

    Args:
        lists: ``(n, width)`` int32 item codes, best first, padded with -1.
        item_values: see :data:`Values`.
        metric: ``jaccard`` or ``cosine``.
        whole: only the last column is asked for; the others may be 0.

    Returns:
        ``(n, width)`` float64; 0 where there is no pair to compare.

    Raises:
        EvaluationError: another metric, or a code past the rows.
    """
    if metric not in ("jaccard", "cosine"):
        raise EvaluationError(f"metric must be 'jaccard' or 'cosine', found {metric!r}")
    out = np.empty(lists.shape)
    if metric == "cosine" and isinstance(item_values, np.ndarray):
        _check_rows(lists, len(item_values))
        _check_finite(item_values)
        length = np.linalg.norm(item_values, axis=1, keepdims=True)
        unit = np.asarray(item_values / np.where(length > 0, length, 1.0), np.float64)
        _cosine_dense(lists, unit, length[:, 0] > 0, lists.shape[1] - 1 if whole else 0, out)
        return out
    matrix = csr_of(lists, item_values)
    if metric == "cosine":
        unit_csr = unit_rows(matrix)
        _cosine(lists, unit_csr.indptr, unit_csr.indices, unit_csr.data, matrix.shape[1], out)
    elif matrix.shape[1] <= MAX_BITS:
        _jaccard_bits(lists, _bits_of(matrix), np.diff(matrix.indptr), out)
    else:
        _jaccard_merged(lists, matrix.indptr, matrix.indices, out)
    return out


def distinct_values(lists: np.ndarray, item_values: Values) -> np.ndarray:
    """Count the distinct values among the first places of a list, summed over lists, ``(width,)``.

    Args:
        lists: ``(n, width)`` int32 item codes, best first, padded with -1.
        item_values: see :data:`Values`.

    Raises:
        EvaluationError: a code past the rows.
    """
    matrix = csr_of(lists, item_values)
    if matrix.shape[1] <= MAX_BITS:
        return _distinct_bits(lists, _bits_of(matrix))
    return _distinct(lists, matrix.indptr, matrix.indices, matrix.shape[1])


def _check_rows(lists: np.ndarray, n_items: int) -> None:
    if lists.size and lists.max() >= n_items:
        raise EvaluationError(
            f"a list holds item code {lists.max()}, but item_values has {n_items} rows; "
            "give one row for every item code (empty where nothing is known)"
        )


def _check_finite(values: np.ndarray) -> None:
    if not np.isfinite(values).all():
        raise EvaluationError(
            f"{np.count_nonzero(~np.isfinite(values))} of the items' values are not finite; a "
            "model that gives such vectors did not converge"
        )


def _bits_of(matrix: sp.csr_matrix) -> np.ndarray:
    """Pack the values of an item into words of 64 bits, ``(n_items, words)`` uint64."""
    bits = np.zeros((matrix.shape[0], matrix.shape[1] // 64 + 1), np.uint64)
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    bit = np.uint64(1) << (matrix.indices % 64).astype(np.uint64)
    np.bitwise_or.at(bits, (row, matrix.indices // 64), bit)
    return bits


@njit(nogil=True, cache=True)
def _distinct(lists, indptr, indices, n_values):  # type: ignore[no-untyped-def]
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
def _count(word):  # type: ignore[no-untyped-def]
    """Count the bits of a word (Hacker's Delight, figure 5-2)."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + (
        (word >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(nogil=True, cache=True)
def _distinct_bits(lists, bits):  # type: ignore[no-untyped-def]
    values = np.zeros(lists.shape[1])
    met = np.empty(bits.shape[1], np.uint64)
    for row in range(len(lists)):
        met[:] = 0
        distinct = 0
        for place in range(lists.shape[1]):
            item = lists[row, place]
            if item >= 0:
                distinct = 0
                for word in range(len(met)):
                    met[word] |= bits[item, word]
                    distinct += _count(met[word])
            values[place] += distinct
    return values


@njit(nogil=True, cache=True)
def _jaccard_bits(lists, bits, sizes, out):  # type: ignore[no-untyped-def]
    """Compare each new item with those before it, 64 values at a time."""
    for row in range(len(lists)):
        total, compared = 0.0, 0
        for place in range(lists.shape[1]):
            item = lists[row, place]
            if item >= 0 and sizes[item] > 0:
                for before in range(place):
                    other = lists[row, before]
                    if sizes[other] > 0:
                        shared = 0
                        for word in range(bits.shape[1]):
                            shared += _count(bits[item, word] & bits[other, word])
                        total += 1 - shared / (sizes[item] + sizes[other] - shared)
                        compared += 1
            out[row, place] = total / max(compared, 1)


@njit(nogil=True, cache=True)
def _jaccard_merged(lists, indptr, indices, out):  # type: ignore[no-untyped-def]
    """Do the same for so many values (actors, tags) that words of bits would be mostly empty."""
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


@njit(nogil=True, cache=True)
def _cosine_dense(lists, unit, known, first, out):  # type: ignore[no-untyped-def]
    """Do the same for vectors: the squared length of the sum holds all products of pairs."""
    width = unit.shape[1]
    whole = np.empty(width)
    for row in range(len(lists)):
        whole[:] = 0.0
        many = 0
        for place in range(lists.shape[1]):
            item = lists[row, place]
            if item >= 0 and known[item]:
                vector = unit[item]
                for at in range(width):
                    whole[at] += vector[at]
                many += 1
            if place < first:
                out[row, place] = 0.0
                continue
            a, b, c, d = 0.0, 0.0, 0.0, 0.0  # four sums that do not wait for each other
            for at in range(0, width - 3, 4):
                a += whole[at] * whole[at]
                b += whole[at + 1] * whole[at + 1]
                c += whole[at + 2] * whole[at + 2]
                d += whole[at + 3] * whole[at + 3]
            for at in range(width - width % 4, width):
                a += whole[at] * whole[at]
            pairs = many * (many - 1) / 2
            alike = (a + b + c + d - many) / 2
            out[row, place] = max(pairs - alike, 0.0) / max(pairs, 1.0)
