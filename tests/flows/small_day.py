"""A small data set, and what tests ask of a day that was run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flows.start import Outcome

Zavtra = Callable[..., subprocess.CompletedProcess[str]]
"""Runs the command with some words, and environment variables as keywords."""

ROOT = Path(__file__).parents[2]
MODELS = """
windows: {test_days: 7, ranker_days: 7, ranker_windows: 2, horizon_days: 7, every_days: 7}
generators:
  - {kind: popularity, candidates: 30, params: {window_days: 7}}
  - {kind: als, candidates: 30, params: {factors: 8, iterations: 3}}
  - {kind: ease, candidates: 30}
  - {kind: item_knn, candidates: 20}
ranker: {iterations: 20, hard_negatives: 20}
"""
SMALL = f"""
name: small
source: {{kind: synthetic, users: 300, items: 120, interactions: 6000, days: 60}}
{MODELS}
"""
AS_OF = "2026-03-02"
"""The day after the last of the small log."""


@dataclass(frozen=True)
class Ran:
    """A day that was run: its configuration, its home and what the flow gave back."""

    config: Path
    home: Path
    outcome: Outcome

    @property
    def lake(self) -> Path:
        return self.home / self.config.stem

    def copy(self, to: Path) -> Ran:
        """Give the same day in a home of its own, for tests that change it."""
        shutil.copytree(self.home, to)
        return Ran(self.config, to, self.outcome)


def published(lake: Path, *, manifests: bool = True) -> dict[str, bytes]:
    """Give all files under ``recommendations``, by their place; manifests name the code, too."""
    folder = lake / "recommendations"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (manifests or path.name != "manifest.json")
    }


def command(name: str) -> str:
    """Give the path of a console script of the environment the tests run in."""
    return str(Path(sys.executable).parent / name)


def clean_environment(folder: Path) -> dict[str, str]:
    """Give an environment without the settings of whoever runs the tests; homes are in a folder."""
    own = {n: v for n, v in os.environ.items() if not n.startswith(("PREFECT_", "ZAVTRA_", "COV_"))}
    return {
        **own,
        "PREFECT_HOME": str(folder / "prefect"),
        "ZAVTRA_HOME": str(folder / "home"),
        "COLUMNS": "100",
    }


def left_behind(lake: Path) -> Iterator[Path]:
    """Give what a step that was cut off would leave."""
    for pattern in (".writing-*", ".old-*", "*.tmp"):
        yield from lake.rglob(pattern)
