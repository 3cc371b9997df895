"""Bring the features' daily state up to date, and open it as of a day."""

from __future__ import annotations

import os
from datetime import date

from prefect import task
from prefect.cache_policies import NO_CACHE

from data.contract import CODE
from features.asof import AsOf
from features.catalog import Catalog, build_catalog
from features.state import update_state
from tasks.progress import progress
from tasks.run import Run


@task(task_run_name="features before {run.as_of}", cache_policy=NO_CACHE)
def update_features(run: Run) -> str:
    """Add the days that the state lacks, up to the one before ``as_of``; give its digest."""
    settings = run.settings
    with progress("feature state, days") as tell:
        return update_state(
            run.lake,
            as_of=run.as_of,
            positive_min=settings.positive_min,
            catalog=catalog_of(run),
            memory_gb=settings.features.memory_gb,
            threads=settings.threads or os.cpu_count() or 1,
            timezone=settings.ingest.timezone,
            progress=tell,
        )


def catalog_of(run: Run) -> Catalog:
    """Spread the feature catalog over the attributes of this data set."""
    settings = run.settings.features
    return build_catalog(
        run.lake.read_json("attributes.json"),
        settings.windows_days,
        settings.half_life_days,
        repeat=run.settings.recommend.seen == "none",
        exclude=settings.exclude,
        max_attribute_values=settings.max_attribute_values,
    )


def features_as_of(run: Run, day: date) -> AsOf:
    """Open the features as of ``day``: nothing on or after it counts."""
    n_users, n_items = count_codes(run)
    return AsOf.open(
        run.lake, catalog_of(run), day, n_users, n_items, run.settings.features.memory_gb
    )


def count_codes(run: Run) -> tuple[int, int]:
    """Count the codes of users and of items."""
    users, items = (
        len(run.lake.read_table("ids", f"{entity}.parquet", columns=[CODE]))
        for entity in ("users", "items")
    )
    return users, items
