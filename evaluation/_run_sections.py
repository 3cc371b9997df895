"""The section about the run itself: time and memory of every step."""

from __future__ import annotations

from typing import Any

from evaluation import _charts
from evaluation._blocks import Chart, Charts, Figures, number, seconds, table


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
    chart = Chart(
        "Seconds of every step",
        _charts.bars([x["step"] for x in part], [x["seconds"] for x in part]),
        "Steps whose inputs had not changed are not run again and take no time.",
        table(head, rows),
    )
    return [
        Figures(
            [
                ("all steps", seconds(sum(x["seconds"] for x in part))),
                ("peak memory, GB", number(peak, 2)),
                ("up to date", number(sum(bool(x.get("skipped")) for x in part))),
            ]
        ),
        Charts([chart]),
    ]
