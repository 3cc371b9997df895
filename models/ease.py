"""EASE: a linear item-to-item model with a closed-form solution."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from scipy.linalg import lapack

from models.base import Generator, ModelError, require_above_zero
from models.interactions import Histories, Interactions
from models.similarity import Weights
from models.sums import add_dense, distinct


class EASE(Generator):
    """Weights ``B`` that rebuild the user-item matrix from itself with a zero diagonal.

    Source: Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", 2019.

    Args:
        l2: ridge penalty, in events.
        max_items: only the items with most users get weights (memory grows with its square, time
            with its cube); the others score 0.
    """

    kind: ClassVar[str] = "ease"
    learned: ClassVar[tuple[str, ...]] = ("weights", "kept")

    def __init__(self, l2: float = 500.0, max_items: int = 8000) -> None:
        require_above_zero("ease", l2=l2, max_items=max_items)
        self.l2 = l2
        self.max_items = max_items
        self.weights: np.ndarray | None = None  # (n_kept, n_kept) float32
        self.kept: np.ndarray | None = None  # (n_kept,) int32 codes, ascending

    def fit(self, train: Interactions) -> Self:
        """Invert the regularised Gram matrix (Cholesky, float32).

        Raises:
            ModelError: there is no event, or the matrix is numerically singular.
        """
        matrix = train.matrix()
        users_of = np.asarray(matrix.sum(axis=0)).ravel()
        order = np.lexsort((np.arange(train.n_items), -users_of))[: self.max_items]
        self.kept = np.sort(order[users_of[order] > 0]).astype(np.int32)
        if len(self.kept) == 0:
            raise ModelError("ease: there is no positive event to learn from")
        matrix = matrix[:, self.kept]
        gram = (matrix.T @ matrix).toarray().astype(np.float32, order="F")
        gram[np.diag_indices_from(gram)] += self.l2
        factor, info = lapack.spotrf(gram, lower=1, overwrite_a=1)
        if info == 0:
            inverse, info = lapack.spotri(factor, lower=1, overwrite_c=1)
        if info != 0:
            raise ModelError(f"ease: the Gram matrix is singular with l2={self.l2}; raise l2")
        inverse = np.tril(inverse) + np.tril(inverse, -1).T
        weights = inverse / -np.diag(inverse)
        weights[np.diag_indices_from(weights)] = 0.0
        self.weights = np.ascontiguousarray(weights, np.float32)
        self.n_items = train.n_items
        return self

    def space(self) -> Weights:
        """Give the weights."""
        assert self.weights is not None
        assert self.kept is not None
        return Weights(self.weights, self.kept, self.n_items)

    def score(self, histories: Histories, out: np.ndarray | None = None) -> np.ndarray:
        """Sum the weights of the items met, each once."""
        assert self.weights is not None
        assert self.kept is not None
        scores = self.block(histories, out)
        indptr, met = distinct(histories.indptr, histories.item, self.n_items)
        add_dense(indptr, met, self.weights, self.kept, scores)
        return scores
