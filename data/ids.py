"""Dense int32 codes for external ids: append-only, the same for ever once given."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pyarrow.types as pt

from data.contract import CODE, ID, DataError
from data.database import query_arrow, query_rows
from data.lake import Lake

FOLDER = "ids"
_INTEGER = "TRY_CAST(id AS BIGINT)::VARCHAR IS NOT DISTINCT FROM id"
"""Only what comes out as it went in: 7 is an integer, 007 and +7 are text."""


def read_ids(lake: Lake, name: str) -> pa.Table:
    """Give the table of ``users`` or ``items``: ``code`` int32 and ``id`` int64 or string.

    Row ``r`` has code ``r``.

    Raises:
        DataError: nothing was ingested yet.
    """
    return lake.read_table(FOLDER, f"{name}.parquet")


def assign(
    con: duckdb.DuckDBPyConnection, name: str, known: pa.Table | None, *, whole: bool
) -> None:
    """Make ``{name}_ids(code INTEGER, id VARCHAR)`` out of known ids and those just seen.

    New ids get the next codes, those of the entity table first (in file order), then those of the
    log (by first appearance).

    Args:
        con: has a table ``{name}_seen(id VARCHAR, tier INTEGER, pos BIGINT)``.
        name: ``users`` or ``items``.
        known: table of :func:`read_ids`, if there is one.
        whole: whether everything of the source was seen, not only what is new.

    Raises:
        DataError: the ids are of another type than before.
    """
    was_integer = None if known is None else pt.is_integer(known.schema.field(ID).type)
    con.execute(
        f"CREATE TABLE {name}_new AS SELECT id, tier, pos, {_INTEGER} AS whole FROM ("
        f"SELECT id, min(tier) AS tier, arg_min(pos, (tier, pos)) AS pos "
        f"FROM {name}_seen GROUP BY id)"
    )
    odd = query_rows(con, f"SELECT id FROM {name}_new WHERE NOT whole ORDER BY tier, pos LIMIT 1")
    single = name.removesuffix("s")
    if was_integer and odd:
        raise DataError(
            f"{single} ids were integers so far and {odd[0][0]!r} is none: codes would change. "
            f"Correct the {single} id column, or ingest into a new lake (another ZAVTRA_HOME)"
        )
    if was_integer is False and not odd and whole and _any(con, f"{name}_new"):
        raise DataError(
            f"{single} ids were text so far and are all integers now: consumers would see another "
            f"type. Correct the {single} id column, or ingest into a new lake (another ZAVTRA_HOME)"
        )
    con.execute(f"CREATE TABLE {name}_ids(code INTEGER, id VARCHAR)")
    count = 0
    if known is not None:
        count = len(known)
        con.register("known_ids", known)
        con.execute(f"INSERT INTO {name}_ids SELECT code, id::VARCHAR FROM known_ids")
        con.unregister("known_ids")
    con.execute(
        f"INSERT INTO {name}_ids "
        f"SELECT {count} - 1 + row_number() OVER (ORDER BY tier, pos), id FROM {name}_new "
        f"WHERE NOT EXISTS (SELECT 1 FROM {name}_ids AS k WHERE k.id = {name}_new.id)"
    )


def table_of(con: duckdb.DuckDBPyConnection, name: str, known: pa.Table | None) -> pa.Table:
    """Give the id table to be written, in order of codes: int64 where every id is an integer."""
    integer = (
        query_rows(con, f"SELECT coalesce(bool_and({_INTEGER}), true) FROM {name}_ids")[0][0]
        if known is None
        else pt.is_integer(known.schema.field(ID).type)
    )
    kind = "BIGINT" if integer else "VARCHAR"
    table = query_arrow(
        con, f"SELECT code AS {CODE}, id::{kind} AS {ID} FROM {name}_ids ORDER BY code"
    )
    schema = pa.schema([(CODE, pa.int32()), (ID, pa.int64() if integer else pa.string())])
    return table.cast(schema).combine_chunks()


def _any(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    return bool(query_rows(con, f"SELECT 1 FROM {table} LIMIT 1"))
