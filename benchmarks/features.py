"""``features``: state, one new day and join at KION's size, against pandas and a floor.

Seconds that are compared come from the same run and take turns, since other work on the machine
would otherwise decide. ``--scale`` makes everything smaller for a try; the checks are stated for
the full size.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.features_naive import NaiveDay, naive_day
from benchmarks.kion_shape import (
    DAYS,
    USERS,
    kion_shape_settings,
    last_day,
    write_kion_shape,
)
from benchmarks.measure import PeakMemory, Steps, machine
from benchmarks.protocol import Check, Result, Row
from config.settings import Settings
from data.contract import CODE, ITEM, TS, USER, VALUE
from data.ingest import ingest
from data.lake import Lake
from data.sources import make_source
from features.asof import AsOf
from features.catalog import build_catalog
from features.join import join
from features.state import update_state
from models.memory import Memory

NEW_DAYS = 20
"""Days added one by one to the short and to the long history, in turns."""
TIMES = 10
CANDIDATES = 150
CHUNK = 1024
"""Users joined at a time, as the pipeline does."""
MEMORY_GB = 2.0
STATE_S, DAY_S, SLOWER, PAIRS_S = 20.0, 3.0, 1.3, 2e6
METRICS = ("times as fast",)
CONVENTIONS = (
    "state: sums by user, item and day of the whole log from nothing.",
    f"day: the same for one new day, the least of {NEW_DAYS} (other work on the machine adds); the "
    "short and the long history take turns.",
    "tables: all features of a day for all users and items.",
    f"join: {CANDIDATES} candidates a user in chunks of {CHUNK} users, all features, all cores.",
    "pandas: what a script recomputes each day for a share of the users, extrapolated linearly.",
    "floor: reading the log's columns and one hash aggregation by user and item.",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare ``--scale``, ``--threads`` and ``--naive-share``."""
    parser.add_argument("--scale", type=float, default=1.0, help="share of KION's users, 0..1")
    parser.add_argument("--threads", type=int, default=2, help="threads of state and join")
    parser.add_argument(
        "--naive-share", type=float, default=0.1, help="share of the users pandas is given"
    )


def run(options: argparse.Namespace) -> Result:
    """Make the data, build, add days, join, and do a part of it with pandas."""
    steps = Steps()
    with tempfile.TemporaryDirectory(prefix="zavtra-features-") as folder:
        bench = _Bench(Path(folder), options.threads, steps)
        bench.make(options.scale)
        return bench.measure(options.scale, options.naive_share)


