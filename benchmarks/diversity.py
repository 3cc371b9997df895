"""NDCG against diversity along the knob of the re-ranking, on MovieLens-1M.

The day of the shipped settings is trained twice: for ``as_of``, and one test window earlier. The
strength of each kind is chosen on the earlier test window (which is the newest ranker window of the
later day) and shown on the later one, on which nothing was chosen.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np

from benchmarks.measure import Steps, machine
from benchmarks.pipeline import trained
from benchmarks.protocol import Check, Result, Row
from benchmarks.real import real_data
from config import load_settings
from config.rerank import ATTRIBUTES, RerankSettings
from evaluation.relevance import Relevant
from evaluation.tradeoff import bargain, tradeoff_part
from models.ranker import Ranker
from models.rerank import Kind
from tasks.catalogue import catalogue_as_of
from tasks.evaluate import FINAL, WindowLists
from tasks.rerank_curve import curves_of_day
from tasks.run import Run

AS_OF = date(2000, 12, 28)
K = 10
KINDS: tuple[Kind, ...] = ("mmr", "dpp")
STRENGTHS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 0.85, 1.0)
MAY_LOSE = 0.01
"""Share of NDCG that the choice may cost on the window it is made on."""
METRICS = ("NDCG@10", "lost", "diversity", "coverage", "MAP@10")
CONVENTIONS = (
    "NDCG: divided by the ideal of k hits; lost: share of the ranker's own list's NDCG.",
    "diversity: 1 - Jaccard of genres, mean of the pairs of a list of ten, mean over lists.",
    f"The strength of a kind is the one with the most diversity that loses at most {MAY_LOSE:.0%} "
    "of NDCG on the earlier window; the table is the later one.",
)


class Window(NamedTuple):
    """Both curves on one test window."""

    start: date
    curves: dict[Kind, dict[str, Any]]
    """Kind → :func:`evaluation.tradeoff.tradeoff_part`."""
    untouched: bool
    """The lists of strength 0 are those that the day's own test judged."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare ``--as-of``, ``--by`` and ``--pool``."""
    parser.add_argument(
        "--as-of",
        type=date.fromisoformat,
        default=AS_OF,
        metavar="YYYY-MM-DD",
        help=f"day whose test window is shown (default {AS_OF})",
    )
    parser.add_argument(
        "--by",
        default=ATTRIBUTES,
        help="what makes items alike: attributes (genres), or a source with vectors such as als",
    )
    parser.add_argument(
        "--pool", type=int, default=50, help="best candidates a list is picked from (default 50)"
    )


def run(options: argparse.Namespace) -> Result:
    """Choose on the earlier window, show on the later one."""
    real_data("ml-1m", "ratings.dat", "movies.dat")
    settings = load_settings("ml-1m")
    steps = Steps()
    windows = []
    for as_of in (options.as_of - timedelta(days=settings.windows.test_days), options.as_of):
        with steps(f"day of {as_of}"), trained(settings, as_of) as done:
            windows.append(measure(done, options.by, options.pool))
    earlier, later = windows
    chosen: dict[Kind, float] = {
        kind: bargain(earlier.curves[kind]["points"], MAY_LOSE)["strength"] for kind in KINDS
    }
    return _result(earlier, later, chosen, options, steps)


