"""Progress of long steps: a bar in a terminal, a progress artifact in a Prefect run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import TaskRunContext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

REFRESH_SECONDS = 2.0
_bars: Progress | None = None


Tell = Callable[[int, int], None]
"""Told how many of how many are done."""


@contextmanager
def progress(what: str) -> Iterator[Tell]:
    """Give a function that is told how far a step is."""
    bars = _terminal_bars()
    bar = bars.add_task(what, total=None) if bars is not None else None
    artifact = _artifact(what)
    shown = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal shown
        if bars is not None and bar is not None:
            bars.update(bar, completed=done, total=total)
        if artifact is not None and time.monotonic() - shown > REFRESH_SECONDS:
            update_progress_artifact(artifact, progress=100.0 * done / max(total, 1))
            shown = time.monotonic()

    try:
        yield tell
        if artifact is not None:
            update_progress_artifact(artifact, progress=100.0)
    finally:
        if bars is not None and bar is not None:
            bars.remove_task(bar)
            if not bars.tasks:
                _stop_bars()


def _artifact(what: str) -> UUID | None:
    if TaskRunContext.get() is None:
        return None
    made = create_progress_artifact(progress=0.0, description=what)
    return made if isinstance(made, UUID) else None


def _terminal_bars() -> Progress | None:
    """Share one display between the steps that run side by side."""
    global _bars
    if not sys.stderr.isatty():
        return None
    if _bars is None:
        _bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        _bars.start()
    return _bars


def _stop_bars() -> None:
    global _bars
    if _bars is not None:
        _bars.stop()
        _bars = None
