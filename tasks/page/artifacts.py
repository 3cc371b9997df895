"""The day's tables as Prefect artifacts, under keys that stay: Prefect shows their history."""

from __future__ import annotations

from typing import Any

from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_table_artifact,
)

from tasks.run import Run

Rows = list[dict[str, Any]]
FEATURES = 20


def publish_artifacts(run: Run, report: dict[str, Any], summary: dict[str, Any]) -> None:
    """Keep the tables of the day in short, and a link to the page.

    Keys are ``NAME-headline``, ``-metrics``, ``-candidates``, ``-features``, ``-gate``, ``-leaks``
    and ``-report``; a table whose part is missing is left out.

    Args:
        run: the run.
        report: what the page was drawn from.
        summary: the day's line of the index.
    """
    name, day = run.settings.name.replace("_", "-"), f"as of {run.as_of}"
    said = [f"**{summary['status']}** ({day})", *summary["headline"]]
    looks = [f"- {finding}" for finding in summary["findings"]]
    create_markdown_artifact(
        key=f"{name}-headline", markdown="\n\n".join([*said, "\n".join(looks)]), description=day
    )
    for key, rows, what in (
        ("metrics", _metrics(report), ""),
        ("candidates", _part(report, "candidates").get("rows"), "recall of the sources, "),
        ("features", _features(report), "what the ranker goes by, "),
        ("gate", _gate(report), f"{_part(report, 'gate').get('why', '')} "),
        ("leaks", _leaks(report), "checks of the features, "),
    ):
        if rows:
            create_table_artifact(key=f"{name}-{key}", table=rows, description=f"{what}{day}")
    page = run.lake.path(*run.folder("report"), "report.html")
    create_link_artifact(key=f"{name}-report", link=page, description=day)


def _metrics(report: dict[str, Any]) -> Rows:
    rows = _part(report, "metrics").get("rows", [])
    return [{"": row["name"], **row["values"]} for row in rows]


def _features(report: dict[str, Any]) -> Rows:
    part = report.get("importance")
    if not isinstance(part, list):
        return []
    ordered = sorted(part, key=lambda row: -row["importance"])
    return [{key: row[key] for key in ("feature", "importance")} for row in ordered[:FEATURES]]


def _gate(report: dict[str, Any]) -> Rows:
    part = _part(report, "gate")
    decision = {"published": part["publish"], "verdict": part["verdict"]} if part else {}
    return [decision | row for row in part.get("numbers", [])] or [decision] * bool(part)


def _leaks(report: dict[str, Any]) -> Rows:
    keys = ("check", "feature", "verdict", "value", "threshold")
    found = _part(report, "leaks").get("findings", [])
    return [{key: row[key] for key in keys} for row in found]


def _part(report: dict[str, Any], key: str) -> dict[str, Any]:
    """Give a part that is a dictionary; an empty one where it is missing or could not be made."""
    part = report.get(key)
    return part if isinstance(part, dict) and set(part) != {"error"} else {}
