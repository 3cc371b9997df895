"""Tune: make the ranker's rows where they are not there yet, and search on them."""

from __future__ import annotations

from itertools import chain
from typing import Any

from prefect import flow

from flows.start import AsOf, finish, open_run, open_settings, run_name
from flows.train import RUNNER, fit_all
from tasks.features import update_features
from tasks.ranker import make_rows
from tasks.tune import tune_ranker


@flow(flow_run_name=run_name, task_runner=RUNNER)
def tune(
    config: str = "demo",
    as_of: AsOf = None,
    minutes: float = 10.0,
    trials: int | None = None,
    home: str | None = None,
) -> dict[str, Any]:
    """Search for better parameters of the ranker on the windows before the test window.

    Args:
        config: name of a data set, or path of its YAML.
        as_of: the day recommended for; see :data:`flows.start.AsOf`.
        minutes: time for trials; making what they need comes on top.
        trials: trials at most, those of an earlier search included; None: time alone decides.
        home: folder or URL of the lakes; default ``$ZAVTRA_HOME``, else ``./var``.

    Returns:
        What :func:`tasks.tune.tune_ranker` found, and the day.
    """
    settings, home = open_settings(config, home)
    run = open_run(settings, home, as_of)
    state = update_features.submit(run)
    fits = {window.name: fit_all(run, window.cutoff) for window in run.windows.ranker}
    rows = [
        make_rows.submit(run, window, fits[window.name], state) for window in run.windows.ranker
    ]
    finish(run, [state, *chain(*fits.values()), *rows])
    found = tune_ranker(run, [made.result() for made in rows], minutes, trials)
    return {"config": config, "as_of": run.as_of.isoformat(), **found}
