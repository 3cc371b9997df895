"""Accuracy against diversity on the test window, for the page, where lists are re-ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from config.rerank import RerankSettings
from evaluation.beyond import Catalogue
from evaluation.relevance import UserItems
from evaluation.tradeoff import tradeoff_part
from models.ranker import Ranker
from tasks.day import Day
from tasks.features import features_as_of
from tasks.generators import load_sources
from tasks.lists import make_lists
from tasks.rerank import STRENGTHS, make_reranker
from tasks.run import Run

MAX_LISTS = 5000
"""Lists of the test window that the curve is drawn from: more change no digit one reads."""


def rerank_part(
    run: Run,
    ranker: Ranker,
    user: np.ndarray,
    day: np.ndarray,
    relevant: UserItems,
    catalogue: Catalogue,
) -> dict[str, Any] | None:
    """Make the part ``rerank`` of the page; None where lists are not re-ranked.

    Args:
        run: the run.
        ranker: of the final list.
        user: ``(n,)`` int32 codes of the test window's lists.
        day: ``(n,)`` index of each into the days of the test window.
        relevant: positives of the same rows.
        catalogue: what is known of the items.
    """
    own = run.settings.recommend.rerank
    if own.kind == "none":
        return None
    drawn = np.unique(np.linspace(0, len(user) - 1, min(MAX_LISTS, len(user))).astype(np.int64))
    strengths = sorted({*STRENGTHS, own.strength})
    lists = []
    for at, d in enumerate(run.windows.test.days):
        users = user[drawn[day[drawn] == at]]
        made = curves_of_day(run, d, ranker, users, {"own": own}, strengths)
        if not made:
            return None
        lists.append(made["own"])
    part = tradeoff_part(
        np.concatenate(lists, axis=1), strengths, relevant.take(drawn), catalogue, own.strength
    )
    return {**part, "kind": own.kind, "pool": own.pool, "by": own.by}


def curves_of_day(
    run: Run,
    d: date,
    ranker: Ranker,
    users: np.ndarray,
    asked: Mapping[str, RerankSettings],
    strengths: Sequence[float],
    k: int = 10,
) -> dict[str, np.ndarray]:
    """List for users of one test day at every strength.

    Args:
        run: one whose generators are fitted before the test window.
        d: day of the test window.
        ranker: scores the candidates.
        users: ``(n,)`` int32 codes.
        asked: name → a way to vary the lists, none of them off.
        strengths: values of the knob.
        k: items of a list at most.

    Returns:
        Name → ``(n_strengths, n, k)`` int32 item codes, best first, padded with -1; without those
        whose source was dropped.
    """
    day = Day(run, d, load_sources(run, run.windows.test.cutoff), features_as_of(run, d))
    made = {
        name: make_reranker(own, run.lake, d, day.sources, day.n_items)
        for name, own in asked.items()
    }
    rerankers = {name: reranker for name, reranker in made.items() if reranker is not None}

    def work(chunk: np.ndarray) -> list[np.ndarray]:
        candidates = day.candidates(chunk)
        (own,) = make_lists(day, candidates, [ranker], k)
        return [r.curve(candidates, own.score, k, strengths) for r in rerankers.values()]

    empty = [np.empty((len(strengths), 0, k), np.int32)] * len(rerankers)
    chunks = [empty, *day.map_chunks(users, work, lambda done, total: None)]
    return {
        name: np.concatenate(parts, axis=1)
        for name, parts in zip(rerankers, zip(*chunks, strict=True), strict=True)
    }
