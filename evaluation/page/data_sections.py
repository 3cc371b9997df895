"""The sections about what was read: the log with its quarantine, and how its days were cut."""

from __future__ import annotations

from datetime import date
from typing import Any

from evaluation.page import plots
from evaluation.page.blocks import Chart, Charts, Figures, number, table

KINDS = {"fit": 7, "ranker": 0, "test": 1}
"""Kind of a window → colour of its bar."""


def data(page: dict[str, Any]) -> list[Any]:
    """Counts, days and quarantine."""
    part = page["data"]
    bad = sum(entry["rows"] for entry in part["quarantine"])
    blocks: list[Any] = [
        Figures(
            [
                ("rows read", number(part["rows_read"])),
                ("interactions", number(part["interactions"])),
                ("of them positive", number(part["positives"])),
                ("users", number(part["users"])),
                ("items", number(part["items"])),
                ("first day", part["first_day"]),
                ("last day", part["last_day"]),
                ("in quarantine", number(bad)),
            ]
        )
    ]
    if part.get("per_day"):
        rows = sorted(part["per_day"].items())
        svg = plots.days([date.fromisoformat(d) for d, _ in rows], [n for _, n in rows])
        chart = Chart(
            "Interactions a day",
            svg,
            "A gap or a sudden step is worth a look: a source may have changed or a day be late.",
            table(["day", "interactions"], rows),
        )
        blocks.append(Charts([chart]))
    if part["quarantine"]:
        rows = [
            [entry["reason"], entry.get("example", ""), entry["rows"]]
            for entry in sorted(part["quarantine"], key=lambda entry: -entry["rows"])
        ]
        blocks.append(table(["rows kept out because of", "first one", "rows"], rows, texts=2))
    return blocks


def windows(page: dict[str, Any]) -> list[Any]:
    """Timeline of the windows, oldest first."""
    part = page["windows"]
    as_of = date.fromisoformat(page["as_of"])
    bars = [
        (w["name"], date.fromisoformat(w["start"]), date.fromisoformat(w["end"]), KINDS[w["kind"]])
        for w in part
    ]
    rows = [[w["name"], w["kind"], w["start"], w["end"]] for w in part]
    chart = Chart(
        "Days of every window",
        plots.timeline(bars, as_of),
        "Time runs to the right; the upright line is the day recommended for. What stands left "
        "of a window is all that its models have seen; the test window judges and nothing else.",
        table(["window", "kind", "from", "up to (exclusive)"], rows, texts=4),
    )
    return [Charts([chart])]
