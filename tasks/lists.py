"""Final lists of a chunk of users: their candidates, ordered by a ranker or by a single source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.candidates import Candidates
from models.ranker import Ranker
from models.topk import best_of
from tasks.day import Day

Order = Ranker | str
"""What puts candidates in order: a ranker, or the name of a source."""


@dataclass(frozen=True)
class Lists:
    """Lists of a chunk of users.

    Attributes:
        pair: ``(n, k)`` int64 positions among the candidates, best first, padded with -1; where
            lists are re-ranked, "first" is not the highest score.
        score: ``(n_pairs,)`` float32 of every candidate; larger is better.
    """

    pair: np.ndarray
    score: np.ndarray

    def items(self, candidates: Candidates) -> np.ndarray:
        """Give the item codes, ``(n, k)`` int32, padded with -1."""
        items = candidates.item[np.maximum(self.pair, 0)]
        return np.where(self.pair < 0, -1, items).astype(np.int32)


def make_lists(day: Day, candidates: Candidates, orders: Sequence[Order], k: int) -> list[Lists]:
    """Order the candidates in every way asked for; features are computed once for all rankers.

    A ranker's lists are varied as ``recommend.rerank`` says; a single source's stay as they are.

    Args:
        day: the candidates' day.
        candidates: of a chunk of users.
        orders: what to order by.
        k: items of a list at most.
    """
    if any(isinstance(order, Ranker) for order in orders):
        features = day.describe(candidates)
    lists = []
    for order in orders:
        if isinstance(order, Ranker):
            score = order.predict(features)
        else:
            score = _by_source(day, candidates, order)
        if isinstance(order, Ranker) and day.reranker is not None:
            pair = day.reranker.best(candidates, score, k)
        else:
            pair = best_of(score, candidates.indptr, k)
        lists.append(Lists(pair, score))
    return lists


def _by_source(day: Day, candidates: Candidates, name: str) -> np.ndarray:
    """Score by the place in a source's order; what it does not know comes last, popular first."""
    at = [source.name for source in day.sources].index(name)
    place = np.full(day.n_items, len(day.fill), np.float32)
    place[day.fill] = np.arange(len(day.fill))
    # A place among all known items, below 1, parts what shares a rank and moves nothing else.
    return -(candidates.ranks[at] + place[candidates.item] / (len(day.fill) + 1)).astype(np.float32)
