"""The parts of ``scale``, each run in a process of its own so that its memory is its own.

``python -m benchmarks.scale_day PART HOME USERS``, where PART is

- ``prepare``: ingest KION-shaped data, fit the generators, train a ranker (not counted);
- ``recommend``: make and publish the lists of all users, which is what is measured;
- ``floor``: what no implementation can do without, on the same data and machine.

The last line printed is one JSON object.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the flows do; read when numpy is imported

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow.parquet as pq
from threadpoolctl import threadpool_limits

from benchmarks.kion_shape import kion_shape_settings, last_day, write_kion_shape
from benchmarks.measure import Steps, lifetime_peak_gb
from config import Settings
from models.als import ALS
from tasks.day import Day
from tasks.evaluate import FINAL
from tasks.features import features_as_of, update_features
from tasks.generators import fit_generator, fitted_names, load_sources
from tasks.ingest import ingest_source
from tasks.ranker import load_ranker, make_rows, train_ranker
from tasks.recommend import recommend_all
from tasks.run import Ref, Run

TREES = 500
RANKER_LISTS = 4_000
"""Users the ranker learns from: its quality is not measured here, and training is not counted."""
FLOOR_USERS = 1024
REFS = "scale.json"

SOURCES = [
    {"kind": "popularity", "candidates": 60, "params": {"window_days": 7}},
    {"kind": "als", "candidates": 60, "params": {"factors": 64, "iterations": 5}},
    {"kind": "ease", "candidates": 60},
    {"kind": "item_knn", "candidates": 60},
]
"""The usual four; few sweeps of ALS, because fitting is not counted."""


def scale_run(home: Path) -> Run:
    """Give the run that both halves share."""
    settings = Settings.model_validate(
        {
            **kion_shape_settings(home / "source"),
            "positive_min": 0.1,
            "windows": {"ranker_windows": 1},
            "generators": SOURCES,
            "ranker": {
                "iterations": TREES,
                "early_stopping_rounds": None,
                "max_lists": RANKER_LISTS,
            },
        }
    )
    return Run(settings, last_day() + timedelta(days=1), str(home))


def prepare(home: Path, users: int) -> dict[str, Any]:
    """Make all that exists before the daily inference begins; give the seconds of each step."""
    steps, run = Steps(), scale_run(home)
    with steps("make the data"):
        write_kion_shape(home / "source", users=users)
    with steps("ingest"):
        midnight = datetime.combine(run.as_of, datetime.min.time(), UTC)
        ingest_source.fn(run.settings, run.home, midnight)
    with steps("state of the features"):
        state = update_features.fn(run)
    fits: dict[str, list[Ref]] = {}
    (window,) = run.windows.ranker
    for name, cutoff in (("window", window.cutoff), ("tomorrow", run.as_of)):
        with steps(f"fit for the {name}" if name == "window" else f"fit for {name}"):
            fits[name] = [fit_generator.fn(run, cutoff, source) for source in fitted_names(run)]
    with steps("rows of the ranker"):
        rows = make_rows.fn(run, window, fits["window"], state)
    with steps("train the ranker"):
        ranker = train_ranker.fn(run, [rows])
    gate = run.step(*run.folder("gate"), inputs={}, make=_open_gate)
    refs = {
        "state": [state.parts, state.digest],
        "ranker": [ranker.parts, ranker.digest],
        "gate": [gate.parts, gate.digest],
        "fits": [[fit.parts, fit.digest] for fit in fits["tomorrow"]],
    }
    (home / REFS).write_text(json.dumps(refs))
    return {"seconds": steps.rounded(), "peak_rss_gb": lifetime_peak_gb()}


def _open_gate(folder: Path) -> None:
    """Let the new list out: a benchmark of inference judges nothing."""
    (folder / "gate.json").write_text(json.dumps({"publish": FINAL, "why": "a benchmark"}))


def recommend(home: Path, users: int) -> dict[str, Any]:
    """Run the day's inference, from opening the log to the published partition."""
    run, refs = scale_run(home), _read_refs(home)
    shutil.rmtree(run.lake.path("recommendations"), ignore_errors=True)  # of an earlier run
    with Stopwatch() as watch:
        ref = recommend_all.fn(
            run, refs["fits"], refs["ranker"], refs["ranker"], refs["gate"], refs["state"]
        )
    summary = run.lake.read_json(*ref.parts, "summary.json")
    assert summary["users"] == users, (summary["users"], users)
    return {
        "users": users,
        "rows": summary["rows"],
        "users_per_second": users / watch.seconds,
        **watch.figures(),
        "peak_rss_gb": lifetime_peak_gb(),
    }


