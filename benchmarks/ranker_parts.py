"""The parts of ``ranker``, each run in a process of its own so that its memory is its own.

``python -m benchmarks.ranker_parts PART FOLDER ROWS TREES``, where PART is

- ``rows``: write two windows of made rows, as :func:`tasks.ranker.make_rows` leaves them;
- ``train``: the project's ranker on them, with early stopping by the newer window;
- ``bare-train``: CatBoost itself, told to do the same on one matrix;
- ``shap``: the project's SHAP values of a sample, checked to add up;
- ``bare-shap``: the library's call for the same sample.

The last line printed is one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from benchmarks.measure import lifetime_peak_gb
from models.ranker import Ranker, Rows
from models.shapley import shap_values
from tasks.ranker import ARRAYS, load_rows

T = TypeVar("T")
FEATURES = 60
LIST = 100
"""Rows of one list."""
HIT_SHARE = 0.03
SHAP_ROWS = 30_000
REPEATS = 3
"""Times that the SHAP values are computed: they take a second or two, and the least counts."""
ROUNDS = 20
THREADS = 2
COMPARED = 10_000
"""Rows whose scores are compared between the two sides."""


def made_rows(n: int, seed: int) -> Rows:
    """Make rows whose features are distributed like those of a KION run, and a label they tell.

    Args:
        n: rows, whole lists of :data:`LIST`.
        seed: of the draw.
    """
    rng = np.random.default_rng(seed)
    features = np.empty((FEATURES, n), np.float32)
    signal = np.zeros(n, np.float32)
    for at, feature in enumerate(features):
        kind = at % 6
        if kind == 0:  # events in a window: most are few, some are very many
            feature[:] = np.floor(rng.lognormal(1.0, 1.6, n))
        elif kind == 1:  # a share of the user's events: often none
            feature[:] = rng.beta(0.6, 4.0, n) * (rng.random(n) < 0.6)
        elif kind == 2:  # days since: undefined for who was never there
            feature[:] = np.where(rng.random(n) < 0.15, np.nan, np.floor(rng.exponential(20.0, n)))
        elif kind == 3:  # place among the candidates of a list
            feature[:] = np.tile(np.arange(LIST, dtype=np.float32), n // LIST) + rng.integers(0, 3)
        elif kind == 4:  # score of a source
            feature[:] = rng.gamma(1.5, 0.2, n)
        else:  # code of an attribute
            feature[:] = rng.integers(0, 12, n)
        if at < 24:
            spread = np.nan_to_num(feature)
            signal += (spread - spread.mean()) / (spread.std() + 1e-6) * (0.5 - at % 2) / (1 + at)
    signal += rng.normal(0, 1, n).astype(np.float32)
    label = (signal >= np.quantile(signal, 1 - HIT_SHARE)).astype(np.float32)
    label[::LIST], label[1::LIST] = 1, 0  # lists without a hit are not learnt from
    weight = np.where(rng.random(n) < 0.3, 5.0, 1.0).astype(np.float32)
    return Rows(features, label, np.arange(n) // LIST, weight)


def write_rows(folder: Path, rows: int, trees: int) -> dict[str, Any]:
    """Write two windows of half the rows each."""
    half = rows // 2 // LIST * LIST
    for name, seed in (("ranker1", 1), ("ranker2", 2)):
        window = made_rows(half, seed)
        (folder / name).mkdir(parents=True)
        for array in ARRAYS:
            np.save(folder / name / f"{array}.npy", getattr(window, array))
        (folder / name / "names.json").write_text(json.dumps([f"f{n}" for n in range(FEATURES)]))
    return {"rows": 2 * half}


def train(folder: Path, rows: int, trees: int) -> dict[str, Any]:
    """Train as the pipeline does."""
    stack = [load_rows(folder / name) for name in ("ranker1", "ranker2")]
    ranker = Ranker(iterations=trees, early_stopping_rounds=ROUNDS, device="cpu", threads=THREADS)
    with _timed() as taken:
        ranker.fit([window for window, _ in stack], stack[0][1])
    ranker.save(folder / "ranker")
    scores = ranker.predict(stack[1][0].features[:, :COMPARED])
    np.save(folder / "scores.npy", scores)
    return {**taken, "trees": ranker.trees}


def bare_train(folder: Path, rows: int, trees: int) -> dict[str, Any]:
    """Let the library do the same: stop early on the newer window, grow anew on both."""
    from catboost import CatBoost, Pool

    parts = [load_rows(folder / name)[0] for name in ("ranker1", "ranker2")]
    cut = len(parts[0])
    x = np.concatenate([part.features for part in parts], axis=1).T
    y, w = (np.concatenate([getattr(p, name) for p in parts]) for name in ("label", "weight"))
    del parts

    def model(iterations: int) -> Any:
        return CatBoost(
            {
                "loss_function": "Logloss",
                "iterations": iterations,
                "depth": 6,
                "learning_rate": 0.05,
                "l2_leaf_reg": 3.0,
                "rsm": 0.3,
                "border_count": 64,
                "leaf_estimation_iterations": 1,
                "random_seed": 7,
                "thread_count": THREADS,
                "allow_writing_files": False,
                "logging_level": "Silent",
            }
        )

    with _timed() as taken:
        probe = model(trees)
        probe.fit(
            Pool(x[:cut], y[:cut], weight=w[:cut]),
            eval_set=Pool(x[cut:], y[cut:], weight=w[cut:]),
            early_stopping_rounds=ROUNDS,
        )
        final = model(probe.tree_count_)
        final.fit(Pool(x, y, weight=w))
    scores = final.predict(x[cut : cut + COMPARED], prediction_type="RawFormulaVal")
    same = np.array_equal(scores.astype(np.float32), np.load(folder / "scores.npy"))
    return {**taken, "trees": int(final.tree_count_), "same_scores": bool(same)}


def shap(folder: Path, rows: int, trees: int) -> dict[str, Any]:
    """Explain a sample as the pipeline does."""
    features, ranker = _sample(folder), Ranker.load(folder / "ranker")
    found, taken = _best(lambda: shap_values(ranker, features, THREADS))
    return {**taken, "rows": len(found), "additivity_gap": found.gap}


def bare_shap(folder: Path, rows: int, trees: int) -> dict[str, Any]:
    """Let the library explain the same sample."""
    from catboost import Pool

    features, model = _sample(folder), Ranker.load(folder / "ranker").model

    def work() -> Any:
        return model.get_feature_importance(
            Pool(features.T), type="ShapValues", thread_count=THREADS
        )

    found, taken = _best(work)
    return {**taken, "rows": len(found)}


PARTS: dict[str, Callable[[Path, int, int], dict[str, Any]]] = {
    "rows": write_rows,
    "train": train,
    "bare-train": bare_train,
    "shap": shap,
    "bare-shap": bare_shap,
}


def _sample(folder: Path) -> np.ndarray:
    stored = np.load(folder / "ranker2" / "features.npy", mmap_mode="r")
    return np.ascontiguousarray(stored[:, :SHAP_ROWS])


def _best(work: Callable[[], T]) -> tuple[T, dict[str, float]]:
    """Time something short a few times; give its result and the least it took."""
    runs = []
    for _ in range(REPEATS):
        with _timed() as taken:
            found = work()
        runs.append(taken)
    return found, min(runs, key=lambda run: run["cpu_seconds"])


@contextmanager
def _timed() -> Iterator[dict[str, float]]:
    """Take wall-clock and processor seconds of a block."""
    taken: dict[str, float] = {}
    wall, cpu = time.perf_counter(), time.process_time()
    yield taken
    taken["seconds"] = time.perf_counter() - wall
    taken["cpu_seconds"] = time.process_time() - cpu


def main() -> None:
    """Run the part named on the command line."""
    part, folder, rows, trees = sys.argv[1:]
    found = PARTS[part](Path(folder), int(rows), int(trees))
    print(json.dumps({**found, "peak_rss_gb": lifetime_peak_gb()}))


if __name__ == "__main__":
    main()
