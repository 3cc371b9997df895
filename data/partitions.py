"""The log cut into days: one atomic folder each, rewritten only where its rows changed.

``interactions/index.json`` names every day with the digest of its rows, so that readers notice a
changed day without opening them all.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.contract import INTERACTIONS, ROW, TS
from data.database import query_rows
from data.lake import Lake, digest

_ROWS = 1 << 18
FOLDER = "interactions"


@dataclass(frozen=True)
class Written:
    """What became of the day partitions.

    ``first`` is the first day that was written or removed, None where all stayed as they were.
    """

    changed: int
    same: int
    removed: int
    first: date | None


def write_days(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    keep_before: int,
    progress: Callable[[int, int], None],
) -> Written:
    """Write the table ``log`` as partitions.

    Args:
        con: has ``log(user, item, ts, value, duration_s, row, day)``, times in microseconds.
        lake: where.
        keep_before: rows of the lake at positions before this one stay; the others, and days
            without any row, go. 0 replaces everything.
        progress: called with days written and days in all.
    """
    days = [d for (d,) in query_rows(con, 'SELECT DISTINCT "day" FROM log ORDER BY 1')]
    same, touched = 0, []
    known = lake.partitions(FOLDER)
    for done, (day, table) in enumerate(_by_day(con), start=1):
        name = f"day={day}"
        folder = (FOLDER, name)
        if keep_before and lake.exists(*folder):
            old = lake.read_table(*folder, "part.parquet")
            old = old.select(INTERACTIONS.names).cast(INTERACTIONS)
            table = pa.concat_tables([old.filter(pc.less(old[ROW], keep_before)), table])
            table = table.sort_by([(TS, "ascending"), (ROW, "ascending")])
        inputs = {"rows": _digest(table)}
        if name in known and known[name].inputs == digest(inputs):
            same += 1
        else:
            with lake.writing(*folder, inputs=inputs) as local:
                pq.write_table(table, local / "part.parquet", compression="zstd")
            known[name] = lake.partition(*folder)
            touched.append(day)
        progress(done, len(days))
    removed = [] if keep_before else sorted(set(lake.days()) - set(days))
    for day in removed:
        lake.fs.rm(lake.path(FOLDER, f"day={day}"), recursive=True)
        known.pop(f"day={day}", None)
    lake.write_index(FOLDER, partitions=known)
    return Written(len(touched), same, len(removed), min([*touched, *removed], default=None))


def _by_day(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[date, pa.Table]]:
    """Give every day's rows, sorted by (ts, row); only one day at a time is in memory."""
    result = con.sql(
        'SELECT "user", item, ts, value, duration_s, "row", "day" FROM log '
        'ORDER BY "day", ts, "row"'
    )
    waiting: list[pa.Table] = []
    current: date | None = None
    for batch in result.to_arrow_reader(_ROWS):
        days = batch.column(6).cast(pa.int32()).to_numpy()
        edges = [0, *(np.flatnonzero(np.diff(days)) + 1).tolist(), len(days)]
        table = pa.Table.from_batches([batch])
        for start, end in itertools.pairwise(edges):
            day = batch.column(6)[start].as_py()
            if current is not None and day != current:
                yield current, _contract(waiting)
                waiting = []
            current = day
            waiting.append(table.slice(start, end - start))
    if current is not None:
        yield current, _contract(waiting)


def _contract(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables).select(INTERACTIONS.names).cast(INTERACTIONS).combine_chunks()


def _digest(rows: pa.Table) -> str:
    """SHA-256 of the values alone (Arrow's buffers differ with how a table was made)."""
    checksum = hashlib.sha256()
    for column in rows.columns:
        checksum.update(column.is_valid().to_numpy().tobytes())
        checksum.update(pc.fill_null(column, pa.scalar(0, column.type)).to_numpy().tobytes())
    return checksum.hexdigest()
