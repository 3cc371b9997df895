"""Made lists, relevant items and histories of a million users, for the speed of metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import scipy.sparse as sp

from evaluation.beyond import Catalogue
from evaluation.relevance import UserItems

ITEMS = 15_706
"""Of KION."""
GENRES, VECTOR = 96, 64
SPARE = 6
"""More draws than places: what is drawn twice falls out, and a few lists stay short."""


@dataclass(frozen=True)
class Made:
    """What is judged.

    Attributes:
        lists: ``(n_users, k)`` int32, padded with -1.
        others: a second system's lists of the same users.
        relevant: 0..6 items a user.
        history: about seven items a user.
        catalogue: genres, vectors and first days of :data:`ITEMS` items.
        candidates: ``(n_candidate_users, width)`` int32, ascending, all real.
    """

    lists: np.ndarray
    others: np.ndarray
    relevant: UserItems
    history: UserItems
    catalogue: Catalogue
    candidates: np.ndarray


def make(users: int, k: int, candidate_users: int, width: int, seed: int = 7) -> Made:
    """Draw by the popularity of a Zipf law; the code of an item is its place in it.

    Args:
        users: number of users.
        k: places of a list.
        candidate_users: users with candidates, at most ``users``.
        width: candidates of each.
        seed: same seed, same arrays.
    """
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, ITEMS + 1) ** 0.8
    cumulative = np.cumsum(weights / weights.sum())
    lists = _distinct(rng, cumulative, users, k)
    others = np.where(rng.random(users)[:, None] < 0.5, lists, np.roll(lists, 1, axis=0))
    relevant = _owned(_distinct(rng, cumulative, users, 6), rng.integers(0, 7, users))
    history = _owned(_distinct(rng, cumulative, users, 12), rng.integers(0, 13, users))
    genres = rng.random((ITEMS, GENRES)) < 3 / GENRES
    genres[np.arange(ITEMS), rng.integers(0, GENRES, ITEMS)] = True  # nothing is without a genre
    first = np.datetime64("2021-01-01") + rng.integers(0, 900, ITEMS)
    catalogue = Catalogue(
        item_users=np.bincount(history.items, minlength=ITEMS),
        n_users=int(np.count_nonzero(history.counts)),
        as_of=date(2023, 7, 1),
        first_seen=first,
        item_values=sp.csr_matrix(genres, dtype=np.float32),
        vectors=rng.standard_normal((ITEMS, VECTOR)).astype(np.float32),
    )
    # One item of each stratum: distinct and ascending without a sort.
    stratum = ITEMS // width
    drawn = rng.integers(0, stratum, (candidate_users, width), np.int32)
    candidates = drawn + np.arange(width, dtype=np.int32) * stratum
    return Made(lists, others, relevant, history, catalogue, candidates)


def _distinct(rng: np.random.Generator, cumulative: np.ndarray, users: int, k: int) -> np.ndarray:
    """Draw up to k distinct items a user, ``(users, k)`` int32, popular ones first."""
    out = np.empty((users, k), np.int32)
    for at in range(0, users, 100_000):
        part = out[at : at + 100_000]
        drawn = np.searchsorted(cumulative, rng.random((len(part), k + SPARE))).astype(np.int32)
        drawn.sort(axis=1)
        drawn[:, 1:][drawn[:, 1:] == drawn[:, :-1]] = ITEMS  # behind all items
        drawn.sort(axis=1)
        part[:] = np.where(drawn[:, :k] < ITEMS, drawn[:, :k], -1)
    return out


def _owned(items: np.ndarray, sizes: np.ndarray) -> UserItems:
    """Keep the first ``sizes`` of every row, as sets."""
    kept = (np.arange(items.shape[1]) < sizes[:, None]) & (items >= 0)
    indptr = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    return UserItems(indptr, items[kept])
