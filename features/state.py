"""The daily state: what the features are computed from, built from each day's rows alone.

::

    features/days/day=YYYY-MM-DD/part.parquet      sums by (user, item, day of the event)
    features/days/index.json                        what each of them was made from
    features/blocks/before=YYYY-MM-DD/part.parquet  the 28 days before it, by (user, item)

A day's partition is a function of the log partition of the same day and of nothing else: adding
a day writes one file and rewrites none; every 28th day one block is merged from 28 such files.
All numbers are integers (values in fixed point), so sums are the same in any order, and a state
built day by day equals one built at once byte for byte. Attributes are joined when a day is
looked up (:mod:`features.asof`), so a changed attribute or a new feature rebuilds nothing here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from itertools import groupby, pairwise
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from data.contract import INTERACTIONS, ITEM, TS, USER, VALUE
from data.lake import INDEX, Lake, Partition, digest
from features import cut
from features.cut import block_end, from_epoch_day
from features.declaration import Catalog

VALUE_SCALE = 65536
"""Values are summed as ``round(value * VALUE_SCALE)``."""

STATE_VERSION = 1
"""Raised when the columns change; partitions of another version are rebuilt."""

DAYS, BLOCKS, PART = ("features", "days"), ("features", "blocks"), "part.parquet"
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
    days = [day for day in lake.days() if cut.before(day, as_of)]
    if not days:
        lake.interaction_files(as_of)  # says so in the user's words
    log, built = lake.partitions("interactions"), lake.partitions(*DAYS)
    made_by = f"state {STATE_VERSION}, positives from {positive_min!r}, days of {timezone}, log "
    inputs = {
        day: made_by
        + (log.get(f"day={day}") or lake.partition("interactions", f"day={day}")).content
        for day in days
    }
    stale = [day for day in days if not _is_current(built, day, inputs[day])]
    blocks_of = {end: list(inside) for end, inside in groupby(days, block_end) if end <= as_of}
    forgotten = _forget(lake, as_of, set(days), set(blocks_of))
    done, connection = 0, _connect(memory_gb, threads)
    changed = {block_end(day) for day in stale}
    blocks_due = sum(end in changed for end in blocks_of)

    def told() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, max(done, len(stale) + blocks_due))

    with connection:
        if stale:
            for day, table in _day_tables(lake, connection, stale, as_of, positive_min, timezone):
                with lake.writing(*DAYS, f"day={day}", inputs=inputs[day]) as folder:
                    _write(table, folder / PART)
                built[f"day={day}"] = lake.partition(*DAYS, f"day={day}")
                told()
        if stale or forgotten or not lake.exists(*DAYS, INDEX):
            lake.write_index(
                *DAYS, partitions={n: p for n, p in built.items() if n not in forgotten}
            )
        sums = {day: built[f"day={day}"].content for day in days}
        blocks, merged = lake.partitions(*BLOCKS), False
        for end, inside in blocks_of.items():
            name = f"before={end}"
            made_from = " ".join([f"{STATE_VERSION} {inside[0]}", *(sums[day] for day in inside)])
            if name in blocks and blocks[name].inputs == digest(made_from):
                continue
            with lake.writing(*BLOCKS, name, inputs=made_from) as folder:
                _write(_block_table(lake, connection, inside), folder / PART)
            blocks[name], merged = lake.partition(*BLOCKS, name), True
            told()
        if merged:
            lake.write_index(*BLOCKS, partitions=blocks)
    return digest(" ".join([catalog.digest, *(f"{day} {found}" for day, found in sums.items())]))


def state_days(lake: Lake) -> list[date]:
    """Days that have a partition in the state, in order."""
    return _listed(lake, DAYS, "day=")


def state_blocks(lake: Lake) -> list[date]:
    """Ends (exclusive) of the blocks of the state, in order."""
    return _listed(lake, BLOCKS, "before=")


def _listed(lake: Lake, folder: tuple[str, ...], prefix: str) -> list[date]:
    # Half-written folders have other names (see Lake.writing): they are not state.
    names = (name for name in lake.names(*folder) if name.startswith(prefix))
    return [date.fromisoformat(name.removeprefix(prefix)) for name in names]


def _is_current(built: dict[str, Partition], day: date, inputs: str) -> bool:
    found = built.get(f"day={day}")
    return found is not None and found.inputs == digest(inputs)


def _forget(lake: Lake, as_of: date, days: set[date], ends: set[date]) -> set[str]:
    """Drop partitions whose log is gone: a deleted day must not live on in the features."""
    gone = {day for day in state_days(lake) if cut.before(day, as_of)} - days
    for day in gone:
        lake.fs.rm(lake.path(*DAYS, f"day={day}"), recursive=True)
    for end in state_blocks(lake):
        if end <= as_of and end not in ends:
            lake.fs.rm(lake.path(*BLOCKS, f"before={end}"), recursive=True)
    return {f"day={day}" for day in gone}


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
    days: list[date],
    as_of: date,
    positive_min: float,
    timezone: str,
) -> Iterator[tuple[date, pa.Table]]:
    """Aggregate many days of the log in one pass and give them one by one, in order."""
    wanted = {f"day={day}" for day in days}  # all before as_of; the one door to history knows
    files = [f for f in lake.interaction_files(as_of, days[0]) if f.split("/")[-2] in wanted]
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
    left = set(days)
    pieces: list[pa.RecordBatch] = []
    current: int | None = None
    for batch in stream:
        for number, piece in _runs(batch):
            if current is not None and number != current:
                left.discard(from_epoch_day(current))
                yield from_epoch_day(current), _day_table(pieces)
                pieces = []
            current = number
            pieces.append(piece)
    if current is not None:
        left.discard(from_epoch_day(current))
        yield from_epoch_day(current), _day_table(pieces)
    for day in sorted(left):  # partitions without a row
        yield day, DAY_SCHEMA.empty_table()


def _runs(batch: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Cut a batch that is sorted by its first column where that column changes."""
    known = batch.column(0).to_numpy()
    starts = [0, *(known[1:] != known[:-1]).nonzero()[0] + 1, len(known)]
    for start, end in pairwise(starts):
        if end > start:
            yield int(known[start]), batch.slice(start, end - start)


def _day_table(pieces: list[pa.RecordBatch]) -> pa.Table:
    return pa.Table.from_batches(pieces).select(DAY_SCHEMA.names).cast(DAY_SCHEMA)


def _block_table(lake: Lake, connection: duckdb.DuckDBPyConnection, days: list[date]) -> pa.Table:
    files = [lake.path(*DAYS, f"day={day}", PART) for day in days]
    rows = ds.dataset(files, schema=DAY_SCHEMA, filesystem=lake.fs, format="parquet")
    connection.register("days", rows)
    query = """
        SELECT "user", item, min(event) AS first, max(event) AS last, sum(n)::INTEGER AS n,
            sum(positive)::INTEGER AS positive, sum("value")::BIGINT AS "value"
        FROM days GROUP BY ALL ORDER BY 1, 2"""
    return connection.sql(query).to_arrow_table().cast(BLOCK_SCHEMA)


def _write(table: pa.Table, path: Any) -> None:
    pq.write_table(table.combine_chunks(), path, compression="zstd", use_dictionary=False)
