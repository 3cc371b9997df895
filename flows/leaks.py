"""Leaks: run the leak suite for a day, training what is not up to date."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.start import AsOf, finish, open_run, open_settings, run_name
from flows.train import RUNNER, train_steps
from tasks.leaks import check_leaks, read_leaks


@flow(flow_run_name=run_name, task_runner=RUNNER)
def leaks(config: str = "demo", as_of: AsOf = None, home: str | None = None) -> dict[str, Any]:
    """Give what the checks found; a red verdict is part of the answer here and stops nothing.

    Args:
        config: name of a data set, or path of its YAML.
        as_of: the day recommended for; see :data:`flows.start.AsOf`.
        home: folder or URL of the lakes; default ``$ZAVTRA_HOME``, else ``./var``.

    Returns:
        ``leaks.json`` (see :func:`tasks.leaks.find_leaks`) with ``config`` and ``as_of``.
    """
    settings, home = open_settings(config, home)
    run = open_run(settings, home, as_of)
    trained = train_steps(run)
    checked = check_leaks.submit(
        run, trained.rows, trained.ranker, trained.fits, trained.state, refusing=False
    )
    finish(run, [*trained.steps, checked])
    return {"config": config, "as_of": run.as_of.isoformat(), **read_leaks(run)}
