"""Rows the ranker learns from: labels and the choice of negatives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.candidates import Candidates
from models.interactions import Histories


@dataclass(frozen=True)
class Sample:
    """Which pairs of a chunk become rows.

    Attributes:
        pair: ``(n_rows,)`` int64 positions in the candidates, ascending.
        label: ``(n_rows,)`` float32, 1 for a hit.
        weight: ``(n_rows,)`` float32, how much the row counts in learning.
    """

    pair: np.ndarray
    label: np.ndarray
    weight: np.ndarray


def draw_lists(users: np.ndarray, day: int, limit: int, seed: int) -> np.ndarray:
    """Draw the users whose lists of a day are learnt from.

    Args:
        users: ``(n,)`` int32 codes, ascending.
        day: number of the day: other days draw other users.
        limit: users at most.
        seed: of the draw, which depends on user and day alone.

    Returns:
        At most ``limit`` of the users, ascending.
    """
    if len(users) <= limit:
        return users
    chance = _draw(users, np.full(len(users), day), seed)
    return np.sort(users[np.argsort(chance, kind="stable")[:limit]])


def label_pairs(candidates: Candidates, relevant: Histories) -> np.ndarray:
    """Mark the pairs that the user liked within the horizon.

    Args:
        candidates: of a chunk of users.
        relevant: the same users' positives in the horizon, in the same order.

    Returns:
        ``(n_pairs,)`` bool.
    """
    n_items = np.int64(relevant.n_items)
    liked = np.repeat(np.arange(len(relevant)), relevant.lengths) * n_items + relevant.item
    return np.isin(candidates.row * n_items + candidates.item, liked)


def sample_rows(
    candidates: Candidates,
    label: np.ndarray,
    hard_negatives: int,
    tail_share: float,
    seed: int,
    list_weight: float = 0.0,
) -> Sample:
    """Keep all hits, the non-hits near the top of any source, and a share of the rest.

    Users without a hit among their candidates teach nothing about order and are left out. Rows of
    the thinned tail weigh more by as much as they were thinned: left uncorrected, the ranker would
    learn that what the sources rank high is less often a hit than it is.

    Args:
        candidates: of a chunk of users.
        label: ``(n_pairs,)`` bool, see :func:`label_pairs`.
        hard_negatives: non-hits kept for a user: those with the best rank in any source.
        tail_share: fraction 0..1 kept of the others.
        seed: of the draw, which depends on user and item alone: how users are cut into chunks
            changes nothing.
        list_weight: each row of a list with ``h`` hits weighs ``h ** -list_weight``. 0: every row
            alike, so users with many hits decide; 1: every list alike, as in metrics that are
            means over users.
    """
    row = candidates.row
    hits = np.bincount(row, label, len(candidates.user))
    usable = hits[row] > 0
    best_rank = candidates.ranks.min(axis=0)
    # Place of each pair among its user's non-hits by the best rank any source gave it.
    order = np.lexsort((candidates.item, best_rank, label, row))
    place = np.empty(len(row), np.int64)
    place[order] = np.arange(len(row)) - candidates.indptr[:-1][row[order]]
    drawn = _draw(candidates.user[row], candidates.item, seed) < tail_share
    sure = label | (place < hard_negatives)
    pair = np.flatnonzero(usable & (sure | drawn))
    weight = hits[row[pair]] ** -list_weight
    weight[~sure[pair]] /= tail_share
    return Sample(pair, label[pair].astype(np.float32), weight.astype(np.float32))


def _draw(user: np.ndarray, item: np.ndarray, seed: int) -> np.ndarray:
    """Hash pairs to ``(n,)`` float64 in [0, 1): SplitMix64 (Steele, Lea and Flood, 2014)."""
    with np.errstate(over="ignore"):
        bits = (user.astype(np.uint64) << np.uint64(32)) | item.astype(np.uint64)
        bits += np.uint64(seed + 1) * np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        bits ^= bits >> np.uint64(31)
    return (bits >> np.uint64(11)) * 2.0**-53
