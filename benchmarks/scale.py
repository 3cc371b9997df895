"""Speed and memory of daily inference for all users, on data of KION's shape and size.

Counted is the whole of :func:`tasks.recommend.recommend_all`: from opening the log, through
histories and features as of the day, four sources, their union, features and 500 trees for every
candidate, to the published partition. Ingest, fits and training come before and are not counted.
Everything runs for all users and for half as many, each in a process of its own, and the second
must need hardly less memory than the first.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.kion_shape import USERS
from benchmarks.measure import machine
from benchmarks.peers_run import PeerRun, run_peer
from benchmarks.protocol import BenchmarkError, Check, Result, Row
from benchmarks.scale_day import SOURCES, TREES, scale_run
from tasks.day import read_log

K = 10
FIGURES = ("users/s", "seconds", "CPU seconds", "peak GB")
LEAST_USERS = 2_000
"""Fewer are gone before the threads are warm."""
MUST_REACH = 1_510
"""Users a second: what RecTools' two-stage model reaches with two generators and no features."""
PUBLISHED = {"users/s": 1_510.0, "peak GB": 8.1}
MOST_GB = 6.0
LEAST_CANDIDATES = 150
MOST_GROWTH_GB = 2.0
"""Growth for a million users more: their part of the log, of the histories and of the features."""
ALL_CHUNKS_FULL = 20_000
"""Users from which on more of them need no more chunks at a time."""
PEER = "CandidateRankingModel, 2 generators, no features"

CONVENTIONS = (
    "users/s: from opening the log to the published partition; fits and training not counted.",
    "CPU seconds: of all threads; where they are below seconds x cores, others held the cores.",
    "Floor: users x items products of ALS, bare trees on all candidates, writing the partition.",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare ``--users`` and ``--home``."""
    parser.add_argument(
        "--users",
        type=int,
        default=USERS,
        metavar="N",
        help=f"users to recommend for; half of them are measured too (default {USERS:,})",
    )
    parser.add_argument(
        "--home",
        type=Path,
        metavar="FOLDER",
        help="keep data, fits and ranker there for the next time (default: a temporary folder)",
    )


def run(options: argparse.Namespace) -> Result:
    """Measure all users, half of them, the floor and (with ``--peers``) RecTools."""
    if options.users < LEAST_USERS:
        raise BenchmarkError(f"--users {options.users} is too few to time: give {LEAST_USERS} up")
    with tempfile.TemporaryDirectory(prefix="zavtra-scale-") as temporary:
        home = options.home or Path(temporary)
        half = _measure(home, options.users // 2)
        full = _measure(home, options.users)
        floor = _part("floor", _folder(home, options.users), options.users)
        peers = _peers(_folder(home, options.users), options) if options.peers else None
    return _result(full, half, floor, peers)


def _measure(home: Path, users: int) -> dict[str, Any]:
    """Prepare what is not there yet, and time the day's inference."""
    folder = _folder(home, users)
    if not folder.is_dir():
        making = folder.with_suffix(".part")
        shutil.rmtree(making, ignore_errors=True)  # of a run that was cut off
        _part("prepare", making, users)
        making.rename(folder)
    return _part("recommend", folder, users)


def _folder(home: Path, users: int) -> Path:
    return home / f"users-{users}"


def _part(part: str, folder: Path, users: int) -> dict[str, Any]:
    """Run one part in a process of its own and give its figures."""
    print(f"{part}, {users:,} users …", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "benchmarks.scale_day", part, str(folder), str(users)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise BenchmarkError(
            f"{' '.join(command)} ended with code {done.returncode}; its messages stand above"
        )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _peers(folder: Path, options: argparse.Namespace) -> PeerRun:
    """Let RecTools do the same users from the same log."""
    day = scale_run(folder)
    log = read_log(day.lake, day.as_of)
    return run_peer(
        options.peers,
        "scale.py",
        {"user": log.user, "item": log.item, "ts": log.ts, "targets": np.unique(log.user)},
        {
            "k": K,
            "candidates": 100,
            "trees": TREES,
            "seed": 7,
            "threads": os.cpu_count() or 1,
        },
    )


def _result(
    full: dict[str, Any], half: dict[str, Any], floor: dict[str, Any], peers: PeerRun | None
) -> Result:
    users = full["users"]
    growth = (full["peak_rss_gb"] - half["peak_rss_gb"]) / (users - half["users"]) * 1e6
    ratio, speed = full["cpu_seconds"] / floor["cpu_seconds"], full["users_per_second"]
    rows = [
        Row("all users", "Zavtra", _figures(full)),
        Row("all users", "peer", {} if peers is None else _peer_figures(peers), "RecTools"),
        Row("all users", "published", PUBLISHED, "RecTools, 200 k"),
        Row("half of them", "Zavtra", _figures(half)),
        Row("floor", "Zavtra", _figures({**floor, "users_per_second": users / floor["seconds"]})),
    ]
    checks = [
        _at_least("users a second", speed, MUST_REACH),
        _at_most("peak memory, GB", full["peak_rss_gb"], MOST_GB),
        _at_least("candidates a user", floor["pairs_per_user"], LEAST_CANDIDATES),
    ]
    if half["users"] >= ALL_CHUNKS_FULL:
        checks.append(_at_most("memory for a million users more, GB", growth, MOST_GROWTH_GB))
    if peers is not None:
        peer = peers.figures[PEER]["users_per_second"]
        checks.append(_at_least("times the users a second of RecTools", speed / peer, 1.0))
    taken = ", ".join(f"{name} {s:.1f}" for name, s in floor["seconds_by_part"].items())
    this = machine()
    free = users * this.cores / full["cpu_seconds"]
    facts = [
        f"{free:,.0f} users/s, had nobody else used the {this.cores} cores (by processor time)",
        f"processor time is {ratio:.2f} x the floor's (seconds: {taken})",
        f"{floor['pairs_per_user']:.0f} candidates a user from {len(SOURCES)} sources, "
        f"{floor['features']} features, {floor['trees']} trees",
        f"machine: {this}",
    ]
    payload = {
        **full,
        "half": half,
        "floor": floor,
        "cpu_times_floor": ratio,
        "users_per_second_free_cores": free,
        "peers": peers and {**peers.figures[PEER], "peak_rss_gb": peers.peak_rss_gb},
    }
    title = f"scale: lists of {K} for {users:,} users of KION's shape"
    return Result(title, FIGURES, CONVENTIONS, rows, checks, facts, payload)


def _figures(found: dict[str, Any]) -> dict[str, float | None]:
    values = (
        found["users_per_second"],
        found["seconds"],
        found["cpu_seconds"],
        found.get("peak_rss_gb"),
    )
    return dict(zip(FIGURES, values, strict=True))


def _peer_figures(peers: PeerRun) -> dict[str, float | None]:
    found = peers.figures[PEER]
    values = (found["users_per_second"], found["recommend_seconds"], None, peers.peak_rss_gb)
    return dict(zip(FIGURES, values, strict=True))


def _at_least(what: str, found: float, limit: float) -> Check:
    return Check(f"{what}: at least {limit:,}", found >= limit, f"{found:,.1f}")


def _at_most(what: str, found: float, limit: float) -> Check:
    return Check(f"{what}: at most {limit:,}", found <= limit, f"{found:,.2f}")
