"""The state is append-only, complete or absent, and the same however it was built."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from feature_lake import ATTRIBUTES, N_ITEMS, N_USERS, day, make_lake, state_bytes, write_day
from hypothesis import given, settings
from hypothesis import strategies as st

from data.contract import NotEnoughHistoryError
from data.lake import Lake, Partition
from features import state
from features.asof import AsOf
from features.audit import features_of
from features.catalog import Catalog, FeatureError, build_catalog
from features.due import find_due, state_blocks, state_days
from features.state import update_state

CATALOG = build_catalog(ATTRIBUTES)
ROWS = [(k, k % 4, (k * 7) % 3, (k % 5) / 4, max(0, k - k % 3)) for k in range(0, 66, 2)]
"""A row every other day over three block ends, some of them late."""


def update(lake: Lake, as_of: int, catalog: Catalog = CATALOG, positive_min: float = 0.5) -> str:
    return update_state(lake, as_of=day(as_of), positive_min=positive_min, catalog=catalog)


def values(lake: Lake, as_of: int) -> np.ndarray:
    tables = AsOf.open(lake, CATALOG, day(as_of), N_USERS, N_ITEMS)
    grid = np.indices((N_USERS, N_ITEMS)).reshape(2, -1).T.astype(np.int32)
    return features_of(tables, grid)


def test_day_by_day_equals_at_once(tmp_path: Path) -> None:
    once, daily = (make_lake(tmp_path / name, ROWS) for name in ("once", "daily"))
    digest = update(once, 66)
    for as_of in range(1, 67):
        last = update(daily, as_of)
    assert state_bytes(once) == state_bytes(daily)
    assert len(state_blocks(once)) >= 2
    assert digest == last


def test_a_new_day_writes_its_own_partition_and_no_other(tmp_path: Path) -> None:
    lake = make_lake(tmp_path, ROWS)
    update(lake, 40)
    before = {p: p.stat().st_mtime_ns for p in Path(lake.path("features")).rglob("*.parquet")}
    told: list[tuple[int, int]] = []
    update_state(
        lake,
        as_of=day(41),
        positive_min=0.5,
        catalog=CATALOG,
        progress=lambda done, of: told.append((done, of)),
    )
    after = {p: p.stat().st_mtime_ns for p in Path(lake.path("features")).rglob("*.parquet")}
    assert before.items() <= after.items()
    assert [p.parent.name for p in after.keys() - before.keys()] == [f"day={day(40)}"]
    assert told == [(1, 1)]


def test_a_new_day_opens_no_manifest_of_an_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the history: the two indexes say whether something changed."""
    lake = make_lake(tmp_path, ROWS)
    update(lake, 40)
    lake.write_index("interactions", partitions=lake.partitions("interactions"))
    opened: list[str] = []
    original = lake.partition

    def reads(*parts: str) -> Partition:
        opened.append("/".join(parts))
        return original(*parts)

    monkeypatch.setattr(lake, "partition", reads)
    update(lake, 41)
    assert opened == [f"features/days/day={day(40)}"]


def test_days_of_a_block_are_not_looked_at(tmp_path: Path) -> None:
    lake = make_lake(tmp_path, ROWS)
    update(lake, 66)
    last = state_blocks(lake)[-1]
    due = find_due(lake, day(66), made_by="")  # made otherwise: every day is doubtful
    assert len(due.stale) == len(state_days(lake))
    made_by = "state 1, positives from 0.5, days of UTC, log"
    due = find_due(lake, day(66), made_by)
    assert list(due.days) == [f"day={known}" for known in state_days(lake) if known >= last]
    assert [due.stale, due.merge, due.outdated, due.gone] == [[], {}, [], []]


@pytest.mark.parametrize("as_of", [66, 14])
def test_a_block_never_outlives_its_days(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_of: int
) -> None:
    """A day changes, the run is cut off (or stops at an earlier day), the day changes back."""
    lake, clean = make_lake(tmp_path / "a", ROWS), make_lake(tmp_path / "b", ROWS)
    update(lake, 66)
    update(clean, 66)
    write_day(lake, 12, [(12, 1, 1, 1.0), (12, 2, 2, 0.0)])

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(state, "_block_table", dies)
        if as_of == 66:
            with pytest.raises(KeyboardInterrupt):
                update(lake, as_of)
        else:
            update(lake, as_of)  # before the end of the block
    write_day(lake, 12, [row for row in ROWS if row[0] == 12])
    assert update(lake, 66) == update(clean, 66)
    assert state_bytes(lake) == state_bytes(clean)


