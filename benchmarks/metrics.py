"""Every metric for the lists of a million users, against RecTools on the same lists.

This project computes all it has: accuracy at 1, 5 and 10, everything beyond accuracy (also by
vectors and against the histories), Diversity(k), the overlap of two systems, and the candidate
report of 100,000 users. RecTools computes what it has of these: no vectors, no calibration, no
overlap, of the candidates the recall alone. Its intra-list diversity is asked for in blocks of
users, since its table of all pairs outgrows the machine. Reading, drawing and the making of tables
are timed on neither side.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from benchmarks.measure import PeakMemory, machine
from benchmarks.metrics_lists import ITEMS, Made, make
from benchmarks.peers_run import PeerRun, run_peer
from benchmarks.protocol import Check, Result, Row
from evaluation.accuracy import accuracy
from evaluation.beyond import beyond, diversity_curve, overlap_part
from evaluation.candidates import CandidateReport
from evaluation.relevance import UserItems

K = 10
KS = (1, 5, 10)
WIDTH, SOURCES = 200, 4
MUST_BE = 10.0
"""Times faster than RecTools."""
MEMORY_GB = 2.5
CHUNK, THREADS = 4096, 2
FIGURES = ("seconds", "CPU seconds", "users/s", "peak GB")
CONVENTIONS = (
    "seconds: accuracy, beyond accuracy, Diversity(k), overlap and the candidate report together.",
    "RecTools: accuracy, coverage, novelty, popularity, serendipity, intra-list diversity, recall "
    "of the candidates.",
    "peak GB: of the whole process, made lists included.",
)
SHARED = (
    *(f"{name}@{k}" for k in KS for name in ("MAP", "NDCG", "NDCG_min", "Recall", "Precision")),
    *(f"{name}@{k}" for k in KS for name in ("HitRate", "MRR")),
    "coverage",
    "novelty_bits",
    "popularity",
)
"""What both sides compute over the same users, so that it must be the same number."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare ``--users`` and ``--candidate-users``."""
    parser.add_argument("--users", type=int, default=1_000_000, help="lists judged (1,000,000)")
    parser.add_argument(
        "--candidate-users",
        type=int,
        default=100_000,
        help=f"of them, users whose {WIDTH} candidates are judged (100,000)",
    )


def run(options: argparse.Namespace) -> Result:
    """Judge the lists on both sides."""
    few = min(options.candidate_users, options.users)
    judge(make(2_000, K, 1_000, WIDTH))  # compile, as the first day of a new version does
    with PeakMemory() as peak:
        made = make(options.users, K, few, WIDTH)
        judged = judge(made)
    peers = None
    if options.peers is not None:
        peers = run_peer(
            options.peers,
            "metrics.py",
            arrays_of(made),
            {
                "items": ITEMS,
                "candidates": WIDTH,
                "candidate_users": few,
            },
        )
    return _result(options.users, few, judged, peak.gb, peers)


class Judged(NamedTuple):
    """Figures, and what they took.

    Attributes:
        values: figure → value.
        seconds: wall-clock, of all parts together.
        cpu: part → processor seconds of its thread.
    """

    values: dict[str, float]
    seconds: float
    cpu: dict[str, float]


def judge(made: Made) -> Judged:
    """Compute everything, on two threads as a machine of two cores has."""
    lists, catalogue = made.lists, made.catalogue
    batches = list(_batches(made))
    parts: dict[str, Callable[[], dict[str, float]]] = {
        "beyond accuracy": lambda: beyond(lists, catalogue, K, made.history, made.relevant),
        "candidates": lambda: {"candidate_recall": _ceiling(batches)},
        "accuracy": lambda: accuracy(lists, made.relevant, KS).mean(),
        "Diversity(k)": lambda: {
            "ild": diversity_curve(lists, None, catalogue.item_values)["ild"][-1]
        },
        "overlap": lambda: {"rbo": overlap_part({"a": lists, "b": made.others}, K)["rbo"][0][1]},
    }

    def timed(part: Callable[[], dict[str, float]]) -> tuple[dict[str, float], float]:
        before = time.thread_time()
        return part(), time.thread_time() - before

    started = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        found = dict(zip(parts, pool.map(timed, parts.values()), strict=True))
    seconds = time.perf_counter() - started
    values = {name: value for figures, _ in found.values() for name, value in figures.items()}
    return Judged(values, seconds, {name: cpu for name, (_, cpu) in found.items()})


Batch = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, UserItems]