def floor(home: Path, users: int) -> dict[str, Any]:
    """Time what is left if everything else were free; give the seconds for all users.

    Both matrix products and trees run on all cores at once and on data at hand. EASE and item-KNN
    count nothing: theirs would be sparse products, whose floor is a matter of the algorithm.
    """
    run, refs = scale_run(home), _read_refs(home)
    day = Day(run, run.as_of, load_sources(run, run.as_of), features_as_of(run, run.as_of))
    everybody = day.all_users(run.lake)
    chunk = everybody[:: max(len(everybody) // FLOOR_USERS, 1)][:FLOOR_USERS]
    candidates = day.candidates(chunk)
    features = day.features(candidates)
    ranker = load_ranker(run, refs["ranker"])
    (als,) = (s.model for s in day.sources if isinstance(s.model, ALS))
    assert als.item_factors is not None
    items = als.item_factors.T
    vectors = als.encode(day.histories.take(chunk))
    block = np.empty((len(chunk), als.n_items), np.float32)
    table = pq.read_table(run.lake.local("recommendations", f"as_of={run.as_of}", "part.parquet"))
    share = users / len(chunk)
    with threadpool_limits(day.threads, "blas"):
        products = _best(lambda: np.matmul(vectors, items, out=block))
    trees = _best(lambda: ranker.predict(features, threads=day.threads))
    writing = _best(lambda: pq.write_table(table, home / "floor.parquet"))
    parts = {
        "matrix products": products.times(share),
        "trees": trees.times(share),
        "writing": writing,
    }
    return {
        "users": users,
        "pairs_per_user": len(candidates.item) / len(chunk),
        "features": len(day.names),
        "trees": ranker.trees,
        "seconds_by_part": {name: part.seconds for name, part in parts.items()},
        "seconds": sum(part.seconds for part in parts.values()),
        "cpu_seconds": sum(part.cpu_seconds for part in parts.values()),
    }


class Stopwatch:
    """Wall-clock and processor seconds of a block, all threads together."""

    seconds = cpu_seconds = 0.0

    def __enter__(self) -> Self:
        self._started, self._worked = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *error: object) -> None:
        self.seconds = time.perf_counter() - self._started
        self.cpu_seconds = time.process_time() - self._worked

    def times(self, factor: float) -> Self:
        """Give the seconds of ``factor`` such blocks."""
        other = type(self)()
        other.seconds, other.cpu_seconds = self.seconds * factor, self.cpu_seconds * factor
        return other

    def figures(self) -> dict[str, float]:
        """Give both for a JSON object."""
        return {"seconds": self.seconds, "cpu_seconds": self.cpu_seconds}


def _best(work: Callable[[], object], repeats: int = 5) -> Stopwatch:
    """Time work that is already warm; of several times, the one the machine disturbed least."""
    work()
    watches = []
    for _ in range(repeats):
        with Stopwatch() as watch:
            work()
        watches.append(watch)
    return min(watches, key=lambda watch: watch.cpu_seconds)


def _read_refs(home: Path) -> dict[str, Any]:
    refs = json.loads((home / REFS).read_text())
    fits = [Ref(tuple(parts), digest) for parts, digest in refs["fits"]]
    single = ("state", "ranker", "gate")
    return {"fits": fits, **{name: Ref(tuple(refs[name][0]), refs[name][1]) for name in single}}


PARTS = {part.__name__: part for part in (prepare, recommend, floor)}


def main(arguments: list[str] | None = None) -> None:
    """Run one part and print its figures as the last line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale_day", description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("home", type=Path)
    parser.add_argument("users", type=int)
    options = parser.parse_args(arguments)
    print(json.dumps(PARTS[options.part](options.home, options.users)))


if __name__ == "__main__":
    main(sys.argv[1:])
