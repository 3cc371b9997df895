"""The day's tables as Prefect artifacts, under keys that stay: Prefect shows their history."""

from __future__ import annotations

from typing import Any

from prefect.artifacts import create_link_artifact, create_table_artifact

from tasks.run import Run


def publish_artifacts(run: Run, report: dict[str, Any]) -> None:
    """Keep the tables of the day under stable keys, so that Prefect shows their history."""
    name = run.settings.name.replace("_", "-")
    metrics = [{"": row["name"], **row["values"]} for row in report["metrics"]["rows"]]
    create_table_artifact(key=f"{name}-metrics", table=metrics, description=f"as of {run.as_of}")
    create_table_artifact(
        key=f"{name}-candidates",
        table=report["candidates"]["rows"],
        description=f"recall of the candidate sources, as of {run.as_of}",
    )
    create_table_artifact(
        key=f"{name}-features",
        table=[{k: row[k] for k in ("feature", "importance")} for row in report["importance"][:20]],
        description=f"what the ranker goes by, as of {run.as_of}",
    )
    page = run.lake.path(*run.folder("report"), "report.html")
    create_link_artifact(key=f"{name}-report", link=page, description=f"as of {run.as_of}")
