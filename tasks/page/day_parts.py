"""Parts of the page that describe the day: its data, its windows, its features, its steps."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np

from models.dropped import DROPPED
from tasks.day import read_log
from tasks.features import run_catalog
from tasks.run import Ref, Run


def data_part(run: Run) -> dict[str, Any]:
    """Count what was read and what of it lies before the day."""
    state = run.lake.read_json("ingest.json")
    log = read_log(run.lake, run.as_of)
    counts = state["interactions"]
    days, per_day = np.unique(log.ts // 86_400_000_000, return_counts=True)
    first = date(1970, 1, 1)
    return {
        "rows_read": counts["rows"],
        "interactions": len(log),
        "positives": len(log.positive(run.settings.positive_min)),
        "users": len(np.unique(log.user)),
        "items": len(np.unique(log.item)),
        "first_day": str(first + timedelta(days=int(days[0]))),
        "last_day": str(first + timedelta(days=int(days[-1]))),
        "quarantine": [
            {"reason": reason, "rows": rows} for reason, rows in counts["quarantined"].items()
        ],
        "max_bad_share": run.settings.ingest.max_bad_share,
        "per_day": {
            str(first + timedelta(days=int(day))): int(count)
            for day, count in zip(days, per_day, strict=True)
        },
    }


def windows_part(run: Run) -> list[dict[str, str]]:
    """Name the windows of the run, oldest first."""
    windows = run.windows
    first = run.lake.days()[0]
    bars = [("generators", "fit", first, windows.first_cutoff)]
    bars += [
        (w.name.replace("ranker", "ranker "), "ranker", w.start, w.end) for w in windows.ranker
    ]
    bars += [("test", "test", windows.test.start, windows.test.end)]
    return [
        {"name": name, "kind": kind, "start": start.isoformat(), "end": end.isoformat()}
        for name, kind, start, end in bars
    ]


def importance_part(run: Run) -> list[dict[str, Any]]:
    """Say how much the ranker goes by each feature."""
    importance = run.lake.read_json(*run.folder("ranker"), "summary.json")["importance"]
    described = {feature.name: feature.description for feature in run_catalog(run)}
    return [
        {"feature": name, "importance": value, "description": described.get(name, "")}
        for name, value in importance.items()
    ]


def published_part(run: Run) -> dict[str, Any]:
    """Say how much was published."""
    summary = run.lake.read_json("recommendations", f"as_of={run.as_of}", "summary.json")
    return {name: summary[name] for name in ("users", "items", "k", "short_lists")}


def dropped_part(run: Run, steps: list[Ref]) -> list[dict[str, str]]:
    """Name the fits that were given up, and why."""
    return [
        {
            "source": step.parts[-1],
            "cutoff": step.parts[1].removeprefix("cutoff="),
            "reason": run.lake.read_json(*step.parts, DROPPED)["reason"],
        }
        for step in steps
        if step.parts[0] == "generators" and run.lake.exists(*step.parts, DROPPED)
    ]


def steps_part(steps: list[Ref]) -> list[dict[str, Any]]:
    """Say how long every step took; one that was up to date took none."""
    return [
        {"step": _step_name(s.parts), "seconds": s.seconds or 0.0, "skipped": s.seconds is None}
        for s in steps
    ]


def _step_name(parts: tuple[str, ...]) -> str:
    """Name a step by the folder it made.

    >>> _step_name(("generators", "cutoff=2026-04-10", "als"))
    'fit als before 2026-04-10'
    >>> _step_name(("runs", "as_of=2026-05-01", "rows", "ranker1"))
    'rows ranker1'
    """
    if parts[0] == "generators":
        return f"fit {parts[-1]} before {parts[1].rpartition('=')[2]}"
    return " ".join(parts[2:]) or parts[0]
