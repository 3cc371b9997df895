"""From a source to the lake: every row checked, coded, and put into the day it became known."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from data import ids
from data.database import database
from data.entities import ingest_entities, versions_due, write_entities
from data.known import note_known
from data.lake import Lake, code_version
from data.log import check_log, future_from, make_log
from data.partitions import Written, write_days
from data.plan import STATE, Plan, make_plan
from data.report import IngestReport, entity_warnings, log_warnings, report_of
from data.sources.base import Attributes, Entities, Source
from data.staging import stage_log
from data.validate import Counts

__all__ = ["IngestReport", "ingest"]

_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def ingest(
    source: Source,
    lake: Lake,
    *,
    now: datetime,
    max_bad_share: float,
    keep_duplicates: bool,
    timezone: str,
    memory_gb: float = 2.0,
    progress: Callable[[int, int], None] | None = None,
) -> IngestReport:
    """Bring the lake to the state of the source.

    Nothing is done where source, options and code are as they were; new files behind those
    already taken cost themselves and the days they touch; anything else is a full ingest, in
    which codes of ids stay and days whose rows did not change keep their files.

    Args:
        source: see :func:`data.sources.make_source`.
        lake: where to write.
        now: moment, with a time zone, after which rows are from the future.
        max_bad_share: 0..1, share of bad rows in a table past which nothing is published.
        keep_duplicates: keep rows with the same user, item and time.
        timezone: zone in which a day begins, and of naive times.
        memory_gb: limit of the database that sorts and joins, GB.
        progress: called with steps done and steps in all (a step is a file or a day).

    Raises:
        DataError: a file or column is missing or unreadable, too many rows are bad, ids changed
            their type, or the disk is full. The published log is as it was.
        ValueError: ``now`` has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("now needs a time zone, such as datetime.now(UTC)")
    moment = (now - _EPOCH) // timedelta(microseconds=1)
    options = {
        "keep_duplicates": keep_duplicates,
        "timezone": timezone,
        "max_bad_share": max_bad_share,
    }
    inputs = json.loads(
        json.dumps({**source.fingerprint(), "options": options, "code": code_version("data")})
    )
    state = lake.read_json(STATE) if lake.exists(STATE) else None
    plan = make_plan(lake, state, inputs, moment)
    if plan.mode == "unchanged" and state is not None:
        return report_of(state, plan, None)
    job = _Job(source, lake, plan, state, moment, options, progress or (lambda done, total: None))
    with database(memory_gb, timezone) as con:
        state, written = job.run(con, inputs)
    return report_of(state, plan, written)


@dataclass(frozen=True)
class _Read:
    """All that was read and found good, before the lake changes.

    The rows themselves are in the database: ``log``, ``{name}_good`` and ``{name}_ids``.
    """

    tables: dict[str, Entities | None]
    known: dict[str, pa.Table | None]
    """Id tables of earlier ingests."""
    counts: dict[str, Counts | None]
    """Rows of the users and items tables."""
    parts: list[Counts]
    """Rows of every part of the log, of earlier ingests too."""
    first_row: int
    """Position in the source of the first row read now."""
    future_from: int | None
    steps: int
    """Of progress, up to here."""


