"""What an ingest found and did."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb

from data.database import query_rows
from data.partitions import Written
from data.plan import Plan
from data.validate import Counts


@dataclass(frozen=True)
class IngestReport:
    """What an ingest found and did.

    Attributes:
        up_to_date: nothing had changed, nothing was done.
        mode: ``unchanged``, ``added`` or ``full``, of this run.
        why: the reason for the mode.
        interactions: rows of the log over all ingests of this source.
        user_rows: rows of the users table; None: the source has none.
        item_rows: rows of the items table; None: the source has none.
        users: user codes given so far (users table and log).
        items: item codes given so far.
        days: day partitions.
        first_day: the oldest, None where there are none.
        last_day: the newest.
        days_written: partitions whose rows changed in this run.
        days_removed: partitions that vanished from the source in this run.
        warnings: what a person should know.
    """

    up_to_date: bool
    mode: str
    why: str
    interactions: Counts
    user_rows: Counts | None
    item_rows: Counts | None
    users: int
    items: int
    days: int
    first_day: date | None
    last_day: date | None
    days_written: int = 0
    days_removed: int = 0
    warnings: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Give JSON values, days as YYYY-MM-DD."""
        values = dataclasses.asdict(self)
        return values | {name: values[name] and str(values[name]) for name in _DAYS}


_DAYS = ("first_day", "last_day")


def report_of(state: dict[str, Any], plan: Plan, written: Written | None) -> IngestReport:
    """Make the report from what ``ingest.json`` holds and what this run did."""

    def counts(name: str) -> Counts | None:
        return Counts(**state[name]) if state[name] is not None else None

    return IngestReport(
        up_to_date=written is None,
        mode=plan.mode,
        why=plan.why,
        interactions=Counts(**state["interactions"]),
        user_rows=counts("user_rows"),
        item_rows=counts("item_rows"),
        users=state["users"],
        items=state["items"],
        days=state["days"],
        first_day=state["first_day"] and date.fromisoformat(state["first_day"]),
        last_day=state["last_day"] and date.fromisoformat(state["last_day"]),
        days_written=written.changed if written else 0,
        days_removed=written.removed if written else 0,
        warnings=list(state["warnings"]),
    )


def log_warnings(log: Counts, days: list[date]) -> list[str]:
    """Say what is odd about the log as a whole."""
    found = []
    if log.left_out:
        found.append(f"{log.left_out:,} interactions lie below value_min and are left out")
    if log.clipped:
        found.append(f"{log.clipped:,} values above the scale were cut down to it")
    if log.bad:
        found.append(f"{log.bad:,} of {log.rows:,} interactions are in quarantine")
    gap = (days[-1] - days[0]).days + 1 - len(days) if days else 0
    if gap:
        found.append(f"{gap:,} days between the first and the last have no interactions")
    return found


def entity_warnings(con: duckdb.DuckDBPyConnection, name: str, rows: Counts | None) -> list[str]:
    """Say what is odd about the users or items, as long as the database of the ingest is open."""
    if rows is None:
        return []
    found = []
    if rows.bad:
        found.append(f"{rows.bad:,} of {rows.rows:,} {name} are in quarantine")
    ((new, strange),) = query_rows(
        con,
        f"SELECT count(*), count(*) FILTER (NOT described) FROM ("
        f"SELECT bool_or(tier = 0) AS described, bool_or(tier = 1) AS met FROM {name}_seen "
        f"GROUP BY id) WHERE met",
    )
    if strange:
        found.append(
            f"{strange:,} of {new:,} {name} of the log are not in the {name} table"
            + (": are these the same ids?" if strange == new else "")
        )
    return found
