"""The temporary DuckDB of one ingest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa

from data import casts
from data.contract import DataError


@contextmanager
def database(memory_gb: float, timezone: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a temporary database that spills to disk past its memory.

    Args:
        memory_gb: limit of DuckDB, GB.
        timezone: zone of naive times.

    Raises:
        DataError: the zone is unknown.
    """
    with TemporaryDirectory(prefix="zavtra-ingest-") as folder:
        con = duckdb.connect(
            str(Path(folder) / "ingest.db"),
            config={
                "memory_limit": f"{memory_gb}GB",
                "temp_directory": folder,
            },
        )
        try:
            try:
                con.execute(f"SET TimeZone = {casts.literal(timezone)}")
            except duckdb.Error as error:
                raise DataError(
                    f"ingest.timezone: {timezone!r} is no time zone; give one such as 'UTC' or "
                    "'Europe/Moscow'"
                ) from error
            yield con
        finally:
            con.close()


def query_rows(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    """Give all rows of a result (one that is not fetched to its end blocks the connection)."""
    found: list[tuple[Any, ...]] = con.sql(query).fetchall()
    return found


def query_arrow(con: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    """Give the whole result as an Arrow table."""
    return con.sql(query).to_arrow_table()
