"""Codes are dense, append-only, and know whether ids are integers or text."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake import run, table, write

from data.contract import DataError
from data.ids import read_ids
from data.lake import Lake

HEADER = "user_id,item_id,ts"


def ingest_users(folder: Path, lake: Lake, *users: str) -> pa.Table:
    write(folder / "a.csv", HEADER, *(f"{u},1,{1610000000 + n}" for n, u in enumerate(users)))
    run(table(folder / "a.csv"), lake)
    return read_ids(lake, "users")


@pytest.mark.parametrize(
    ("users", "kind", "ids"),
    [
        (["7", "-3", " 12 "], pa.int64(), [7, -3, 12]),
        (["7", "x"], pa.string(), ["7", "x"]),
        (["007", "7"], pa.string(), ["007", "7"]),  # not the same person
        (["+7", "8"], pa.string(), ["+7", "8"]),
        (["1.0", "2"], pa.string(), ["1.0", "2"]),
        (["9223372036854775807"], pa.int64(), [2**63 - 1]),
        (["9223372036854775808"], pa.string(), ["9223372036854775808"]),
    ],
)
def test_integers_only_where_all_are(
    tmp_path: Path, users: list[str], kind: pa.DataType, ids: list[object]
) -> None:
    found = ingest_users(tmp_path, Lake(tmp_path / "lake"), *users)
    assert found.schema == pa.schema([("code", pa.int32()), ("id", kind)])
    assert found.to_pydict() == {"code": list(range(len(ids))), "id": ids}


def test_other_type_later_is_an_error(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    ingest_users(tmp_path, lake, "1", "2")
    with pytest.raises(DataError, match="user ids were integers so far and 'x' is none"):
        ingest_users(tmp_path, lake, "1", "x")
    assert read_ids(lake, "users")["id"].to_pylist() == [1, 2]
    texts = Lake(tmp_path / "texts")
    ingest_users(tmp_path, texts, "a", "2")
    with pytest.raises(DataError, match="were text so far and are all integers now"):
        ingest_users(tmp_path, texts, "1", "2")


def test_integers_among_new_texts_are_texts(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    write(tmp_path / "d" / "1.csv", HEADER, "a,1,1610000000")
    run(table(tmp_path / "d" / "*.csv"), lake)
    write(tmp_path / "d" / "2.csv", HEADER, "5,1,1610000000")
    run(table(tmp_path / "d" / "*.csv"), lake)
    assert read_ids(lake, "users")["id"].to_pylist() == ["a", "5"]


def test_nothing_ingested_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="zavtra ingest"):
        read_ids(Lake(tmp_path), "users")


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=6), min_size=2, max_size=3))
def test_codes_never_change(
    tmp_path_factory: pytest.TempPathFactory, logs: list[list[int]]
) -> None:
    folder = tmp_path_factory.mktemp("ids")
    lake = Lake(folder / "lake")
    known: list[int] = []
    for users in logs:
        found = ingest_users(folder, lake, *map(str, users))["id"].to_pylist()
        assert found[: len(known)] == known
        assert len(set(found)) == len(found)
        assert set(found) == {*known, *users}
        known = found