class _Bench:
    """One run in a folder of its own."""

    def __init__(self, folder: Path, threads: int, steps: Steps) -> None:
        self.folder, self.threads, self.steps = folder, threads, steps
        self.lake, self.long = Lake(folder / "lake"), Lake(folder / "long")
        self.positive_min = 0.5

    def make(self, scale: float) -> None:
        """Write and ingest the log, and the same log ten times as long."""
        with self.steps("make the data"):
            write_kion_shape(self.folder / "files", users=max(round(USERS * scale), 1000))
            settings = Settings(**kion_shape_settings(self.folder / "files"))
            parameters = settings.source.model_dump()
            ingest(
                make_source(parameters.pop("kind"), **parameters),
                self.lake,
                now=datetime.combine(last_day() + timedelta(days=2), datetime.min.time(), UTC),
                max_bad_share=0.0,
                keep_duplicates=False,
                timezone="UTC",
            )
            self.catalog = build_catalog(self.lake.read_json("attributes.json"))
            self.n_users, self.n_items = (
                len(self.lake.read_table("ids", f"{what}.parquet", columns=[CODE]))
                for what in ("users", "items")
            )
        with self.steps(f"history x {TIMES}"):
            self._lengthen()

    def measure(self, scale: float, naive_share: float) -> Result:
        """Time everything; the peak of memory is that of the engine alone."""
        steps, day = self.steps, last_day() + timedelta(days=1)
        with steps("floor"):
            rows = self._floor(day)
        with PeakMemory() as peak:
            with steps("state"):
                self._update(self.lake, day)
            *days, cpu = self._new_days(day)
            with steps("tables of a day"):
                tables = self._open(day)
            pairs, join_s = self._join(tables)
        with steps("pandas"):
            naive = naive_day(self.lake, day, naive_share, CANDIDATES, self.n_users)
        day_s, long_s = (min(found) for found in days)
        ours = day_s + steps.seconds["tables of a day"]
        figures = {
            "state_seconds": steps.seconds["state"],
            "day_seconds": day_s,
            f"day_seconds_history_x{TIMES}": long_s,
            "join_pairs_per_second": pairs / join_s,
            "peak_rss_gb": peak.gb,
            "naive_ratio": naive.seconds_all / ours,
        }
        payload: dict[str, Any] = {name: round(value, 4) for name, value in figures.items()}
        payload |= {
            "features": len(self.catalog),
            "users": self.n_users,
            "items": self.n_items,
            "interactions": rows,
            "memory_limit_gb": MEMORY_GB,
            "threads": self.threads,
            "day_seconds_each": [[round(s, 4) for s in found] for found in days],
            "day_processor_seconds": [round(s, 4) for s in cpu],
            "day_ratio_of_medians": round(float(np.median(days[1]) / np.median(days[0])), 3),
            "tables_seconds": round(steps.seconds["tables of a day"], 3),
            "floor_seconds": round(steps.seconds["floor"], 3),
            "naive": naive.figures(),
            "seconds_by_step": steps.rounded(),
        }
        table = [
            Row("features of one day", "Zavtra", {METRICS[0]: payload["naive_ratio"]}),
            Row("features of one day", "peer", {METRICS[0]: 1.0}, "pandas"),
        ]
        title = (
            f"features: {rows:,} interactions of {self.n_users:,} users with {self.n_items:,} "
            f"items, {DAYS} days, {len(self.catalog)} features"
        )
        checks = _checks(payload) if scale == 1.0 else []
        facts = _facts(payload, naive, self.threads)
        return Result(title, METRICS, CONVENTIONS, table, checks, facts, payload)

    # ------------------------------------------------------------------ parts

    def _lengthen(self) -> None:
        """Put the log nine times before itself, moved by its own length."""
        first = self.lake.days()[0]
        for known in self.lake.days():
            source = self.lake.read_table("interactions", f"day={known}", "part.parquet")
            for copy in range(TIMES):
                earlier = timedelta(days=copy * DAYS)
                rows = _moved(source, earlier)
                at = ("interactions", f"day={known - earlier}")
                with self.long.writing(*at, inputs=[first, copy]) as folder:
                    pq.write_table(rows, folder / "part.parquet", compression="zstd")
        self.long.write_index("interactions", partitions=self.long.partitions("interactions"))
        for name in ("users.parquet", "items.parquet", "attributes.json"):
            shutil.copy(self.lake.path(name), self.long.path(name))
        shutil.copytree(self.lake.path("ids"), self.long.path("ids"))

    def _floor(self, day: date) -> int:
        import duckdb

        files = self.lake.interaction_files(day)
        query = (
            f'SELECT sum(n), sum(v) FROM (SELECT "{USER}", "{ITEM}", count(*) AS n, sum({VALUE}) '
            f"AS v, max({TS}) AS t FROM read_parquet({files!r}) GROUP BY ALL)"
        )
        with duckdb.connect(config={"threads": self.threads}) as connection:
            return int(connection.sql(query).fetchall()[0][0])

    def _new_days(self, day: date) -> tuple[list[float], list[float], list[float]]:
        """Take the last days away and add them again, the short and the long history in turns.

        Returns:
            seconds of each day with the short and the long history, and the least processor
            seconds of both.
        """
        for lake in (self.lake, self.long):
            shutil.rmtree(lake.path("features"), ignore_errors=True)
            with self.steps("states without the new days"):
                self._update(lake, day - timedelta(days=NEW_DAYS))
        short: list[float] = []
        long: list[float] = []
        cpu = [float("inf")] * 2
        for back in reversed(range(NEW_DAYS)):
            for which, (lake, found) in enumerate(((self.lake, short), (self.long, long))):
                started, busy = time.perf_counter(), time.process_time()
                self._update(lake, day - timedelta(days=back))
                found.append(time.perf_counter() - started)
                cpu[which] = min(cpu[which], time.process_time() - busy)
        return short, long, cpu

    def _update(self, lake: Lake, as_of: date) -> None:
        update_state(
            lake,
            as_of=as_of,
            positive_min=self.positive_min,
            catalog=self.catalog,
            memory_gb=MEMORY_GB,
            threads=self.threads,
        )

    def _open(self, day: date) -> AsOf:
        return AsOf.open(self.lake, self.catalog, day, self.n_users, self.n_items, MEMORY_GB)

    def _join(self, tables: AsOf) -> tuple[int, float]:
        """Join candidates of many chunks of users, after one that compiles."""
        random, memory = np.random.default_rng(0), Memory()
        popular = random.zipf(1.2, (CHUNK, CANDIDATES)).astype(np.int64) % self.n_items
        items = np.sort(popular, axis=1).astype(np.int32).ravel()
        indptr = np.arange(CHUNK + 1, dtype=np.int64) * CANDIDATES
        chunks = [
            np.sort(random.integers(0, self.n_users, CHUNK)).astype(np.int32) for _ in range(80)
        ]

        def work(users: np.ndarray) -> None:
            out = memory.take("features", (len(tables.catalog), len(items)))
            join(tables, users, indptr, items, out)

        work(chunks[0])
        with ThreadPoolExecutor(self.threads) as pool:
            started = time.perf_counter()
            deque(pool.map(work, chunks), maxlen=0)
        return len(chunks) * len(items), time.perf_counter() - started


