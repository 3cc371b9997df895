"""Bad rows with file, line, reason and text: nothing is lost in silence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.database import query_arrow
from data.lake import Lake
from data.staging import Staged
from data.validate import Check

FOLDER = "quarantine"
SCHEMA = pa.schema(
    [("file", pa.string()), ("line", pa.int64()), ("reason", pa.string()), ("text", pa.string())]
)
_CHUNK = 100_000


def bad_rows(
    con: duckdb.DuckDBPyConnection, query: str, checks: Sequence[Check], staged: Sequence[Staged]
) -> list[tuple[Staged, list[tuple[int, str]]]]:
    """Give ``(record, reason)`` of the bad rows of every part, by record.

    Args:
        con: see :func:`data.database.database`.
        query: gives ``row`` and ``reason`` (position in ``checks``) of bad rows.
        checks: what the positions mean.
        staged: the parts.
    """
    found = query_arrow(con, f'SELECT "row", reason FROM ({query}) ORDER BY "row"')
    rows, reasons = (found.column(n).to_numpy() for n in range(2))
    result = []
    for part in staged:
        start, end = np.searchsorted(rows, [part.first, part.first + part.rows])
        records = (rows[start:end] - part.first).tolist()
        bad = [(r, checks[n].reason) for r, n in zip(records, reasons[start:end], strict=True)]
        bad += [(rejected.record, rejected.reason) for rejected in part.rejected]
        result.append((part, sorted(bad)))
    return result


def collect(parts: Iterable[tuple[Staged, list[tuple[int, str]]]]) -> pa.Table:
    """Look the bad rows of every part up in its file; give them in the order of the source."""
    tables = [SCHEMA.empty_table()]
    for staged, bad in parts:
        places = staged.part.locate([record for record, _ in bad])
        reasons = iter(reason for _, reason in bad)
        while chunk := list(islice(places, _CHUNK)):
            lines, texts = zip(*chunk, strict=True)
            columns = [
                pa.repeat(staged.part.name, len(chunk)),
                pa.array(lines, pa.int64()),
                pa.array(list(islice(reasons, len(chunk))), pa.string()),
                pa.array(texts, pa.string()),
            ]
            tables.append(pa.Table.from_arrays(columns, schema=SCHEMA))
    return pa.concat_tables(tables)


def write(lake: Lake, name: str, rows: pa.Table, keep: Sequence[str] | None) -> str:
    """Write ``quarantine/{name}.parquet``; where there are no bad rows the file is removed.

    Args:
        lake: where.
        name: ``interactions``, ``users`` or ``items``.
        rows: see :func:`collect`.
        keep: files whose rows of an earlier ingest stay; None: those of none.

    Returns:
        The path of the file.
    """
    place = (FOLDER, f"{name}.parquet")
    if keep and lake.exists(*place):
        old = lake.read_table(*place)
        rows = pa.concat_tables([old.filter(pc.is_in(old["file"], pa.array(keep))), rows])
    if len(rows):
        lake.write_table(rows.combine_chunks(), *place)
    else:
        lake.remove(*place)
    return lake.path(*place)


def examples(rows: pa.Table, count: int = 3) -> list[str]:
    """Give the first bad rows as ``file:line: reason: text``."""
    return [
        f"{row['file']}:{row['line']}: {row['reason']}: {row['text'][:120]}"
        for row in rows.slice(0, count).to_pylist()
    ]
