"""What the pipeline recommends in the 28-day protocol: a day of it is run on MovieLens-1M."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from benchmarks.cuts import NO_CUTS
from config import load_settings
from tasks.catalogue import external_ids
from tasks.evaluate import FINAL, WindowLists

FIRST_DAY = date(2000, 4, 25)
"""Of MovieLens-1M."""
TEST_DAYS = 28
POSITIVE_STARS = 4
K = 10


class Lists(NamedTuple):
    """What the pipeline recommends for a day, with the ids of the files."""

    user: np.ndarray
    """``(n,)`` user ids, in any order; at least every user that is judged."""
    final: np.ndarray
    """``(n, k)`` item ids of the final list, best first, padded with -1."""
    sources: Mapping[str, np.ndarray]
    """The same of each of the pipeline's own sources, which the final list must beat too."""
    cut_user: np.ndarray = np.empty(0, np.int32)
    """``(m,)`` user ids of the rows of ``cuts``."""
    cuts: Mapping[str, np.ndarray] = {}
    """The final list without each family of features, ``(seeds, m, k)``; see ``--ablate``."""


def zavtra_lists(as_of: date, options: argparse.Namespace) -> Lists:
    """Run the pipeline's day on MovieLens-1M and give the lists it would publish for ``as_of``.

    Sources, features and ranker of these lists know nothing of what happens on or after ``as_of``.
    """
    from benchmarks.ablation import ablate
    from benchmarks.pipeline import trained

    settings = load_settings(
        "ml-1m",
        name="ml1m-gts28",
        source={"stars_min": POSITIVE_STARS},
        recommend={"k": K, "seen": "positive"},
        windows={"ranker_windows": ranker_windows(as_of)},
    )
    # The test window of the run is the protocol's: it ends where the run's as_of stands.
    with trained(settings, as_of + timedelta(days=TEST_DAYS)) as run:
        made = WindowLists.load(run.lake.local(*run.folder("test")))
        users, items = (external_ids(run.lake, what).to_numpy() for what in ("users", "items"))
        cuts = ablate(run) if options.ablate else NO_CUTS

    def external(lists: np.ndarray) -> np.ndarray:
        return np.where(lists < 0, -1, items[np.maximum(lists, 0)])

    by_name = dict(zip(made.systems, external(made.lists), strict=True))
    final = by_name.pop(FINAL)
    without = {cut: external(lists) for cut, lists in cuts.lists.items()}
    return Lists(users[made.user], final, by_name, users[cuts.user], without)


def ranker_windows(as_of: date) -> int:
    """Give the windows of the shipped settings, fewer where the data does not reach back so far.

    The generators of the oldest window learn from at least as many days as it has.
    """
    configured = load_settings("ml-1m").windows
    fitting = (as_of - FIRST_DAY).days // configured.ranker_days - 1
    return max(1, min(configured.ranker_windows, fitting))