STEP = st.one_of(
    st.tuples(st.just("write"), st.integers(0, 70), st.sampled_from([0.25, 1.0])),
    st.tuples(st.just("delete"), st.integers(0, 70), st.none()),
    st.tuples(st.just("update"), st.integers(1, 72), st.integers(1, 12)),
)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(steps=st.lists(STEP, min_size=3, max_size=10))
def test_any_history_of_changes_and_crashes_ends_in_the_same_state(
    steps: list[tuple[str, int, Any]],
) -> None:
    """The log changes back and forth, days vanish, runs stop at earlier days or are cut off."""
    original = state._write

    def update_or_die(lake: Lake, as_of: int, writes: int) -> None:
        left = iter(range(writes))

        def dies(table: pa.Table, path: Path) -> None:
            if next(left, None) is None:
                raise KeyboardInterrupt
            original(table, path)

        with pytest.MonkeyPatch.context() as patch, suppress(KeyboardInterrupt):
            patch.setattr(state, "_write", dies)
            update(lake, as_of)

    with TemporaryDirectory() as folder:
        lake = make_lake(Path(folder) / "changed", ROWS[::6])
        update(lake, 72)
        for what, number, more in steps:
            if what == "write":
                write_day(lake, number, [(number, 0, 0, more)])
            elif what == "update":
                update_or_die(lake, max(number, 2), more)
            elif number and lake.exists("interactions", f"day={day(number)}"):
                shutil.rmtree(lake.path("interactions", f"day={day(number)}"))
        clean = Lake(Path(folder) / "clean")
        shutil.copytree(lake.path("interactions"), clean.path("interactions"))
        assert update(lake, 72) == update(clean, 72)
        found, expected = (
            {name: content for name, content in state_bytes(one).items() if "index" not in name}
            for one in (lake, clean)
        )
        assert found == expected


def test_a_missing_day_of_an_old_block_is_built_again(tmp_path: Path) -> None:
    lake = make_lake(tmp_path, ROWS)
    update(lake, 66)
    kept = state_bytes(lake)
    shutil.rmtree(lake.path("features", "days", f"day={day(4)}"))
    update(lake, 66)
    assert state_bytes(lake) == kept


def test_nothing_changed_nothing_written(tmp_path: Path) -> None:
    lake = make_lake(tmp_path, ROWS)
    digest = update(lake, 66)
    told: list[int] = []
    again = update_state(
        lake,
        as_of=day(66),
        positive_min=0.5,
        catalog=CATALOG,
        progress=lambda done, of: told.append(done),
    )
    assert (digest, told) == (again, [])


def test_a_changed_day_is_rebuilt_with_its_block(tmp_path: Path) -> None:
    lake, clean = make_lake(tmp_path / "a", ROWS), make_lake(tmp_path / "b", ROWS)
    update(lake, 66)
    for target in (lake, clean):
        write_day(target, 10, [(10, 1, 1, 1.0), (10, 2, 2, 0.0)])
    assert update(lake, 66) == update(clean, 66)
    assert state_bytes(lake) == state_bytes(clean)


def test_a_deleted_day_is_forgotten(tmp_path: Path) -> None:
    lake = make_lake(tmp_path / "a", ROWS)
    clean = make_lake(tmp_path / "b", [row for row in ROWS if row[0] != 10])
    update(lake, 66)
    shutil.rmtree(lake.path("interactions", f"day={day(10)}"))
    with pytest.raises(FeatureError, match=rf"{day(10)}.*run update_state"):
        values(lake, 66)
    update(lake, 66)
    update(clean, 66)
    assert state_bytes(lake) == state_bytes(clean)


