"""Which form of a source's answer survives that it is fitted anew: score, rank or percentile.

A ranker learns in one window from the scores of generators that are fitted anew for the next. The
forms are compared on the newest ranker window, by rankers that learnt from those before it; the
test window is only told. Each is the mean of several seeds.
"""

from __future__ import annotations

import argparse
from datetime import date

import numpy as np

from benchmarks.held_out import HeldOut, grow, stacked_rows
from benchmarks.measure import machine
from benchmarks.pipeline import trained
from benchmarks.protocol import Result, Row
from config import load_settings
from evaluation.bootstrap import paired_bootstrap
from evaluation.leaks.drift import FORMS
from models.candidates import Candidates
from models.ranker import Rows
from tasks.run import Run

ALL = "all"
KEPT: dict[str, tuple[str, ...]] = {
    ALL: FORMS,
    "scores": ("score",),
    "ranks": ("rank",),
    "percentiles": ("percentile",),
    "scores and percentiles": ("score", "percentile"),
}
"""Variant → the forms its ranker is told of."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this protocol."""
    parser.add_argument("--config", default="ml-1m", help="data set; default ml-1m")
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2000, 11, 30))
    parser.add_argument("--seeds", type=int, default=3, help="rankers of each kind; default 3")


def run(options: argparse.Namespace) -> Result:
    """Measure; see the module."""
    settings = load_settings(options.config)
    with trained(settings, options.as_of) as day:
        found = {which: compare(day, which, options.seeds) for which in ("newest", "test")}
    figures = {
        name: {which: float(values[name].mean()) for which, values in found.items()}
        for name in KEPT
    }
    facts = []
    for name in KEPT:
        if name != ALL:
            versus = paired_bootstrap(found["newest"][name], found["newest"][ALL])
            facts.append(
                f"{name} minus all, newest window: {versus.difference:+.4f} "
                f"(95 %: {versus.low:+.4f} to {versus.high:+.4f})"
            )
    chosen = max(figures, key=lambda name: figures[name]["newest"])
    return Result(
        title=f"forms of the sources' answers, {settings.name} as of {options.as_of}, MAP@10",
        metrics=("newest", "test"),
        conventions=("MAP: average precision divided by the number of relevant items.",),
        rows=[Row(name, "Zavtra", figures[name]) for name in figures],
        checks=[],
        facts=[*facts, f"best on the newest ranker window: {chosen}", f"machine: {machine()}"],
        payload={
            "config": settings.name,
            "as_of": options.as_of.isoformat(),
            "figures": figures,
            "best": chosen,
        },
    )


def compare(day: Run, which: str, seeds: int) -> dict[str, np.ndarray]:
    """Give AP@10 of every user of a window for every variant, the mean over the seeds.

    Args:
        day: a run whose rows were made.
        which: ``newest``: learn from the ranker windows but the newest, judge on that; ``test``:
            learn from all of them, judge on the test window.
        seeds: rankers of each variant.
    """
    windows, _, names = stacked_rows(day)
    judge = HeldOut(day, day.windows.ranker[-1] if which == "newest" else day.windows.test)
    learnt = windows[:-1] if which == "newest" else windows
    return {
        name: np.mean([_judged(day, judge, learnt, names, forms, s) for s in range(seeds)], axis=0)
        for name, forms in KEPT.items()
    }


def _judged(
    day: Run,
    judge: HeldOut,
    windows: list[Rows],
    names: list[str],
    forms: tuple[str, ...],
    seed: int,
) -> np.ndarray:
    dropped = set(FORMS) - set(forms)
    kept = [at for at, name in enumerate(names) if name.rpartition(":")[2] not in dropped]
    cut = [Rows(r.features[kept], r.label, r.group, r.weight) for r in windows]
    ranker = grow(day, cut, [names[at] for at in kept], seed)

    def score(held: HeldOut, candidates: Candidates, features: np.ndarray) -> np.ndarray:
        return ranker.predict(features[kept])

    return judge.average_precision(score)
