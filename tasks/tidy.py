"""Keep the lake from growing with the calendar: what old days can make again is deleted."""

from __future__ import annotations

from datetime import timedelta

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from tasks.run import Run

FITS = ("generators", "checkpoints")
"""By cut: fits, and how far those came that were given up."""
RUNS, ROWS = "runs", "rows"


@task(task_run_name="delete old of {run.as_of}", cache_policy=NO_CACHE)
def delete_old(run: Run) -> list[str]:
    """Delete fits of sources and rows of rankers that are older than ``keep_days``.

    What this day's windows need stays however old it is, and so do lists, pages, metrics, states
    and registered models of all days. An old day that is run again makes anew what is gone.

    Returns:
        The folders deleted.
    """
    if run.settings.keep_days is None:
        return []
    oldest = min(run.as_of - timedelta(run.settings.keep_days), run.windows.first_cutoff)
    lake = run.lake
    old: list[tuple[str, ...]] = [
        (fits, name) for fits in FITS for name in lake.names(fits) if name < f"cutoff={oldest}"
    ]
    old += [(RUNS, name, ROWS) for name in lake.names(RUNS) if name < f"as_of={oldest}"]
    old = [parts for parts in old if lake.exists(*parts)]
    for parts in old:
        lake.fs.rm(lake.path(*parts), recursive=True)
    if old:
        get_run_logger().info("%d folders of fits and rows before %s deleted", len(old), oldest)
    return ["/".join(parts) for parts in old]