def _moved(rows: pa.Table, earlier: timedelta) -> pa.Table:
    """Move the times of a partition back."""
    at = rows.schema.get_field_index(TS)
    field = rows.schema.field(at)
    moved = pc.subtract(rows[TS], pa.scalar(earlier, pa.duration("us"))).cast(field.type)
    return rows.set_column(at, field, moved)


def _checks(found: dict[str, Any]) -> list[Check]:
    slower = found[f"day_seconds_history_x{TIMES}"] / found["day_seconds"]
    return [
        Check(
            f"the full state takes at most {STATE_S:.0f} s",
            found["state_seconds"] <= STATE_S,
            f"{found['state_seconds']:.1f} s",
        ),
        Check(
            f"one new day takes at most {DAY_S:.0f} s",
            found["day_seconds"] <= DAY_S,
            f"{found['day_seconds']:.2f} s",
        ),
        Check(
            f"a history {TIMES} times as long makes a day at most {SLOWER} times as long",
            slower <= SLOWER,
            f"{slower:.2f} times",
        ),
        Check(
            f"the join passes {PAIRS_S / 1e6:.0f} M pairs/s",
            found["join_pairs_per_second"] >= PAIRS_S,
            f"{found['join_pairs_per_second'] / 1e6:.2f} M pairs/s",
        ),
        Check("there are at least 40 features", found["features"] >= 40, str(found["features"])),
    ]


def _facts(found: dict[str, Any], naive: NaiveDay, threads: int) -> list[str]:
    slower = found["state_seconds"] / found["floor_seconds"]
    return [
        f"full state {found['state_seconds']:.1f} s, {slower:.1f} times the floor of "
        f"{found['floor_seconds']:.2f} s",
        f"one new day {found['day_seconds']:.3f} s, with the history {TIMES} times as long "
        f"{found[f'day_seconds_history_x{TIMES}']:.3f} s; of the processor "
        f"{found['day_processor_seconds'][0]:.3f} and {found['day_processor_seconds'][1]:.3f} s; "
        f"ratio of the medians {found['day_ratio_of_medians']:.2f}",
        f"tables of a day {found['tables_seconds']:.1f} s; join "
        f"{found['join_pairs_per_second'] / 1e6:.2f} M pairs/s of {found['features']} features; "
        f"peak {found['peak_rss_gb']:.1f} GB with a limit of {MEMORY_GB:.0f} GB for aggregations",
        naive.line,
        f"machine: {machine()}, {threads} threads",
    ]
