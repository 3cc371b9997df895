"""Every reason to turn a row away, with the line an editor shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from intake import FAR, bad, bytes_of, log, run, table, write

from data.contract import DataError
from data.lake import Lake
from data.sources import make_source

HEADER = "user_id,item_id,ts,value"
GOOD = "1,1,1610000000,0.5"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",2,1610000000,1", "user id is missing (column 'user_id')"),
        ("  ,2,1610000000,1", "user id is missing (column 'user_id')"),
        ("1,,1610000000,1", "item id is missing (column 'item_id')"),
        ("1,2,,1", "time is missing (column 'ts')"),
        ("1,2,yesterday,1", "time cannot be read (column 'ts')"),
        ("1,2,-99999999999,1", "time cannot be read (column 'ts')"),
        ("1,2,99999999999999999999,1", "time cannot be read (column 'ts')"),
        ("1,2,1610000000000,1", "time is in the future"),
        ("1,2,1615000000,1", "time is in the future"),
        ("1,2,1610000000,", "value is missing (column 'value')"),
        ("1,2,1610000000,much", "value is no number (column 'value')"),
        ("1,2,1610000000,nan", "value is no number (column 'value')"),
        ("1,2,1610000000,-0.1", "value is outside of 0..1 (column 'value')"),
        ("1,2,1610000000,1.5", "value is outside of 0..1 (column 'value')"),
        ("1,2,1610000000,inf", "value is outside of 0..1 (column 'value')"),
        ("1,2,1610000000", "wrong number of columns: 3, not 4"),
        ("1,2,1610000000,1,9", "wrong number of columns: 5, not 4"),
        (GOOD, "duplicate of an earlier row (user, item, time)"),
    ],
)
def test_reason_line_and_text(tmp_path: Path, lake: Lake, row: str, reason: str) -> None:
    path = write(tmp_path / "a.csv", HEADER, GOOD, "", row, "1,3,1610000000,1")
    report = run(table(path, value="value"), lake)
    assert bad(lake) == [(4, reason, row)]  # the empty line counts in an editor
    assert [event[1] for event in log(lake)] == [1, 3]
    assert report.interactions.quarantined == {reason: 1}
    assert (report.interactions.rows, report.interactions.kept) == (3, 2)
    assert any("quarantine" in warning for warning in report.warnings)
    # The position in the source counts the bad row too.
    assert lake.interactions(FAR)["row"].to_pylist() == [0, 2]


def test_duration_and_arrival(tmp_path: Path, lake: Lake) -> None:
    path = write(
        tmp_path / "a.csv",
        "user_id,item_id,ts,seconds,came",
        "1,1,2021-01-01,60,2021-01-03",  # known two days later
        "1,2,2021-01-01,,",  # known at once
        "1,3,2021-01-01,long,",
        "1,4,2021-01-01,-1,",
        "1,5,2021-01-02,1,2021-01-01",
        "1,6,2021-01-01,1,soon",
        "1,7,2021-01-01,1,2021-12-31",
    )
    run(table(path, duration_s="seconds", known_at="came"), lake)
    assert [(line, reason) for line, reason, _ in bad(lake)] == [
        (4, "duration is no number of seconds (column 'seconds')"),
        (5, "duration is no number of seconds (column 'seconds')"),
        (6, "arrived on a day before it happened (column 'came')"),
        (7, "time of arrival cannot be read (column 'came')"),
        (8, "time of arrival is in the future (column 'came')"),
    ]
    # The row that arrived late lies in the partition of the day it became known.
    assert [str(day) for day in lake.days()] == ["2021-01-01", "2021-01-03"]
    late = lake.read_table("interactions", "day=2021-01-03", "part.parquet")
    assert late["duration_s"].to_pylist() == [60.0]
    assert [str(ts.date()) for ts in late["ts"].to_pylist()] == ["2021-01-01"]


def test_not_utf8_is_a_bad_row(tmp_path: Path, lake: Lake) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(
        b"user_id,item_id,ts\nann,x,1610000000\nJos\xe9,x,1610000001\nbob,x,1610000002\n"
    )
    run(table(path), lake)
    assert [(line, reason) for line, reason, _ in bad(lake)] == [(3, "not utf-8 text")]
    assert [event[0] for event in log(lake)] == ["ann", "bob"]


def test_duplicates_may_stay(tmp_path: Path, lake: Lake) -> None:
    path = write(tmp_path / "a.csv", "user_id,item_id,ts", *["1,1,1610000000"] * 3)
    run(table(path), lake, keep_duplicates=True)
    assert len(log(lake)) == 3
    assert bad(lake) == []


def test_left_out_comes_before_out_of_range(tmp_path: Path, lake: Lake) -> None:
    path = write(tmp_path / "a.csv", HEADER, "1,1,1610000000,-1", "1,2,1610000000,3")
    report = run(table(path, value="value", value_scale=5, value_min=0), lake)
    assert (report.interactions.left_out, report.interactions.bad) == (1, 0)


def test_bad_users_and_items(tmp_path: Path, lake: Lake) -> None:
    clicks = write(tmp_path / "c.csv", "user_id,item_id,ts", "1,1,1610000000")
    users = write(tmp_path / "u.csv", "id,age", "1,30", ",40", "1,50", "2,old", "3,inf", "4,")
    source = make_source(
        "tabular",
        interactions={"path": str(clicks)},
        users={"path": str(users), "id": "id", "numeric": ["age"]},
    )
    run(source, lake)
    assert bad(lake, "users") == [
        (3, "id is missing (column 'id')", ",40"),
        (4, "duplicate id (the first row stays)", "1,50"),
        (5, "no number (column 'age')", "2,old"),
        (6, "no number (column 'age')", "3,inf"),
    ]
    assert lake.read_table("users.parquet").to_pydict() == {"user": [0, 1], "age": [30.0, None]}
    with pytest.raises(DataError, match=r"users: 4 of 6 rows are bad \(66\.7%\)"):
        run(source, lake, max_bad_share=0.5)


def test_too_many_bad_rows_leave_the_log_alone(tmp_path: Path, lake: Lake) -> None:
    path = write(tmp_path / "a.csv", HEADER, GOOD)
    run(table(path, value="value"), lake)
    before = bytes_of(lake)
    write(path, HEADER, GOOD, "1,2,1610000000,7", "1,2,soon,1", "1,3,later,1")
    with pytest.raises(DataError) as caught:
        run(table(path, value="value"), lake, max_bad_share=0.02)
    message = str(caught.value)
    assert "3 of 4 rows are bad (75.0%)" in message
    assert "2 x time cannot be read (column 'ts')" in message
    assert f"{path}:3: value is outside of 0..1" in message
    assert "quarantine/interactions.parquet" in message
    assert "keep_duplicates" not in message
    after = bytes_of(lake)
    assert [row[0] for row in bad(lake)] == [3, 4, 5]
    after.pop("quarantine/interactions.parquet")
    assert after == before
    # Corrected, it runs again and the quarantine is empty.
    write(path, HEADER, GOOD)
    run(table(path, value="value"), lake, max_bad_share=0.02)
    write(path, HEADER, GOOD, "1,2,1610000000,0.7")
    run(table(path, value="value"), lake, max_bad_share=0.02)
    assert bad(lake) == []


def test_nothing_left(tmp_path: Path, lake: Lake) -> None:
    path = write(tmp_path / "a.csv", HEADER, GOOD)
    with pytest.raises(DataError, match=r"none of the 1 rows is left.*value_min"):
        run(table(path, value="value", value_min=0.9), lake)


def test_days_without_times_are_told_how_repeats_are_kept(tmp_path: Path, lake: Lake) -> None:
    path = write(tmp_path / "a.csv", "user_id,item_id,ts", *["1,2,2021-01-07"] * 3)
    with pytest.raises(DataError, match=r"or its mapping\), set ingest\.keep_duplicates"):
        run(table(path), lake, max_bad_share=0.02)
    run(table(path), lake, max_bad_share=0.02, keep_duplicates=True)
