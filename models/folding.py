"""The kernel of ALS' folding in: the vector of a user from a short history."""

from __future__ import annotations

import numpy as np
from numba import njit


def fold_basis(item_factors: np.ndarray, regularization: float) -> np.ndarray:
    """Give the items' vectors times the inverse of their regularised Gram matrix.

    Args:
        item_factors: ``(n_items, factors)`` float32.
        regularization: L2 penalty.

    Returns:
        ``(n_items, factors)`` float32.

    Raises:
        numpy.linalg.LinAlgError: the Gram matrix is singular.
    """
    exact = item_factors.astype(np.float64)
    gram = exact.T @ exact + regularization * np.eye(exact.shape[1])
    return np.ascontiguousarray(np.linalg.solve(gram, exact.T).T, np.float32)


@njit(nogil=True, cache=True)
def fold_in(indptr, items, item_factors, basis, alpha, longest, out):  # type: ignore[no-untyped-def]
    """Solve every user's normal equations by the Woodbury identity.

    With ``Y`` the vectors of the n items met and ``G`` the Gram matrix of all items, the vector
    ``(G + (alpha - 1) Y'Y)^-1 alpha Y'1`` is ``alpha (Y G^-1)' w``, where ``w`` solves the n
    equations ``(I + (alpha - 1) Y G^-1 Y') w = 1``: less work than ``factors`` equations where
    n is small. All eigenvalues of that matrix lie between 1 and alpha.

    Args:
        indptr: as :func:`models.sums.distinct` gives it.
        items: as :func:`models.sums.distinct` gives it.
        item_factors: ``(n_items, factors)`` float32.
        basis: of :func:`fold_basis`.
        alpha: confidence of a positive.
        longest: users with more items are left out.
        out: ``(n, factors)`` float32; the rows of users that were left out stay as they are.
    """
    factors = item_factors.shape[1]
    system = np.empty((longest, longest))
    weight = np.empty(longest)
    total = np.empty(factors)
    for row in range(len(indptr) - 1):
        met = items[indptr[row] : indptr[row + 1]]
        n = len(met)
        if n > longest:
            continue
        for i in range(n):
            for j in range(i + 1):
                product = 0.0
                for f in range(factors):
                    product += np.float64(basis[met[i], f]) * np.float64(item_factors[met[j], f])
                system[i, j] = (alpha - 1.0) * product
            system[i, i] += 1.0
            weight[i] = 1.0
        _solve(system, weight, n)
        total[:] = 0.0
        for i in range(n):
            for f in range(factors):
                total[f] += weight[i] * basis[met[i], f]
        for f in range(factors):
            out[row, f] = alpha * total[f]


@njit(nogil=True, cache=True)
def _solve(system, right, n):  # type: ignore[no-untyped-def]
    """Solve the leading n equations in place by Cholesky; the lower triangle counts."""
    for i in range(n):
        for j in range(i + 1):
            rest = system[i, j]
            for k in range(j):
                rest -= system[i, k] * system[j, k]
            system[i, j] = np.sqrt(rest) if i == j else rest / system[j, j]
    for i in range(n):
        for k in range(i):
            right[i] -= system[i, k] * right[k]
        right[i] /= system[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            right[i] -= system[k, i] * right[k]
        right[i] /= system[i, i]
