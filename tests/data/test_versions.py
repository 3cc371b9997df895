"""Versions of users and items: what ingest keeps, what it refuses, and what a day sees."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from intake import bad, bytes_of, run, write

from data.contract import DataError
from data.lake import Lake
from data.sources import make_source
from data.sources.base import Source
from data.versions import entities_as_of

D1, D2, D3 = date(2021, 1, 1), date(2021, 1, 2), date(2021, 1, 3)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def shop(tmp_path: Path, path: str = "u*.csv", **columns: Any) -> Source:
    clicks = write(
        tmp_path / "clicks.csv", "user_id,item_id,ts", "a,1,1610000000", "z,1,1610000000"
    )
    mapping = {"id": "id", "categorical": ["plan"], "numeric": ["age"], "valid_from": "since"}
    return make_source(
        "tabular",
        interactions={"path": str(clicks)},
        users={"path": str(tmp_path / path), **mapping, **columns},
    )


def test_snapshots_become_versions(tmp_path: Path, lake: Lake) -> None:
    header = "id,plan,age,since"
    write(tmp_path / "u1.csv", header, "b,free,20,2021-01-01", "a,free,,2021-01-01")
    write(tmp_path / "u2.csv", header, "a,paid,31,2021-01-03", "b,free,20,2021-01-03")
    run(shop(tmp_path), lake)
    assert lake.read_table("ids", "users.parquet")["id"].to_pylist() == ["b", "a", "z"]
    # b did not change: one version is enough
    assert lake.read_table("users_history.parquet").to_pydict() == {
        "user": [0, 1, 1],
        "plan": ["free", "free", "paid"],
        "age": [20.0, None, 31.0],
        "valid_from": [D1, D1, D3],
    }
    newest = {"user": [0, 1], "plan": ["free", "paid"], "age": [20.0, 31.0]}
    assert lake.read_table("users.parquet").to_pydict() == newest
    assert entities_as_of(lake, "users", D1).num_rows == 0
    for day in (D2, D3):  # known on the third: not on the morning of the third
        found = entities_as_of(lake, "users", day).to_pydict()
        assert found == {"user": [0, 1], "plan": ["free", "free"], "age": [20.0, None]}
    assert entities_as_of(lake, "users", date(2021, 1, 4)).to_pydict() == newest


def test_a_version_may_be_forgotten_again(tmp_path: Path, lake: Lake) -> None:
    """A newer row with an empty cell says: not known any more."""
    write(tmp_path / "u.csv", "id,plan,age,since", "a,free,20,2021-01-01", "a,,,2021-01-02")
    run(shop(tmp_path), lake)
    assert lake.read_table("users_history.parquet")["plan"].to_pylist() == ["free", None]
    assert lake.read_table("users.parquet")["plan"].to_pylist() == [None]


def test_bad_days_and_duplicates_are_put_aside(tmp_path: Path, lake: Lake) -> None:
    write(
        tmp_path / "u.csv",
        "id,plan,age,since",
        "a,free,20,2021-01-01",
        "a,paid,20,",
        "a,paid,20,soon",
        "a,paid,20,1812-01-01",
        "a,paid,20,2021-06-01",  # now is 2021-03-01
        "a,paid,20,2021-01-01 23:00",
        "b,paid,old,2021-01-01",
        "b,paid,21,2021-01-01",
    )
    source = shop(tmp_path)
    run(source, lake)
    column = "(column 'since')"
    assert [(line, reason) for line, reason, _ in bad(lake, "users")] == [
        (3, f"day is missing {column}"),
        (4, f"day cannot be read {column}"),
        (5, f"day cannot be read {column}"),
        (6, f"day is in the future {column}"),
        (7, "duplicate id and day (the first row stays)"),
        (8, "no number (column 'age')"),
    ]
    assert lake.read_table("users_history.parquet").num_rows == 2
    # what was from the future counts as soon as it has happened
    assert run(source, lake).up_to_date
    again = run(source, lake, now=datetime(2021, 6, 2, tzinfo=UTC))
    assert again.why == "rows that were from the future have happened"
    assert lake.read_table("users.parquet")["plan"].to_pylist() == ["paid", "paid"]


@pytest.mark.parametrize(
    ("cell", "timezone", "expected"),
    [
        ("2021-01-02", "UTC", D2),
        ("20210102", "UTC", D2),
        ("1609545600", "UTC", D2),
        ("2021-01-01 22:30:00+00:00", "Europe/Moscow", D2),
        ("2021-01-02", "America/New_York", D2),
    ],
)
def test_days_are_read(
    tmp_path: Path, lake: Lake, cell: str, timezone: str, expected: date
) -> None:
    write(tmp_path / "u.csv", "id,plan,age,since", f"a,free,20,{cell}")
    run(shop(tmp_path), lake, timezone=timezone)
    assert lake.read_table("users_history.parquet")["valid_from"].to_pylist() == [expected]


def test_without_versions_there_is_no_history(tmp_path: Path, lake: Lake) -> None:
    write(tmp_path / "u.csv", "id,plan,age,since", "a,free,20,2021-01-01", "a,paid,20,2021-01-02")
    run(shop(tmp_path), lake)
    run(shop(tmp_path, valid_from=None), lake)
    plain = Lake(tmp_path / "plain")
    run(shop(tmp_path, valid_from=None), plain)
    assert not lake.exists("users_history.parquet")
    assert bytes_of(lake)["users.parquet"] == bytes_of(plain)["users.parquet"]
    assert entities_as_of(lake, "users", D1).to_pydict()["plan"] == ["free"]
    assert bad(lake, "users")[0][1] == "duplicate id (the first row stays)"


def test_a_missing_history_is_made_again(tmp_path: Path, lake: Lake) -> None:
    write(tmp_path / "u.csv", "id,plan,age,since", "a,free,20,2021-01-01")
    run(shop(tmp_path), lake)
    before = bytes_of(lake)
    lake.remove("users_history.parquet")
    assert run(shop(tmp_path), lake).why == "users_history.parquet is missing in the lake"
    assert bytes_of(lake)["users_history.parquet"] == before["users_history.parquet"]


def test_the_column_must_be_there_and_its_name_free(tmp_path: Path, lake: Lake) -> None:
    write(tmp_path / "u.csv", "id,plan,age,since,valid_from", "a,free,20,2021-01-01,x")
    with pytest.raises(DataError, match=r"no column 'sinse'.*did you mean 'since'"):
        run(shop(tmp_path, valid_from="sinse"), lake)
    with pytest.raises(DataError, match=r"attribute cannot be called 'valid_from'"):
        run(shop(tmp_path, categorical=["valid_from"]), lake)
