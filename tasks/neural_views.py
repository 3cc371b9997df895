"""What the neural sources of tomorrow's lists learned, for the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from data.contract import ITEM
from data.lake import Lake
from data.versions import entities_as_of
from evaluation.neural_views import curves, item_map, similarity
from models.dropped import Dropped, is_dropped
from models.interactions import Interactions
from models.registry import KINDS, is_neural
from tasks.day import read_log
from tasks.run import Ref, Run

ROOMS = ("data", "evaluation", "models", "tasks")
TRAINING = "training.json"


@task(task_run_name="neural sources of {run.as_of}", cache_policy=NO_CACHE)
def neural_views(run: Run, fits: list[Ref]) -> Ref:
    """Write ``views.json``: a part for every neural source, none where there is none.

    Args:
        run: the run.
        fits: of all sources before ``as_of``.
    """
    names = {g.name: g.kind for g in run.settings.generators if is_neural(g.kind)}
    own = {fit.parts[-1]: fit for fit in fits if fit.parts[-1] in names}

    def make(folder: Path) -> None:
        views = {"sources": _views(run, {n: (names[n], fit) for n, fit in own.items()})}
        (folder / "views.json").write_text(json.dumps(views, indent=1), encoding="utf-8")

    inputs = {name: fit.digest for name, fit in own.items()}
    return run.step(*run.folder("neural"), inputs=inputs, make=make, rooms=ROOMS)


def neural_part(run: Run) -> dict[str, Any] | None:
    """Read the views for the page; None: there is no neural source."""
    views: dict[str, Any] = run.lake.read_json(*run.folder("neural"), "views.json")
    return views if views["sources"] else None


def _views(run: Run, fits: dict[str, tuple[str, Ref]]) -> dict[str, Any]:
    if not fits:
        return {}
    log = read_log(run.lake, run.as_of).positive(run.settings.positive_min)
    users, items = (entities_as_of(run.lake, side, run.as_of) for side in ("users", "items"))
    labels = _labels(run.lake, items, log.n_items)
    found: dict[str, Any] = {}
    for name, (kind, fit) in fits.items():
        folder = run.lake.local(*fit.parts)
        if is_dropped(folder):
            found[name] = {"dropped": Dropped.load(folder).reason}
            continue
        model = KINDS[kind].load(folder)
        model.attach(users, items)
        training = folder / TRAINING
        space = model.space()
        found[name] = {
            "curves": curves(json.loads(training.read_text()) if training.exists() else {}),
            **_of_vectors(getattr(space, "unit", None), log, labels),
        }
    return found


def _of_vectors(
    unit: np.ndarray | None, log: Interactions, labels: list[str | None]
) -> dict[str, Any]:
    if unit is None:
        return {"similarity": None, "map": None}
    histories = log.histories()
    popularity = np.bincount(log.item, minlength=log.n_items)
    return {
        "similarity": similarity(unit, histories.indptr, histories.item),
        "map": item_map(unit, popularity, labels),
    }


def _labels(lake: Lake, items: pa.Table, n_items: int) -> list[str | None]:
    """Give every item's first value of the first multi-valued (else categorical) attribute."""
    labels: list[str | None] = [None] * n_items
    declared = lake.read_json("attributes.json")["items"]
    names = [*declared["multi"], *declared["categorical"]]
    if not names:
        return labels
    listed = pa.types.is_list(items[names[0]].type)
    for code, value in zip(items[ITEM].to_pylist(), items[names[0]].to_pylist(), strict=True):
        if code < n_items and value:
            labels[code] = str(value[0]) if listed else str(value)
    return labels
