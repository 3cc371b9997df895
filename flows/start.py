"""What every flow begins with: the settings, the clock and the run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.futures import PrefectFuture, wait

from config import Settings, load_settings
from data.contract import NotEnoughHistoryError
from tasks.features import run_catalog
from tasks.generators import check_generators
from tasks.registry.place import check_registry
from tasks.run import Ref, Run, default_home, open_lake

AsOf = date | Literal["latest"] | None
"""The day recommended for. ``latest``: the one after the last day of the log. None: the scheduled
start of a deployment's run, so that a start in the past is a backfill; by hand, ``latest``."""


@dataclass(frozen=True)
class Outcome:
    """What a flow leaves behind: the day it ran for, and the folders its steps made or found."""

    as_of: date
    steps: list[Ref]


def open_settings(config: str, home: str | None) -> tuple[Settings, str]:
    """Read the configuration and say where the lakes are.

    Raises:
        ConfigError: it cannot be read, or a key or value is wrong.
        ModelError: it names a generator or a parameter that there is not, or the registry can be
            nowhere.
    """
    settings, place = load_settings(config), home or default_home()
    check_generators(settings)
    check_registry(settings, place)
    return settings, place


def open_run(settings: Settings, home: str, as_of: AsOf) -> Run:
    """Fix the clock of the run and check that the log supports it.

    Raises:
        NotEnoughHistoryError: the log is empty, or does not reach as_of or back far enough.
        FeatureError: the settings name a feature that there is not, or impossible windows.
    """
    if as_of is None and runtime.deployment.id is not None:
        scheduled = runtime.flow_run.scheduled_start_time
        as_of = scheduled.astimezone(ZoneInfo(settings.ingest.timezone)).date()
    if as_of is None or as_of == "latest":
        days = open_lake(settings, home).days()
        if not days:
            raise NotEnoughHistoryError(
                f"there is no data for {settings.name!r} in {home}: run `zavtra ingest` first"
            )
        as_of = days[-1] + timedelta(days=1)
    run = Run(settings, as_of, home)
    run.check_history()
    run_catalog(run)  # refused now, not after an hour of fitting
    run.lake.sweep()
    _name_flow_run(run)
    return run


def finish(run: Run, steps: list[PrefectFuture[Ref]]) -> Outcome:
    """Wait for all steps; the first that failed raises its error here.

    Args:
        run: the run.
        steps: each behind those it needs: one that never began has no error to tell.
    """
    wait(steps)
    return Outcome(run.as_of, [step.result() for step in steps])


def started_at() -> datetime:
    """Give the moment this flow run began; rows later than it are from the future."""
    context = FlowRunContext.get()
    assert context is not None
    # Prefect's own kind of datetime does not mix with the standard library's timedelta.
    return datetime.fromtimestamp(context.start_time.timestamp(), UTC)


def _name_flow_run(run: Run) -> None:
    """Name the run by the day it turned out to be for: ``daily-ml-1m-2000-12-28``."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return
    name = f"{runtime.flow_run.flow_name}-{run.settings.name}-{run.as_of}"
    with get_client(sync_client=True) as client:
        client.update_flow_run(context.flow_run.id, name=name)


def run_name() -> str:
    """Name a run until its day is known: ``daily-ml-1m-latest``."""
    parameters: dict[str, Any] = runtime.flow_run.parameters
    as_of = parameters.get("as_of") or "scheduled"
    config = str(parameters.get("config", "demo")).rpartition("/")[2].removesuffix(".yaml")
    return f"{runtime.flow_run.flow_name}-{config}-{as_of}"
