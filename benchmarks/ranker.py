"""Speed and memory of the ranker, against the bare library on the same matrix in the same run.

Training is the pipeline's own: rows of two windows as they lie in the lake, early stopping on the
newer one, then all of it again with the number of trees found. CatBoost itself is told to do just
that. Then a sample is explained by SHAP values, ours (checked to add up) and the library's call.
Every part runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import machine
from benchmarks.protocol import BenchmarkError, Check, Result, Row
from benchmarks.ranker_parts import FEATURES, SHAP_ROWS, THREADS

ROWS = 3_000_000
TREES = 60
LEAST_ROWS = 2 * SHAP_ROWS
FIGURES = ("seconds", "CPU seconds", "peak GB")
MOST_RATIO = 1.2
"""Processor time of ours over the library's."""
MOST_GAP = 1e-6

CONVENTIONS = (
    "Reading the rows from disk is not counted on either side; making the library's pools is.",
    "Ratios are of processor time: where cores are shared, wall-clock time says little.",
    "Peak GB is of the whole process, with the rows and the matrix made of them.",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare ``--rows`` and ``--trees``."""
    parser.add_argument(
        "--rows", type=int, default=ROWS, metavar="N", help=f"rows trained on (default {ROWS:,})"
    )
    parser.add_argument(
        "--trees", type=int, default=TREES, metavar="N", help=f"trees at most (default {TREES})"
    )


def run(options: argparse.Namespace) -> Result:
    """Measure training and SHAP values on both sides."""
    if options.rows < LEAST_ROWS or options.trees < 1:
        raise BenchmarkError(
            f"--rows {options.rows} --trees {options.trees}: give at least {LEAST_ROWS:,} rows, "
            f"half of them in each window, for {SHAP_ROWS:,} to be explained, and one tree"
        )
    with tempfile.TemporaryDirectory(prefix="zavtra-ranker-") as folder:
        found = {
            part: _part(part, Path(folder) / "rows", options.rows, options.trees)
            for part in ("rows", "train", "bare-train", "shap", "bare-shap")
        }
    return _result(found)


def _part(part: str, folder: Path, rows: int, trees: int) -> dict[str, Any]:
    """Run one part in a process of its own and give its figures."""
    print(f"{part} …", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "benchmarks.ranker_parts", part, str(folder)]
    command += [str(rows), str(trees)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise BenchmarkError(
            f"{' '.join(command)} ended with code {done.returncode}; its messages stand above"
        )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _result(found: dict[str, dict[str, Any]]) -> Result:
    rows, trees = found["rows"]["rows"], found["train"]["trees"]
    training, explaining = f"training, {trees} trees", f"SHAP of {found['shap']['rows']:,} rows"
    train_ratio, shap_ratio = (
        found[part]["cpu_seconds"] / found[f"bare-{part}"]["cpu_seconds"]
        for part in ("train", "shap")
    )
    gap = found["shap"]["additivity_gap"]
    checks = [
        Check(
            f"training: at most {MOST_RATIO} x the library's processor time",
            train_ratio <= MOST_RATIO,
            f"{train_ratio:.2f}",
        ),
        Check(
            f"SHAP: at most {MOST_RATIO} x the library's processor time",
            shap_ratio <= MOST_RATIO,
            f"{shap_ratio:.2f}",
        ),
        Check(
            "both sides grow the same trees",
            found["bare-train"]["same_scores"] and trees == found["bare-train"]["trees"],
            f"{trees} and {found['bare-train']['trees']} trees",
        ),
        Check(f"SHAP values add up within {MOST_GAP}", gap <= MOST_GAP, f"{gap:.1e}"),
    ]
    payload = {
        "rows": rows,
        "features": FEATURES,
        "trees": trees,
        "train_seconds": found["train"]["seconds"],
        "bare_train_seconds": found["bare-train"]["seconds"],
        "train_cpu_seconds": found["train"]["cpu_seconds"],
        "bare_train_cpu_seconds": found["bare-train"]["cpu_seconds"],
        "train_ratio": train_ratio,
        "shap_rows": found["shap"]["rows"],
        "shap_seconds": found["shap"]["seconds"],
        "bare_shap_seconds": found["bare-shap"]["seconds"],
        "shap_ratio": shap_ratio,
        "peak_rss_gb": found["train"]["peak_rss_gb"],
        "bare_peak_rss_gb": found["bare-train"]["peak_rss_gb"],
        "shap_peak_rss_gb": found["shap"]["peak_rss_gb"],
    }
    return Result(
        f"ranker: {rows:,} rows x {FEATURES} features on {THREADS} threads",
        FIGURES,
        CONVENTIONS,
        [
            Row(training, "Zavtra", _figures(found["train"])),
            Row(training, "peer", _figures(found["bare-train"]), "CatBoost"),
            Row(explaining, "Zavtra", _figures(found["shap"])),
            Row(explaining, "peer", _figures(found["bare-shap"]), "CatBoost"),
        ],
        checks,
        [f"machine: {machine()}"],
        payload,
    )


def _figures(found: dict[str, Any]) -> dict[str, float | None]:
    values = (found["seconds"], found["cpu_seconds"], found["peak_rss_gb"])
    return dict(zip(FIGURES, values, strict=True))
