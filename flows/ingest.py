"""Ingest: the source's rows become day partitions of the lake."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.start import open_settings, run_name, started_at
from tasks.ingest import ingest_source


@flow(flow_run_name=run_name)
def ingest(config: str = "demo", home: str | None = None) -> dict[str, Any]:
    """Validate and write what is new; bad rows go to quarantine.

    Args:
        config: name of a data set, or path of its YAML.
        home: folder or URL of the lakes; default ``$ZAVTRA_HOME``, else ``./var``.
    """
    settings, home = open_settings(config, home)
    return ingest_source(settings, home, started_at())


if __name__ == "__main__":
    from flows.cli import main

    main("ingest")
