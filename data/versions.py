"""Attributes over time: which version of a user or an item was known on a day.

Where the source says from which day on a row holds (``valid_from``), ``users_history.parquet`` and
``items_history.parquet`` keep every version that differs from the one before it, in order of
(day, code); ``users.parquet`` and ``items.parquet`` hold the newest. Without such a column there
is no history, and the one table counts for every day, except for who came up later
(:mod:`data.known`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from data.contract import ITEM, USER, VALID_FROM
from data.known import codes_known
from data.lake import Lake
from data.values import read_values, values_in

KEYS = {"users": USER, "items": ITEM}
"""Name of the code column of each table."""


def history_file(side: str) -> str:
    """Name of the file with all versions of "users" or "items"; it is not always there."""
    return f"{side}_history.parquet"


def versions_before(lake: Lake, side: str, known: Callable[[date], bool]) -> pa.Table:
    """Give every version of the users or items that was known, oldest first.

    Args:
        lake: where they are.
        side: "users" or "items".
        known: whether what holds from a day on may be used.

    Returns:
        Columns as in ``{side}.parquet`` and ``valid_from``, in order of (day, code); an entity may
        stand there often, or not at all. Without a history: the table, in order of codes.

    Raises:
        DataError: nothing was ingested yet.
    """
    if not lake.exists(history_file(side)):
        return lake.read_table(f"{side}.parquet").sort_by(KEYS[side])
    table = lake.read_table(history_file(side))
    days = [day for day in pc.unique(table[VALID_FROM]).to_pylist() if known(day)]
    return table.filter(pc.is_in(table[VALID_FROM], pa.array(days, pa.date32())))


def newest(versions: pa.Table) -> pa.Array:
    """Mark the last version of each entity, boolean beside the rows of :func:`versions_before`."""
    codes = versions.column(0).to_numpy()
    # np.unique gives the first place of each code: of the reversed rows that is the last
    marked = np.zeros(len(codes), bool)
    marked[len(codes) - 1 - np.unique(codes[::-1], return_index=True)[1]] = True
    return pa.array(marked)


def entities_as_of(lake: Lake, side: str, day: date) -> pa.Table:
    """Give the users or items as they were known on the morning of ``day``, in order of codes.

    An entity without any version before ``day`` is not in it; nor is, without a history, one that
    came up later.

    Args:
        lake: where they are.
        side: "users" or "items".
        day: the day recommended for; versions that hold from it or later are not seen.
    """
    table = _known_before(lake, side, day)
    if VALID_FROM not in table.column_names:
        return table
    return table.filter(newest(table)).sort_by(KEYS[side]).drop_columns([VALID_FROM])


def attributes_digest(lake: Lake, side: str, day: date, n: int | None = None) -> str:
    """Digest of what was known before ``day``: what became known later leaves it as it is.

    The codes of the values found there are part of it, those of others are not.

    Args:
        lake: where they are.
        side: "users" or "items".
        day: the day recommended for.
        n: look at the first ``n`` codes alone, so that new entities leave it as it is; None: all.
    """
    table = _known_before(lake, side, day)
    if n is not None:
        table = _first(table, side, n)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    found = hashlib.sha256(sink.getvalue())
    for name, values in read_values(lake, side).items():
        if name in table.column_names:
            codes = pc.index_in(values_in(table[name]), value_set=values)
            found.update(codes.fill_null(-1).to_numpy())
    return found.hexdigest()


def _known_before(lake: Lake, side: str, day: date) -> pa.Table:
    table = versions_before(lake, side, lambda known: known < day)
    n = None if VALID_FROM in table.column_names else codes_known(lake, side, day)
    return table if n is None else _first(table, side, n)


def _first(table: pa.Table, side: str, n: int) -> pa.Table:
    """Give the rows of the first ``n`` codes."""
    return table.filter(pa.array(table[KEYS[side]].to_numpy() < n))
