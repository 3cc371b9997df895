"""How a command speaks: Prefect only when something is wrong, a known error in one message."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

CONSOLE_LEVEL = "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"


@contextmanager
def plainly() -> Iterator[None]:
    """Run a command so that its own words are what a person reads.

    Prefect's lines below WARNING stay off the terminal (they still reach its server), unless the
    environment has a ``PREFECT_LOGGING_…`` of its own: ``PREFECT_LOGGING_LEVEL=INFO zavtra …``
    shows every task run. A known error ends the command with its message and exit code 1.
    """
    if not any(name.startswith("PREFECT_LOGGING_") for name in os.environ):
        os.environ[CONSOLE_LEVEL] = "WARNING"
        for handler in logging.getLogger().handlers:  # `python -m` has imported Prefect already
            if type(handler).__name__ == "PrefectConsoleHandler":
                handler.setLevel(logging.WARNING)
        logging.getLogger("EventsWorker").setLevel(logging.ERROR)  # warns of every slow goodbye
    for name in ("prefect.flow_runs", "prefect.task_runs", "prefect.engine"):
        logging.getLogger(name).addFilter(_told_later)
    try:
        yield
    except Exception as error:
        if not is_known(error):
            raise
        # As text, for a message may hold brackets; unwrapped, for a path must stay in one piece.
        console = Console(stderr=True, soft_wrap=True, highlight=False)
        console.print("[bold red]Stopped:[/]", Text(str(error)))
        _let_go(error)
        sys.exit(1)


def _let_go(error: BaseException | None) -> None:
    """Free what the frames of an error hold: DuckDB complains of connections open at the exit."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def is_known(error: BaseException) -> bool:
    """Whether the message says what to do, so that no traceback is needed."""
    from config import ConfigError
    from data.contract import DataError
    from evaluation.relevance import EvaluationError
    from features.catalog import FeatureError
    from models.base import ModelError

    return isinstance(error, ConfigError | DataError | EvaluationError | FeatureError | ModelError)


def _told_later(record: logging.LogRecord) -> bool:
    """Keep a known error for Prefect's server, without the traceback and below a warning.

    How a run ended is no warning either: the command itself says it last.
    """
    error = record.exc_info[1] if record.exc_info else None
    known = error is not None and is_known(error)
    if known:
        record.exc_info, record.exc_text = None, None
    if known or str(record.msg).startswith("Finished in state"):
        record.levelno, record.levelname = logging.INFO, "INFO"
    return True
