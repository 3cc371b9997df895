"""Diversity re-ranking: what the ranker likes best, without saying the same thing ten times.

Both ways take the ``pool`` best candidates of a user and pick the list from them one by one, so the
cost is that of k passes over the pool. The knob ``strength`` s lies in 0..1: 0 leaves the ranker's
list as it is, 1 asks for variety alone. Relevance r is the ranker's score, scaled within the pool
to 0..1; S is the similarity of two items, 1 with itself.

``mmr``
    next: largest ``(1 - s) r_i - s max S_ij`` over the items j picked so far. Carbonell & Goldstein
    1998, "The use of MMR, diversity-based reranking for reordering documents".
``dpp``
    greedy maximum of ``(1 - s) sum(r_i) + s log det S`` over the list, which is the determinantal
    point process with the kernel ``exp(a r_i) S_ij exp(a r_j)``, ``a = (1 - s) / 2 s``. Chen, Zhang
    & Zhou 2018, "Fast greedy MAP inference for determinantal point process": the Cholesky row of
    every candidate grows by one number a pick, so nothing is ever inverted.

Like the kernels of :mod:`models.topk` these release the GIL and use no threads of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import scipy.sparse as sp
from numba import njit

from models.base import ModelError
from models.topk import best_of

Kind = Literal["mmr", "dpp"]
APART = np.float32(0.01)
"""Share of itself that no other item has: two items with the same attributes are alike to 1 - 0.01,
else the determinant of a list that holds both would be 0 and its logarithm no number."""


@dataclass(frozen=True)
class ItemSpace:
    """Cosine of items by attributes or by a model's vectors.

    An item without any value is taken for an average one: its similarity to another item is the
    mean similarity of that item to all known ones. It is neither favoured nor punished for what is
    not known of it.

    Attributes:
        indptr: ``(n_items + 1,)`` int64 of a CSR matrix whose rows have length 1 or are empty.
        indices: int32 columns.
        data: float32 values.
        expected: ``(n_items,)`` float32: mean similarity to a known item; of an empty row that of
            two known items.
        width: columns.
    """

    indptr: np.ndarray
    indices: np.ndarray
    data: np.ndarray
    expected: np.ndarray
    width: int

    @classmethod
    def of(cls, values: sp.csr_matrix | np.ndarray, n_items: int) -> Self:
        """Scale the rows to length 1.

        Args:
            values: ``(n, width)`` attributes or vectors, n <= n_items; a row of zeros (or none, for
                items newer than a model) is an item nothing is known of.
            n_items: number of item codes.

        Raises:
            ModelError: more rows than items, or a value that is not finite.
        """
        matrix = sp.csr_matrix(values, dtype=np.float32)
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        if matrix.shape[0] > n_items or not np.isfinite(matrix.data).all():
            raise ModelError(
                f"similarity of items: {matrix.shape[0]} rows of finite numbers expected for "
                f"{n_items} items; found rows or numbers that do not fit, so it belongs to other "
                "data or its model did not converge: fit it again"
            )
        matrix.resize(n_items, matrix.shape[1])
        length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1), np.float64).ravel())
        scale = np.repeat(1 / np.where(length > 0, length, 1.0), np.diff(matrix.indptr))
        unit = sp.csr_matrix((matrix.data * scale, matrix.indices, matrix.indptr), matrix.shape)
        known = length > 0
        mean = np.asarray(unit.sum(axis=0)).ravel() / max(np.count_nonzero(known), 1)
        expected = np.where(known, unit @ mean, mean @ mean)
        return cls(
            unit.indptr.astype(np.int64),
            unit.indices.astype(np.int32),
            unit.data.astype(np.float32),
            expected.astype(np.float32),
            matrix.shape[1],
        )


def rerank(
    scores: np.ndarray,
    indptr: np.ndarray,
    item: np.ndarray,
    k: int,
    space: ItemSpace,
    kind: Kind,
    strength: float,
    pool: int = 50,
) -> np.ndarray:
    """Give the positions of every user's list, like :func:`models.topk.best_of` but varied.

    Args:
        scores: ``(n_pairs,)`` float32 of the ranker, finite.
        indptr: ``(n + 1,)`` int64; user row ``r`` owns the pairs ``indptr[r]:indptr[r + 1]``.
        item: ``(n_pairs,)`` int32 codes.
        k: positions a user.
        space: similarity of the items.
        kind: ``mmr`` or ``dpp``.
        strength: 0..1; with 0 the result is that of ``best_of`` to the bit.
        pool: best candidates a list is picked from; fewer than k count as k.

    Returns:
        ``(n, k)`` int64, best first, padded with -1: a user with fewer candidates than k keeps all.

    Raises:
        ModelError: an unknown kind, a strength outside 0..1, an item the space has no row for, or a
            score that is not finite.
    """
    if kind not in ("mmr", "dpp") or not 0 <= strength <= 1:
        raise ModelError(
            f"re-ranking: kind {kind!r} and strength {strength}; expected 'mmr' or 'dpp' and a "
            "number in 0..1"
        )
    if strength == 0:
        return best_of(scores, indptr, k)
    if len(item) and int(item.max()) >= len(space.expected):
        raise ModelError(
            f"re-ranking: item code {item.max()}, but the similarity of items ends at "
            f"{len(space.expected) - 1}; make it with the number of all item codes"
        )
    best = best_of(scores, indptr, max(pool, k))
    if not best.shape[1] or not len(scores):
        return best[:, :k]
    found = np.maximum(best, 0)
    relevance = _scaled(scores[found], best >= 0)
    pick = _mmr if kind == "mmr" else _dpp
    places = pick(
        relevance,
        item[found],
        (best >= 0).sum(axis=1),
        np.float32(strength),
        k,
        space.indptr,
        space.indices,
        space.data,
        space.expected,
        space.width,
    )
    chosen = np.take_along_axis(best, np.maximum(places, 0), axis=1)
    return np.where(places < 0, -1, chosen)


def _scaled(scores: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Scale every row to 0..1 over its real entries; all 0 where they are equal."""
    if not np.isfinite(scores[real]).all():
        raise ModelError("re-ranking: the ranker gave a score that is not finite; train it again")
    low = np.where(real, scores, np.inf).min(axis=1, keepdims=True)
    high = np.where(real, scores, -np.inf).max(axis=1, keepdims=True)
    span = np.where(high > low, high - low, 1)
    return np.where(real, (scores - np.where(np.isfinite(low), low, 0)) / span, 0).astype(
        np.float32
    )


