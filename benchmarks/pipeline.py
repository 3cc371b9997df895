"""The pipeline as a benchmark runs it: the same steps, in a lake that goes afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from prefect import flow

from config import Settings
from flows.start import Outcome, finish, started_at
from flows.train import RUNNER, train_steps
from tasks.ingest import ingest_source
from tasks.run import Run


@contextmanager
def trained(settings: Settings, as_of: date) -> Iterator[Run]:
    """Ingest, train and evaluate in a temporary home; give the run to read its folders."""
    with tempfile.TemporaryDirectory(prefix="zavtra-") as home:
        run = Run(settings, as_of, home)
        _train(run)
        yield run


@flow(name="benchmark", task_runner=RUNNER)
def _train(run: Run) -> Outcome:
    ingest_source(run.settings, run.home, started_at())
    run.check_history()
    return finish(run, train_steps(run).steps)
