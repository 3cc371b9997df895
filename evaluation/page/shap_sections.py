"""The section about SHAP values: how the ranker comes to its scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from evaluation.page import plots, shap_plots
from evaluation.page.blocks import Chart, Charts, Figures, number, table

CLEAR = 0.3
"""Correlation of a feature's value and its effect from which the page states a direction."""
SEGMENT_FEATURES = 10
LISTED = 25


def shap(page: dict[str, Any]) -> list[Any]:
    """Beeswarm, bars, segments, dependence and interactions of a sample of the ranker's rows."""
    part = page["shap"]
    blocks: list[Any] = [_figures(part), Charts([_beeswarm(part), _bars(part)])]
    more = [*([_segments(part)] if _has_both(part) else []), *_interactions(part)]
    if more:
        blocks.append(Charts(more))
    curves = [_dependence(part, curve) for curve in part["dependence"]]
    return [*blocks, *([Charts(curves)] if curves else [])]


def way(direction: float) -> str:
    """Say what a larger value does to the score.

    >>> way(0.9), way(-0.5), way(0.1)
    ('raises', 'lowers', 'mixed')
    """
    if abs(direction) < CLEAR:
        return "mixed"
    return "raises" if direction > 0 else "lowers"


def _figures(part: dict[str, Any]) -> Figures:
    return Figures(
        [
            ("rows explained", number(part["rows"])),
            ("of them hits", number(part["hits"])),
            ("trees", number(part["trees"])),
            ("score before anything is known", number(part["bias"], 3)),
            ("largest gap of sum and raw score", f"{part['additivity_gap']:.1e}"),
        ]
    )


def _beeswarm(part: dict[str, Any]) -> Chart:
    dots = part["dots"]
    effects = [np.asarray(entry["shap"], float) for entry in dots]
    values = [np.asarray(entry["value"], float) for entry in dots]  # null becomes NaN
    found = {row["feature"]: row for row in part["features"]}
    quantiles = [np.quantile(effect, (0.05, 0.5, 0.95)).tolist() for effect in effects]
    rows = [
        [entry["feature"], way(found[entry["feature"]]["direction"]), *own]
        for entry, own in zip(dots, quantiles, strict=True)
    ]
    n = len(effects[0])
    return Chart(
        f"What moved {n:,} scores, and which way",
        shap_plots.beeswarm([entry["feature"] for entry in dots], effects, values),
        "Every dot is a pair of user and item: right of the line the feature raised its score, "
        "left of it lowered it; red is a large value of the feature, blue a small one, grey none.",
        table(["feature", "a larger value", "5 % below", "median", "5 % above"], rows, texts=2),
    )


def _bars(part: dict[str, Any]) -> Chart:
    rows = part["features"][:LISTED]
    cells = [[r["feature"], way(r["direction"]), r["mean_abs"]] for r in part["features"]]
    return Chart(
        f"Mean |SHAP| of the first {len(rows)} of {len(part['features'])} features",
        plots.bars([r["feature"] for r in rows], [r["mean_abs"] for r in rows]),
        "A bar says by how much the feature moves a raw score on average, up or down.",
        table(["feature", "a larger value", "mean |SHAP|"], cells, texts=2),
    )


def _has_both(part: dict[str, Any]) -> bool:
    return all(part["segments"].get(name) for name in ("warm", "cold"))


def _segments(part: dict[str, Any]) -> Chart:
    chosen = [
        row for row in part["features"] if row in _top(part, "warm") or row in _top(part, "cold")
    ]
    counts = part["segments"]
    return Chart(
        "Warm and cold users",
        shap_plots.paired_bars(
            [row["feature"] for row in chosen],
            [row["warm"] for row in chosen],
            [row["cold"] for row in chosen],
        ),
        f"Mean |SHAP| over {counts['warm']:,} rows of users with a history and "
        f"{counts['cold']:,} of users without: where the bars differ, they are ranked by "
        "different things.",
        table(["feature", "warm", "cold"], [[r["feature"], r["warm"], r["cold"]] for r in chosen]),
        legend=("warm", "cold"),
    )


def _top(part: dict[str, Any], segment: str) -> list[dict[str, Any]]:
    return sorted(part["features"], key=lambda row: -row[segment])[:SEGMENT_FEATURES]


def _dependence(part: dict[str, Any], curve: dict[str, Any]) -> Chart:
    name, other = curve["feature"], curve.get("by")
    dots = next(entry for entry in part["dots"] if entry["feature"] == name)
    steps = [step for step in curve["steps"] if step["value"] is not None]
    shade = None if other is None else np.asarray(curve["by_value"], float)
    svg = shap_plots.dependence(
        np.asarray(dots["value"], float),
        np.asarray(dots["shap"], float),
        shade,
        [(s["value"], s["mean"], s["low"], s["high"]) for s in steps],
    )
    coloured = "" if other is None else f" Colour is {other}: blue small, red large."
    head = ["value, median of the step", "rows", "mean SHAP", "10 %", "90 %"]
    rows = [
        [
            "undefined" if step["value"] is None else number(float(step["value"]), 3),
            *(step[key] for key in ("rows", "mean", "low", "high")),
        ]
        for step in curve["steps"]
    ]
    return Chart(
        name,
        svg,
        "Across: the feature's value, by its place in the sample; up: what it adds to the score; "
        f"the line is the mean, the band holds 80 % of the rows.{coloured}",
        table(head, rows),
    )


def _interactions(part: dict[str, Any]) -> list[Chart]:
    pairs = part["interactions"]["pairs"]
    if not pairs:
        return []
    labels = [f"{pair['a']} × {pair['b']}" for pair in pairs]
    sizes = [pair["mean_abs"] for pair in pairs]
    return [
        Chart(
            "Features that work together",
            plots.bars(labels, sizes),
            "How much a pair moves the score beyond what both features do alone, on average over "
            f"{part['interactions']['rows']:,} rows.",
            table(
                ["feature", "with", "mean |interaction|"],
                [[pair["a"], pair["b"], pair["mean_abs"]] for pair in pairs],
                texts=2,
            ),
        )
    ]
