"""Users and items of the lake: read, checked and coded."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from data import casts, quarantine
from data.contract import TITLE, VALID_FROM, DataError
from data.database import query_arrow, query_rows
from data.lake import Lake
from data.sources.base import Attributes, Entities
from data.staging import stage_entities
from data.validate import DUPLICATE_ID, DUPLICATE_VERSION, Check, Counts, entity_checks, verdict
from data.values import add_values
from data.versions import KEYS, history_file


def ingest_entities(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    name: str,
    table: Entities | None,
    max_bad_share: float,
    now: int,
    timezone: str,
) -> Counts | None:
    """Read and check a table; its ids go to ``{name}_seen``, its rows to ``{name}_good``.

    Args:
        con: see :func:`data.staging.database`.
        lake: where bad rows are quarantined; nothing else is written yet.
        name: ``users`` or ``items``.
        table: the raw table; None: there is none.
        max_bad_share: share of bad rows past which the table is refused.
        now: microseconds since 1970; later versions are from the future.
        timezone: zone in which a day begins.

    Raises:
        DataError: too many bad rows, or a column is missing or stands twice.
    """
    if table is None:
        quarantine.write(lake, name, quarantine.SCHEMA.empty_table(), None)
        return None
    _check_names(name, table.attributes)
    staged, checks = stage_entities(con, name, table, now, timezone)
    key = "id" if table.valid_from is None else f"id, {VALID_FROM}"
    checks = [*checks, Check(DUPLICATE_ID if key == "id" else DUPLICATE_VERSION, "")]
    con.execute(
        f'CREATE TABLE {name}_double AS SELECT "row" FROM {name}_raw JOIN '
        f'(SELECT {key}, min("row") AS stays FROM {name}_raw WHERE reason IS NULL GROUP BY {key}) '
        f'USING ({key}) WHERE reason IS NULL AND "row" > stays'
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
    """Write ``{name}.parquet`` by code; a source without the table gives one without rows.

    Where there are versions it holds the newest of each id, and ``{name}_history.parquet`` all that
    differ from the one before (see :mod:`data.versions`). Before that, values not met so far get
    their codes (see :mod:`data.values`).
    """
    attributes = table.attributes if table is not None else Attributes()
    schema = pa.schema(
        [pa.field(KEYS[name], pa.int32(), nullable=False)]
        + ([pa.field(TITLE, pa.string())] if name == "items" else [])
        + [pa.field(column, pa.string()) for column in attributes.categorical]
        + [pa.field(column, pa.float32()) for column in attributes.numeric]
        + [pa.field(column, pa.list_(pa.string())) for column in attributes.multi]
    )
    if table is None or table.valid_from is None:
        lake.remove(history_file(name))
    valued = [*attributes.categorical, *attributes.multi]
    if table is None:
        add_values(lake, name, schema.empty_table(), valued)
        lake.write_table(schema.empty_table(), f"{name}.parquet")
        return
    title = (["title"] if table.title else ["NULL::VARCHAR"]) if name == "items" else []
    columns = ["code", *title, *(casts.name(f"a_{column}") for column in attributes.names)]
    chosen = f"SELECT {', '.join(columns)} FROM {name}_good JOIN {name}_ids USING (id)"
    if table.valid_from is None:
        rows = _shaped(query_arrow(con, f"{chosen} ORDER BY code"), schema)
        add_values(lake, name, rows, valued)
    else:
        rows = _history(con, name, columns, schema)
        add_values(lake, name, rows, valued)
        lake.write_table(rows, history_file(name))
        newest = (
            f"{chosen} QUALIFY row_number() OVER (PARTITION BY code ORDER BY {VALID_FROM} DESC) = 1"
            " ORDER BY code"
        )
        rows = _shaped(query_arrow(con, newest), schema)
    lake.write_table(rows, f"{name}.parquet")


def versions_due(
    con: duckdb.DuckDBPyConnection, name: str, table: Entities | None, now: int
) -> int | None:
    """Give the moment, in microseconds, from which the first version from the future is due.

    From then on an ingest of the same files gives another table.
    """
    if table is None or table.valid_from is None:
        return None
    places = [str(n) for n, check in enumerate(entity_checks(table, now)) if check.future]
    query = f"SELECT min(since) FROM {name}_raw WHERE reason IN ({', '.join(places)})"
    ((moment,),) = query_rows(con, query)
    found: int | None = moment
    return found


def _history(
    con: duckdb.DuckDBPyConnection, name: str, columns: list[str], schema: pa.Schema
) -> pa.Table:
    """Give the versions that differ from the one before, in order of (day, code)."""
    same = " AND ".join(
        [f"{column} IS NOT DISTINCT FROM lag({column}) OVER versions" for column in columns]
    )  # the code is among them: the first version of an id differs from the null before it
    rows = query_arrow(
        con,
        f"SELECT {', '.join(columns)}, {VALID_FROM} FROM {name}_good JOIN {name}_ids USING (id) "
        f"WINDOW versions AS (PARTITION BY code ORDER BY {VALID_FROM}) "
        f"QUALIFY NOT ({same}) ORDER BY {VALID_FROM}, code",
    )
    return _shaped(rows, schema.append(pa.field(VALID_FROM, pa.date32(), nullable=False)))


def _shaped(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    return rows.rename_columns(schema.names).cast(schema).combine_chunks()


def _check_names(name: str, attributes: Attributes) -> None:
    taken = [KEYS[name], VALID_FROM, *([TITLE] if name == "items" else [])]
    for column in attributes.names:
        if column in taken:
            raise DataError(
                f"source.{name}: an attribute cannot be called {column!r}, the lake uses that "
                "name; rename the column in the file"
            )
        taken.append(column)
