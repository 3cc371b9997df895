"""Tables made in memory pass the same way as files."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from intake import bad, log, run

from data.lake import Lake
from data.sources.base import Attributes, Entities, Log, MemoryPart, Source


class Made(Source):
    """Three events, one of them bad, made at most once."""

    kind = "made"

    def __init__(self, seed: int = 1) -> None:
        self.seed, self.made = seed, 0

    def _events(self) -> pa.Table:
        self.made += 1
        times = pa.array([1_610_000_000_000_000 + self.seed] * 3, pa.timestamp("us", "UTC"))
        columns = {"u": [5, None, 7], "i": ["a", "b", "c"], "t": times, "v": [0.5, 0.5, 1.0]}
        return pa.table(columns)

    def log(self) -> Log:
        part = MemoryPart("made events", {"seed": self.seed}, self._events)
        return Log((part,), "u", "i", "t", value="v")

    def users(self) -> None:
        return None

    def items(self) -> Entities:
        rows = {"i": ["c", "a"], "tags": [["x", "x", "y"], []], "name": ["C", None]}
        part = MemoryPart("made items", {"seed": 1}, lambda: pa.table(rows))
        return Entities((part,), "i", Attributes(multi=("tags",)), title="name")


def test_typed_tables(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    run(Made(), lake)
    assert [(row[0], row[1], row[3]) for row in log(lake)] == [(5, "a", 0.5), (7, "c", 1.0)]
    reason = "user id is missing (column 'u')"
    assert [(line, why) for line, why, _ in bad(lake)] == [(2, reason)]
    assert lake.read_table("items.parquet").to_pydict() == {
        "item": [0, 1],
        "title": ["C", None],
        "tags": [["x", "y"], None],
    }


def test_nothing_is_made_where_all_is_up_to_date(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    run(Made(), lake)
    again = Made()
    assert run(again, lake).up_to_date
    assert again.made == 0
    other = run(Made(seed=2), lake)
    assert other.why == "made events, already taken, changed or is gone"
