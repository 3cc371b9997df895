"""The section about the diversity re-ranking: what the knob buys, and what it costs."""

from __future__ import annotations

from typing import Any

from evaluation.page import plots
from evaluation.page.blocks import Cell, Chart, Charts, Figures, Note, Table, number, percent, table


def rerank(page: dict[str, Any]) -> list[Any]:
    """Accuracy against diversity along the knob, the value in use, and what 1 % and 5 % buy."""
    part = page["rerank"]
    points, k = part["points"], part["k"]
    used = min(points, key=lambda p: abs(p["strength"] - part["chosen"]))
    blocks: list[Any] = [
        Note(
            f"Lists are re-ranked by {part['kind'].upper()} at strength {number(part['chosen'], 2)}"
            f" over the {part['pool']} best candidates, by {part['by']}. Against the ranker's own "
            f"order NDCG@{k} moves by {number(used['difference'])} "
            f"({number(used['low'])} to {number(used['high'])}) over {number(part['users'])} users."
        ),
        Figures(
            [
                (f"diversity for {percent(deal['loss'], 0)} of NDCG", _signed(deal["gain_share"]))
                for deal in part["bargains"]
            ]
        ),
    ]
    chart = Chart(
        f"NDCG@{k} against diversity",
        plots.lines(
            {
                "the knob from 0 to 1": (
                    [p["diversity"] for p in points],
                    [p["ndcg"] for p in points],
                ),
                "in use": ([used["diversity"]], [used["ndcg"]]),
            },
            {},
            "intra-list diversity",
        ),
        "Each bend is a strength of the knob, from the ranker's own order at the left to variety "
        "alone at the right. Where the line is still flat, variety costs nothing.",
        _points(points, used),
        ["the knob from 0 to 1", "in use"],
    )
    deals = [
        [
            percent(d["loss"], 0),
            d["strength"],
            percent(d["ndcg_loss"], 2),
            d["diversity"],
            d["gain"],
        ]
        for d in part["bargains"]
    ]
    head = ["NDCG one may lose", "strength", "NDCG lost", "diversity", "gained"]
    return [*blocks, Charts([chart]), table(head, deals)]


def _points(points: list[dict[str, float]], used: dict[str, float]) -> Table:
    names = ["strength", "ndcg", "low", "high", "map", "recall", "diversity", "coverage"]
    rows = [
        [Cell(number(p[name], 2 if name == "strength" else 4)) for name in names] for p in points
    ]
    head = ["strength", "NDCG", "change, low", "change, high", "MAP", "recall"]
    return Table([*head, "diversity", "coverage"], rows, strong=points.index(used))


def _signed(share: float) -> str:
    return ("+" if share >= 0 else "") + percent(share)
