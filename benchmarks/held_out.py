"""A window that rankers are compared on: candidates and features once, as many orders as asked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.protocol import BenchmarkError
from data.windows import Window
from evaluation.accuracy import accuracy
from evaluation.relevance import Relevant
from models.candidates import Candidates
from models.ranker import Ranker, Rows
from models.topk import best_of
from tasks.day import Day, liked_within
from tasks.features import features_as_of
from tasks.generators import load_sources
from tasks.ranker import ROW_SETTINGS, load_rows, load_warm
from tasks.run import Run

K = 10
Score = Callable[["HeldOut", Candidates, np.ndarray], np.ndarray]
"""From the window, a chunk and its features ``(n_features, n_pairs)`` to ``(n_pairs,)`` scores."""


class HeldOut:
    """The first day of a window: every user who likes something within its horizon.

    Args:
        run: one whose generators were fitted before the window.
        window: judged on; no ranker compared here may have learnt from it.
    """

    def __init__(self, run: Run, window: Window) -> None:
        d = window.days[0]
        self.day = Day(run, d, load_sources(run, window.cutoff), features_as_of(run, d))
        liked = liked_within(run, d, run.settings.windows.horizon_days)
        self.users = np.flatnonzero(liked.lengths).astype(np.int32)
        self.warm = self.day.histories.lengths[self.users] > 0
        truth = liked.take(self.users)
        rows = np.repeat(np.arange(len(self.users)), truth.lengths)
        self.relevant = Relevant.from_pairs(rows, truth.item, len(self.users))

        def work(chunk: np.ndarray) -> tuple[Candidates, np.ndarray]:
            candidates = self.day.candidates(chunk)
            return candidates, self.day.features(candidates)

        self.chunks = list(self.day.map_chunks(self.users, work, lambda done, total: None))

    def warm_pairs(self, candidates: Candidates) -> np.ndarray:
        """Say which pairs are of warm users, ``(n_pairs,)`` bool."""
        warm: np.ndarray = self.day.histories.lengths[candidates.user[candidates.row]] > 0
        return warm

    def average_precision(self, score: Score) -> np.ndarray:
        """Order the candidates by a score; give AP@10 of every user, ``(n_users,)`` float64."""
        lists = []
        for candidates, features in self.chunks:
            best = best_of(score(self, candidates, features), candidates.indptr, K)
            lists.append(np.where(best < 0, -1, candidates.item[np.maximum(best, 0)]))
        return accuracy(np.concatenate(lists), self.relevant, [K]).values[f"MAP@{K}"]


def stacked_rows(run: Run) -> tuple[list[Rows], list[np.ndarray], list[str]]:
    """Read the rows of all ranker windows, oldest first, with which are of warm users, and names.

    Raises:
        BenchmarkError: there is one window only, so none is left to choose on.
    """
    folders = [run.lake.local(*run.folder("rows", w.name)) for w in run.windows.ranker]
    if len(folders) < 2:
        raise BenchmarkError(
            "choices are made on the newest ranker window with rankers trained on those before "
            "it: set windows.ranker_windows to 2 or more"
        )
    loaded = [load_rows(folder) for folder in folders]
    return [rows for rows, _ in loaded], [load_warm(f) for f in folders], loaded[0][1]


def part_of(rows: Rows, chosen: np.ndarray) -> Rows:
    """Keep some rows, ``(n,)`` bool."""
    return Rows(
        rows.features[:, chosen], rows.label[chosen], rows.group[chosen], rows.weight[chosen]
    )


def grow(run: Run, windows: list[Rows], names: list[str], seed: int) -> Ranker:
    """Train a ranker with the settings of the run and another seed."""
    params = run.settings.ranker.model_dump(exclude=ROW_SETTINGS)
    return Ranker(**params, seed=seed, threads=run.settings.threads).fit(windows, names)
