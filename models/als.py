"""Matrix factorization by alternating least squares (the library ``implicit``)."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from models.base import Generator, ModelError, require_above_zero
from models.folding import fold_basis, fold_in
from models.interactions import Histories, Interactions
from models.similarity import Vectors
from models.sums import distinct


class ALS(Generator):
    """Weighted matrix factorization; histories newer than the fit are folded in.

    Source: Hu, Koren and Volinsky, "Collaborative Filtering for Implicit Feedback Datasets", 2008.

    Args:
        factors: length of the vectors.
        regularization: L2 penalty.
        alpha: confidence of a positive against an unknown (whose confidence is 1).
        iterations: sweeps over users and items.
        seed: of the starting vectors.
    """

    kind: ClassVar[str] = "als"
    learned: ClassVar[tuple[str, ...]] = ("item_factors",)

    def __init__(
        self,
        factors: int = 64,
        regularization: float = 0.01,
        alpha: float = 10.0,
        iterations: int = 15,
        seed: int = 7,
    ) -> None:
        require_above_zero("als", factors=factors, alpha=alpha, iterations=iterations)
        if not regularization >= 0:
            raise ModelError(f"als: regularization is {regularization}; it must be at least 0")
        self.factors = factors
        self.regularization = regularization
        self.alpha = alpha
        self.iterations = iterations
        self.seed = seed
        self.item_factors: np.ndarray | None = None  # (n_items, factors) float32
        self._folding: Any = None  # the library's model with the items' Gram matrix, our basis

    def fit(self, train: Interactions) -> Self:
        """Learn the items' vectors; the users' are made from their histories when asked.

        The vector of an item without events is 0, so nothing proposes it.

        Raises:
            ModelError: there is no event.
        """
        if len(train) == 0:
            raise ModelError("als: there is no positive event to learn from")
        model = self._library_model(threads=0)
        model.fit(train.matrix(), show_progress=False)
        self.item_factors = np.asarray(model.item_factors, np.float32)
        self.n_items = train.n_items
        self._folding = None
        return self

    def space(self) -> Vectors:
        """Give the cosines of the items' vectors."""
        assert self.item_factors is not None
        return Vectors.of(self.item_factors)

    def encode(self, histories: Histories) -> np.ndarray:
        """Fold histories in: ``(len(histories), factors)`` float32; empty ones give zeros."""
        assert self.item_factors is not None, "fit first"
        if self._folding is None:
            model = self._library_model(threads=1)
            model.item_factors = self.item_factors
            _ = model.YtY  # computed here, once for all chunks
            self._folding = model, fold_basis(self.item_factors, self.regularization)
        model, basis = self._folding
        vectors = np.zeros((len(histories), self.factors), np.float32)
        indptr, met = distinct(histories.indptr, histories.item, self.n_items)
        short = self.factors // 2
        fold_in(indptr, met, self.item_factors, basis, self.alpha, short, vectors)
        long = np.flatnonzero(np.diff(indptr) > short)
        if len(long):
            rows = histories.take(long).matrix(self.n_items)
            vectors[long] = model.recalculate_user(np.arange(len(long)), rows)
        return vectors

    def score(self, histories: Histories, out: np.ndarray | None = None) -> np.ndarray:
        """Inner products of the folded-in users with all items."""
        assert self.item_factors is not None, "fit first"
        users = self.encode(histories)
        if len(users) == 1:
            # BLAS multiplies a single row by another routine, which rounds otherwise: a user's
            # scores must not depend on who else is in the chunk.
            return (np.repeat(users, 2, axis=0) @ self.item_factors.T)[:1]
        return np.matmul(users, self.item_factors.T, out=self.block(histories, out))

    def _library_model(self, threads: int) -> Any:
        from implicit.cpu.als import AlternatingLeastSquares

        return AlternatingLeastSquares(
            factors=self.factors,
            regularization=self.regularization,
            alpha=self.alpha,
            iterations=self.iterations,
            random_state=self.seed,
            num_threads=threads,
        )
