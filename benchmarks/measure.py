"""Seconds, memory and the machine: what the speed protocols measure with."""

from __future__ import annotations

import os
import platform
import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import psutil

GB = 2**30


@dataclass
class Steps:
    """Wall-clock seconds of named steps; a name used again adds up.

    Attributes:
        seconds: step → seconds, in the order of first use.
        quiet: do not print a line to stderr at the end of each step.
    """

    quiet: bool = False
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time a block; one that raises is not counted."""
        started = time.perf_counter()
        yield
        taken = time.perf_counter() - started
        self.seconds[name] = self.seconds.get(name, 0.0) + taken
        if not self.quiet:
            print(f"{name}: {taken:.1f} s", file=sys.stderr, flush=True)

    @property
    def total(self) -> float:
        """Seconds of all steps together."""
        return sum(self.seconds.values())

    def rounded(self) -> dict[str, float]:
        """Seconds to the millisecond, for a JSON object."""
        return {name: round(value, 3) for name, value in self.seconds.items()}


class PeakMemory:
    """Highest resident memory of this process and its children while a block runs.

    ::

        with PeakMemory() as peak:
            work()
        print(peak.gb)

    Read off every ``interval_s``; pages that processes share count once for each of them, so the
    figure errs high. Memory that comes and goes between two readings is seen by
    :func:`lifetime_peak_gb` alone.

    Args:
        interval_s: seconds between two readings.
    """

    def __init__(self, interval_s: float = 0.02) -> None:
        self.interval_s = interval_s
        self.gb = 0.0
        self._process = psutil.Process()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._read()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._read()

    def _watch(self) -> None:
        while not self._stop.wait(self.interval_s):
            self._read()

    def _read(self) -> None:
        total = self._process.memory_info().rss
        for child in self._process.children(recursive=True):
            try:
                total += child.memory_info().rss
            except psutil.NoSuchProcess:  # ended since the listing: it holds nothing any more
                continue
        self.gb = max(self.gb, total / GB)


def lifetime_peak_gb(children: bool = False) -> float:
    """Give the exact peak since the process began, GB (the kernel's own count).

    Args:
        children: the largest child that has ended instead of this process.
    """
    who = resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB on Linux
    return resource.getrusage(who).ru_maxrss * unit / GB


class Machine(NamedTuple):
    """What a figure was measured on."""

    processor: str
    cores: int
    memory_gb: float
    load: float
    """Processes that wanted a core in the last minute: past ``cores``, figures are too slow."""

    def __str__(self) -> str:
        return (
            f"{self.cores} cores of {self.processor}, {self.memory_gb:.0f} GB, load {self.load:.1f}"
        )


def machine() -> Machine:
    """Describe the machine: only the cores this process may use count."""
    allowed = getattr(os, "sched_getaffinity", None)
    cores = len(allowed(0)) if allowed else os.cpu_count() or 1
    memory = psutil.virtual_memory().total / GB
    return Machine(_processor(), cores, memory, os.getloadavg()[0])


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
