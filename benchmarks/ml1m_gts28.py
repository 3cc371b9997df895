"""Two-stage recommendation on MovieLens-1M with a global split in time.

Ratings of 4 and more are positives. Train is what precedes ``as_of`` (2000-12-28, UTC), test the 28
days from it on; users and items unknown to train are not judged; items rated 4 and more in train
are not recommended again. The sources, the peers' models and the final list of the pipeline are
judged on the same users by the same code. Nothing is chosen on this window: choices are made on the
28 days before it, whose figures are printed beside.

RecTools 0.19 multiplies by the transposed EASE weights (the histories times B^T instead of B), so
its EASE row, and the published one, are not those of the paper's model.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import Steps, machine
from benchmarks.peers_run import PeerRun, run_peer
from benchmarks.protocol import Check, Result, Row, model_figures
from benchmarks.real import Ratings, read_ml1m
from benchmarks.sources import lists_of
from benchmarks.time_split import Split, split_global_time
from evaluation.accuracy import UserMetrics
from evaluation.bootstrap import bootstrap_interval, paired_bootstrap
from models.als import ALS
from models.base import Generator
from models.ease import EASE
from models.item_knn import ItemKNN
from models.popularity import Popularity

AS_OF = date(2000, 12, 28)
TEST_DAYS = 28
POSITIVE_STARS = 4
K = 10
METRICS = ("MAP@10", "NDCG@10", "Recall@10", "HitRate@10")
MUST_REACH = 0.045
PEER_SEED = 1

FINAL = "two-stage, final list"
POPULARITY, POPULARITY_28 = "popularity, all time", "popularity, 28 days"
ALS_64 = "ALS 64 factors, alpha 10, 15 iterations"
BM25 = "item-KNN BM25, K=100"
EASE_500 = "EASE, lambda 500"
PEER_7, PEER_21 = "two-stage, ranker on 7 days", "two-stage, ranker on 21 days"

PUBLISHED: dict[str, tuple[float | None, ...]] = {
    POPULARITY: (0.0213, 0.0763, 0.0403, 0.3083),
    POPULARITY_28: (0.0305, 0.0841, 0.0595, 0.3550),
    ALS_64: (0.0160, 0.0597, 0.0395, 0.3185),
    BM25: (0.0130, 0.0609, 0.0327, 0.2738),
    EASE_500: (0.0197, 0.0650, 0.0444, 0.3327),
    PEER_7: (0.0183, 0.0698, 0.0396, 0.3043),
    PEER_21: (0.0117, 0.0552, 0.0380, 0.3083),
    FINAL: (0.0478, 0.0997, None, None),
}
"""Figures at 2000-12-28, in the order of METRICS; the last: a prototype of this design."""

COUNTS = {
    "rows of train": 518_164,
    "rows of test": 13_485,
    "users of test": 542,
    "rows of users seen in train": 9_700,
    "of these on items seen in train": 9_692,
    "users judged": 493,
}
"""What the split must give at 2000-12-28."""

CONVENTIONS = (
    "MAP: average precision divided by the number of relevant items (not by min(k, relevant)).",
    "NDCG: divided by the ideal of k hits. Recall: divided by the number of relevant items.",
    "Only users and items of train are judged; positives of train are not recommended again.",
)


class Lists(NamedTuple):
    """What the pipeline recommends for a day, with the ids of the files."""

    user: np.ndarray
    """``(n,)`` user ids, in any order; at least every user that is judged."""
    final: np.ndarray
    """``(n, k)`` item ids of the final list, best first, padded with -1."""
    sources: Mapping[str, np.ndarray]
    """The same of each of the pipeline's own sources, which the final list must beat too."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare ``--as-of`` and ``--no-earlier``."""
    parser.add_argument(
        "--as-of",
        type=date.fromisoformat,
        default=AS_OF,
        metavar="YYYY-MM-DD",
        help=f"first day of the test; all windows move along (default {AS_OF})",
    )
    parser.add_argument(
        "--no-earlier",
        action="store_true",
        help=f"leave out the earlier window that choices were made on ({TEST_DAYS} days before)",
    )