def test_another_threshold_rebuilds(tmp_path: Path) -> None:
    lake, clean = make_lake(tmp_path / "a", ROWS), make_lake(tmp_path / "b", ROWS)
    update(lake, 66, positive_min=0.5)
    assert update(lake, 66, positive_min=0.9) == update(clean, 66, positive_min=0.9)
    assert state_bytes(lake) == state_bytes(clean)


def test_an_older_state_is_rebuilt_not_misread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, clean = make_lake(tmp_path / "a", ROWS), make_lake(tmp_path / "b", ROWS)
    with monkeypatch.context() as patch:
        patch.setattr(state, "STATE_VERSION", 0)
        patch.setattr(state, "VALUE_SCALE", 100)
        update(lake, 66)
    update(clean, 66)
    assert state_bytes(lake) != state_bytes(clean)
    update(lake, 66)
    assert state_bytes(lake) == state_bytes(clean)


def test_another_catalog_changes_the_digest_and_rebuilds_nothing(tmp_path: Path) -> None:
    lake = make_lake(tmp_path, ROWS)
    one = update(lake, 66)
    kept = state_bytes(lake)
    assert update(lake, 66, CATALOG.without(["user_events"])) != one
    assert state_bytes(lake) == kept


def test_a_half_written_partition_is_never_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, clean = make_lake(tmp_path / "a", ROWS), make_lake(tmp_path / "b", ROWS)
    update(clean, 66)
    written = 0

    def dies(table: object, path: Path) -> None:
        nonlocal written
        written += 1
        if written == 5:
            path.write_bytes(b"PAR1 half")
            raise KeyboardInterrupt
        original(table, path)

    original = state._write
    with monkeypatch.context() as patch:
        patch.setattr(state, "_write", dies)
        with pytest.raises(KeyboardInterrupt):
            update(lake, 66)
    # killed outright: the folder being written stays behind
    Path(lake.path("features", "days", ".writing-x")).mkdir()
    Path(lake.path("features", "days", ".writing-x", "part.parquet")).write_bytes(b"half")
    assert len(state_days(lake)) == 4
    with pytest.raises(FeatureError, match="does not match the log"):
        values(lake, 66)
    update(lake, 66)
    np.testing.assert_array_equal(values(lake, 66), values(clean, 66))


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    lake = make_lake(tmp_path, ROWS)
    update(lake, 66)
    Path(lake.path("features", "days", f"day={day(64)}", "part.parquet")).write_bytes(b"rotten")
    with pytest.raises(FeatureError, match=r"remove its folder 'features'"):
        values(lake, 66)


def test_gaps_and_days_without_rows(tmp_path: Path) -> None:
    rows = [(0, 0, 0, 1.0), (200, 0, 1, 1.0)]
    lake = make_lake(tmp_path, rows, days=[100])
    update(lake, 201)
    assert state_days(lake) == [day(0), day(100), day(200)]
    assert len(state_blocks(lake)) == 2  # none for the stretches without a day
    number = CATALOG.names.index("user_events")
    assert values(lake, 201)[number, 0] == 2
    assert values(lake, 200)[number, 0] == 1


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    same_day = [(0, u % 4, u % 3, u / 10) for u in range(10)]
    one, other = make_lake(tmp_path / "a", same_day), make_lake(tmp_path / "b", same_day[::-1])
    update(one, 1)
    update(other, 1)
    part = f"days/day={day(0)}/part.parquet"
    assert state_bytes(one)[part] == state_bytes(other)[part]


def test_an_empty_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughHistoryError, match="zavtra ingest"):
        update(Lake(tmp_path), 10)


def test_a_day_begins_in_its_zone(tmp_path: Path) -> None:
    # one o'clock at night UTC of day 1 is the evening of day 0 in New York, where it was known
    lake = make_lake(tmp_path, [(0, 0, 0, 1.0, 1), (1, 1, 0, 1.0, 1)])
    zone = {"positive_min": 0.5, "catalog": CATALOG, "timezone": "America/New_York"}
    update_state(lake, as_of=day(2), **zone)  # type: ignore[arg-type]
    since = values(lake, 2)[CATALOG.names.index("user_days_since_last")].reshape(N_USERS, -1)
    assert since[:2, 0].tolist() == [2, 2]
