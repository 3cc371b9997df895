"""The daily state: what the features are computed from, built from each day's rows alone.

::

    features/days/day=YYYY-MM-DD/part.parquet      sums by (user, item, day of the event)
    features/days/index.json                        what those behind the last block were made from
    features/blocks/before=YYYY-MM-DD/part.parquet  the 28 days before it, by (user, item)
    features/blocks/index.json                      what the blocks were made from

A day's partition is a function of the log partition of the same day and of nothing else: adding
a day writes one file and rewrites none; every 28th day one block is merged from 28 such files.
What has to be built is found by :mod:`features.due`.
All numbers are integers (values in fixed point), so sums are the same in any order, and a state
built day by day equals one built at once byte for byte. Attributes are joined when a day is
looked up (:mod:`features.asof`), so a changed attribute or a new feature rebuilds nothing here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from data.contract import INTERACTIONS, ITEM, TS, USER, VALUE
from data.lake import INDEX, Lake, Partition, digest
from features.cut import day_of, from_epoch_day
from features.declaration import Catalog
from features.due import BLOCKS, DAYS, PART, Due, find_due

VALUE_SCALE = 65536
"""Values are summed as ``round(value * VALUE_SCALE)``."""

STATE_VERSION = 1
"""Raised when the columns change; partitions of another version are rebuilt."""

DAY_SCHEMA = pa.schema(
    [
        pa.field("user", pa.int32(), nullable=False),
        pa.field("item", pa.int32(), nullable=False),
        pa.field("event", pa.int32(), nullable=False),  # epoch day of the event
        pa.field("n", pa.int32(), nullable=False),
        pa.field("positive", pa.int32(), nullable=False),
        pa.field("value", pa.int64(), nullable=False),
    ]
)
BLOCK_SCHEMA = pa.schema(
    [
        pa.field("user", pa.int32(), nullable=False),
        pa.field("item", pa.int32(), nullable=False),
        pa.field("first", pa.int32(), nullable=False),
        pa.field("last", pa.int32(), nullable=False),
        pa.field("n", pa.int32(), nullable=False),
        pa.field("positive", pa.int32(), nullable=False),
        pa.field("value", pa.int64(), nullable=False),
    ]
)
Progress = Callable[[int, int], None]
"""Called with (partitions done, partitions to do)."""


def update_state(
    lake: Lake,
    *,
    as_of: date,
    positive_min: float,
    catalog: Catalog,
    memory_gb: float = 2.0,
    threads: int = 2,
    timezone: str = "UTC",
    progress: Progress | None = None,
) -> str:
    """Bring the state up to the day before ``as_of``; only what is missing or changed is built.

    Args:
        lake: the lake with the log; the state lands beside it.
        as_of: log partitions before it are taken in.
        positive_min: an event with at least this value is a positive.
        catalog: the features to be computed; only the returned digest depends on it.
        memory_gb: limit of DuckDB, which spills to a temporary folder past it, GB.
        threads: threads of DuckDB.
        timezone: the zone in which a day begins (of the day of an event).
        progress: told after every partition.

    Returns:
        Digest of the state before ``as_of`` and of the catalog: what the features depend on,
        the attribute tables aside.

    Raises:
        NotEnoughHistoryError: the log has no day before ``as_of``.
    """
    made_by = f"state {STATE_VERSION}, positives from {positive_min!r}, days of {timezone}, log"
    due = find_due(lake, as_of, made_by)
    days, blocks = dict(due.days), dict(due.kept)
    of = len(due.stale) + len(due.merge)
    for folder, names in ((BLOCKS, due.outdated), (DAYS, due.gone)):  # blocks before their days
        for name in names:
            lake.fs.rm(lake.path(*folder, name), recursive=True)
    if of:
        with _connect(memory_gb, threads) as connection:
            written = _write_due(lake, connection, due, as_of, positive_min, timezone)
            for done, (name, found) in enumerate(written, start=1):
                (days if name in due.inputs else blocks)[name] = found
                if progress is not None:
                    progress(done, of)
    if of or due.gone or due.outdated or not lake.exists(*DAYS, INDEX):
        # Old days are known by their blocks: the index grows with neither.
        lake.write_index(*DAYS, partitions={name: days[name] for name in due.last})
        lake.write_index(*BLOCKS, partitions=blocks)
    known = {**{name: blocks[name] for name in due.blocks}, **{n: days[n] for n in due.last}}
    return digest([catalog.digest, [[name, found.content] for name, found in known.items()]])


def _write_due(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    due: Due,
    as_of: date,
    positive_min: float,
    timezone: str,
) -> Iterator[tuple[str, Partition]]:
    """Write the days that are due, then the blocks; give each when it stands."""
    for name, table in _day_tables(lake, connection, due.stale, as_of, positive_min, timezone):
        with lake.writing(*DAYS, name, inputs=due.inputs[name]) as folder:
            _write(table, folder / PART)
        yield name, lake.partition(*DAYS, name)
    for name, made_from in due.merge.items():
        with lake.writing(*BLOCKS, name, inputs=made_from) as folder:
            _write(_block_table(lake, connection, due.blocks[name]), folder / PART)
        yield name, lake.partition(*BLOCKS, name)


def _connect(memory_gb: float, threads: int) -> duckdb.DuckDBPyConnection:
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{int(memory_gb * 1000)}MB",
        "threads": max(1, threads),
        "temp_directory": tempfile.gettempdir(),
    }
    return duckdb.connect(config=settings)


def _day_tables(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    names: Sequence[str],
    as_of: date,
    positive_min: float,
    timezone: str,
) -> Iterator[tuple[str, pa.Table]]:
    """Aggregate many days of the log in one pass and give them one by one, in order."""
    if not names:
        return
    wanted = set(names)  # all before as_of; the one door to history knows
    files = lake.interaction_files(as_of, day_of(names[0]))
    files = [file for file in files if file.split("/")[-2] in wanted]
    known = ds.partitioning(pa.schema([pa.field("day", pa.string())]), flavor="hive")
    log = ds.dataset(
        files,
        schema=INTERACTIONS.append(pa.field("day", pa.string())),
        partitioning=known,
        filesystem=lake.fs,
        format="parquet",
        partition_base_dir=lake.path("interactions"),
    )
    event = f"timezone('{timezone}', {TS})::DATE - DATE '1970-01-01'"
    if timezone == "UTC":  # the same, without the calendar library
        event = f"floor(epoch_us({TS}) / 86400000000)"
    query = f"""
        WITH rows AS (
            SELECT {USER} AS u, {ITEM} AS i, day::DATE - DATE '1970-01-01' AS known,
                {event} AS happened, {VALUE} AS v
            FROM log)
        SELECT known::INTEGER AS known, u AS "user", i AS item,
            -- a clock ahead of the log's: an event is never later than the day it was known
            least(happened, known)::INTEGER AS event,
            count(*)::INTEGER AS n,
            count(*) FILTER (v >= {positive_min!r}::FLOAT)::INTEGER AS positive,
            sum(round(v::DOUBLE * {VALUE_SCALE})::BIGINT)::BIGINT AS "value"
        FROM rows GROUP BY ALL ORDER BY 1, 2, 3, 4"""
    connection.register("log", log)
    stream = connection.sql(query).to_arrow_reader(1 << 17)
    pieces: list[pa.RecordBatch] = []
    current: str | None = None
    for batch in stream:
        for number, piece in _runs(batch):
            name = f"day={from_epoch_day(number)}"
            if current is not None and name != current:
                wanted.discard(current)
                yield current, _day_table(pieces)
                pieces = []
            current = name
            pieces.append(piece)
    if current is not None:
        wanted.discard(current)
        yield current, _day_table(pieces)
    for name in sorted(wanted):  # partitions without a row
        yield name, DAY_SCHEMA.empty_table()


def _runs(batch: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Cut a batch that is sorted by its first column where that column changes."""
    known = batch.column(0).to_numpy()
    starts = [0, *(known[1:] != known[:-1]).nonzero()[0] + 1, len(known)]
    for start, end in pairwise(starts):
        if end > start:
            yield int(known[start]), batch.slice(start, end - start)


def _day_table(pieces: list[pa.RecordBatch]) -> pa.Table:
    return pa.Table.from_batches(pieces).select(DAY_SCHEMA.names).cast(DAY_SCHEMA)


def _block_table(
    lake: Lake, connection: duckdb.DuckDBPyConnection, names: Sequence[str]
) -> pa.Table:
    files = [lake.path(*DAYS, name, PART) for name in names]
    rows = ds.dataset(files, schema=DAY_SCHEMA, filesystem=lake.fs, format="parquet")
    connection.register("days", rows)
    query = """
        SELECT "user", item, min(event) AS first, max(event) AS last, sum(n)::INTEGER AS n,
            sum(positive)::INTEGER AS positive, sum("value")::BIGINT AS "value"
        FROM days GROUP BY ALL ORDER BY 1, 2"""
    return connection.sql(query).to_arrow_table().cast(BLOCK_SCHEMA)


def _write(table: pa.Table, path: Any) -> None:
    pq.write_table(table.combine_chunks(), path, compression="zstd", use_dictionary=False)
