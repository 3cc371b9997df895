"""One run: the settings of a data set, its lake and the day recommended for."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any

from config import Settings
from data.contract import DataError, NotEnoughHistoryError
from data.lake import Lake, code_version
from data.plan import STATE
from data.windows import Windows

HOME_VARIABLE = "ZAVTRA_HOME"


@dataclass(frozen=True)
class Ref:
    """A folder of the lake as one task passes it to the next.

    Attributes:
        parts: where it is.
        digest: of what it holds.
        seconds: spent on making it; None: it was up to date.
    """

    parts: tuple[str, ...]
    digest: str
    seconds: float | None = None


@dataclass(frozen=True)
class Run:
    """What every task is given.

    Attributes:
        settings: of the data set.
        as_of: the day recommended for; everything read lies before it.
        home: folder or fsspec URL that holds the lakes of all data sets.
    """

    settings: Settings
    as_of: date
    home: str

    @cached_property
    def lake(self) -> Lake:
        """The lake of this data set."""
        return open_lake(self.settings, self.home)

    @cached_property
    def windows(self) -> Windows:
        """The cut of the days before ``as_of``."""
        return Windows(as_of=self.as_of, **self.settings.windows.model_dump())

    def folder(self, *parts: str) -> tuple[str, ...]:
        """Give the place of what belongs to this day alone."""
        return ("runs", f"as_of={self.as_of}", *parts)

    def step(
        self,
        *parts: str,
        inputs: Any,
        make: Callable[[Path], None],
        rooms: tuple[str, ...] = ("data", "features", "models", "tasks"),
    ) -> Ref:
        """Make a folder of the lake, unless it was made from just these inputs by this code.

        Args:
            parts: place of the folder in the lake.
            inputs: all that decides what is made (JSON-able; dates as they are).
            make: fills an empty local folder.
            rooms: the code that decides what is made.
        """
        inputs = {"inputs": inputs, "code": code_version(*rooms)}
        seconds = None
        if not self.lake.is_current(*parts, inputs=inputs):
            start = perf_counter()
            with self.lake.writing(*parts, inputs=inputs) as folder:
                make(folder)
            seconds = round(perf_counter() - start, 3)
        return Ref(parts, self.lake.digest_of(*parts), seconds)

    def check_history(self) -> None:
        """Refuse an ``as_of`` that the log does not support.

        Raises:
            DataError: the last ingest was cut off in the middle of its writing.
            NotEnoughHistoryError: as_of is before the log, far after it, or the windows reach
                back to before its first day.
        """
        if self.lake.exists(STATE) and not self.lake.read_json(STATE)["complete"]:
            raise DataError(
                f"the last ingest of {self.settings.name!r} was cut off while it wrote, so its "
                "days and tables may not fit together: run `zavtra ingest` (or `zavtra daily`)"
            )
        files = self.lake.interaction_files(self.as_of)  # refuses an empty log and an early as_of
        first, last = self.lake.days()[0], date.fromisoformat(files[-1].split("day=")[1][:10])
        gap = (self.as_of - last).days - 1
        if gap > self.settings.ingest.max_gap_days:
            raise NotEnoughHistoryError(
                f"as_of {self.as_of} is {gap} days after the last day of the log ({last}): ingest "
                f"newer data, choose an as_of up to {last + timedelta(1)}, or raise "
                f"ingest.max_gap_days ({self.settings.ingest.max_gap_days})"
            )
        if first >= self.windows.first_cutoff:
            need = (self.as_of - self.windows.first_cutoff).days + 1
            raise NotEnoughHistoryError(
                f"the windows need at least {need} days before as_of {self.as_of}, the log has "
                f"{(self.as_of - first).days} (it begins on {first}): choose a later as_of, or "
                "lower windows.ranker_windows, windows.ranker_days or windows.test_days"
            )


def default_home() -> str:
    """Give ``$ZAVTRA_HOME``, else ``./var``."""
    return os.environ.get(HOME_VARIABLE, "var")


def open_lake(settings: Settings, home: str) -> Lake:
    """Open the lake of a data set under ``home``."""
    return Lake(f"{home.rstrip('/')}/{settings.name}")
