"""The figures of past days: ``runs/as_of=…/metrics.parquet``, written with each day's page."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa

from data.lake import Lake
from evaluation.history import SCHEMA, history_table
from evaluation.trend import trend
from tasks.run import Run

FILE = "metrics.parquet"
VERDICTS = ("new", "champion", "fallback")
SHOWN_DAYS = 60
"""Days of the trend at most, the newest."""


def keep_figures(run: Run) -> None:
    """Write the day's figures beside its steps.

    Raises:
        EvaluationError: a figure is not finite.
    """
    lake = run.lake
    figures = lake.read_json(*run.folder("test"), "metrics.json")
    decisions = {}
    if lake.exists(*run.folder("gate", "gate.json")):
        gate = lake.read_json(*run.folder("gate", "gate.json"))
        decisions = {f"published_{name}": gate["verdict"] == name for name in VERDICTS}
    table = history_table(run.as_of, figures, run.settings.recommend.k, decisions)
    lake.write_table(table, *run.folder(FILE))


def days_with_figures(lake: Lake, until: date, since: date | None = None) -> list[date]:
    """Give the days ``since <= day <= until`` whose figures are kept, in order.

    A day that is run again later must not learn of the days after it, so there is no default.
    """
    names = (name for name in lake.names("runs") if name.startswith("as_of="))
    days = (date.fromisoformat(name[6:]) for name in names)
    return [
        day
        for day in days
        if day <= until
        and (since is None or day >= since)
        and lake.exists("runs", f"as_of={day}", FILE)
    ]


def read_figures(lake: Lake, days: list[date]) -> pa.Table:
    """Read the figures of some days as one table (:mod:`evaluation.history`)."""
    tables = [lake.read_table("runs", f"as_of={day}", FILE) for day in days]
    return pa.concat_tables([SCHEMA.empty_table(), *tables])


def trend_part(run: Run) -> dict[str, Any]:
    """Lay the day beside those before it (:func:`evaluation.trend.trend`)."""
    days = days_with_figures(run.lake, run.as_of)[-SHOWN_DAYS:]
    return trend(read_figures(run.lake, days), run.as_of)