def _batches(made: Made) -> Iterator[Batch]:
    """Cut the candidates as the pipeline does: what :meth:`CandidateReport.add` takes."""
    for start in range(0, len(made.candidates), CHUNK):
        chunk = _candidates(made.candidates[start : start + CHUNK])
        yield *chunk, made.relevant.take(np.arange(start, start + len(chunk[0]) - 1))


def _ceiling(batches: list[Batch]) -> float:
    report = CandidateReport([f"source{n}" for n in range(SOURCES)])
    for batch in batches:
        report.add(*batch)
    return float(report.result()["rows"][0]["recall"])


def _candidates(items: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Say which of four sources proposed a candidate, each every other, and at which place."""
    n, width = items.shape
    place = np.arange(n * width)
    bits = np.stack([(place >> s & 1 | (s == 0)) << s for s in range(SOURCES)])
    ranks = np.stack([(place * (2 * s + 1)) % width for s in range(SOURCES)]).astype(np.float32)
    proposed = bits.sum(axis=0).astype(np.uint32)
    return np.arange(0, n * width + 1, width), items.ravel(), proposed, ranks


def arrays_of(made: Made) -> dict[str, np.ndarray]:
    """Give what the peer's script reads."""

    def csr(name: str, owned: UserItems) -> dict[str, np.ndarray]:
        return {f"{name}_indptr": owned.indptr, f"{name}_items": owned.items}

    genres = sp.csr_matrix(made.catalogue.item_values).toarray() > 0
    lists = {"lists": made.lists, "candidates": made.candidates, "genres": genres}
    return lists | csr("relevant", made.relevant) | csr("history", made.history)


def _result(
    users: int,
    few: int,
    judged: Judged,
    peak_gb: float,
    peers: PeerRun | None,
) -> Result:
    seconds, cpu = judged.seconds, sum(judged.cpu.values())
    ours = dict(zip(FIGURES, (seconds, cpu, users / seconds, peak_gb), strict=True))
    rows = [Row("all metrics", "Zavtra", ours)]
    checks = [Check(f"peak memory: at most {MEMORY_GB} GB", peak_gb <= MEMORY_GB, f"{peak_gb:.2f}")]
    payload: dict[str, Any] = {"users": users, "candidate_users": few}
    payload |= {"seconds": seconds, "cpu_seconds": cpu, "peak_gb": peak_gb}
    payload |= {
        "peer_seconds": None,
        "ratio": None,
        "cpu_parts": judged.cpu,
        "values": judged.values,
    }
    if peers is None:
        rows.append(Row("all metrics", "peer", {}, "RecTools"))
    else:
        theirs = peers.figures
        peer_seconds = sum(part["seconds"] for part in theirs.values())
        peer_cpu = sum(part["cpu_seconds"] for part in theirs.values())
        figures = (peer_seconds, peer_cpu, users / peer_seconds, peers.peak_rss_gb)
        rows.append(
            Row("all metrics", "peer", dict(zip(FIGURES, figures, strict=True)), peers.library)
        )
        ratio = peer_seconds / seconds
        payload |= {"peer_seconds": peer_seconds, "ratio": ratio}
        payload |= {"peer_cpu_seconds": peer_cpu, "cpu_ratio": peer_cpu / cpu}
        checks.append(
            Check(
                f"times as fast as RecTools: at least {MUST_BE:g}", ratio >= MUST_BE, f"{ratio:.1f}"
            )
        )
        checks.append(_same(judged.values, theirs))
    facts = [
        "CPU seconds by part: " + ", ".join(f"{n} {s:.2f}" for n, s in judged.cpu.items()),
        f"machine: {machine()}",
    ]
    title = f"metrics: {users:,} lists of {K}, and {WIDTH} candidates of {few:,} users"
    return Result(title, FIGURES, CONVENTIONS, rows, checks, facts, payload)


def _same(values: dict[str, float], theirs: dict[str, dict[str, float]]) -> Check:
    """Compare the figures both sides have: speed of another number would mean nothing."""
    pairs = {name: (values[name], theirs["lists"][f"value of {name}"]) for name in SHARED}
    pairs["candidate_recall"] = values["candidate_recall"], theirs["candidates"]["value of recall"]
    pairs["ild"] = values["intra_list_diversity"], theirs["diversity"]["value of ild"]
    apart = {n: abs(a - b) / max(abs(b), 1e-12) for n, (a, b) in pairs.items()}
    worst = max(apart, key=lambda name: apart[name])
    return Check(
        f"the {len(pairs)} figures both have are the same",
        apart[worst] <= 1e-9,
        f"{worst} differs by {apart[worst]:.1e}",
    )
