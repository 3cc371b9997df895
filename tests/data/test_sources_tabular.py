"""Any CSV or Parquet file with a mapping of columns."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, date, datetime
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from intake import bad, log, parquet, run, table, write

from data.contract import DataError
from data.lake import Lake
from data.sources import make_source

REAL = Path(os.environ.get("ZAVTRA_DATA", "nowhere"))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def test_other_names_delimiter_and_value_rule(tmp_path: Path, lake: Lake) -> None:
    path = write(
        tmp_path / "clicks.csv",
        "who;what;when;stars",
        "ann;A-1;2021-01-02 10:00:00;5",  # 0
        "bob;B-2;2021-01-01 09:00:00;1",  # 1
        "ann;C-3;2021-01-02 08:00:00;4",  # 2
    )
    columns = {"user_id": "who", "item_id": "what", "ts": "when", "value": "stars"}
    source = table(path, **columns, value_scale=5, value_min=2, delimiter=";")
    report = run(source, lake)
    assert log(lake) == [
        ("ann", "C-3", "2021-01-02 08:00:00", 0.8),
        ("ann", "A-1", "2021-01-02 10:00:00", 1.0),
    ]
    assert (report.interactions.kept, report.interactions.left_out) == (2, 1)
    assert bad(lake) == []
    # bob's only row is left out: he is no user of the log.
    assert lake.read_table("ids", "users.parquet").to_pydict() == {"code": [0], "id": ["ann"]}
    assert any("value_min" in warning for warning in report.warnings)


@pytest.mark.parametrize(
    ("cell", "ts_format", "expected"),
    [
        ("1610000000", "auto", "2021-01-07 06:13:20"),
        ("1610000000.25", "auto", "2021-01-07 06:13:20"),
        ("1610000000123", "auto", "2021-01-07 06:13:20"),
        ("1610000000123456", "auto", "2021-01-07 06:13:20"),
        ("1610000000123456789", "auto", "2021-01-07 06:13:20"),
        ("1610000000", "s", "2021-01-07 06:13:20"),
        ("1610000000123", "ms", "2021-01-07 06:13:20"),
        ("1610000000123456", "us", "2021-01-07 06:13:20"),
        ("20210107", "auto", "2021-01-07 00:00:00"),
        ("2021-01-07", "auto", "2021-01-07 00:00:00"),
        ("2021-01-07T06:13:20Z", "auto", "2021-01-07 06:13:20"),
        ("2021-01-07 06:13:20.5", "auto", "2021-01-07 06:13:20"),
        ("2021-01-07T09:13:20+03:00", "auto", "2021-01-07 06:13:20"),
        ("07.01.2021 06:13", "%d.%m.%Y %H:%M", "2021-01-07 06:13:00"),
        ("07.01.2021 06:13 +0300", "%d.%m.%Y %H:%M %z", "2021-01-07 03:13:00"),
    ],
)
def test_times_are_read(
    tmp_path: Path, lake: Lake, cell: str, ts_format: str, expected: str
) -> None:
    path = write(tmp_path / "a.csv", "user_id,item_id,ts", f"1,2,{cell}")
    run(table(path, ts_format=ts_format), lake)
    assert log(lake) == [(1, 2, expected, 1.0)]


def test_naive_times_and_days_are_of_the_zone(tmp_path: Path, lake: Lake) -> None:
    path = write(
        tmp_path / "a.csv",
        "user_id,item_id,ts",
        "1,1,2021-01-07 00:30:00",  # naive: half past midnight in Moscow
        "1,2,2021-01-06T22:00:00Z",  # an hour after midnight in Moscow
        "1,3,2021-01-06T20:59:59Z",  # still the sixth
    )
    run(table(path), lake, timezone="Europe/Moscow")
    assert lake.days() == [date(2021, 1, 6), date(2021, 1, 7)]
    assert [row[2] for row in log(lake)] == [
        "2021-01-06 20:59:59",
        "2021-01-06 21:30:00",
        "2021-01-06 22:00:00",
    ]


@pytest.mark.parametrize(
    "times",
    [
        pa.array([1610000000], pa.int32()),
        pa.array([1610000000000], pa.int64()),
        pa.array([1610000000.0], pa.float64()),
        pa.array([datetime(2021, 1, 7, 6, 13, 20)], pa.timestamp("ns")),
        pa.array([datetime(2021, 1, 7, 6, 13, 20)], pa.timestamp("s")),
        pa.array([datetime(2021, 1, 7, 6, 13, 20, tzinfo=UTC)], pa.timestamp("ms", "Asia/Tokyo")),
        pa.array(["2021-01-07 06:13:20"]),
        pa.array(["2021-01-07 06:13:20"]).dictionary_encode(),
    ],
    ids=str,
)
def test_typed_times_of_parquet(tmp_path: Path, lake: Lake, times: pa.Array) -> None:
    path = parquet(tmp_path / "a.parquet", user_id=["x"], item_id=pa.array([7.0]), ts=times)
    run(table(path), lake)
    assert log(lake) == [("x", 7, "2021-01-07 06:13:20", 1.0)]


def test_typed_dates_of_parquet(tmp_path: Path, lake: Lake) -> None:
    days = pa.array([date(2021, 1, 7)])
    run(table(parquet(tmp_path / "a.pq", user_id=[1], item_id=[2], ts=days)), lake)
    assert log(lake) == [(1, 2, "2021-01-07 00:00:00", 1.0)]


def test_bad_rows_of_parquet_are_named_by_number(tmp_path: Path, lake: Lake) -> None:
    path = parquet(tmp_path / "a.parquet", user_id=[1, None, 3], item_id=[1, 2, 3], ts=[10, 20, 30])
    run(table(path), lake)
    assert bad(lake) == [(2, "user id is missing (column 'user_id')", ",2,20")]


def test_names_of_the_source_do_not_clash_with_ours(tmp_path: Path, lake: Lake) -> None:
    path = write(
        tmp_path / "a.csv",
        "v,uid,record,dur,ts,row",
        "0.5,1610000000,u,7,3,q",
        "1,1610000001,w,8,4,q",
    )
    columns = {
        "user_id": "record",
        "item_id": "row",
        "ts": "uid",
        "value": "v",
        "duration_s": "dur",
    }
    run(table(path, **columns), lake)
    assert log(lake) == [
        ("u", "q", "2021-01-07 06:13:20", 0.5),
        ("w", "q", "2021-01-07 06:13:21", 1.0),
    ]


def test_gzip_bom_crlf_quotes_and_newlines(tmp_path: Path, lake: Lake) -> None:
    text = '\ufeffuser_id,item_id,ts,note\r\n"a","x",1610000000,"two\r\nlines"\r\nb,"y, z",17,\r\n'
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress((text + ",x,1610000002,\r\n").encode()))
    run(table(path), lake)
    assert [row[:2] for row in log(lake)] == [("b", "y, z"), ("a", "x")]
    assert bad(lake) == [(5, "user id is missing (column 'user_id')", ",x,1610000002,")]


def test_globs_read_in_order_of_names_and_remote_files(lake: Lake) -> None:
    fs = fsspec.filesystem("memory")
    for name, user in (("b", 2), ("a", 1)):
        fs.pipe(f"/shop/{name}.csv", f"user_id,item_id,ts\n{user},5,1610000000\n".encode())
    run(table("memory://shop/*.csv"), lake)
    assert [row[0] for row in log(lake)] == [1, 2]
    assert lake.interactions(date(2100, 1, 1))["row"].to_pylist() == [0, 1]
    fs.rm("/shop", recursive=True)


def test_attributes_of_users_and_items(tmp_path: Path, lake: Lake) -> None:
    clicks = write(tmp_path / "c.csv", "user_id,item_id,ts", "u9,i2,1610000000", "u1,i1,1610000001")
    users = write(tmp_path / "u.csv", "id,sex,age", "u1,F,30", "u2,,", "u3,M,nan")
    items = write(tmp_path / "i.csv", "id,name,tags", "i1,One,a; b;a", "i2,,", "i3,Three,;c")
    source = make_source(
        "tabular",
        interactions={"path": str(clicks)},
        users={"path": str(users), "id": "id", "categorical": ["sex"], "numeric": ["age"]},
        items={
            "path": str(items),
            "id": "id",
            "multi": ["tags"],
            "separator": ";",
            "title": "name",
        },
    )
    report = run(source, lake)
    # Codes: the table in its order, then the log by first appearance.
    assert lake.read_table("ids", "users.parquet")["id"].to_pylist() == ["u1", "u2", "u3", "u9"]
    assert lake.read_table("users.parquet").to_pydict() == {
        "user": [0, 1, 2],
        "sex": ["F", None, "M"],
        "age": [30.0, None, None],
    }
    assert lake.read_table("items.parquet").to_pydict() == {
        "item": [0, 1, 2],
        "title": ["One", None, "Three"],
        "tags": [["a", "b"], None, ["c"]],
    }
    assert lake.read_json("attributes.json") == {
        "users": {"categorical": ["sex"], "numeric": ["age"], "multi": []},
        "items": {"categorical": [], "numeric": [], "multi": ["tags"]},
    }
    assert "1 of 2 users of the log are not in the users table" in report.warnings


def test_without_tables_only_codes_are_written(tmp_path: Path, lake: Lake) -> None:
    run(table(write(tmp_path / "c.csv", "user_id,item_id,ts", "1,2,1610000000")), lake)
    users, items = lake.read_table("users.parquet"), lake.read_table("items.parquet")
    assert users.schema.names == ["user"]
    assert items.schema == pa.schema(
        [pa.field("item", pa.int32(), nullable=False), pa.field("title", pa.string())]
    )
    assert len(users) == len(items) == 0


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("user_id,itemid,ts", "no column 'item_id'.*did you mean 'itemid'"),
        ("user_id;item_id;ts", "is the delimiter ';'"),
    ],
)
def test_missing_column_names_those_found(
    tmp_path: Path, lake: Lake, header: str, says: str
) -> None:
    path = write(tmp_path / "c.csv", header, "1,2,1610000000")
    with pytest.raises(DataError, match=says):
        run(table(path), lake)


def test_files_that_cannot_be(tmp_path: Path) -> None:
    write(tmp_path / "events.csv", "a")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "fake.parquet").write_text("user_id\n1\n")
    (tmp_path / "photo.csv").write_bytes(b"\x89PNG\x00\x00")
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and then nothing")
    for name, says in {
        "event.csv": r"no file .*did you mean 'events.csv'",
        "nowhere/a.csv": "nor the folder",
        "*.tsv": "no file matches",
        "": "is a folder: give a file or a glob",
        "empty.csv": "is empty",
        "fake.parquet": "no Parquet file",
        "photo.csv": "neither CSV nor Parquet",
    }.items():
        with pytest.raises(DataError, match=says):
            table(tmp_path / name if name else tmp_path)
    with pytest.raises(DataError, match="cut short"):
        run(table(tmp_path / "cut.parquet"), Lake(tmp_path / "lake"))


def test_unreadable_file_and_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.csv", "user_id,item_id,ts")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr("fsspec.implementations.local.LocalFileSystem.open", refuse)
        with pytest.raises(DataError, match=r"a\.csv cannot be opened: Permission denied"):
            table(path)
    with pytest.raises(DataError, match="Protocol not known"):
        table("s9://bucket/a.csv")


def test_first_rows_without_arrival_do_not_hide_how_it_is_written(
    tmp_path: Path, lake: Lake
) -> None:
    rows = ["1,1,1610000000,", "1,2,1610000000,1610100000"]
    path = write(tmp_path / "a.csv", "user_id,item_id,ts,came", *rows)
    run(table(path, known_at="came"), lake)
    assert bad(lake) == []
    assert [str(day) for day in lake.days()] == ["2021-01-07", "2021-01-08"]


def test_header_alone_and_unclosed_quote(tmp_path: Path, lake: Lake) -> None:
    with pytest.raises(DataError, match="no rows"):
        run(table(write(tmp_path / "a.csv", "user_id,item_id,ts")), lake)
    path = write(tmp_path / "b.csv", "user_id,item_id,ts", '1,"2,1610000000', "3,4,1610000000")
    with pytest.raises(DataError, match=r"never closed|bad"):
        run(table(path), lake, max_bad_share=0)


def test_wrong_strptime_format_is_explained(tmp_path: Path, lake: Lake) -> None:
    path = write(tmp_path / "a.csv", "user_id,item_id,ts", "1,2,07.01.2021")
    with pytest.raises(DataError, match="ts_format"):
        run(table(path, ts_format="%Q"), lake)
    with pytest.raises(DataError, match=r"time cannot be read \(column 'ts'\)"):
        run(table(path, ts_format="auto"), lake, max_bad_share=0)


def test_days_written_as_whole_numbers(tmp_path: Path, lake: Lake) -> None:
    days = pa.table({"user_id": [1, 2], "item_id": [1, 1], "ts": [20200229, 20210107]})
    pq.write_table(days, tmp_path / "a.parquet")
    run(table(tmp_path / "a.parquet"), lake)
    assert [str(day) for day in lake.days()] == ["2020-02-29", "2021-01-07"]


def test_unknown_kind_and_zone(tmp_path: Path, lake: Lake) -> None:
    with pytest.raises(DataError, match="did you mean 'movielens'"):
        make_source("movielense", path="x")
    path = write(tmp_path / "a.csv", "user_id,item_id,ts", "1,2,1610000000")
    with pytest.raises(DataError, match="no time zone"):
        run(table(path), lake, timezone="Mars/Olympus")


def test_attribute_with_a_name_of_the_lake(tmp_path: Path, lake: Lake) -> None:
    clicks = write(tmp_path / "c.csv", "user_id,item_id,ts", "1,2,1610000000")
    items = write(tmp_path / "i.csv", "id,title", "2,x")
    source = make_source(
        "tabular",
        interactions={"path": str(clicks)},
        items={"path": str(items), "id": "id", "categorical": ["title"]},
    )
    with pytest.raises(DataError, match="cannot be called 'title'"):
        run(source, lake)


@pytest.mark.real
def test_real_globo(tmp_path: Path, lake: Lake) -> None:
    clicks = REAL / "globo" / "clicks.parquet"
    if not clicks.is_file():
        pytest.skip("set ZAVTRA_DATA to a folder with globo/ to test on three million clicks")
    report = run(table(clicks, item_id="click_article_id", ts="click_timestamp"), lake)
    assert report.interactions.kept == 2_987_469
    assert (report.users, report.items, report.days) == (322_892, 45_695, 17)