def zavtra_lists(as_of: date, options: argparse.Namespace) -> Lists:
    """Run the pipeline's day on MovieLens-1M and give the lists it would publish for ``as_of``.

    Sources, features and ranker of these lists know nothing of what happens on or after ``as_of``.
    """
    from tasks.evaluate import benchmark_lists

    return Lists(*benchmark_lists("ml-1m", as_of, K))


def run(options: argparse.Namespace) -> Result:
    """Measure the sources, the final list and (with ``--peers``) RecTools."""
    steps = Steps()
    with steps("split"):
        log = read_ml1m()
        log = log.where(log.rating >= POSITIVE_STARS)
        split = split_global_time(log, options.as_of, TEST_DAYS)
    checks = _check_counts(split) if options.as_of == AS_OF else []
    if any(not check.passed for check in checks):  # other data: no figure would mean anything
        return Result(_title(split), METRICS, CONVENTIONS, [], checks)
    peers = None
    if options.peers is not None:
        with steps("peers"):
            peers = _peers(split, options)
    sources = _judge_sources(split, steps)
    with steps("zavtra"):
        own, final = _judge_pipeline(split, options)
    sources |= own
    rows = _rows(split, sources, final, peers)
    checks += _check_figures(options.as_of, sources, final)
    facts = [*_certainty(sources, final), *_costs(steps, peers)]
    payload: dict[str, Any] = {
        "as_of": str(options.as_of),
        "zavtra": _means(final),
        "sources": {name: _means(metrics) for name, metrics in sources.items()},
        "peers": model_figures(rows, "peer") or None,
        "interval": list(bootstrap_interval(final.values["MAP@10"])[1:]),
        "seconds": round(steps.seconds["zavtra"], 3),
        "seconds_by_step": steps.rounded(),
    }
    if options.as_of == AS_OF and not options.no_earlier:
        payload["earlier"], lines = _earlier(log, options)
        facts += lines
    return Result(_title(split), METRICS, CONVENTIONS, rows, checks, facts, payload)


# --------------------------------------------------------------------------- the three sides


def source_models() -> dict[str, Generator]:
    """Give this project's generators with the settings of the table."""
    return {
        POPULARITY: Popularity(),
        POPULARITY_28: Popularity(window_days=28),
        ALS_64: ALS(factors=64, alpha=10.0, iterations=15),
        BM25: ItemKNN(neighbours=100),
        EASE_500: EASE(l2=500.0),
    }


def _judge_sources(split: Split, steps: Steps) -> dict[str, UserMetrics]:
    judged = {}
    for name, model in source_models().items():
        with steps(name):
            lists = lists_of(model, split, K)
        judged[name] = split.judge(lists, [K])
    return judged


def _judge_pipeline(
    split: Split, options: argparse.Namespace
) -> tuple[dict[str, UserMetrics], UserMetrics]:
    """Judge the pipeline's own sources and its final list."""
    lists = zavtra_lists(split.as_of, options)

    def judge(item: np.ndarray) -> UserMetrics:
        return split.judge(split.align(lists.user, item[:, :K]), [K])

    own = {f"pipeline's source: {name}": judge(item) for name, item in lists.sources.items()}
    return own, judge(lists.final)


def _peers(split: Split, options: argparse.Namespace) -> PeerRun:
    train = split.train
    return run_peer(
        options.peers,
        "ml1m_gts28.py",
        {"user": train.user, "item": train.item, "ts": train.ts, "targets": split.targets},
        {"as_of": str(split.as_of), "k": K, "seed": PEER_SEED, "threads": os.cpu_count() or 1},
    )


# --------------------------------------------------------------------------- table, checks, facts


def _rows(
    split: Split, sources: dict[str, UserMetrics], final: UserMetrics, peers: PeerRun | None
) -> list[Row]:
    ours = {**sources, FINAL: final}
    rows = []
    known = {model: figures for model, figures in PUBLISHED.items() if model != FINAL}
    others = {model: None for model in sources if model not in known}
    for model, figures in {**known, **others, FINAL: PUBLISHED[FINAL]}.items():
        if model in ours:
            rows.append(Row(model, "Zavtra", _means(ours[model])))
        if model in known:
            lists = None if peers is None else peers.lists[model]
            judged = {} if lists is None else _means(split.judge(lists, [K]))
            rows.append(Row(model, "peer", judged, "RecTools"))
        if figures is not None and split.as_of == AS_OF:
            who = "prototype" if model == FINAL else "published"
            rows.append(Row(model, "published", dict(zip(METRICS, figures, strict=True)), who))
    return rows


