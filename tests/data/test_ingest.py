"""From a source to the lake: idempotent, incremental, atomic."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake import FAR, bad, bytes_of, log, run, table, write

from data import partitions
from data.contract import INTERACTIONS, DataError
from data.ids import read_ids
from data.lake import Lake
from data.sources import make_source

HEADER = "user_id,item_id,ts"
DAY = 86_400
MONDAY = 1_609_718_400  # 2021-01-04 00:00 UTC


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def event(user: str, item: str, day: int, second: int = 0) -> str:
    return f"{user},{item},{MONDAY + day * DAY + second}"


def test_partition_has_the_contracts_schema_and_order(tmp_path: Path, lake: Lake) -> None:
    path = write(
        tmp_path / "a.csv",
        HEADER,
        event("b", "x", 1),  # 0
        event("a", "x", 0, 9),  # 1
        event("a", "y", 0, 5),  # 2
        event("c", "x", 0, 5),  # 3: the same time as 2, later in the file
    )
    report = run(table(path), lake)
    first = lake.read_table("interactions", "day=2021-01-04", "part.parquet")
    assert first.select(INTERACTIONS.names).schema.equals(INTERACTIONS)
    assert first["row"].to_pylist() == [2, 3, 1]
    assert (report.days, report.days_written) == (2, 2)
    assert (report.first_day, report.last_day) == (date(2021, 1, 4), date(2021, 1, 5))
    assert (report.mode, report.users, report.items) == ("full", 3, 2)


def test_same_source_twice_does_nothing(tmp_path: Path, lake: Lake) -> None:
    path = write(tmp_path / "a.csv", HEADER, event("a", "x", 0), event("a", "x", 0))
    first = run(table(path), lake)
    before = {p: p.stat().st_mtime_ns for p in Path(lake.root).rglob("*")}
    again = run(table(path), lake)
    assert {p: p.stat().st_mtime_ns for p in Path(lake.root).rglob("*")} == before
    assert again.up_to_date
    assert not first.up_to_date
    assert again.interactions == first.interactions
    assert again.warnings == first.warnings


def test_two_lakes_hold_the_same_bytes(tmp_path: Path) -> None:
    lines = [event(f"u{n % 7}", f"i{n % 11}", n % 5, n * 13 % 97) for n in range(300)]
    path = write(tmp_path / "a.csv", HEADER, *lines, "bad")
    one, two = Lake(tmp_path / "one"), Lake(tmp_path / "two")
    run(table(path), one)
    run(table(path), two, memory_gb=0.1)
    assert bytes_of(one) == bytes_of(two)


def test_new_file_costs_itself_and_its_days(tmp_path: Path, lake: Lake) -> None:
    write(tmp_path / "d" / "1.csv", HEADER, event("a", "x", 0), event("b", "x", 1), "bad")
    source = str(tmp_path / "d" / "*.csv")
    run(table(source), lake)
    before = bytes_of(lake)
    write(
        tmp_path / "d" / "2.csv",
        HEADER,
        event("b", "x", 1),  # a duplicate of a row of the first file
        event("c", "y", 1, -0),
        event("a", "z", 2),
        "worse",
    )
    report = run(table(source), lake)
    assert (report.mode, report.why, report.days_written) == ("added", "new: 2.csv", 2)
    after = bytes_of(lake)
    monday = "interactions/day=2021-01-04/part.parquet"
    assert after[monday] == before[monday]
    assert [(line, text) for line, _, text in bad(lake)] == [
        (4, "bad"),
        (2, event("b", "x", 1)),
        (5, "worse"),
    ]
    whole = Lake(tmp_path / "whole")
    run(table(source), whole)
    expected = bytes_of(whole)
    for state in (after, expected):
        state.pop("ingest.json")  # it tells how it came about
    assert after == expected


@pytest.mark.parametrize("name", ["1.csv", "0.csv"])
def test_changed_or_earlier_file_means_everything(tmp_path: Path, lake: Lake, name: str) -> None:
    write(tmp_path / "d" / "1.csv", HEADER, event("a", "x", 0), event("b", "y", 1))
    source = str(tmp_path / "d" / "*.csv")
    run(table(source), lake)
    codes = read_ids(lake, "users").to_pydict()
    write(tmp_path / "d" / name, HEADER, event("c", "x", 0), event("b", "y", 2))
    report = run(table(source), lake)
    assert report.mode == "full"
    assert name in report.why
    # Codes stay, new ones come behind.
    assert read_ids(lake, "users")["id"].to_pylist()[:2] == codes["id"]
    assert read_ids(lake, "users")["id"].to_pylist()[2] == "c"


def test_vanished_day_goes_and_untouched_day_stays(tmp_path: Path, lake: Lake) -> None:
    path = write(tmp_path / "a.csv", HEADER, event("a", "x", 0), event("a", "x", 1))
    run(table(path), lake)
    before = bytes_of(lake)
    write(path, HEADER, event("a", "x", 0), event("a", "x", 2))
    report = run(table(path), lake)
    assert lake.days() == [date(2021, 1, 4), date(2021, 1, 6)]
    assert (report.days_written, report.days_removed) == (1, 1)
    kept = "interactions/day=2021-01-04/part.parquet"
    assert bytes_of(lake)[kept] == before[kept]


def test_changed_users_do_not_touch_the_log(tmp_path: Path, lake: Lake) -> None:
    clicks = write(tmp_path / "c.csv", HEADER, event("a", "x", 0))
    users = write(tmp_path / "u.csv", "id,sex", "a,F")

    def source() -> object:
        return make_source(
            "tabular",
            interactions={"path": str(clicks)},
            users={"path": str(users), "id": "id", "categorical": ["sex"]},
        )

    run(source(), lake)
    write(users, "id,sex", "a,M", "b,F")
    report = run(source(), lake)
    assert (report.mode, report.days_written, report.users) == ("added", 0, 2)
    assert lake.read_table("users.parquet").to_pydict() == {"user": [0, 1], "sex": ["M", "F"]}


@pytest.mark.parametrize(
    "change", [{"keep_duplicates": True}, {"timezone": "Asia/Tokyo"}, {"max_bad_share": 0.5}]
)
def test_changed_settings_mean_everything(tmp_path: Path, lake: Lake, change: dict) -> None:
    source = table(write(tmp_path / "a.csv", HEADER, event("a", "x", 0)))
    run(source, lake)
    assert run(source, lake, **change).why == "the settings of ingest changed"


def test_what_is_lost_in_the_lake_is_made_again(tmp_path: Path, lake: Lake) -> None:
    source = table(write(tmp_path / "a.csv", HEADER, event("a", "x", 0)))
    run(source, lake)
    before = bytes_of(lake)
    (Path(lake.root) / "users.parquet").unlink()
    assert "users.parquet is missing" in run(source, lake).why
    lake.fs.rm(lake.path("interactions", "day=2021-01-04"), recursive=True)
    assert "a day is missing" in run(source, lake).why
    after = bytes_of(lake)
    for state in (before, after):
        state.pop("ingest.json")
    assert after == before


def test_the_future_arrives(tmp_path: Path, lake: Lake) -> None:
    source = table(write(tmp_path / "a.csv", HEADER, event("a", "x", 0), event("b", "x", 3)))
    early = datetime(2021, 1, 5, tzinfo=UTC)
    report = run(source, lake, now=early)
    assert report.interactions.quarantined == {"time is in the future": 1}
    assert run(source, lake, now=datetime(2021, 1, 6, 23, tzinfo=UTC)).up_to_date
    later = run(source, lake, now=datetime(2021, 1, 7, 1, tzinfo=UTC))
    assert later.interactions.kept == 2
    assert "have happened" in later.why
    with pytest.raises(ValueError, match="time zone"):
        run(source, lake, now=datetime(2021, 1, 5))


def test_late_duplicate_is_found_in_another_partition(tmp_path: Path, lake: Lake) -> None:
    header = "user_id,item_id,ts,came"
    glob = str(tmp_path / "d" / "*.csv")
    write(tmp_path / "d" / "1.csv", header, "a,x,2021-01-04,2021-01-04")
    run(table(glob, known_at="came"), lake)
    write(
        tmp_path / "d" / "2.csv", header, "a,x,2021-01-04,2021-01-09", "a,y,2021-01-04,2021-01-09"
    )
    report = run(table(glob, known_at="came"), lake)
    assert report.mode == "added"
    assert [row[1] for row in log(lake)] == ["x", "y"]
    assert [line for line, _, _ in bad(lake)] == [2]


def test_index_names_every_day_as_its_manifest_does(tmp_path: Path, lake: Lake) -> None:
    path = write(tmp_path / "log.csv", "user_id,item_id,ts", *(f"1,2,2021-01-0{d}" for d in "123"))
    run(table(path), lake)
    write(path, "user_id,item_id,ts", "1,2,2021-01-01", "2,2,2021-01-02", "1,2,2021-01-04")
    run(table(path), lake)
    index = lake.read_json("interactions", "index.json")
    days = [f"day=2021-01-0{d}" for d in (1, 2, 4)]
    assert index == {day: list(lake.partition("interactions", day)) for day in days}


def test_crash_in_the_middle_is_healed_by_the_next_run(
    tmp_path: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    glob = str(tmp_path / "d" / "*.csv")
    write(tmp_path / "d" / "1.csv", HEADER, *(event("a", "x", day) for day in range(4)))
    run(table(glob), lake)
    write(tmp_path / "d" / "2.csv", HEADER, *(event("b", "y", day) for day in range(4)))
    healthy, left = partitions.pq.write_table, [2]

    def full_disk(rows: pa.Table, where: object, **options: object) -> None:
        left[0] -= isinstance(where, Path)  # partitions, not the small tables before them
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        healthy(rows, where, **options)

    with monkeypatch.context() as patch:
        patch.setattr("data.partitions.pq.write_table", full_disk)
        with pytest.raises(DataError, match="No space left on device"):
            run(table(glob), lake)
    assert len(log(lake)) == 6, "two of the four days were written before the disk was full"
    assert not list(Path(lake.root).rglob(".writing-*"))
    (tmp_path / "d" / "2.csv").rename(tmp_path / "2.csv")
    assert run(table(glob), lake).why == "the last ingest was cut off"
    assert sorted(row[:2] for row in log(lake)) == [("a", "x")] * 4
    (tmp_path / "2.csv").rename(tmp_path / "d" / "2.csv")
    assert run(table(glob), lake).mode == "added"
    assert sorted(row[:2] for row in log(lake)) == [("a", "x")] * 4 + [("b", "y")] * 4
    whole = Lake(tmp_path / "whole")
    run(table(glob), whole)
    assert lake.interactions(FAR).equals(whole.interactions(FAR))


def test_lake_in_memory(tmp_path: Path) -> None:
    lake = Lake("memory://intake-lake")
    path = write(tmp_path / "a.csv", HEADER, event("a", "x", 0), event("b", "x", 1), "bad")
    try:
        run(table(path), lake)
        assert [row[:2] for row in log(lake)] == [("a", "x"), ("b", "x")]
        assert [line for line, _, _ in bad(lake)] == [4]
        assert run(table(path), lake).up_to_date
        write(path, HEADER, event("a", "x", 1))
        assert run(table(path), lake).days_removed == 1
        assert [row[:2] for row in log(lake)] == [("a", "x")]
        assert bad(lake) == []
    finally:
        lake.fs.rm("/intake-lake", recursive=True)


def test_progress_ends_at_the_total(tmp_path: Path, lake: Lake) -> None:
    seen: list[tuple[int, int]] = []
    path = write(tmp_path / "a.csv", HEADER, event("a", "x", 0), event("a", "x", 1))
    run(table(path), lake, progress=lambda done, total: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1]


EVENTS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 3), st.integers(0, 2)),
    min_size=1,
    max_size=25,
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EVENTS, st.integers(0, 25), st.randoms(use_true_random=False))
def test_nothing_is_lost_and_files_may_come_one_by_one(
    tmp_path_factory: pytest.TempPathFactory,
    events: list[tuple[int, int, int, int]],
    cut: int,
    order: random.Random,
) -> None:
    folder = tmp_path_factory.mktemp("events")
    order.shuffle(events)
    lines = [event(f"u{u}", f"i{i}", day, second) for u, i, day, second in events]
    glob = str(folder / "d" / "*.csv")
    whole, parts = Lake(folder / "whole"), Lake(folder / "parts")
    write(folder / "d" / "1.csv", HEADER, *(lines[:cut] or [event("u9", "i9", 0)]))
    run(table(glob), parts)
    write(folder / "d" / "2.csv", HEADER, *(lines[cut:] or [event("u8", "i9", 0)]))
    run(table(glob), parts)
    report = run(table(glob), whole)
    one, other = bytes_of(whole), bytes_of(parts)
    assert {k: v for k, v in one.items() if k != "ingest.json"} == {
        k: v for k, v in other.items() if k != "ingest.json"
    }
    counts = report.interactions
    assert counts.kept + counts.bad == counts.rows
    assert len(log(whole)) == counts.kept
    assert len(bad(whole)) == counts.bad
    assert counts.kept >= len({(u, i, d, s) for u, i, d, s in events})
