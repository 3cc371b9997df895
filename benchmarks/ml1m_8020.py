"""Two-stage recommendation on MovieLens-1M, the first 80 % of the ratings against the rest.

Ratings of 3 and more are positives; the cut lies where 80 % of them are past, users and items of
the rest that are unknown before it are not judged; k = 10. This is the split of RePlay's published
table (https://github.com/sb-ai-lab/RePlay, experiments on MovieLens-1M), whose figures are printed
beside. The table cuts inside a day; here the cut is the next midnight (UTC), and the counts of both
are printed. What is chosen is chosen on the earlier split that ``--earlier`` judges.
"""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from benchmarks.measure import Steps, machine
from benchmarks.pipeline import trained
from benchmarks.protocol import Check, Result, Row
from benchmarks.real import Ratings, read_ml1m
from benchmarks.sources import lists_of
from benchmarks.time_split import Split, split_global_time
from config import load_settings
from evaluation.accuracy import UserMetrics
from evaluation.bootstrap import bootstrap_interval, paired_bootstrap
from models.als import ALS
from models.base import Generator
from models.item_knn import ItemKNN
from models.popularity import Popularity
from tasks.catalogue import external_ids
from tasks.day import Day
from tasks.features import features_as_of
from tasks.generators import load_sources
from tasks.lists import make_lists
from tasks.ranker import load_ranker
from tasks.run import Ref, Run

POSITIVE_STARS = 3
K = 10
METRICS = ("NDCG_min@10", "MAP_min@10", "HitRate@10")
MUST_EXCEED = 0.2576
GOAL = 0.30
EARLIER = date(2000, 9, 15)
"""Split that choices are made on: it is judged by what precedes the table's cut."""

FINAL = "two-stage, final list"
PUBLISHED: dict[str, tuple[float | None, ...]] = {
    "ItemKNN": (0.2576, 0.1678, None),
    "ALS": (0.2551, None, None),
    "popularity": (0.2437, None, None),
    "SLIM": (0.2377, None, None),
    "Word2Vec": (0.1385, None, None),
}
"""RePlay's figures, in the order of METRICS."""

COUNTS = (669_182, 86_542, 1_139)
"""Rows of train, rows of test that are judged and their users, at the table's own cut."""

