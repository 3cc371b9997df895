"""Daily: from yesterday's log to tomorrow's recommendations and their report.

::

    ingest ─ features ─ train ─ evaluate ─ gate ─┐
                          └─ leaks ────────── recommend ─ report ─ register
"""

from __future__ import annotations

from prefect import flow

from flows.recommend import recommend_steps
from flows.report import report_steps
from flows.start import AsOf, Outcome, finish, open_run, open_settings, run_name, started_at
from flows.train import RUNNER, train_steps
from tasks.ingest import ingest_source
from tasks.tidy import delete_old


@flow(flow_run_name=run_name, task_runner=RUNNER)
def daily(config: str = "demo", as_of: AsOf = None, home: str | None = None) -> Outcome:
    """Run the whole day; every step that is up to date is skipped.

    Args:
        config: name of a data set, or path of its YAML.
        as_of: the day recommended for; see :data:`flows.start.AsOf`.
        home: folder or URL of the lakes; default ``$ZAVTRA_HOME``, else ``./var``.
    """
    settings, home = open_settings(config, home)
    ingest_source(settings, home, started_at())
    run = open_run(settings, home, as_of)
    trained = train_steps(run)
    published = recommend_steps(run, trained)
    outcome = finish(run, report_steps(run, trained, published))
    delete_old(run)
    return outcome


if __name__ == "__main__":
    from flows.cli import main

    main("daily")
