"""Candidates of a chunk of users: every source scores all items once, and all is read from that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.base import Generator, ModelError
from models.interactions import Histories
from models.memory import Memory
from models.topk import gather, ranks_within, top_k, union

MAX_SOURCES = 31
"""Bits of the mask of proposals, less the one that marks hidden items."""


_MEMORY = Memory()
"""The sources' blocks of scores, by place of the source; they are done with when the scores of the
union have been read."""


@dataclass(frozen=True)
class Source:
    """A generator as a member of the union.

    Attributes:
        name: in tables and features.
        model: the fitted generator.
        candidates: items it proposes for a user; 0: it only scores what others propose.
        history: it sees the newest so many events of a user; None: all.
    """

    name: str
    model: Generator
    candidates: int
    history: int | None = None

    def score(self, histories: Histories, out: np.ndarray | None = None) -> np.ndarray:
        """Score all items, ``(len(histories), model.n_items)`` float32, in ``out`` if it helps."""
        seen = histories if self.history is None else histories.last(self.history)
        return self.model.score(seen, out)


@dataclass(frozen=True)
class Candidates:
    """The union for a chunk of users; pair ``p`` of user row ``r`` lies in ``indptr[r]:[r + 1]``.

    Attributes:
        user: ``(n,)`` int32 codes.
        indptr: ``(n + 1,)`` int64.
        item: ``(n_pairs,)`` int32 codes, ascending within a user.
        scores: ``(n_sources, n_pairs)`` float32, the real score of every source for every pair.
        ranks: ``(n_sources, n_pairs)`` float32: place among the user's candidates by the score of
            that source, 1 is best. For what a source proposed this is its own rank; items it knows
            nothing about share the rank behind all others.
        proposed: ``(n_pairs,)`` uint32, bit s: source s proposed it.
        lists: ``(n_sources, n, k)`` int32: each source's own list, best first, padded with -1.
    """

    user: np.ndarray
    indptr: np.ndarray
    item: np.ndarray
    scores: np.ndarray
    ranks: np.ndarray
    proposed: np.ndarray
    lists: np.ndarray

    @property
    def row(self) -> np.ndarray:
        """User row of every pair, ``(n_pairs,)`` int64."""
        return np.repeat(np.arange(len(self.user)), np.diff(self.indptr))


def make_candidates(
    sources: Sequence[Source],
    histories: Histories,
    hidden: Histories | None,
    fill: np.ndarray,
    minimum: int,
) -> Candidates:
    """Let every source score and propose, and join what they propose.

    Args:
        sources: at most :data:`MAX_SOURCES`.
        histories: positives of the users before the day recommended for.
        hidden: items the users must not be shown; None: nothing is held back.
        fill: item codes, best first, for users to whom the sources propose fewer than ``minimum``
            items (cold users, tiny catalogues).
        minimum: candidates a user gets at least, as far as the catalogue reaches.

    Raises:
        ModelError: no source or too many, or one that knows items the histories do not.
    """
    if not 0 < len(sources) <= MAX_SOURCES:
        raise ModelError(f"{len(sources)} sources; 1 to {MAX_SOURCES} can be joined")
    n, n_items = len(histories), histories.n_items
    for source in sources:
        if source.model.n_items > n_items:
            raise ModelError(
                f"source {source.name!r} was fitted on {source.model.n_items} items, the log knows "
                f"{n_items}: it belongs to other data; refit it"
            )
    if hidden is None:
        hidden_indptr, hidden_items = np.zeros(n + 1, np.int64), np.empty(0, np.int32)
    else:
        hidden_indptr, hidden_items = hidden.indptr, hidden.item
    width = max(source.candidates for source in sources)
    proposals = np.full((len(sources), n, width), -1, np.int32)
    blocks = [
        source.score(histories, _MEMORY.take(at, (n, source.model.n_items)))
        for at, source in enumerate(sources)
    ]
    for lists, source, block in zip(proposals, sources, blocks, strict=True):
        if source.candidates:
            lists[:, : source.candidates] = top_k(
                block, source.model.no_signal, source.candidates, hidden_indptr, hidden_items
            )
    indptr, items, proposed = union(proposals, n_items, fill, minimum, hidden_indptr, hidden_items)
    scores = np.empty((len(sources), len(items)), np.float32)
    ranks = np.empty_like(scores)
    for at, (source, block) in enumerate(zip(sources, blocks, strict=True)):
        gather(block, source.model.no_signal, indptr, items, scores[at])
        ranks_within(scores[at], source.model.no_signal, indptr, ranks[at])
    return Candidates(histories.user, indptr, items, scores, ranks, proposed, proposals)
