"""Explain the ranker: SHAP values of a sample of the rows it was trained on."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from prefect import task
from prefect.cache_policies import NO_CACHE

from config.shap import ShapSettings
from models.ranker import Ranker, Rows
from models.shapley import (
    Shapley,
    direction,
    interacting_pairs,
    interaction_values,
    shap_values,
)
from tasks.ranker import ARRAYS, load_ranker, load_rows, load_warm
from tasks.run import Ref, Run

DIGITS = 5
"""Significant digits in the summary: more would only make the page larger."""
STEPS = 12
"""Steps that a feature's values are cut into at most."""
DIRECTION_ROWS = 4000
"""Rows that directions are computed on: enough for a correlation to two digits."""


@dataclass(frozen=True)
class Sample:
    """Rows to explain.

    Attributes:
        rows: of all windows drawn from, newest window first.
        warm: ``(n,)`` bool: the user had a positive before the day.
        drawn: window → number of its rows.
    """

    rows: Rows
    warm: np.ndarray
    drawn: dict[str, int]


@task(task_run_name="explain the ranker", cache_policy=NO_CACHE)
def explain_ranker(run: Run, windows: list[Ref], ranker: Ref) -> Ref:
    """Compute SHAP values of a sample and sum them up.

    Writes ``shap.json``, what the page shows, and ``sample.parquet``: a line a row with the
    window's label and weight, the raw score, every feature and, as ``shap:NAME``, its SHAP value.

    Args:
        run: the run.
        windows: rows of the ranker windows, oldest first.
        ranker: trained on them.
    """
    settings = run.settings.shap

    def make(folder: Path) -> None:
        model = load_ranker(run, ranker)
        threads = run.settings.threads or os.cpu_count() or 1
        sample = draw_sample(
            {ref.parts[-1]: run.lake.local(*ref.parts) for ref in reversed(windows)}, settings
        )
        values = shap_values(model, sample.rows.features, threads)
        summary = summarise(model, sample, values, settings, threads)
        (folder / "shap.json").write_text(json.dumps(summary))
        pq.write_table(_table(sample, values), folder / "sample.parquet", compression="zstd")

    inputs = {
        "windows": [ref.digest for ref in windows],
        "ranker": ranker.digest,
        "settings": settings.model_dump(),
    }
    rooms = ("models", "tasks", "config")
    return run.step(*run.folder("shap"), inputs=inputs, make=make, rooms=rooms)


def draw_sample(windows: dict[str, Path], settings: ShapSettings) -> Sample:
    """Draw rows: all of the newest window, then of older ones, until there are enough.

    Args:
        windows: name → folder of its rows, newest first.
        settings: how many rows.
    """
    rng, left = np.random.default_rng(settings.seed), settings.rows
    parts, warm, drawn = [], [], {}
    for name, folder in windows.items():
        if not left:
            break
        rows, _ = load_rows(folder)
        chosen = np.sort(rng.choice(len(rows), min(left, len(rows)), replace=False))
        parts.append(_take(rows, chosen))
        warm.append(load_warm(folder)[chosen])
        drawn[name] = len(chosen)
        left -= len(chosen)
    stacked = Rows(
        *(np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in ARRAYS)
    )
    return Sample(stacked, np.concatenate(warm), drawn)


def _take(rows: Rows, chosen: np.ndarray) -> Rows:
    return Rows(
        rows.features[:, chosen], rows.label[chosen], rows.group[chosen], rows.weight[chosen]
    )


