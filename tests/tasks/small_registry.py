"""Trainings made by hand: a tiny ranker, a generator, figures and a gate's decision."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from hand_made import hand_made

from models.interactions import Interactions
from models.popularity import Popularity
from models.ranker import Ranker, Rows
from tasks.registry.bundle import make_bundle
from tasks.registry.steps import find_champion, register
from tasks.run import Ref, Run

SOURCES = """
generators: [{kind: popularity}]
"""
FIRST = date(2026, 1, 3)


def small_run(folder: Path, as_of: date = FIRST, more: str = "", name: str = "hand") -> Run:
    """Give a run on the rows written by hand, as a data set of some name."""
    run = hand_made(folder, as_of, SOURCES + more)
    named = replace(run, settings=run.settings.model_copy(update={"name": name}))
    Path(run.lake.root).rename(named.lake.root)
    return named


def on(run: Run, as_of: date) -> Run:
    """Give the run of another day."""
    return replace(run, as_of=as_of)


def trained(run: Run, seed: int = 7) -> tuple[Ref, Ref]:
    """Leave a fitted generator and a ranker in the lake, as the steps of training do."""
    log = Interactions(
        *(np.zeros(1, kind) for kind in (np.int32, np.int32, np.int64, np.float32)), 3, 3
    )

    def fit(folder: Path) -> None:
        Popularity().fit(log).save(folder)

    def train(folder: Path) -> None:
        draw = np.random.default_rng(seed)
        label = np.tile([1, 0], 20).astype(np.float32)
        features = draw.random((2, 40)).astype(np.float32)
        rows = Rows(features, label, np.arange(40) // 4, np.ones(40, np.float32))
        Ranker(iterations=2, depth=2, early_stopping_rounds=None, threads=1).fit(
            [rows], ["one", "two"]
        ).save(folder)

    name = run.settings.generators[0].name
    fitted = run.step("generators", f"cutoff={run.as_of}", name, inputs="", make=fit)
    return fitted, run.step(*run.folder("ranker"), inputs=seed, make=train)


def judged(run: Run, publish: str, final: float = 0.05) -> tuple[Ref, Ref]:
    """Leave the figures, the gate's decision and the page in the lake."""
    systems = {"popularity": {"MAP@10": 0.04, "NDCG@10": 0.1}, "final": {"MAP@10": final}}
    gate = {"publish": publish, "verdict": publish, "why": f"{publish} it is", "numbers": []}
    _leave(run, "test", "metrics.json", {"systems": systems})
    return _leave(run, "gate", "gate.json", gate), _leave(run, "report", "report.html", {})


def day(run: Run, publish: str = "final", seed: int = 7) -> dict[str, Any]:
    """Do what a day does: find the champion, train, decide, register; give what was registered."""
    find_champion.fn(run)
    fitted, ranker = trained(run, seed)
    gate, page = judged(run, publish)
    ref = register.fn(run, make_bundle.fn(run, [fitted], ranker), gate, page)
    return dict(run.lake.read_json(*ref.parts, "registered.json"))


def champion(run: Run) -> dict[str, Any]:
    """Look the champion up; give ``champion.json``."""
    return dict(run.lake.read_json(*find_champion.fn(run).parts, "champion.json"))


def _leave(run: Run, name: str, file: str, value: Any) -> Ref:
    def make(folder: Path) -> None:
        (folder / file).write_text(json.dumps(value))

    return run.step(*run.folder(name), inputs=value, make=make)
