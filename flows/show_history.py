"""The figures of past days, as a table and as rows."""

from __future__ import annotations

from datetime import date
from typing import Any

from rich.console import Console
from rich.table import Table

from config import load_settings
from data.contract import DataError
from evaluation.history import ALL
from evaluation.trend import FINAL, MAIN
from tasks.page.history import days_with_figures, read_figures
from tasks.run import default_home, open_lake

SHOWN = (*MAIN, "coverage")


def read_history(
    config: str, since: date, until: date | None, home: str | None
) -> list[dict[str, Any]]:
    """Give the kept figures of the days ``since`` to ``until`` (None: the newest), oldest first.

    Returns:
        Rows of :mod:`evaluation.history`, days as ISO text.

    Raises:
        DataError: no day among them has figures.
    """
    lake = open_lake(load_settings(config), home or default_home())
    days = days_with_figures(lake, until or date.max, since)
    if not days:
        span = f"since {since}" + (f" until {until}" if until else "")
        known = days_with_figures(lake, date.max)
        has = f"it has {known[0]} to {known[-1]}" if known else "it has none at all"
        raise DataError(
            f"no figures of {config!r} in {lake.url} {span}: {has}; every `zavtra report` or "
            "`zavtra daily` keeps those of its day"
        )
    rows: list[dict[str, Any]] = read_figures(lake, days).to_pylist()
    return [row | {"as_of": row["as_of"].isoformat()} for row in rows]


def show_history(console: Console, config: str, rows: list[dict[str, Any]]) -> None:
    """Print the main figures of the final list, a line a day."""
    days: dict[str, dict[str, float]] = {}
    for row in rows:
        day = days.setdefault(row["as_of"], {})
        if row["system"] == FINAL and row["segment"] == ALL:
            for name in (row["metric"], f"{row['metric']}@{row['k']}"):
                day[name] = row["value"]
    table = Table(title=f"{config}: final list, {len(days)} day{'s' * (len(days) != 1)}")
    table.add_column("as of", no_wrap=True)
    known = [name for name in SHOWN if any(name in day for day in days.values())]
    for name in known:
        table.add_column(name.replace("_", " "), justify="right")
    for as_of, day in days.items():
        table.add_row(as_of, *(f"{day[name]:.4f}" if name in day else "–" for name in known))
    console.print(table)