def measure(run: Run, by: str, pool: int, strengths: Sequence[float] = STRENGTHS) -> Window:
    """Re-rank the test window of a trained run at every strength of both kinds.

    Args:
        run: one whose ranker was trained.
        by: as in ``recommend.rerank.by``.
        pool: as in ``recommend.rerank.pool``.
        strengths: values of the knob, the first is 0.
    """
    tests = WindowLists.load(run.lake.local(*run.folder("test")))
    own = tests.lists[tests.systems.index(FINAL)]
    ranker = Ranker.load(run.lake.local(*run.folder("ranker")))
    asked: dict[str, RerankSettings] = {
        kind: RerankSettings(kind=kind, pool=pool, by=by) for kind in KINDS
    }
    per_day = [
        curves_of_day(run, d, ranker, tests.user[tests.day == at], asked, strengths, K)
        for at, d in enumerate(run.windows.test.days)
    ]
    lists: dict[Kind, np.ndarray] = {
        kind: np.concatenate([made[kind] for made in per_day], axis=1) for kind in KINDS
    }
    catalogue = catalogue_as_of(run, run.windows.test.start)
    relevant: Relevant = tests.relevant
    curves = {
        kind: tradeoff_part(made, strengths, relevant, catalogue, chosen=0.0, k=K)
        for kind, made in lists.items()
    }
    same = all(np.array_equal(made[0], own[:, :K]) for made in lists.values())
    return Window(run.windows.test.start, curves, same)


# --------------------------------------------------------------------------- table, checks, facts


def _result(
    earlier: Window,
    later: Window,
    chosen: dict[Kind, float],
    options: argparse.Namespace,
    steps: Steps,
) -> Result:
    rows, checks, facts = [], [], []
    for kind in KINDS:
        part = later.curves[kind]
        used = _at(part, chosen[kind])
        for point in part["points"]:
            mark = " (chosen)" if point is used else ""
            rows.append(Row(f"{kind} {point['strength']:.2f}{mark}", "Zavtra", _figures(point)))
        before = _at(earlier.curves[kind], chosen[kind])
        facts.append(
            f"{kind}: {chosen[kind]:.2f} was chosen on the window from {earlier.start} on, where "
            f"it loses {before['ndcg_loss']:.2%} of NDCG at a diversity of "
            f"{before['diversity']:.3f}; on this one NDCG moves by {used['difference']:+.4f} "
            f"({used['low']:+.4f}..{used['high']:+.4f}), which is {-used['ndcg_loss']:+.2%}"
        )
        facts += [
            f"{kind}: for {deal['loss']:.0%} of NDCG diversity rises by {deal['gain_share']:.1%}, "
            f"to {deal['diversity']:.3f} (strength {deal['strength']:.2f})"
            for deal in part["bargains"]
        ]
        first = part["points"][0]
        checks.append(
            Check(
                f"{kind}: the chosen strength gives more diversity",
                used["diversity"] > first["diversity"],
                f"{used['diversity']:.4f} against {first['diversity']:.4f}",
            )
        )
        checks.append(
            Check(
                f"{kind}: the stronger, the more diverse",
                _rises([p["diversity"] for p in part["points"]]),
                f"{first['diversity']:.3f} to {part['points'][-1]['diversity']:.3f}",
            )
        )
    same = earlier.untouched and later.untouched
    checks.append(Check("strength 0 leaves the day's lists as they are", same, str(same)))
    facts += [f"seconds: {steps.rounded()}", f"machine: {machine()}"]
    payload = {
        "as_of": str(options.as_of),
        "by": options.by,
        "pool": options.pool,
        "chosen": chosen,
        "curves": later.curves,
        "earlier": earlier.curves,
        "seconds": round(steps.total, 3),
    }
    users = later.curves[KINDS[0]]["users"]
    title = (
        f"diversity: MovieLens-1M, test window from {later.start} on, {users} users, "
        f"{options.pool} candidates re-ranked by {options.by}"
    )
    return Result(title, METRICS, CONVENTIONS, rows, checks, facts, payload)


def _at(part: dict[str, Any], strength: float) -> dict[str, float]:
    return next(point for point in part["points"] if point["strength"] == strength)


def _figures(point: dict[str, float]) -> dict[str, float | None]:
    names = ("ndcg", "ndcg_loss", "diversity", "coverage", "map")
    return {metric: point[name] for metric, name in zip(METRICS, names, strict=True)}


def _rises(values: Sequence[float], slack: float = 0.005) -> bool:
    """Whether no value lies further than ``slack`` below the one before: greedy is not exact."""
    return bool((np.diff(values) >= -slack).all())
