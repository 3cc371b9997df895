"""Users and items of the lake: read, checked and coded."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from data import casts, quarantine
from data.contract import ITEM, TITLE, USER, DataError
from data.database import query_arrow
from data.lake import Lake
from data.sources.base import Attributes, Entities
from data.staging import stage_entities
from data.validate import DUPLICATE_ID, Check, Counts, verdict

CODES = {"users": USER, "items": ITEM}
"""Name of the code column of each table."""


def ingest_entities(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    name: str,
    table: Entities | None,
    max_bad_share: float,
) -> Counts | None:
    """Read and check a table; its ids go to ``{name}_seen``, its rows to ``{name}_good``.

    Args:
        con: see :func:`data.staging.database`.
        lake: where bad rows are quarantined; nothing else is written yet.
        name: ``users`` or ``items``.
        table: the raw table; None: there is none.
        max_bad_share: share of bad rows past which the table is refused.

    Raises:
        DataError: too many bad rows, or a column is missing or stands twice.
    """
    if table is None:
        quarantine.write(lake, name, quarantine.SCHEMA.empty_table(), None)
        return None
    _check_names(name, table.attributes)
    staged, checks = stage_entities(con, name, table)
    checks = [*checks, Check(DUPLICATE_ID, "")]
    con.execute(
        f'CREATE TABLE {name}_double AS SELECT "row" FROM {name}_raw JOIN '
        f'(SELECT id, min("row") AS stays FROM {name}_raw WHERE reason IS NULL GROUP BY id) '
        f'USING (id) WHERE reason IS NULL AND "row" > stays'
    )
    bad_query = (
        f'SELECT "row", reason FROM {name}_raw WHERE reason IS NOT NULL UNION ALL '
        f'SELECT "row", {len(checks) - 1} FROM {name}_double'
    )
    bad = quarantine.bad_rows(con, bad_query, checks, staged)
    reasons = [reason for _, found in bad for _, reason in found]
    counts = Counts.of(sum(part.rows for part in staged), reasons)
    rows = quarantine.collect(bad)
    place = quarantine.write(lake, name, rows, None)
    verdict(name, counts, max_bad_share, quarantine.examples(rows), place)
    con.execute(
        f"CREATE TABLE {name}_good AS SELECT * FROM {name}_raw WHERE reason IS NULL "
        f'AND "row" NOT IN (SELECT "row" FROM {name}_double)'
    )
    con.execute(f'INSERT INTO {name}_seen SELECT id, 0, "row" FROM {name}_good')
    return counts


def write_entities(
    con: duckdb.DuckDBPyConnection, lake: Lake, name: str, table: Entities | None
) -> None:
    """Write ``{name}.parquet`` by code; a source without the table gives one without rows."""
    attributes = table.attributes if table is not None else Attributes()
    schema = pa.schema(
        [pa.field(CODES[name], pa.int32(), nullable=False)]
        + ([pa.field(TITLE, pa.string())] if name == "items" else [])
        + [pa.field(column, pa.string()) for column in attributes.categorical]
        + [pa.field(column, pa.float32()) for column in attributes.numeric]
        + [pa.field(column, pa.list_(pa.string())) for column in attributes.multi]
    )
    if table is None:
        lake.write_table(schema.empty_table(), f"{name}.parquet")
        return
    title = (["title"] if table.title else ["NULL::VARCHAR"]) if name == "items" else []
    columns = ["code", *title, *(casts.name(f"a_{column}") for column in attributes.names)]
    rows = query_arrow(
        con,
        f"SELECT {', '.join(columns)} FROM {name}_good JOIN {name}_ids USING (id) ORDER BY code",
    )
    lake.write_table(
        rows.rename_columns(schema.names).cast(schema).combine_chunks(), f"{name}.parquet"
    )


def _check_names(name: str, attributes: Attributes) -> None:
    taken = [CODES[name], *([TITLE] if name == "items" else [])]
    for column in attributes.names:
        if column in taken:
            raise DataError(
                f"source.{name}: an attribute cannot be called {column!r}, the lake uses that "
                "name; rename the column in the file"
            )
        taken.append(column)
