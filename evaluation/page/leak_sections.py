"""The section about leaks: what every check found, and how far the sources' scores drift."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from evaluation.page.blocks import Cell, Fold, Note, Table, number, table

SHIFTED = 0.25
"""PSI from which a shift is marked, as is usual (see :func:`evaluation.leaks.bins.psi`)."""


def leaks(page: dict[str, Any]) -> list[Any]:
    """The verdict of every check with what to look at, every feature's figures, and the drift."""
    part = page["leaks"]
    if not part["findings"]:
        return [Note("The leak suite is switched off (leaks.enabled): nothing was checked.")]
    rows = [_row(found) for found in part["findings"]]
    head = ["check", "verdict", "feature", "what to look at", "value", "bound"]
    blocks: list[Any] = [Table(head, rows, texts=4)]
    if part.get("features"):
        blocks.append(Fold("Every feature", [_features(part["features"])]))
    if part.get("drift") and part["drift"]["psi"]:
        blocks += _drift(part["drift"])
    return blocks


def _row(found: dict[str, Any]) -> list[Cell]:
    allowed = found["allowed"]
    verdict = Cell(
        found["verdict"],
        f"allowed: {allowed}" if allowed else "",
        "bad" if found["verdict"] == "red" and not allowed else "",
    )
    others = found["others"]
    feature = Cell(found["feature"] or "all", f"and {', '.join(others)}" if others else "")
    return [
        Cell(found["check"]),
        verdict,
        feature,
        Cell(found["look_at"]),
        Cell(number(float(found["value"]), 3)),
        Cell(number(float(found["threshold"]), 3)),
    ]


def _features(features: list[dict[str, Any]]) -> Table:
    ordered = sorted(features, key=lambda row: -row["psi"])
    return table(
        ["feature", "AUC alone", "PSI to tomorrow", "tomorrow outside what was learnt from"],
        [[row["feature"], row["alone"], row["psi"], row["outside"]] for row in ordered],
    )


def _drift(drift: dict[str, Any]) -> list[Any]:
    """A table of the newest window against tomorrow, and one a form with every window."""
    forms, windows = list(drift["psi"]), drift["windows"]
    newest = [
        [Cell(source), *(_shift(drift["psi"][form][source][-1]) for form in forms)]
        for source in drift["sources"]
    ]
    newest.append([Cell("mean"), *(_shift(drift["mean"][form]) for form in forms)])
    steps = [f"{a} to {b}" for a, b in pairwise(windows)]
    every = [
        Table(
            [form, *(f"{window} to tomorrow" for window in windows), *steps],
            [
                [
                    Cell(source),
                    *map(_shift, drift["psi"][form][source]),
                    *map(_shift, drift["between"][form][source]),
                ]
                for source in drift["sources"]
            ],
        )
        for form in forms
    ]
    caption = (
        f"Score drift: PSI of what the sources say, {windows[-1]} to tomorrow. Generators are "
        "fitted anew after the ranker learnt their scores; below 0.1 a form survives it, from "
        f"{SHIFTED} on it does not."
    )
    return [
        Table(["source", *forms], newest, caption=caption, strong=len(newest) - 1),
        Fold("Drift of every window", every),
    ]


def _shift(value: float) -> Cell:
    return Cell(number(value, 3), mark="bad" if value >= SHIFTED else "")
