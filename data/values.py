"""Dense codes for the values of attributes: append-only, the same for ever once given.

A ranker knows a category as a number. ``ids/users_values.parquet`` and ``ids/items_values.parquet``
say which: a value gets the next code of its attribute when an ingest first meets it, in order of
entities or, where there are versions, of days. It keeps the code when its last bearer is gone, and
so do all others.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from data.contract import ATTRIBUTE, CODE, VALUE
from data.ids import FOLDER
from data.lake import Lake

SCHEMA = pa.schema(
    [
        pa.field(ATTRIBUTE, pa.string(), nullable=False),
        pa.field(CODE, pa.int32(), nullable=False),
        pa.field(VALUE, pa.string(), nullable=False),
    ]
)
"""Rows in order of (attribute, code)."""


def values_file(side: str) -> str:
    """Name of the file with the values of "users" or "items", in the folder of ids."""
    return f"{side}_values.parquet"


def read_values(lake: Lake, side: str) -> dict[str, pa.Array]:
    """Give the values of every attribute of "users" or "items", in order of their codes.

    Raises:
        DataError: nothing was ingested yet.
    """
    table = lake.read_table(FOLDER, values_file(side))
    return {
        name: table.filter(pc.equal(table[ATTRIBUTE], name))[VALUE].combine_chunks()
        for name in pc.unique(table[ATTRIBUTE]).to_pylist()
    }


def add_values(lake: Lake, side: str, table: pa.Table, names: Iterable[str]) -> None:
    """Give codes to the values that have none yet, in the order in which the rows carry them.

    Args:
        lake: where the codes are kept.
        side: "users" or "items".
        table: of them, or all their versions.
        names: of the categorical and multi-valued attributes.
    """
    values = read_values(lake, side) if lake.exists(FOLDER, values_file(side)) else {}
    for name in names:
        seen, known = values_in(table[name]), values.get(name, pa.array([], pa.string()))
        new = seen.filter(pc.invert(pc.is_in(seen, value_set=known)))
        values[name] = pa.concat_arrays([known, new])
    tables = [
        pa.table([[name] * len(known), range(len(known)), known], schema=SCHEMA)
        for name, known in sorted(values.items())
    ]
    lake.write_table(
        pa.concat_tables([SCHEMA.empty_table(), *tables]).combine_chunks(),
        FOLDER,
        values_file(side),
    )


def values_in(column: pa.ChunkedArray) -> pa.Array:
    """Give the distinct values of an attribute, strings or lists of such, as they first appear."""
    if pa.types.is_list(column.type):
        column = pc.list_flatten(column)
    return pc.unique(column.cast(pa.string())).drop_null()