@njit(nogil=True, cache=True)
def _likeness(first, items, size, indptr, indices, data, expected, vector, out):  # type: ignore[no-untyped-def]
    """Write the similarity of ``first`` to each of ``items``; ``vector`` is all 0 and stays so."""
    start, end = indptr[first], indptr[first + 1]
    for at in range(start, end):
        vector[indices[at]] = data[at]
    for place in range(size):
        other = items[place]
        if start == end:
            out[place] = expected[other]
        elif indptr[other] == indptr[other + 1]:
            out[place] = expected[first]
        else:
            total = np.float32(0.0)
            for at in range(indptr[other], indptr[other + 1]):
                total += data[at] * vector[indices[at]]
            out[place] = total
    for at in range(start, end):
        vector[indices[at]] = 0.0


@njit(nogil=True, cache=True)
def _best_left(gain, taken, size):  # type: ignore[no-untyped-def]
    """Give the place of the largest gain that is not taken; ties go to the better score."""
    best = -1
    for place in range(size):
        if not taken[place] and (best < 0 or gain[place] > gain[best]):
            best = place
    return best


@njit(nogil=True, cache=True)
def _mmr(relevance, items, sizes, strength, k, indptr, indices, data, expected, width):  # type: ignore[no-untyped-def]
    """Pick by maximal marginal relevance: ``(n, k)`` places of the pool, padded with -1."""
    n, pool = items.shape
    out = np.full((n, k), -1, np.int64)
    vector = np.zeros(width, np.float32)
    alike, nearest = np.empty(pool, np.float32), np.empty(pool, np.float32)
    gain = np.empty(pool, np.float32)
    taken = np.empty(pool, np.bool_)
    for row in range(n):
        size = sizes[row]
        taken[:] = False
        gain[:size] = relevance[row, :size]
        for step in range(min(k, size)):
            pick = _best_left(gain, taken, size)
            taken[pick] = True
            out[row, step] = pick
            _likeness(
                items[row, pick], items[row], size, indptr, indices, data, expected, vector, alike
            )
            for place in range(size):
                if step == 0 or alike[place] > nearest[place]:
                    nearest[place] = alike[place]
                gain[place] = (1 - strength) * relevance[row, place] - strength * nearest[place]
    return out


@njit(nogil=True, cache=True)
def _dpp(relevance, items, sizes, strength, k, indptr, indices, data, expected, width):  # type: ignore[no-untyped-def]
    """Pick by the greedy maximum of the determinant: ``(n, k)`` places, padded with -1."""
    n, pool = items.shape
    out = np.full((n, k), -1, np.int64)
    vector = np.zeros(width, np.float32)
    alike, gain = np.empty(pool, np.float32), np.empty(pool, np.float32)
    cholesky = np.empty((k, pool), np.float32)
    left = np.empty(pool, np.float32)  # variance of a candidate, given the list so far
    taken = np.empty(pool, np.bool_)
    for row in range(n):
        size = sizes[row]
        taken[:] = False
        left[:size] = 1.0
        gain[:size] = relevance[row, :size]
        for step in range(min(k, size)):
            pick = _best_left(gain, taken, size)
            taken[pick] = True
            out[row, step] = pick
            _likeness(
                items[row, pick], items[row], size, indptr, indices, data, expected, vector, alike
            )
            root = np.sqrt(left[pick])
            for place in range(size):
                if taken[place]:
                    continue
                shared = (1 - APART) * alike[place]
                for before in range(step):
                    shared -= cholesky[before, pick] * cholesky[before, place]
                shared /= root
                cholesky[step, place] = shared
                left[place] = max(left[place] - shared * shared, APART)
                gain[place] = (1 - strength) * relevance[row, place] + strength * np.log(
                    left[place]
                )
    return out
