"""The section about what the sources propose before any ranking."""

from __future__ import annotations

from typing import Any

from evaluation.page import plots
from evaluation.page.blocks import Chart, Charts, Figures, number, percent, table


def candidates(page: dict[str, Any]) -> list[Any]:
    """Recall ceiling, marginal recall, overlap, lost positives."""
    part = page["candidates"]
    rows = part["rows"]
    names = [row["source"] for row in rows]
    size = part["candidates_per_user"]
    head = ["source", "candidates a user", "recall", "pooled recall", "marginal recall"]
    cells = [
        [
            row["source"],
            number(row["candidates_per_user"], 1),
            row["recall"],
            row["pooled_recall"],
            "–" if row["source"] == "union" else number(row["marginal_recall"]),
        ]
        for row in rows
    ]
    marginal = [0.0 if row["source"] == "union" else row["marginal_recall"] for row in rows]
    overlap = [
        Chart(
            title,
            plots.heat(part["sources"], part[key]),
            reading,
            table(
                ["source", *part["sources"]],
                [[name, *row] for name, row in zip(part["sources"], part[key], strict=True)],
            ),
        )
        for key, title, reading in (
            (
                "jaccard",
                "Overlap of proposals (Jaccard)",
                "Share of the candidates of any two sources that both propose: the stronger a "
                "cell, the less one adds to the other.",
            ),
            (
                "rbo",
                f"Agreement of the first {part['top']} places (rank-biased overlap)",
                "1 is the same order, 0 nothing in common; the upper places weigh more.",
            ),
        )
    ]
    ceiling = Chart(
        "Recall ceiling",
        plots.bars(names, [row["recall"] for row in rows], marginal),
        "Share of a user's positives among the candidates: the final list cannot find more. The "
        "strong end of a bar is what the union would lose without that source.",
        table(head, cells),
    )
    lost = [[x["reason"], x["positives"], percent(x["share"])] for x in part["lost"]]
    parts = [
        [s["segment"], s["users"], s["positives"], s["recall"], s["pooled_recall"]]
        for s in part["segments"]
    ]
    return [
        Figures(
            [
                ("users", number(part["users"])),
                ("of them judged", number(part["judged_users"])),
                ("positives", number(part["positives"])),
                ("candidates a user", number(size["mean"], 1)),
                ("fewest", number(int(size["min"]))),
                ("median", number(int(size["median"]))),
                ("19 of 20 have at most", number(int(size["p95"]))),
                ("most", number(int(size["max"]))),
            ]
        ),
        table(head, cells, strong=0),
        Charts([ceiling, *(overlap if len(part["sources"]) > 1 else [])]),
        table(["positives that are no candidates, because", "positives", "share"], lost),
        table(["users", "judged", "positives", "recall of the union", "pooled recall"], parts),
    ]
