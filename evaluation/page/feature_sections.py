"""The sections about the features: what the ranker goes by, and the proof of their numbers."""

from __future__ import annotations

from typing import Any

from evaluation.page import plots
from evaluation.page.blocks import Chart, Charts, table


def importance(page: dict[str, Any]) -> list[Any]:
    """Feature importance of the ranker."""
    part = sorted(page["importance"], key=lambda row: -row["importance"])
    top = part[:25]
    rows = [[x["feature"], x.get("description", ""), x["importance"]] for x in part]
    chart = Chart(
        f"The {len(top)} most important of {len(part)} features",
        plots.bars([x["feature"] for x in top], [x["importance"] for x in top]),
        "A longer bar moved the ranker's score more. It does not say in which direction, and "
        "features that tell the same story share their importance.",
        table(["feature", "meaning", "importance"], rows, texts=2),
    )
    return [Charts([chart])]


def audit(page: dict[str, Any]) -> list[Any]:
    """What the proof of the features looked at; it exists only where nothing was found."""
    part = page["audit"]
    rows = [
        [day["day"], day["rows"], day["features"], day["values"], day["poisoned_days"]]
        for day in part["days"]
    ]
    blocks: list[Any] = [
        table(["as of", "rows", "features", "numbers compared", "poisoned days"], rows)
    ]
    skew = part.get("skew")
    if skew:
        head = ["lists of", "rows", "features compared with those logged", "changed since"]
        changed = ", ".join(skew["changed"]) or "nothing"
        blocks.append(table(head, [[skew["day"], skew["rows"], skew["features"], changed]]))
    return blocks
