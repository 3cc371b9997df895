"""The page over all days of a data set: how each went, its main figures, a link to its page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, TypedDict

from evaluation.page import plots
from evaluation.page.blocks import Chart, number, table
from evaluation.page.templates import environment

HEADS = ("users", "MAP@10", "NDCG@10", "Recall@10", "HitRate@10", "coverage")
CHART_DAYS = 90
"""Days of the chart, the newest."""


class DaySummary(TypedDict):
    """What the index says of a day; the page's own first lines in short."""

    as_of: str
    status: str
    """In words, as on the day's page."""
    level: str
    """``green``, ``yellow`` or ``red``."""
    headline: list[str]
    findings: list[str]
    published: str
    """What the gate let out; "" where there is none."""
    figures: dict[str, float]
    """Figures of the final list, and ``users`` that get one."""
    best: tuple[str, float] | None
    """Best single source and its main figure."""


def render_index(name: str, days: Sequence[DaySummary]) -> str:
    """Draw the page of all days.

    Args:
        name: of the data set.
        days: in any order.

    Returns:
        One HTML document that loads nothing; same input, same bytes. Its links are relative to the
        root of the data set's lake.
    """
    ordered = sorted(days, key=lambda day: day["as_of"])
    rows = [
        {
            "as_of": day["as_of"],
            "link": f"runs/as_of={day['as_of']}/report/report.html",
            "level": day["level"],
            "status": day["status"],
            "published": day["published"],
            "values": [_shown(day["figures"].get(head)) for head in HEADS],
        }
        for day in reversed(ordered)
    ]
    count = f"{len(days)} day{'s' * (len(days) != 1)}"
    wrong = sum(day["level"] == "red" for day in days)
    lead = f"{count}, the newest first. " + (
        f"Something was wrong on {wrong} of them." if wrong else "Nothing was wrong on any of them."
    )
    return (
        environment()
        .get_template("index.html.j2")
        .render(name=name, lead=lead, heads=HEADS, days=rows, chart=_chart(ordered[-CHART_DAYS:]))
    )


def _shown(value: float | None) -> str:
    return number(int(value) if value is not None and value >= 1 else value)


def _chart(days: Sequence[DaySummary]) -> Chart | None:
    """The main figure of the final list and of each day's best source; None for a single day."""
    main = HEADS[1]
    if len(days) < 2:
        return None
    when = [date.fromisoformat(day["as_of"]) for day in days]
    series = {
        "final list": [day["figures"].get(main) for day in days],
        "best single source": [day["best"][1] if day["best"] else None for day in days],
    }
    rows = zip((str(day) for day in when), *series.values(), strict=True)
    return Chart(
        f"{main} by day",
        plots.by_day(when, series),
        "Each point is judged on the test window before its day. The final list should stay above "
        "the best of its sources.",
        table(["day", *series], list(rows)),
        list(series),
    )


def summarise(page: dict[str, Any], status: str, level: str, **said: list[str]) -> DaySummary:
    """Make the day's line of the index from its report.

    Args:
        page: the report.
        status: in words.
        level: of the worst finding, else ``green``.
        said: ``headline`` and ``findings`` of the page.
    """
    metrics, beyond = _part(page, "metrics"), _part(page, "beyond")
    values = {row["name"]: row["values"] for row in metrics.get("rows", [])}
    final = metrics.get("final", "")
    figures = dict(values.get(final, {})) | {
        key: value for key, value in beyond.get(final, {}).items() if key in HEADS
    }
    if "users" in _part(page, "published"):
        figures["users"] = page["published"]["users"]
    main = metrics.get("main", "")
    rivals = [(name, row[main]) for name, row in values.items() if name not in (final, "champion")]
    gate = _part(page, "gate")
    return DaySummary(
        as_of=page["as_of"],
        status=status,
        level=level,
        headline=said["headline"],
        findings=said["findings"],
        published=gate.get("publish", ""),
        figures=figures,
        best=max(rivals, key=lambda rival: rival[1], default=None),
    )


def _part(page: dict[str, Any], key: str) -> dict[str, Any]:
    part = page.get(key)
    return part if isinstance(part, dict) and set(part) != {"error"} else {}
