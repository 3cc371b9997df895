"""What every protocol hands back, and the list of them all.

A protocol is a module with ``add_options(parser)`` and ``run(options) -> Result``; it is imported
only when it is asked for.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, cast


class BenchmarkError(RuntimeError):
    """A benchmark that cannot be run as asked; the message says what to do."""


class MissingDataError(BenchmarkError):
    """Real data that a protocol needs is not there."""


class Entry(NamedTuple):
    """One protocol: where it lives and what it measures, in a line."""

    module: str
    line: str


PROTOCOLS = {
    "ml1m-gts28": Entry(
        "benchmarks.ml1m_gts28",
        "two-stage on MovieLens-1M, the 28 days from 2000-12-28 on, against RecTools",
    ),
    "ml1m-8020": Entry(
        "benchmarks.ml1m_8020",
        "two-stage on MovieLens-1M, 80/20 by time, against RePlay's published table",
    ),
    "ml1m-seminar": Entry(
        "benchmarks.ml1m_seminar",
        "SASRec with four losses on MovieLens-1M, every event of the last tenth; the best in 5 min",
    ),
    "sasrec-speed": Entry(
        "benchmarks.sasrec_speed",
        "seconds of an epoch of SASRec on MovieLens-1M against RecTools and the products' floor",
    ),
    "ml1m-loo": Entry(
        "benchmarks.ml1m_loo",
        "SASRec on MovieLens-1M, each user's last event, against published rows",
    ),
    "ml100k-two-head": Entry(
        "benchmarks.ml100k_two_head",
        "the plain two-head model on MovieLens-100k and the best of our kinds, several seeds",
    ),
    "fm-rmse": Entry(
        "benchmarks.fm_rmse",
        "factorization machine on MovieLens-1M: RMSE, ratings a second, similar movies",
    ),
    "features": Entry(
        "benchmarks.features",
        "daily features at KION's size: state, one new day, join, against pandas and a floor",
    ),
    "scale": Entry(
        "benchmarks.scale",
        "daily lists for all users of KION's shape: users a second, memory, floor, RecTools",
    ),
    "diversity": Entry(
        "benchmarks.diversity",
        "NDCG against diversity along the knob of the re-ranking (MMR, DPP), MovieLens-1M",
    ),
    "metrics": Entry(
        "benchmarks.metrics",
        "all metrics for the lists of a million users, against RecTools on the same lists",
    ),
    "cold-users": Entry(
        "benchmarks.cold_users",
        "users without a history: one ranker for all, one of their own, or popularity's order",
    ),
    "score-forms": Entry(
        "benchmarks.score_forms",
        "scores, ranks or percentiles of the sources: which survives that they are fitted anew",
    ),
    "ranker": Entry(
        "benchmarks.ranker",
        "the ranker's training and SHAP values on 3 M rows, against bare CatBoost: time, memory",
    ),
}
"""Protocols by name, in the order they are listed."""

Side = Literal["Zavtra", "peer", "published"]


@dataclass(frozen=True)
class Row:
    """Figures of one model on one side.

    Attributes:
        model: the rows of one model stand together in the table.
        side: whose figures they are: this project's, a peer's of this run, or published ones.
        figures: metric → value; None where there is none. Empty: the model was not run.
        who: name of the peer or of the publication.
    """

    model: str
    side: Side
    figures: Mapping[str, float | None]
    who: str = ""


class Check(NamedTuple):
    """Something the protocol states must hold."""

    name: str
    passed: bool
    found: str


@dataclass(frozen=True)
class Result:
    """What a protocol found.

    Attributes:
        title: data, cut, and number of users judged.
        metrics: columns of the table, in order.
        conventions: how the metrics are computed, a sentence each.
        rows: of the table.
        checks: what must hold; one that fails makes the exit code 1.
        facts: further lines below the table (intervals, seconds, machine).
        payload: the one JSON object of ``--json``.
    """

    title: str
    metrics: tuple[str, ...]
    conventions: tuple[str, ...]
    rows: list[Row]
    checks: list[Check]
    facts: list[str] = field(default_factory=list)
    payload: dict[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> list[Check]:
        """The checks that do not hold."""
        return [check for check in self.checks if not check.passed]


class ProtocolModule(Protocol):
    """The two functions of a protocol's module."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options of this protocol alone."""

    def run(self, options: argparse.Namespace) -> Result:
        """Measure.

        Args:
            options: those of :meth:`add_options`, and ``peers`` (a python's path or None).
        """


def load_protocol(name: str) -> ProtocolModule:
    """Import the module of a protocol."""
    return cast(ProtocolModule, importlib.import_module(PROTOCOLS[name].module))


def model_figures(rows: Iterable[Row], side: Side) -> dict[str, dict[str, float | None]]:
    """Give model → figures of one side, for the JSON object."""
    return {row.model: dict(row.figures) for row in rows if row.side == side and row.figures}
