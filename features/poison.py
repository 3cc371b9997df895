"""A copy of a lake in which everything from a day on is different."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.contract import INTERACTIONS, ITEM, ROW, TS, USER, VALID_FROM, VALUE
from data.files import place_part
from data.ids import FOLDER
from data.lake import Lake
from data.values import add_values, values_file
from data.versions import KEYS, history_file
from features.cut import epoch_day
from features.due import BLOCKS, DAYS, state_blocks, state_days

DAY_US = 86_400_000_000
TABLES = (
    ("attributes.json",),
    *((file,) for side in KEYS for file in (f"{side}.parquet", history_file(side))),
    *((FOLDER, values_file(side)) for side in KEYS),
)
CHANGED_DAYS = 28
"""Days after the cut that are drawn anew; past them everything is deleted."""


def poison(lake: Lake, day: date, root: Path, n_users: int, n_items: int, seed: int = 0) -> Lake:
    """Copy a lake, and change all that became known on ``day`` or later.

    Days before ``day`` and their state are linked, from a remote lake copied. Of the next
    :data:`CHANGED_DAYS` days every other one is changed: users, items and values are drawn anew,
    and rows are added, some of which claim to have happened long before. All other later days are
    deleted. ``day`` itself is always there. The attribute tables get new entities with values
    nobody has, which get codes; where there are versions, those of ``day`` and later are deleted or
    changed, every entity gets new ones, and of the newest nothing is left.

    Args:
        lake: the lake to copy.
        day: the first day that is poisoned.
        root: an empty folder.
        n_users: number of user codes; the new users come after them.
        n_items: number of item codes.
        seed: same seed, same poison.
    """
    random = np.random.default_rng(seed)
    target = Lake(root)
    days = lake.days()
    for parts in TABLES:
        if lake.exists(*parts):
            place_part(lake, parts, target)
    for known in days:
        if known < day:
            place_part(lake, ("interactions", f"day={known}"), target)
    for known in state_days(lake):
        if known < day:
            place_part(lake, (*DAYS, f"day={known}"), target)
    for end in state_blocks(lake):
        if end <= day:
            place_part(lake, (*BLOCKS, f"before={end}"), target)
    later = [known for known in days if known >= day]
    for known in sorted({day, day + timedelta(days=1), *later[:CHANGED_DAYS:2]}):
        rows = _invented(known, day, 200, n_users, n_items, random)
        if known in days:
            old = lake.read_table("interactions", f"day={known}", "part.parquet")
            rows = pa.concat_tables([_changed(old, n_users, n_items, random), rows])
        with target.writing("interactions", f"day={known}", inputs=["poison", seed]) as folder:
            pq.write_table(rows, folder / "part.parquet")
    for name, key, size in (("users", USER, n_users), ("items", ITEM, n_items)):
        if target.exists(f"{name}.parquet"):
            _add_entities(target, name, key, size)
        if target.exists(history_file(name)):
            _change_versions(target, name, key, size, day)
        _add_values(target, name)
    return target


def _changed(rows: pa.Table, n_users: int, n_items: int, random: np.random.Generator) -> pa.Table:
    n = len(rows)
    drawn = {
        USER: pa.array(random.integers(0, n_users, n), pa.int32()),
        ITEM: pa.array(random.integers(0, n_items, n), pa.int32()),
        VALUE: pa.array(random.random(n), pa.float32()),
    }
    for name, column in drawn.items():
        rows = rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), column)
    return rows.slice(n // 4)


def _invented(
    known: date, day: date, n: int, n_users: int, n_items: int, random: np.random.Generator
) -> pa.Table:
    """Rows known on a day; every third happened up to 40 days before the poisoned day."""
    start = np.full(n, epoch_day(known))
    start[::3] = epoch_day(day) - random.integers(0, 40, len(start[::3]))
    ts = start * DAY_US + random.integers(0, DAY_US, n)
    columns = {
        USER: pa.array(random.integers(0, n_users, n), pa.int32()),
        ITEM: pa.array(random.integers(0, n_items, n), pa.int32()),
        TS: pa.array(ts, pa.int64()).cast(INTERACTIONS.field(TS).type),
        VALUE: pa.array(random.random(n), pa.float32()),
        ROW: pa.array(np.arange(n), pa.int64()),
    }
    arrays = [columns.get(f.name, pa.nulls(n, f.type)) for f in INTERACTIONS]
    return pa.table(arrays, schema=INTERACTIONS)


def _add_entities(target: Lake, name: str, key: str, size: int) -> None:
    """Append entities with attributes nobody has."""
    table = target.read_table(f"{name}.parquet")
    added = _odd(table.schema, key, range(size, size + 3))
    _replace(target, f"{name}.parquet", pa.concat_tables([table, added]))


def _change_versions(target: Lake, name: str, key: str, size: int, day: date) -> None:
    """Change what became known of the entities from a day on."""
    table, next_day = target.read_table(history_file(name)), day + timedelta(days=1)
    since = table[VALID_FROM]
    later = table.filter(pc.greater(since, pa.scalar(next_day)))[::2]
    everybody = [known for known in (day, next_day) for _ in range(size)]
    tables = [
        table.filter(pc.less(since, pa.scalar(day))),
        _odd(table.schema, key, [*range(size), *range(size)], everybody),
        _odd(table.schema, key, later[key].to_pylist(), later[VALID_FROM].to_pylist()),
    ]
    changed = pa.concat_tables(tables).sort_by([(VALID_FROM, "ascending"), (key, "ascending")])
    _replace(target, history_file(name), changed)
    schema = target.read_table(f"{name}.parquet").schema
    _replace(target, f"{name}.parquet", _odd(schema, key, range(size)))


def _add_values(target: Lake, side: str) -> None:
    """Give codes to the values nobody has, as an ingest would."""
    attributes = target.read_json("attributes.json")[side]
    for file in (history_file(side), f"{side}.parquet"):
        if target.exists(file):
            names = [*attributes["categorical"], *attributes["multi"]]
            add_values(target, side, target.read_table(file), names)


def _odd(schema: pa.Schema, key: str, codes: Sequence[int], since: Sequence[date] = ()) -> pa.Table:
    """Rows of some codes with values nobody has."""
    n = len(codes)
    rows: dict[str, Sequence[object]] = {}
    for field in schema:
        if field.name == key:
            rows[key] = codes
        elif field.name == VALID_FROM:
            rows[VALID_FROM] = since
        elif pa.types.is_list(field.type):
            rows[field.name] = [["poison"]] * n
        elif pa.types.is_floating(field.type):
            rows[field.name] = [1e6] * n
        elif pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            rows[field.name] = ["poison"] * n
        else:
            rows[field.name] = [None] * n
    return pa.table(rows, schema=schema)


def _replace(target: Lake, file: str, table: pa.Table) -> None:
    target.fs.rm(target.path(file))  # a link: the original must stay
    target.write_table(table, file)
