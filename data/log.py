"""The log in codes: duplicates found, bad rows put aside, the rest ready to be cut into days."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from data import quarantine
from data.contract import INTERACTIONS, ITEM, ROW, TS, USER, DataError
from data.database import query_rows
from data.lake import Lake
from data.partitions import FOLDER
from data.sources.base import Log
from data.staging import Staged
from data.validate import DUPLICATE, LEFT_OUT, Check, Counts, log_checks, verdict

_KEY = pa.schema([(USER, pa.int32()), (ITEM, pa.int32()), (TS, pa.int64()), (ROW, pa.int64())])


def make_log(
    con: duckdb.DuckDBPyConnection, lake: Lake, log: Log, first_row: int, keep_duplicates: bool
) -> None:
    """Make the table ``log`` of the good rows of ``raw``, in codes, and ``double`` of duplicates.

    Args:
        con: has ``raw``, ``users_ids`` and ``items_ids``.
        lake: holds the rows before ``first_row``, of which a new one may be a duplicate.
        log: the mapping of the source.
        first_row: position in the source of the first row of ``raw``.
        keep_duplicates: rows with the same user, item and time all stay.
    """
    query_rows(
        con,
        f'CREATE TABLE log AS SELECT u.code AS "user", i.code AS item, ts, '
        f"least(v / {log.value_scale!r}, 1)::FLOAT AS value, dur::FLOAT AS duration_s, "
        f'"row", "day" FROM raw JOIN users_ids AS u ON u.id = uid '
        f"JOIN items_ids AS i ON i.id = iid WHERE reason IS NULL",
    )
    con.execute('CREATE TABLE double("row" BIGINT)')
    if keep_duplicates:
        return
    con.register("earlier", _earlier(con, lake, log, first_row))
    con.execute(
        'INSERT INTO double SELECT log."row" FROM log JOIN ('
        '  SELECT "user", item, ts, min("row") AS stays FROM ('
        '    SELECT "user", item, ts, "row" FROM log UNION ALL SELECT * FROM earlier)'
        "  GROUP BY ALL HAVING count(*) > 1"
        ') AS pairs ON log."user" = pairs."user" AND log.item = pairs.item '
        'AND log.ts = pairs.ts WHERE log."row" > stays'
    )
    con.unregister("earlier")
    con.execute('DELETE FROM log WHERE "row" IN (SELECT "row" FROM double)')


def _earlier(con: duckdb.DuckDBPyConnection, lake: Lake, log: Log, first_row: int) -> pa.Table:
    """Give the lake's rows that a new row could be a duplicate of."""
    ((low, high),) = query_rows(con, "SELECT min(ts), max(ts) FROM log")
    days = lake.days()
    if log.known_at is None:  # then equal times are on equal days
        touched = query_rows(con, 'SELECT DISTINCT "day" FROM log')
        days = sorted(set(days) & {day for (day,) in touched})
    if not first_row or low is None or not days:
        return _KEY.empty_table()
    files = [lake.path(FOLDER, f"day={day}", "part.parquet") for day in days]
    dataset = ds.dataset(files, schema=INTERACTIONS, filesystem=lake.fs, format="parquet")
    kind = INTERACTIONS.field(TS).type
    inside = (pc.field(TS) >= pa.scalar(low, kind)) & (pc.field(TS) <= pa.scalar(high, kind))
    table = dataset.to_table(columns=_KEY.names, filter=inside & (pc.field(ROW) < first_row))
    return table.cast(_KEY)


def check_log(
    con: duckdb.DuckDBPyConnection,
    lake: Lake,
    log: Log,
    staged: Sequence[Staged],
    now: int,
    max_bad_share: float,
) -> list[Counts]:
    """Quarantine the bad rows and judge their share; give the counts of every part read.

    Raises:
        DataError: too many rows are bad, or none is left.
    """
    checks = [*log_checks(log, now), Check(DUPLICATE, "")]
    left_out = next((n for n, c in enumerate(checks) if c.reason == LEFT_OUT), -1)
    query = (
        f'SELECT "row", reason FROM raw WHERE reason IS NOT NULL AND reason <> {left_out} '
        f'UNION ALL SELECT "row", {len(checks) - 1} FROM double'
    )
    bad = quarantine.bad_rows(con, query, checks, staged)
    table = quarantine.collect(bad)
    keep = [part.name for part in log.parts[: len(log.parts) - len(staged)]]
    place = quarantine.write(lake, "interactions", table, keep)
    found = query_rows(
        con,
        f"SELECT part, count(*) FILTER (reason = {left_out}), "
        f"count(*) FILTER (reason IS NULL AND v > {log.value_scale!r}) FROM raw GROUP BY part",
    )
    aside = {first: (left, clipped) for first, left, clipped in found}
    counts = [
        Counts.of(part.rows, [reason for _, reason in rows], *aside.get(part.first, (0, 0)))
        for part, rows in bad
    ]
    examples = quarantine.examples(table)
    total = Counts.total(counts)
    if not total.rows and not keep:
        names = ", ".join(part.name for part in log.parts[:3])
        raise DataError(f"interactions: no rows (a header at most) in {names}: check the path")
    verdict("interactions", total, max_bad_share, examples, place, may_be_empty=bool(keep))
    return counts


def future_from(con: duckdb.DuckDBPyConnection, log: Log, now: int) -> int | None:
    """Give the moment, in microseconds, at which the first row from the future will have happened.

    From then on an ingest of the same files gives another log.
    """
    positions = [n for n, check in enumerate(log_checks(log, now)) if check.future]
    places = ", ".join(map(str, positions))
    ((moment,),) = query_rows(
        con,
        'SELECT min(greatest(ts, epoch_us("day"::TIMESTAMPTZ))) FROM raw '
        f"WHERE reason IN ({places})",
    )
    found: int | None = moment
    return found