CONVENTIONS = (
    "NDCG: divided by the ideal of min(k, relevant) hits; MAP: average precision divided by "
    "min(k, relevant).",
    "Only users and items of train are judged; items of train are not recommended again.",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare ``--earlier``."""
    parser.add_argument(
        "--earlier",
        action="store_true",
        help=f"judge the split that choices are made on instead (cut {EARLIER})",
    )


def run(options: argparse.Namespace) -> Result:
    """Measure single models and the final list."""
    steps = Steps()
    with steps("split"):
        log = read_ml1m()
        log = log.where(log.rating >= POSITIVE_STARS)
        moment = int(log.ts[len(log) * 4 // 5])
        cut = datetime.fromtimestamp(moment / 1e6, UTC).date() + timedelta(1)
        inside = _counts(log, moment)
        if options.earlier:
            log, cut = log.where(log.ts < moment), EARLIER
        split = split_global_time(log, cut, test_days=3650)
    checks = [] if options.earlier else [_check_counts(inside)]
    singles: dict[str, Generator] = {
        "ItemKNN": ItemKNN(neighbours=100),
        "ALS": ALS(factors=64),
        "popularity": Popularity(),
    }
    judged = {}
    for name, model in singles.items():
        with steps(name):
            judged[name] = split.judge(lists_of(model, split, K), [K])
    with steps("zavtra"):
        made = _zavtra(split)
    sources = {
        **judged,
        **{f"pipeline's source: {name}": own for name, own in made.items() if name != FINAL},
    }
    final = made[FINAL]
    best = max(sources, key=lambda name: means(sources[name])[METRICS[0]])
    checks += _check_figures(means(final), sources, best, options.earlier)
    gain = paired_bootstrap(final.values[METRICS[0]], sources[best].values[METRICS[0]])
    interval = bootstrap_interval(final.values[METRICS[0]])
    facts = [
        f"cut inside the day: {inside[0]:,} rows of train, {inside[1]:,} judged of {inside[2]:,} "
        f"users; at midnight {cut}: {len(split.train):,}, {len(split.relevant.items):,} and "
        f"{len(split.targets):,}",
        f"{METRICS[0]} of the final list {interval.value:.4f}, 95 % bootstrap interval "
        f"{interval.low:.4f}..{interval.high:.4f}; gain over {best} {gain.difference:+.4f} "
        f"({gain.low:+.4f}..{gain.high:+.4f})",
        "seconds: " + "; ".join(f"{name} {spent:.1f}" for name, spent in steps.seconds.items()),
        f"machine: {machine()}",
    ]
    payload = {
        "cut": str(cut),
        "zavtra": means(final),
        "sources": {name: means(own) for name, own in sources.items()},
        "interval": [interval.low, interval.high],
        "seconds": round(steps.seconds["zavtra"], 3),
    }
    title = f"ml1m-8020: MovieLens-1M, ratings >= 3, from {cut} on, {len(split.targets)} users"
    rows = _rows(sources, final, published=not options.earlier)
    return Result(title, METRICS, CONVENTIONS, rows, checks, facts, payload)


def _zavtra(split: Split) -> dict[str, UserMetrics]:
    """Train as of the cut and list for every judged user; give all sources' and the final list."""
    settings = load_settings(
        "ml-1m",
        name="ml1m-8020",
        source={"stars_min": POSITIVE_STARS},
        positive_min=POSITIVE_STARS / 5,
        recommend={"k": K, "seen": "positive"},
    )
    # The run's own test window begins at the cut; its ranker has learnt from days before it alone.
    as_of = split.as_of + timedelta(days=settings.windows.test_days)
    with trained(settings, as_of) as run:
        return {name: split.judge(lists, [K]) for name, lists in _lists(run, split).items()}


def _lists(run: Run, split: Split) -> dict[str, np.ndarray]:
    day = Day(run, split.as_of, load_sources(run, split.as_of), features_as_of(run, split.as_of))
    ranker = load_ranker(run, Ref(run.folder("ranker"), ""))
    user_ids, item_ids = (external_ids(run.lake, what).to_numpy() for what in ("users", "items"))
    users = np.flatnonzero(np.isin(user_ids, split.user_ids[split.targets])).astype(np.int32)
    candidates = day.candidates(users)
    (final,) = make_lists(day, candidates, [ranker], K)
    found = {
        source.name: candidates.lists[at, :, :K]
        for at, source in enumerate(day.sources)
        if source.candidates
    }
    found[FINAL] = final.items(candidates)
    external = {
        name: np.where(lists < 0, -1, item_ids[np.maximum(lists, 0)])
        for name, lists in found.items()
    }
    return {name: split.align(user_ids[users], lists) for name, lists in external.items()}


def _counts(log: Ratings, moment: int) -> tuple[int, int, int]:
    """Count as the table does, with the cut inside the day."""
    before, after = log.where(log.ts < moment), log.where(log.ts >= moment)
    judged = np.isin(after.user, before.user) & np.isin(after.item, before.item)
    return len(before), int(judged.sum()), len(np.unique(after.user[judged]))


def _check_counts(found: tuple[int, int, int]) -> Check:
    text = f"{found[0]:,} rows of train, {found[1]:,} judged of {found[2]:,} users"
    return Check("the split is the protocol's, before it moves to midnight", found == COUNTS, text)


def _check_figures(
    final: dict[str, float], sources: dict[str, UserMetrics], best: str, earlier: bool
) -> list[Check]:
    reached, highest = final[METRICS[0]], means(sources[best])[METRICS[0]]
    checks = [
        Check(
            f"the final list's {METRICS[0]} is above every source's",
            reached > highest,
            f"{reached:.4f} against {highest:.4f} of {best}",
        )
    ]
    if not earlier:
        name = f"the final list's {METRICS[0]} is above RePlay's best, {MUST_EXCEED}"
        checks.append(Check(name, reached > MUST_EXCEED, f"{reached:.4f}"))
    return checks


def _rows(sources: dict[str, UserMetrics], final: UserMetrics, published: bool) -> list[Row]:
    rows = []
    for name in dict.fromkeys([*PUBLISHED, *sources]):
        if name in sources:
            rows.append(Row(name, "Zavtra", means(sources[name])))
        if published and name in PUBLISHED:
            figures = dict(zip(METRICS, PUBLISHED[name], strict=True))
            rows.append(Row(name, "published", figures, "RePlay"))
    return [*rows, Row(FINAL, "Zavtra", means(final))]


def means(metrics: UserMetrics) -> dict[str, Any]:
    """Average the table's metrics over the users, to six places."""
    all_means = metrics.mean()
    return {name: round(all_means[name], 6) for name in METRICS}
