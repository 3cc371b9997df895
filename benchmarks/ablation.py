"""What each family of features is worth: the ranker is trained and lists made without it.

Candidates and rows stay; only the columns of a family are left out of training and ranking.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchmarks.cuts import ALL, Cuts
from benchmarks.measure import Steps
from features.catalog import Catalog
from models.candidates import Candidates
from models.ranker import DIFFERENCE, Ranker, Rows
from models.similarity import MEASURES
from models.topk import best_of
from tasks.day import Day, liked_within
from tasks.features import features_as_of
from tasks.generators import load_sources
from tasks.ranker import ROW_SETTINGS, load_rows
from tasks.run import Run

SCORES, RANKS, SINGLE = "sources' scores", "sources' ranks", "similarity to single items"
DIFFERENCES = "differences between sources"


class _Test(NamedTuple):
    chunks: list[tuple[Candidates, np.ndarray]]
    user: np.ndarray
    catalog: Catalog


def ablate(run: Run, seeds: int = 3) -> Cuts:
    """Make the final lists with all features and without each family.

    Args:
        run: one whose ranker was trained.
        seeds: rankers trained for each, since one differs from the next by as much as a family.
    """
    stack = [load_rows(run.lake.local(*run.folder("rows", w.name))) for w in run.windows.ranker]
    rows, names = [rows for rows, _ in stack], stack[0][1]
    test, everything = _test(run), np.arange(len(names))
    cuts = {ALL: everything}
    for family, positions in families(names, test.catalog).items():
        cuts[f"without {family} ({len(positions)})"] = np.setdiff1d(everything, positions)
    lists, steps = {}, Steps()
    for cut, kept in cuts.items():
        with steps(cut):  # a line each: all of them take minutes
            made = [_lists(run, rows, names, test, kept, seed) for seed in range(seeds)]
        lists[cut] = np.stack(made)
    return Cuts(test.user, lists)


def families(names: list[str], catalog: Catalog) -> dict[str, list[int]]:
    """Group the ranker's features.

    Args:
        names: of all features, in order.
        catalog: says which entity a feature describes.

    Returns:
        Family → positions in ``names``.
    """
    of_source = {"score": SCORES, DIFFERENCE: DIFFERENCES, **dict.fromkeys(MEASURES, SINGLE)}
    entity = {feature.name: feature.entity for feature in catalog}
    found: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        family = entity.get(name) or of_source.get(name.rpartition(":")[2], RANKS)
        found.setdefault(family, []).append(at)
    return found


def _test(run: Run) -> _Test:
    """Make the candidates of the first test day with all their features."""
    window = run.windows.test
    day = Day(
        run, window.start, load_sources(run, window.cutoff), features_as_of(run, window.start)
    )
    liked = liked_within(run, window.start, run.settings.windows.horizon_days)
    users = np.flatnonzero(liked.lengths).astype(np.int32)

    def work(chunk: np.ndarray) -> tuple[Candidates, np.ndarray]:
        candidates = day.candidates(chunk)
        return candidates, day.features(candidates)

    chunks = list(day.map_chunks(users, work, lambda done, total: None))
    return _Test(chunks, users, day.tables.catalog)


def _lists(
    run: Run, rows: list[Rows], names: list[str], test: _Test, kept: np.ndarray, seed: int
) -> np.ndarray:
    """Train on the columns kept and list for the test users, ``(n, k)`` int32."""
    params = run.settings.ranker.model_dump(exclude=ROW_SETTINGS)
    ranker = Ranker(**params, seed=seed, threads=run.settings.threads)
    part = [Rows(r.features[kept], r.label, r.group, r.weight) for r in rows]
    ranker.fit(part, [names[at] for at in kept])
    lists = []
    for candidates, features in test.chunks:
        best = best_of(ranker.predict(features[kept]), candidates.indptr, run.settings.recommend.k)
        lists.append(np.where(best >= 0, candidates.item[np.maximum(best, 0)], -1))
    return np.concatenate(lists)
