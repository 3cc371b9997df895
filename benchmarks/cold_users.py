"""Users without a history: one ranker for all, a ranker of their own, or popularity's order.

A variant is chosen on the newest ranker window, by rankers that learnt from the windows before it;
the test window is only told. Each is the mean of several seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import date

import numpy as np

from benchmarks.held_out import HeldOut, Score, grow, part_of, stacked_rows
from benchmarks.measure import machine
from benchmarks.pipeline import trained
from benchmarks.protocol import BenchmarkError, Result, Row
from config import load_settings
from models.candidates import Candidates
from models.ranker import Rows
from tasks.lists import make_lists
from tasks.run import Run

ONE, OWN, FALLBACK = "one ranker for all", "cold users: own ranker", "cold users: popularity"
COLUMNS = ("newest, all", "newest, warm", "newest, cold", "test, all", "test, warm", "test, cold")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of this protocol."""
    parser.add_argument("--config", default="ml-1m", help="data set; default ml-1m")
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2000, 12, 28))
    parser.add_argument("--seeds", type=int, default=3, help="rankers of each kind; default 3")


def run(options: argparse.Namespace) -> Result:
    """Measure; see the module."""
    settings = load_settings(options.config)
    with trained(settings, options.as_of) as day:
        newest, test = (compare(day, which, options.seeds) for which in ("newest", "test"))
    figures = {
        name: {
            f"{which}, {part}": value
            for which, found in (("newest", newest), ("test", test))
            for part, value in found[name].items()
        }
        for name in newest
    }
    chosen = max(newest, key=lambda name: newest[name]["all"])
    return Result(
        title=f"cold users, {settings.name} as of {options.as_of}, MAP@10",
        metrics=COLUMNS,
        conventions=(
            "MAP: average precision divided by the number of relevant items.",
            "Cold: no positive before the day of the list.",
        ),
        rows=[Row(name, "Zavtra", figures[name]) for name in figures],
        checks=[],
        facts=[f"chosen on the newest ranker window: {chosen}", f"machine: {machine()}"],
        payload={
            "config": settings.name,
            "as_of": options.as_of.isoformat(),
            "chosen": chosen,
            "figures": figures,
        },
    )


def compare(day: Run, which: str, seeds: int) -> dict[str, dict[str, float]]:
    """Judge all variants on a window.

    Args:
        day: a run whose rows were made.
        which: ``newest``: learn from the ranker windows but the newest, judge on that; ``test``:
            learn from all of them, judge on the test window.
        seeds: rankers of each kind.

    Returns:
        Variant → ``all``, ``warm``, ``cold`` → MAP@10.
    """
    windows, warm, names = stacked_rows(day)
    judge = HeldOut(day, day.windows.ranker[-1] if which == "newest" else day.windows.test)
    if which == "newest":
        windows, warm = windows[:-1], warm[:-1]
    found: dict[str, np.ndarray] = {}
    for seed in range(seeds):
        for name, score in variants(day, windows, warm, names, seed).items():
            found[name] = found.get(name, 0) + judge.average_precision(score) / seeds
    parts = {"all": np.ones(len(judge.warm), np.bool_), "warm": judge.warm, "cold": ~judge.warm}
    return {
        name: {
            part: float(values[rows].mean()) if rows.any() else 0.0 for part, rows in parts.items()
        }
        for name, values in found.items()
    }


def variants(
    day: Run, windows: list[Rows], warm: list[np.ndarray], names: list[str], seed: int
) -> Mapping[str, Score]:
    """Train what the variants need; give how each orders a chunk."""
    one = grow(day, windows, names, seed)
    warm_only, cold_only = (
        grow(day, [part_of(r, w == kind) for r, w in zip(windows, warm, strict=True)], names, seed)
        for kind in (True, False)
    )
    popular = next((g.name for g in day.settings.generators if g.kind == "popularity"), None)
    if popular is None:
        raise BenchmarkError("no source of the kind popularity to fall back on: add one")

    def alike(judge: HeldOut, candidates: Candidates, features: np.ndarray) -> np.ndarray:
        return one.predict(features)

    def own(judge: HeldOut, candidates: Candidates, features: np.ndarray) -> np.ndarray:
        pairs = judge.warm_pairs(candidates)
        return np.where(pairs, warm_only.predict(features), cold_only.predict(features))

    def fallback(judge: HeldOut, candidates: Candidates, features: np.ndarray) -> np.ndarray:
        (order,) = make_lists(judge.day, candidates, [popular], 1)
        return np.where(judge.warm_pairs(candidates), one.predict(features), order.score)

    return {ONE: alike, OWN: own, FALLBACK: fallback}
