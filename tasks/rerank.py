"""Diversity re-ranking of a day: the similarity it goes by, made once and used by every chunk."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from config.rerank import ATTRIBUTES, RerankSettings
from data.lake import Lake
from models.base import ModelError
from models.candidates import Candidates, Source
from models.dropped import Dropped
from models.rerank import ItemSpace, Kind, rerank
from models.similarity import Vectors
from tasks.attributes import item_values

log = logging.getLogger(__name__)
STRENGTHS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
"""Values of the knob that the curve of accuracy against diversity is drawn at."""


@dataclass(frozen=True)
class Reranker:
    """What varies the lists of a day.

    Attributes:
        settings: of ``recommend.rerank``.
        kind: theirs, which is not ``none``.
        space: similarity of items.
    """

    settings: RerankSettings
    kind: Kind
    space: ItemSpace

    def best(
        self,
        candidates: Candidates,
        score: np.ndarray,
        k: int,
        strength: float | None = None,
    ) -> np.ndarray:
        """Give the positions of every user's list, ``(n, k)`` int64, padded with -1.

        Args:
            candidates: of a chunk of users.
            score: ``(n_pairs,)`` float32 of the ranker.
            k: items of a list at most.
            strength: another value of the knob than that of the settings.
        """
        own = self.settings
        return rerank(
            score,
            candidates.indptr,
            candidates.item,
            k,
            self.space,
            self.kind,
            own.strength if strength is None else strength,
            own.pool,
        )

    def curve(
        self,
        candidates: Candidates,
        score: np.ndarray,
        k: int,
        strengths: Sequence[float] = STRENGTHS,
    ) -> np.ndarray:
        """Give the lists of every value of the knob.

        Args:
            candidates: of a chunk of users.
            score: ``(n_pairs,)`` float32 of the ranker.
            k: items of a list at most.
            strengths: values of the knob.

        Returns:
            ``(len(strengths), n, k)`` int32 item codes, best first, padded with -1.
        """
        places = np.stack([self.best(candidates, score, k, strength) for strength in strengths])
        items = candidates.item[np.maximum(places, 0)] if len(candidates.item) else places
        return np.where(places < 0, -1, items).astype(np.int32)


def make_reranker(
    own: RerankSettings, lake: Lake, day: date, sources: Sequence[Source], n_items: int
) -> Reranker | None:
    """Prepare the re-ranking that is asked for; None where it is off.

    None too, with a warning, where the source it goes by was dropped this time: the day goes on
    without that source, and so without what rests on it.

    Args:
        own: ``recommend.rerank`` of the settings.
        lake: of the data set.
        day: the day of the lists; what was known of the items before it counts.
        sources: fitted generators, among them the one that ``own.by`` may name.
        n_items: number of item codes.

    Raises:
        ModelError: the items have no attributes, or the source has no vectors.
    """
    if own.kind == "none":
        return None
    if own.by == ATTRIBUTES:
        values = item_values(lake, day, n_items)
        if values is None:
            raise ModelError(
                "recommend.rerank.by: the items of this data set have no multi-valued or "
                "categorical attribute; declare one, name a source with item vectors (als), or set "
                "recommend.rerank.kind: none"
            )
        return Reranker(own, own.kind, ItemSpace.of(values, n_items))
    model = next(source.model for source in sources if source.name == own.by)
    if isinstance(model, Dropped):
        log.warning(
            "lists are not re-ranked: source %s, which that would go by, was dropped (%s)",
            own.by,
            model.reason,
        )
        return None
    space = model.space()
    if not isinstance(space, Vectors):
        raise ModelError(
            f"recommend.rerank.by: source {own.by!r} has no item vectors; name one that has (als), "
            f"or {ATTRIBUTES!r}"
        )
    return Reranker(own, own.kind, ItemSpace.of(space.unit, n_items))
