"""Bring the source's rows into the lake."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from config import Settings
from data.ingest import ingest
from data.sources import make_source
from tasks.run import open_lake


@task(task_run_name="ingest {settings.name}", cache_policy=NO_CACHE)
def ingest_source(settings: Settings, home: str, now: datetime) -> dict[str, Any]:
    """Validate the source's rows and write what is new as day partitions.

    Args:
        settings: of the data set.
        home: holds the lakes of all data sets.
        now: rows later than this are from the future, and quarantined.

    Returns:
        The ingest report (see :class:`data.ingest.IngestReport`).
    """
    source = make_source(**settings.source.model_dump())
    limits = settings.ingest.model_dump(exclude={"max_gap_days"})
    lake = open_lake(settings, home)
    lake.sweep()
    return ingest(source, lake, now=now, **limits).to_dict()