def _check_counts(split: Split) -> list[Check]:
    found = {
        "rows of train": len(split.train),
        "rows of test": split.n_test,
        "users of test": split.n_test_users,
        "rows of users seen in train": split.n_known_users,
        "of these on items seen in train": len(split.relevant.items),
        "users judged": len(split.targets),
    }
    wrong = [f"{name}: {found[name]:,} != {n:,}" for name, n in COUNTS.items() if found[name] != n]
    text = "; ".join(wrong) or ", ".join(f"{n:,} {name}" for name, n in found.items())
    return [Check("the split is the protocol's", not wrong, text)]


def _check_figures(as_of: date, sources: dict[str, UserMetrics], final: UserMetrics) -> list[Check]:
    reached = _means(final)["MAP@10"]
    best = _best(sources)
    highest = _means(sources[best])["MAP@10"]
    checks = [
        Check(
            "the final list's MAP@10 is above every source's",
            reached > highest,
            f"{reached:.4f} against {highest:.4f} of {best}",
        )
    ]
    if as_of == AS_OF:
        name = f"the final list's MAP@10 is at least {MUST_REACH}"
        checks.append(Check(name, reached >= MUST_REACH, f"{reached:.4f}"))
    return checks


def _certainty(sources: dict[str, UserMetrics], final: UserMetrics) -> list[str]:
    own = bootstrap_interval(final.values["MAP@10"])
    best = _best(sources)
    gain = paired_bootstrap(final.values["MAP@10"], sources[best].values["MAP@10"])
    return [
        f"MAP@10 of the final list {own.value:.4f}, 95 % bootstrap interval {own.low:.4f}.."
        f"{own.high:.4f} over {len(final)} users",
        f"gain over {best} {gain.difference:+.4f} ({gain.low:+.4f}..{gain.high:+.4f}), "
        f"ahead in {gain.p_better:.1%} of the resamples",
    ]


def _earlier(log: Ratings, options: argparse.Namespace) -> tuple[dict[str, object], list[str]]:
    as_of = options.as_of - timedelta(days=TEST_DAYS)
    split = split_global_time(log, as_of, TEST_DAYS)
    own, judged = _judge_pipeline(split, options)
    sources = {**_judge_sources(split, Steps(quiet=True)), **own}
    final = _means(judged)
    means = {name: _means(metrics) for name, metrics in sources.items()}
    best = _best(sources)
    line = (
        f"the earlier window that choices are made on (as_of {as_of}, {len(split.targets)} users): "
        f"final list MAP@10 {final['MAP@10']:.4f}, NDCG@10 {final['NDCG@10']:.4f}; best source "
        f"{best}, MAP@10 {means[best]['MAP@10']:.4f}"
    )
    return {"as_of": str(as_of), "zavtra": final, "sources": means}, [line]


def _costs(steps: Steps, peers: PeerRun | None) -> list[str]:
    taken = "; ".join(f"{name} {seconds:.1f}" for name, seconds in steps.seconds.items())
    lines = [f"seconds: {taken}", f"machine: {machine()}"]
    if peers is not None:
        taken = "; ".join(f"{name} {f['seconds']:.1f}" for name, f in peers.figures.items())
        lines.append(f"{peers.library}, peak {peers.peak_rss_gb:.1f} GB, seconds: {taken}")
    return lines


def _best(sources: Mapping[str, UserMetrics]) -> str:
    """Name the source with the highest MAP@10."""
    return max(sources, key=lambda name: _means(sources[name])["MAP@10"])


def _means(metrics: UserMetrics) -> dict[str, float]:
    means = metrics.mean()
    return {name: round(means[name], 6) for name in METRICS}


def _title(split: Split) -> str:
    return (
        f"ml1m-gts28: MovieLens-1M, ratings >= {POSITIVE_STARS}, {TEST_DAYS} days from "
        f"{split.as_of} on, {len(split.targets)} users"
    )
