"""Tiny lakes written by hand: one row is (day known, user, item, value[, day of the event])."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data.contract import INTERACTIONS, VALID_FROM
from data.ids import FOLDER
from data.lake import Lake
from data.values import add_values, values_file
from data.versions import KEYS, history_file
from features.cut import epoch_day

DAY0 = date(2026, 3, 1)
ATTRIBUTES = {
    "users": {"categorical": ["sex"], "numeric": ["age"], "multi": []},
    "items": {"categorical": ["kind"], "numeric": ["year"], "multi": ["genres"]},
}
N_USERS, N_ITEMS = 5, 4  # user 4 and item 3 never met anybody
USERS = {
    "user": pa.array([3, 0, 1, 2], pa.int32()),  # in no order; user 4 has no row
    "sex": ["m", "f", "m", None],
    "age": pa.array([60.0, 20.0, 30.0, None], pa.float32()),
}
ITEMS = {
    "item": pa.array([0, 1, 2, 3], pa.int32()),
    "kind": ["film", "series", "film", "series"],
    "year": pa.array([2000.0, 2010.0, 2020.0, 2005.0], pa.float32()),
    "genres": pa.array([["drama", "crime"], ["crime"], None, ["drama", "drama"]]),
}
Row = tuple[Any, ...]


def write_log(lake: Lake, rows: list[Row], days: list[int] | None = None) -> None:
    """Write rows into partitions by the day they became known; ``days`` are there even if empty."""
    for known in sorted({row[0] for row in rows} | set(days or ())):
        write_day(lake, known, [row for row in rows if row[0] == known])


def write_day(lake: Lake, known: int, rows: list[Row]) -> None:
    """Write, or replace, one partition."""
    events = [row[4] if len(row) > 4 else known for row in rows]
    ts = [(epoch_day(DAY0) + day) * 86_400_000_000 + 3600_000_000 for day in events]
    columns = {
        "user": pa.array([row[1] for row in rows], pa.int32()),
        "item": pa.array([row[2] for row in rows], pa.int32()),
        "ts": pa.array(ts, pa.int64()).cast(INTERACTIONS.field("ts").type),
        "value": pa.array([row[3] for row in rows], pa.float32()),
        "duration_s": pa.nulls(len(rows), pa.float32()),
        "row": pa.array(np.arange(len(rows)), pa.int64()),
    }
    day = DAY0 + timedelta(days=known)
    table = pa.table(columns, schema=INTERACTIONS)
    with lake.writing("interactions", f"day={day}", inputs=[list(map(str, r)) for r in rows]) as f:
        pq.write_table(table, f / "part.parquet")


def make_lake(root: Path, rows: list[Row], days: list[int] | None = None) -> Lake:
    """A lake with the attribute tables above and these rows."""
    lake = Lake(root)
    lake.write_json(ATTRIBUTES, "attributes.json")
    write_entities(lake, "users", pa.table(USERS))
    write_entities(lake, "items", pa.table(ITEMS))
    write_log(lake, rows, days)
    return lake


def write_entities(lake: Lake, side: str, table: pa.Table) -> None:
    """Write, or replace, the table of users or items; new values get codes."""
    lake.write_table(table, f"{side}.parquet")
    add_values(lake, side, table.sort_by(KEYS[side]), valued(table))


def valued(table: pa.Table) -> list[str]:
    """Attributes whose values have codes."""
    return [f.name for f in table.schema if pa.types.is_string(f.type) or pa.types.is_list(f.type)]


def write_versions(lake: Lake, side: str, rows: list[Row]) -> None:
    """Write a history: (day, code, sex, age) of users, (day, code, kind, year, genres) of items.

    Of two rows with the same day and code the later stands. The newest versions are the table.
    """
    key, columns = side.removesuffix("s"), list(USERS if side == "users" else ITEMS)
    versions = {(row[0], row[1]): row for row in rows}
    ordered = [versions[at] for at in sorted(versions)]
    schema = pa.table(USERS if side == "users" else ITEMS).schema
    history = pa.table(
        {
            **{name: [row[n + 1] for row in ordered] for n, name in enumerate(columns)},
            VALID_FROM: [day(row[0]) for row in ordered],
        },
        schema=schema.append(pa.field(VALID_FROM, pa.date32())),
    )
    lake.write_table(history, history_file(side))
    lake.remove(FOLDER, values_file(side))  # as if all of them were taken in at once
    add_values(lake, side, history, valued(history))
    newest = {row[1]: row for row in ordered}
    table = {name: [newest[code][n + 1] for code in newest] for n, name in enumerate(columns)}
    assert columns[0] == key
    lake.write_table(pa.table(table, schema=schema), f"{side}.parquet")


def day(number: int) -> date:
    """The day ``number`` days after the first."""
    return DAY0 + timedelta(days=number)


def state_bytes(lake: Lake) -> dict[str, bytes]:
    """Every file of the state, by its path inside the lake."""
    root = Path(lake.path("features"))
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}
