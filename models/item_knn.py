"""Item-KNN: the most similar items to those met (the library ``implicit``)."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp

from models.base import Generator, ModelError, require_above_zero
from models.interactions import Histories, Interactions
from models.similarity import Neighbours
from models.sums import add_sparse, distinct

WEIGHTINGS = ("bm25", "tfidf", "cosine")


class ItemKNN(Generator):
    """Sum of the similarities to the items met, each item keeping its ``neighbours`` nearest.

    Args:
        neighbours: similarities kept for an item (its own included).
        weighting: 'bm25', 'tfidf' or 'cosine'.
        k1: saturation of BM25.
        b: length normalisation of BM25.
    """

    kind: ClassVar[str] = "item_knn"
    learned: ClassVar[tuple[str, ...]] = ("data", "indices", "indptr")

    def __init__(
        self, neighbours: int = 100, weighting: str = "bm25", k1: float = 1.2, b: float = 0.75
    ) -> None:
        if weighting not in WEIGHTINGS:
            raise ModelError(f"item_knn: weighting is {weighting!r}; choose one of {WEIGHTINGS}")
        require_above_zero("item_knn", neighbours=neighbours, k1=k1)
        if not 0 <= b <= 1:
            raise ModelError(f"item_knn: b is {b}; it must be within 0..1")
        self.neighbours = neighbours
        self.weighting = weighting
        self.k1 = k1
        self.b = b
        self.data: np.ndarray | None = None
        self.indices: np.ndarray | None = None
        self.indptr: np.ndarray | None = None

    def fit(self, train: Interactions) -> Self:
        """Compute the similarities; an item is not its own neighbour.

        Raises:
            ModelError: there is no event.
        """
        from implicit.nearest_neighbours import (
            ItemItemRecommender,
            bm25_weight,
            normalize,
            tfidf_weight,
        )

        if len(train) == 0:
            raise ModelError("item_knn: there is no positive event to learn from")
        # Users and items without events would shift the averages that the weightings take.
        users, known = np.unique(train.user), np.unique(train.item)
        items = train.matrix()[users][:, known].T
        if self.weighting == "bm25":
            items = bm25_weight(items, self.k1, self.b)
        else:
            with np.errstate(invalid="ignore"):
                items = normalize(tfidf_weight(items) if self.weighting == "tfidf" else items)
            # Users who met all items but one weigh nothing; an item of theirs alone is 0 / 0.
            np.nan_to_num(items.data, copy=False)
        model = ItemItemRecommender(K=self.neighbours)
        model.fit(items.T.tocsr(), show_progress=False)
        near = model.similarity.tocoo()
        other = (near.row != near.col) & (near.data != 0)
        place = known[near.row[other]], known[near.col[other]]
        self.n_items = train.n_items
        similarity = sp.csr_matrix(
            (near.data[other].astype(np.float32), place), shape=(self.n_items, self.n_items)
        )
        similarity.sort_indices()
        self.data = similarity.data
        self.indices = similarity.indices.astype(np.int32)
        self.indptr = similarity.indptr.astype(np.int64)
        return self

    def space(self) -> Neighbours:
        """Give the similarities kept."""
        assert self.data is not None
        assert self.indices is not None
        assert self.indptr is not None
        return Neighbours(self.data, self.indices, self.indptr)

    def score(self, histories: Histories, out: np.ndarray | None = None) -> np.ndarray:
        """Sum the similarities to the items met, each once."""
        scores = self.block(histories, out)
        indptr, met = distinct(histories.indptr, histories.item, self.n_items)
        add_sparse(indptr, met, self.data, self.indices, self.indptr, scores)
        return scores
