"""The checks a row must pass, and the verdict over all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from data.contract import DataError
from data.sources.base import Entities, Log

LEFT_OUT = "below value_min"
"""No fault of the row: it is left out and counted, not quarantined."""

DUPLICATE = "duplicate of an earlier row (user, item, time)"
DUPLICATE_ID = "duplicate id (the first row stays)"
DUPLICATE_VERSION = "duplicate id and day (the first row stays)"

_YEAR_1900 = -2_208_988_800_000_000
_EXAMPLES = 3


@dataclass(frozen=True)
class Check:
    """A reason to turn a row away and the SQL condition over the staged columns."""

    reason: str
    bad: str
    future: bool = False
    """The row may be good later."""


def log_checks(log: Log, now: int) -> list[Check]:
    """Give the checks of an interaction, the first that fails names the reason.

    Staged columns: ``uid, iid`` VARCHAR, ``ts, known`` BIGINT microseconds, ``v, dur`` DOUBLE,
    ``day, known_day`` DATE, and ``*_blank`` BOOLEAN.

    Args:
        log: the mapping of the source.
        now: microseconds since 1970 past which a row is from the future.
    """
    checks = [
        Check(f"user id is missing (column {log.user_id!r})", "uid IS NULL"),
        Check(f"item id is missing (column {log.item_id!r})", "iid IS NULL"),
        Check(f"time is missing (column {log.ts!r})", "ts_blank"),
        Check(f"time cannot be read (column {log.ts!r})", f"ts IS NULL OR ts < {_YEAR_1900}"),
        Check("time is in the future", f"ts > {now}", future=True),
    ]
    if log.value is not None:
        column = f"(column {log.value!r})"
        checks += [
            Check(f"value is missing {column}", "v_blank"),
            Check(f"value is no number {column}", "v IS NULL OR isnan(v)"),
        ]
        if log.value_min is not None:
            checks.append(Check(LEFT_OUT, f"v < {log.value_min!r}"))
        above = "isinf(v)" if log.clip else f"v > {log.value_scale!r}"
        checks.append(
            Check(f"value is outside of 0..{log.value_scale:g} {column}", f"v < 0 OR {above}")
        )
    if log.duration_s is not None:
        bad = "NOT dur_blank AND (dur IS NULL OR NOT isfinite(dur) OR dur < 0)"
        checks.append(Check(f"duration is no number of seconds (column {log.duration_s!r})", bad))
    if log.known_at is not None:
        column = f"(column {log.known_at!r})"
        checks += [
            Check(f"time of arrival cannot be read {column}", "NOT known_blank AND known IS NULL"),
            Check(f"time of arrival is in the future {column}", f"known > {now}", future=True),
            Check(f"arrived on a day before it happened {column}", "known_day < event_day"),
        ]
    return checks


def entity_checks(table: Entities, now: int) -> list[Check]:
    """Give the checks of a user or an item.

    Staged columns: ``id`` VARCHAR, ``since`` BIGINT microseconds where the table has versions, and
    of the numeric attribute at place p ``n{p}`` DOUBLE; ``*_blank`` BOOLEAN.

    Args:
        table: the mapping of the source.
        now: microseconds since 1970 past which a version is from the future.
    """
    checks = [Check(f"id is missing (column {table.id!r})", "id IS NULL")]
    if table.valid_from is not None:
        column = f"(column {table.valid_from!r})"
        checks += [
            Check(f"day is missing {column}", "since_blank"),
            Check(f"day cannot be read {column}", f"since IS NULL OR since < {_YEAR_1900}"),
            Check(f"day is in the future {column}", f"since > {now}", future=True),
        ]
    for number, column in enumerate(table.attributes.numeric):
        bad = f"NOT n{number}_blank AND (n{number} IS NULL OR isinf(n{number}))"
        checks.append(Check(f"no number (column {column!r})", bad))
    return checks


def reason_sql(checks: list[Check]) -> str:
    """Give the SQL for the position of the first check that fails; NULL: the row is good."""
    cases = " ".join(f"WHEN {check.bad} THEN {n}" for n, check in enumerate(checks))
    return f"CAST(CASE {cases} END AS UTINYINT)"


@dataclass
class Counts:
    """What became of the rows of one table (or of one part of it)."""

    rows: int = 0
    kept: int = 0
    left_out: int = 0
    clipped: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)

    @property
    def bad(self) -> int:
        """Rows in quarantine."""
        return sum(self.quarantined.values())

    @classmethod
    def of(cls, rows: int, reasons: list[str], left_out: int = 0, clipped: int = 0) -> Counts:
        """Count the reasons of the bad rows; what is neither bad nor left out is kept."""
        kept = rows - len(reasons) - left_out
        return cls(rows, kept, left_out, clipped, dict(sorted(Counter(reasons).items())))

    @classmethod
    def total(cls, parts: Iterable[Counts]) -> Counts:
        """Add parts up."""
        whole = cls()
        for part in parts:
            whole.rows += part.rows
            whole.kept += part.kept
            whole.left_out += part.left_out
            whole.clipped += part.clipped
            for reason, count in part.quarantined.items():
                whole.quarantined[reason] = whole.quarantined.get(reason, 0) + count
        return whole


def _remedy(reason: str) -> str:
    return ", set ingest.keep_duplicates (days without times)" if reason == DUPLICATE else ""


def verdict(
    table: str,
    counts: Counts,
    max_bad_share: float,
    examples: list[str],
    place: str,
    *,
    may_be_empty: bool = False,
) -> None:
    """Refuse a table with too many bad rows, or none at all.

    Args:
        table: what it is, for the message.
        counts: of the rows read now.
        max_bad_share: share of rows in quarantine past which it is refused.
        examples: ``file:line: reason: row`` of the first bad rows.
        place: the quarantine file.
        may_be_empty: no rows, or none kept, is no fault (a new file of an older log).

    Raises:
        DataError: names the reasons with their counts, the first examples and the place.
    """
    if not counts.rows and not may_be_empty:
        raise DataError(f"{table}: no rows (a header at most): check the path in the source")
    if counts.bad > max_bad_share * counts.rows:
        reasons = sorted(counts.quarantined.items(), key=lambda item: (-item[1], item[0]))
        lines = [f"  {count:,} x {reason}" for reason, count in reasons]
        shown = [f"  {example}" for example in examples[:_EXAMPLES]]
        raise DataError(
            "\n".join(
                [
                    f"{table}: {counts.bad:,} of {counts.rows:,} rows are bad "
                    f"({counts.bad / counts.rows:.1%}), more than ingest.max_bad_share "
                    f"({max_bad_share:.1%}) allows:",
                    *lines,
                    "for example",
                    *shown,
                    f"All are in {place} with file, line and reason. Correct the source (or its "
                    f"mapping){_remedy(reasons[0][0])}, or raise ingest.max_bad_share; the log is "
                    "as it was.",
                ]
            )
        )
    if not counts.kept and not may_be_empty:
        raise DataError(
            f"{table}: none of the {counts.rows:,} rows is left ({counts.left_out:,} lie below "
            "value_min): lower value_min or correct the value column"
        )
