"""What an ingest has to do: nothing, only what is new, or everything; and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from data.lake import Lake
from data.versions import KEYS, history_file

STATE = "ingest.json"
FILES = (
    "users.parquet",
    "items.parquet",
    "attributes.json",
    "ids/users.parquet",
    "ids/items.parquet",
    "ids/users_values.parquet",
    "ids/items_values.parquet",
)


@dataclass(frozen=True)
class Plan:
    """The way of one ingest.

    Attributes:
        mode: ``unchanged``, ``added`` (only new parts of the log are read) or ``full``.
        why: for the report.
        skip: parts of the log that are in the lake already.
    """

    mode: str
    why: str
    skip: int = 0


def make_plan(lake: Lake, state: dict[str, Any] | None, inputs: dict[str, Any], now: int) -> Plan:
    """Compare what was ingested with what is there now.

    Args:
        lake: where it was ingested.
        state: what the last ingest wrote, None before the first.
        inputs: fingerprint of the source, options and code version.
        now: microseconds since 1970.
    """
    if state is None:
        return Plan("full", "first ingest")
    if not state["complete"]:
        return Plan("full", "the last ingest was cut off")
    files = [*FILES, *(history_file(side) for side in KEYS if _has_versions(inputs[side]))]
    gone = [file for file in files if not lake.exists(*file.split("/"))]
    if gone or len(lake.days()) != state["days"]:
        return Plan("full", f"{gone[0] if gone else 'a day'} is missing in the lake")
    if state["future_from"] is not None and now >= state["future_from"]:
        return Plan("full", "rows that were from the future have happened")
    old = state["inputs"]
    if old == inputs:
        return Plan("unchanged", "source and code are as they were")
    for name, what in (("code", "code"), ("options", "settings of ingest"), ("kind", "source")):
        if old[name] != inputs[name]:
            return Plan("full", f"the {what} changed")
    for table in ("log", "users", "items"):
        if _mapping(old[table]) != _mapping(inputs[table]):
            return Plan("full", f"the mapping of the {table} changed")
    before, after = old["log"]["parts"], inputs["log"]["parts"]
    for position, part in enumerate(before):
        if part not in after:
            return Plan("full", f"{_name(part)}, already taken, changed or is gone")
        if after[position] != part:
            return Plan("full", f"{_name(after[position])} comes before files already taken")
    if after == before:
        return Plan("added", "users or items changed, the log did not", len(before))
    new = ", ".join(_name(part) for part in after[len(before) :])
    return Plan("added", f"new: {new}", len(before))


def _mapping(table: dict[str, Any] | None) -> Any:
    return None if table is None else table["mapping"]


def _has_versions(table: dict[str, Any] | None) -> bool:
    return table is not None and table["mapping"]["valid_from"] is not None


def _name(part: dict[str, Any]) -> str:
    return str(part.get("file") or part.get("name"))