def summarise(
    ranker: Ranker, sample: Sample, values: Shapley, settings: ShapSettings, threads: int = 1
) -> dict[str, Any]:
    """Sum the values up for the page; see :class:`evaluation.page.shap_sections.Shap`."""
    rows, weight = sample.rows, sample.rows.weight
    size, some = values.mean_abs(weight), _spread(len(rows), DIRECTION_ROWS)
    sign = direction(values.values[:, some], rows.features[:, some], weight[some])
    order = np.argsort(-size, kind="stable")
    segments = {"warm": sample.warm, "cold": ~sample.warm}
    by_segment = {name: values.take(mask).mean_abs(weight[mask]) for name, mask in segments.items()}
    rng = np.random.default_rng(settings.seed)
    dots = np.sort(rng.choice(len(rows), min(settings.dots, len(rows)), replace=False))
    top = order[: max(settings.features, settings.dependence)]
    return {
        "rows": len(rows),
        "hits": int(rows.label.sum()),
        "windows": sample.drawn,
        "loss": ranker.loss,
        "trees": ranker.trees,
        "bias": _round(values.bias),
        "additivity_gap": float(values.gap),
        "features": [
            {
                "feature": values.names[at],
                "mean_abs": _round(size[at]),
                "direction": _round(sign[at]),
                **{name: _round(own[at]) for name, own in by_segment.items()},
            }
            for at in order
        ],
        "segments": {name: int(mask.sum()) for name, mask in segments.items()},
        "dots": [
            {
                "feature": values.names[at],
                "value": _list(rows.features[at, dots]),
                "shap": _list(values.values[at, dots]),
            }
            for at in top
        ],
        "dependence": [
            {
                "feature": values.names[at],
                "steps": _steps(rows.features[at], values.values[at], weight),
                **_partner(ranker, rows.features[:, dots], int(at)),
            }
            for at in order[: settings.dependence]
        ],
        "interactions": _interactions(ranker, sample, settings, threads),
    }


def _steps(feature: np.ndarray, effect: np.ndarray, weight: np.ndarray) -> list[dict[str, Any]]:
    """Cut a feature into steps of equally many rows, or of one value each, and the undefined."""
    known = feature[~np.isnan(feature)]
    edges = np.unique(known)
    if len(edges) > STEPS:
        edges = np.unique(np.quantile(known, np.linspace(0, 1, STEPS + 1)))[:-1]
    step = np.where(np.isnan(feature), -1, np.searchsorted(edges, feature, side="right") - 1)
    found = []
    for at in np.unique(step):
        rows = step == at
        low, high = np.quantile(effect[rows], (0.1, 0.9))
        mean = float(np.average(effect[rows], weights=weight[rows]))
        median = None if at < 0 else _round(np.median(feature[rows]))
        found.append(
            {
                "value": median,
                "rows": int(rows.sum()),
                "mean": _round(mean),
                "low": _round(low),
                "high": _round(high),
            }
        )
    return found


def _partner(ranker: Ranker, features: np.ndarray, at: int) -> dict[str, Any]:
    """Give the values of the feature that shares most splits with this one; nothing without one."""
    for a, b in interacting_pairs(ranker):
        if at in (a, b):
            other = b if at == a else a
            return {"by": ranker.names[other], "by_value": _list(features[other])}
    return {}


def _interactions(
    ranker: Ranker, sample: Sample, settings: ShapSettings, threads: int
) -> dict[str, Any]:
    """Compute the strongest pairs on the first rows of an even spread."""
    pairs = interacting_pairs(ranker)[: settings.pairs]
    chosen = _spread(len(sample.rows), settings.pair_rows)
    values = interaction_values(ranker, sample.rows.features[:, chosen], pairs, threads)
    weight = sample.rows.weight[chosen]
    size = np.average(np.abs(values), axis=1, weights=weight) if len(pairs) else np.empty(0)
    return {
        "rows": len(chosen),
        "pairs": sorted(
            (
                {"a": ranker.names[a], "b": ranker.names[b], "mean_abs": _round(mean)}
                for (a, b), mean in zip(pairs, size, strict=True)
            ),
            key=lambda pair: -pair["mean_abs"],
        ),
    }


def _spread(n: int, most: int) -> np.ndarray:
    """Give positions of at most so many of ``n`` rows, evenly spread."""
    return np.linspace(0, n - 1, min(n, most)).astype(int)


def _table(sample: Sample, values: Shapley) -> pa.Table:
    rows = sample.rows
    columns = {
        "window": np.repeat(list(sample.drawn), list(sample.drawn.values())),
        "label": rows.label,
        "weight": rows.weight,
        "warm": sample.warm,
        "raw_score": values.raw,
    }
    columns |= dict(zip(values.names, rows.features, strict=True))
    columns |= {f"shap:{n}": v for n, v in zip(values.names, values.values, strict=True)}
    return pa.table({name: pa.array(column) for name, column in columns.items()})


def _round(value: Any) -> float:
    return float(f"{float(value):.{DIGITS}g}")


def _list(values: np.ndarray) -> list[float | None]:
    """Round for JSON; undefined values become null."""
    return [None if np.isnan(value) else _round(value) for value in values]
