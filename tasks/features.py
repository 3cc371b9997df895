"""Bring the features' daily state up to date, and open it as of a day."""

from __future__ import annotations

import os
from datetime import date
from time import perf_counter

from prefect import task
from prefect.cache_policies import NO_CACHE

from config import Settings
from data.contract import CODE
from data.lake import digest
from data.sources import make_source
from data.versions import KEYS, attributes_digest
from features.asof import AsOf
from features.catalog import Attributes, Catalog, build_catalog
from features.state import update_state
from tasks.progress import progress
from tasks.run import Ref, Run, open_lake

STATE = ("features",)


@task(task_run_name="features before {run.as_of}", cache_policy=NO_CACHE)
def update_features(run: Run) -> Ref:
    """Add the days that the state lacks, up to the one before ``as_of``.

    Returns:
        The state, with a digest of all that features are made from: it, and who and what was known
        before ``as_of``. A new user without any event is to be recommended for, too.
    """
    settings, start, built = run.settings, perf_counter(), 0
    with progress("feature state, days") as tell:

        def count(done: int, total: int) -> None:
            nonlocal built
            built = done
            tell(done, total)

        state = update_state(
            run.lake,
            as_of=run.as_of,
            positive_min=settings.positive_min,
            catalog=run_catalog(run),
            memory_gb=settings.features.memory_gb,
            threads=settings.threads or os.cpu_count() or 1,
            timezone=settings.ingest.timezone,
            progress=count,
        )
    made_from = digest([state, *(attributes_digest(run.lake, s, run.as_of) for s in KEYS)])
    seconds = round(perf_counter() - start, 3) if built else None
    return Ref(STATE, made_from, seconds)


def run_catalog(run: Run) -> Catalog:
    """Give the features of a run: those of the attributes that are in its lake."""
    return catalog_of(run.settings, run.lake.read_json("attributes.json"))


def catalog_of(settings: Settings, attributes: Attributes) -> Catalog:
    """Spread the feature catalog over the attributes of a data set."""
    features = settings.features
    return build_catalog(
        attributes,
        features.windows_days,
        features.half_life_days,
        repeat=settings.recommend.seen == "none",
        exclude=features.exclude,
        max_attribute_values=features.max_attribute_values,
    )


def declared_attributes(settings: Settings, home: str) -> Attributes:
    """Read which attributes were ingested; before that, ask the source which it declares."""
    lake = open_lake(settings, home)
    if lake.exists("attributes.json"):
        found: Attributes = lake.read_json("attributes.json")
        return found
    source = make_source(**settings.source.model_dump())
    tables = {"users": source.users(), "items": source.items()}
    return {side: t.attributes.to_dict() if t else {} for side, t in tables.items()}


def features_as_of(run: Run, day: date) -> AsOf:
    """Open the features as of ``day``: nothing on or after it counts."""
    n_users, n_items = count_codes(run)
    return AsOf.open(
        run.lake, run_catalog(run), day, n_users, n_items, run.settings.features.memory_gb
    )


def count_codes(run: Run) -> tuple[int, int]:
    """Count the codes of users and of items."""
    users, items = (
        len(run.lake.read_table("ids", f"{entity}.parquet", columns=[CODE]))
        for entity in ("users", "items")
    )
    return users, items
