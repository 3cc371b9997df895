"""The section about the run itself: time and memory of every step."""

from __future__ import annotations

from typing import Any

from evaluation.page import plots
from evaluation.page.blocks import Chart, Charts, Figures, number, seconds, table

SHOWN_SHARE = 0.02
"""Steps that took less of the whole are drawn together; the table names all."""


def steps(page: dict[str, Any]) -> list[Any]:
    """Time and memory of the run."""
    part = page["steps"]
    rows = [
        [
            x["step"],
            "up to date" if x.get("skipped") else seconds(x["seconds"]),
            number(x.get("peak_rss_gb"), 2),
            number(x.get("rows")),
        ]
        for x in part
    ]
    head = ["step", "time", "peak memory, GB", "rows"]
    peak = max((x["peak_rss_gb"] for x in part if "peak_rss_gb" in x), default=None)
    whole = sum(x["seconds"] for x in part)
    long = [x for x in part if x["seconds"] >= SHOWN_SHARE * whole]
    bars = [(x["step"], x["seconds"]) for x in long]
    if len(long) < len(part):
        rest = whole - sum(x["seconds"] for x in long)
        bars.append((f"{len(part) - len(long)} others", rest))
    chart = Chart(
        "Seconds of the longest steps",
        plots.bars([name for name, _ in bars], [size for _, size in bars]),
        "Steps side by side share the processors, so their sum is more than the time of the run. "
        "Steps whose inputs had not changed are not run again and take no time.",
        table(head, rows),
    )
    return [
        Figures(
            [
                ("all steps", seconds(whole)),
                ("peak memory, GB", number(peak, 2)),
                ("up to date", number(sum(bool(x.get("skipped")) for x in part))),
            ]
        ),
        Charts([chart]),
    ]