@dataclass
class _Job:
    """One ingest that has something to do."""

    source: Source
    lake: Lake
    plan: Plan
    state: dict[str, Any] | None
    now: int
    options: dict[str, Any]
    progress: Callable[[int, int], None]

    def run(
        self, con: duckdb.DuckDBPyConnection, inputs: dict[str, Any]
    ) -> tuple[dict[str, Any], Written]:
        """Read and judge everything, then publish it; give the new state and what was written."""
        read = self._read(con)
        if self.state is not None:
            # Cut off from here on, the lake is neither old nor new: the next run must see that.
            self.lake.write_json({**self.state, "complete": False}, STATE)
        return self._publish(con, inputs, read)

    def _read(self, con: duckdb.DuckDBPyConnection) -> _Read:
        """Stage, check and code all that is new; only quarantine files are written."""
        log = self.source.log()
        bad_share = self.options["max_bad_share"]
        old_parts = self.state["parts"] if self.state and self.plan.mode == "added" else []
        first_row = sum(part["rows"] for part in old_parts)
        tables = {"users": self.source.users(), "items": self.source.items()}
        known = {name: self._known(name) for name in tables}
        counts: dict[str, Counts | None] = {}
        for name, table in tables.items():
            con.execute(f"CREATE TABLE {name}_seen(id VARCHAR, tier INTEGER, pos BIGINT)")
            counts[name] = ingest_entities(
                con, self.lake, name, table, bad_share, self.now, self.options["timezone"]
            )

        steps = len(log.parts) - self.plan.skip + 1
        staged = stage_log(
            con,
            log,
            self.plan.skip,
            first_row,
            self.now,
            self.options["timezone"],
            lambda done: self.progress(done, steps),
        )
        for name, column in (("users", "uid"), ("items", "iid")):
            con.execute(
                f'INSERT INTO {name}_seen SELECT {column}, 1, min("row") FROM raw '
                f"WHERE reason IS NULL GROUP BY {column}"
            )
            ids.assign(con, name, known[name], whole=self.plan.mode == "full")
        make_log(con, self.lake, log, first_row, self.options["keep_duplicates"])
        new_parts = check_log(con, self.lake, log, staged, self.now, bad_share)
        moments = [future_from(con, log, self.now)]
        moments += [versions_due(con, name, table, self.now) for name, table in tables.items()]
        if old_parts and self.state:
            moments.append(self.state["future_from"])
        return _Read(
            tables,
            known,
            counts,
            [*(Counts(**part) for part in old_parts), *new_parts],
            first_row,
            min((moment for moment in moments if moment is not None), default=None),
            steps,
        )

    def _publish(
        self, con: duckdb.DuckDBPyConnection, inputs: dict[str, Any], read: _Read
    ) -> tuple[dict[str, Any], Written]:
        """Write the lake: ids first, for they only ever grow, and the state last."""
        sizes = {}
        for name, known in read.known.items():
            table = ids.table_of(con, name, known)
            self.lake.write_table(table, ids.FOLDER, f"{name}.parquet")
            sizes[name] = len(table)
        attributes = {}
        for name, entities in read.tables.items():
            write_entities(con, self.lake, name, entities)
            attributes[name] = (entities.attributes if entities else Attributes()).to_dict()
        self.lake.write_json(attributes, "attributes.json")
        written = write_days(
            con,
            self.lake,
            read.first_row,
            lambda done, total: self.progress(read.steps + done, read.steps + total),
        )
        timeless = [
            name for name, table in read.tables.items() if table and table.valid_from is None
        ]
        note_known(self.lake, {name: sizes[name] for name in timeless}, written.first)
        days = self.lake.days()
        total = Counts.total(read.parts)
        users, items = read.counts["users"], read.counts["items"]
        state = {
            "complete": True,
            "inputs": inputs,
            "parts": [dataclasses.asdict(part) for part in read.parts],
            "interactions": dataclasses.asdict(total),
            "user_rows": dataclasses.asdict(users) if users else None,
            "item_rows": dataclasses.asdict(items) if items else None,
            "users": sizes["users"],
            "items": sizes["items"],
            "days": len(days),
            "first_day": str(days[0]) if days else None,
            "last_day": str(days[-1]) if days else None,
            "future_from": read.future_from,
            "last": {"mode": self.plan.mode, "why": self.plan.why},
            "warnings": [
                *self.source.notes(),
                *log_warnings(total, days),
                *entity_warnings(con, "users", users),
                *entity_warnings(con, "items", items),
            ],
        }
        self.lake.write_json(state, STATE)
        return state, written

    def _known(self, name: str) -> pa.Table | None:
        there = self.lake.exists(ids.FOLDER, f"{name}.parquet")
        return ids.read_ids(self.lake, name) if there else None
