"""Raw tables into DuckDB: read, cast and checked in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from data import casts
from data.contract import VALID_FROM, DataError
from data.sources.base import RECORD, Entities, Log, Part, Rejected
from data.sources.parts import require
from data.validate import Check, entity_checks, log_checks, reason_sql

_SANE = "CASE WHEN {0} BETWEEN -2208988800000000 AND 32503680000000000 THEN {0} END"
"""Only times a calendar has: make_timestamp would raise on the others."""
_MERGE = 4
"""Batches staged at a time: enough for DuckDB to use its threads."""


@dataclass(frozen=True)
class Staged:
    """A part that was read.

    Attributes:
        part: the part.
        first: position of its first row in the source.
        rows: rows of the part, rejected ones counted.
        rejected: rows that could not be cut into columns.
    """

    part: Part
    first: int
    rows: int
    rejected: list[Rejected]


def day_of(microseconds: str, timezone: str) -> str:
    """SQL for the DATE of a time in a zone."""
    moment = f"make_timestamp({microseconds})"
    if timezone == "UTC":
        return f"{moment}::DATE"
    zone = casts.literal(timezone)
    return f"({moment} AT TIME ZONE 'UTC' AT TIME ZONE {zone})::DATE"


def stage_log(
    con: duckdb.DuckDBPyConnection,
    log: Log,
    skip: int,
    first: int,
    now: int,
    timezone: str,
    progress: Callable[[int], None],
) -> list[Staged]:
    """Read the interactions into the table ``raw``, each row with its reason or NULL.

    ``part`` is the position in the source of the first row of the part.

    Args:
        con: see :func:`database`.
        log: the raw interactions.
        skip: parts at the beginning that are not read.
        first: position in the source of the first row read.
        now: microseconds since 1970; later rows are from the future.
        timezone: zone in which a day begins.
        progress: called with the number of parts read.

    Returns:
        One entry for each part read.

    Raises:
        DataError: a part lacks a column, or cannot be read at all.
    """
    con.execute(
        'CREATE TABLE raw("row" BIGINT, uid VARCHAR, iid VARCHAR, ts BIGINT, v DOUBLE, '
        'dur DOUBLE, "day" DATE, reason UTINYINT, part BIGINT)'
    )
    wanted = [log.user_id, log.item_id, log.ts, log.value, log.duration_s, log.known_at]
    columns = [column for column in wanted if column is not None]
    checks = log_checks(log, now)
    for part in log.parts:
        require(part, columns)
    formats = {
        column: _format(log.parts, column) if log.ts_format == "auto" else log.ts_format
        for column in (log.ts, log.known_at)
        if column
    }
    staged: list[Staged] = []
    for part in log.parts[skip:]:
        query = _log_query(log, part.schema(), formats, checks, first, timezone)
        done = _stage(con, part, columns, f"INSERT INTO raw {query}", first)
        first += done.rows
        staged.append(done)
        progress(len(staged))
    return staged


def _log_query(
    log: Log,
    schema: pa.Schema,
    formats: dict[str, str],
    checks: list[Check],
    first: int,
    timezone: str,
) -> str:
    def kind(column: str) -> pa.DataType:
        return schema.field(column).type

    def optional(cast: Callable[..., str], column: str | None, empty: str, *args: Any) -> str:
        return empty if column is None else cast(column, kind(column), *args)

    cells = {
        "uid": casts.text(log.user_id, kind(log.user_id)),
        "iid": casts.text(log.item_id, kind(log.item_id)),
        "ts": casts.microseconds(log.ts, kind(log.ts), formats[log.ts]),
        "ts_blank": casts.blank(log.ts, kind(log.ts)),
        "v": optional(casts.number, log.value, f"{log.value_scale!r}::DOUBLE"),
        "v_blank": optional(casts.blank, log.value, "false"),
        "dur": optional(casts.number, log.duration_s, "NULL::DOUBLE"),
        "dur_blank": optional(casts.blank, log.duration_s, "true"),
        "known": optional(
            casts.microseconds, log.known_at, "NULL::BIGINT", formats.get(log.known_at or "")
        ),
        "known_blank": optional(casts.blank, log.known_at, "true"),
    }
    chosen = ", ".join(f"{sql} AS {alias}" for alias, sql in cells.items())
    event, known = _SANE.format("ts"), _SANE.format("known")
    return f"""
        SELECT {first} + record, uid, iid, ts, v, dur, coalesce(known_day, event_day),
               {reason_sql(checks)}, {first}
        FROM (SELECT *, {day_of(event, timezone)} AS event_day,
                     {day_of(known, timezone)} AS known_day
              FROM (SELECT {RECORD} AS record, {chosen} FROM batch))
    """


def _format(parts: Sequence[Part], column: str) -> str:
    """How the times of a column are written, by the first batch that has any."""
    for part in parts:
        for batch in part.batches([column], []):
            if (found := casts.detect(batch.column(0))) is not None:
                return found
    return "iso"


def stage_entities(
    con: duckdb.DuckDBPyConnection, name: str, table: Entities, now: int, timezone: str
) -> tuple[list[Staged], list[Check]]:
    """Read users or items into a table ``{name}_raw``, attributes cast, with reason or NULL.

    Its columns are ``row, id, reason``, ``title`` if there is one, the attributes, and where there
    are versions ``since`` (microseconds) and the DATE ``valid_from`` in that zone.

    Raises:
        DataError: a part lacks a column, or cannot be read at all.
    """
    attributes = table.attributes
    read = [table.id, *table.inputs, *([table.title] if table.title else [])]
    read += [column for column in attributes.names if column not in table.derived]
    read = list(dict.fromkeys([*read, *([table.valid_from] if table.valid_from else [])]))
    checks = entity_checks(table, now)
    staged: list[Staged] = []
    first = 0
    for part in table.parts:
        require(part, read)
    how = _format(table.parts, table.valid_from) if table.valid_from else ""
    for part in table.parts:
        types = {field.name: field.type for field in part.schema()}
        types |= dict.fromkeys(table.derived, pa.string())
        cells = {"id": casts.text(table.id, types[table.id])}
        if table.title:
            cells["title"] = casts.text(table.title, types[table.title])
        for column in attributes.categorical:
            cells[f"a_{column}"] = casts.text(column, types[column])
        for number, column in enumerate(attributes.numeric):
            cells[f"n{number}"] = casts.number(column, types[column])
            cells[f"n{number}_blank"] = casts.blank(column, types[column])
        for column in attributes.multi:
            cells[f"a_{column}"] = casts.labels(column, types[column], table.separator)
        if table.valid_from:
            kind = types[table.valid_from]
            cells["since"] = casts.microseconds(table.valid_from, kind, how)
            cells["since_blank"] = casts.blank(table.valid_from, kind)
        chosen = ", ".join(f"{sql} AS {casts.name(alias)}" for alias, sql in cells.items())
        plain = ", ".join(casts.name(c) for c in dict.fromkeys(read) if c not in table.derived)
        derived = "".join(f", {sql} AS {casts.name(c)}" for c, sql in table.derived.items())
        out = [*(["title"] if table.title else [])]
        out += [casts.name(f"a_{c}") for c in (*attributes.categorical, *attributes.multi)]
        out += [
            f"CASE WHEN NOT isnan(n{number}) THEN n{number} END::FLOAT AS {casts.name(f'a_{c}')}"
            for number, c in enumerate(attributes.numeric)
        ]
        if table.valid_from:
            out += ["since", f"{day_of(_SANE.format('since'), timezone)} AS {VALID_FROM}"]
        query = f"""
            SELECT {first} + record AS "row", id, {reason_sql(checks)} AS reason
                   {"".join(", " + column for column in out)}
            FROM (SELECT record, {chosen}
                  FROM (SELECT {RECORD} AS record, {plain}{derived} FROM batch))
        """
        head = f"INSERT INTO {name}_raw" if staged else f"CREATE TABLE {name}_raw AS"
        again = f"INSERT INTO {name}_raw {query}"
        done = _stage(con, part, read, f"{head} {query}", first, again)
        first += done.rows
        staged.append(done)
    return staged, checks


def _stage(
    con: duckdb.DuckDBPyConnection,
    part: Part,
    columns: Sequence[str],
    query: str,
    first: int,
    again: str | None = None,
) -> Staged:
    """Run a query over the batches of a part; ``again`` is that of the later batches."""
    rejected: list[Rejected] = []
    good = 0
    for batch in _merged(part, columns, rejected):
        good += len(batch)
        con.register("batch", batch)
        try:
            con.execute(query)
        except (duckdb.InvalidInputException, duckdb.ConversionException) as error:
            raise DataError(
                f"{part.name}: {error}. If this is about ts_format: give 'auto', 's', 'ms', 'us' "
                "or a strptime format such as '%d.%m.%Y %H:%M'"
            ) from error
        finally:
            con.unregister("batch")
        query = again or query
    return Staged(part, first, good + len(rejected), rejected)


def _merged(part: Part, columns: Sequence[str], rejected: list[Rejected]) -> Iterator[pa.Table]:
    """Give the batches of a part a few at a time, and an empty one where there are none."""
    waiting: list[pa.RecordBatch] = []
    any_yet = False
    for batch in part.batches(columns, rejected):
        waiting.append(batch)
        if len(waiting) == _MERGE:
            any_yet = True
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)
    elif not any_yet:
        fields = [part.schema().field(column) for column in dict.fromkeys(columns)]
        yield pa.schema([*fields, pa.field(RECORD, pa.int64())]).empty_table()
