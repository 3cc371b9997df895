"""Codes of attribute values: given once, whatever is edited, added or removed later."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from intake import bytes_of, run, write

from data.contract import DataError
from data.lake import Lake
from data.sources import make_source
from data.sources.base import Source
from data.values import read_values
from data.versions import attributes_digest

HEADER = "id,kind,genres"
ROWS = ("a,film,drama|crime", "b,series,crime", "c,film,", "d,series,war")
DAY = date(2021, 2, 1)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def shop(tmp_path: Path, *rows: str, **columns: str) -> Source:
    clicks = write(tmp_path / "clicks.csv", "user_id,item_id,ts", "u,a,1610000000")
    header = ",".join([HEADER, *columns.values()])
    items = write(tmp_path / "items.csv", header, *rows)
    mapping = {"id": "id", "categorical": ["kind"], "multi": ["genres"], **columns}
    return make_source(
        "tabular", interactions={"path": str(clicks)}, items={"path": str(items), **mapping}
    )


def codes(lake: Lake) -> dict[str, list[str]]:
    return {name: values.to_pylist() for name, values in read_values(lake, "items").items()}


def test_values_are_numbered_as_they_first_appear(tmp_path: Path, lake: Lake) -> None:
    run(shop(tmp_path, *ROWS), lake)
    assert codes(lake) == {"genres": ["drama", "crime", "war"], "kind": ["film", "series"]}
    assert read_values(lake, "users") == {}


def test_an_edit_changes_no_code(tmp_path: Path, lake: Lake) -> None:
    run(shop(tmp_path, *ROWS), lake)
    before = codes(lake)
    run(shop(tmp_path, "a,series,war", *ROWS[1:]), lake)  # series and war now come first
    assert codes(lake) == before
    run(shop(tmp_path, *reversed(ROWS)), lake)
    assert codes(lake) == before


def test_a_value_that_is_gone_keeps_its_code(tmp_path: Path, lake: Lake) -> None:
    run(shop(tmp_path, *ROWS), lake)
    run(shop(tmp_path, "a,clip,", "b,series,crime|art"), lake)
    assert codes(lake) == {
        "genres": ["drama", "crime", "war", "art"],
        "kind": ["film", "series", "clip"],
    }


def test_the_same_source_gives_the_same_codes(tmp_path: Path, lake: Lake) -> None:
    source, other = shop(tmp_path, *ROWS), Lake(tmp_path / "other")
    run(source, lake)
    run(source, other)
    assert bytes_of(lake) == bytes_of(other)


def test_a_lake_without_codes_gets_them(tmp_path: Path, lake: Lake) -> None:
    source = shop(tmp_path, *ROWS)
    run(source, lake)
    before = bytes_of(lake)
    lake.remove("ids", "items_values.parquet")
    with pytest.raises(DataError, match=r"items_values.parquet is missing: run `zavtra ingest`"):
        read_values(lake, "items")
    assert run(source, lake).why == "ids/items_values.parquet is missing in the lake"
    assert bytes_of(lake)["ids/items_values.parquet"] == before["ids/items_values.parquet"]


def test_codes_of_a_day_do_not_depend_on_later_versions(tmp_path: Path, lake: Lake) -> None:
    """Taken in day by day or at once: what came later has the later codes."""
    early = ("b,series,crime,2021-01-02", "a,film,drama|crime,2021-01-03")
    later = ("c,clip,art,2021-01-05", "a,series,war,2021-01-04", "b,clip,,2021-01-05")
    run(shop(tmp_path, *early, valid_from="since"), lake)
    first = codes(lake)
    assert first == {"genres": ["crime", "drama"], "kind": ["series", "film"]}
    run(shop(tmp_path, *early, *later, valid_from="since"), lake)
    at_once = Lake(tmp_path / "at once")
    run(shop(tmp_path, *later, *early, valid_from="since"), at_once)
    for found in (codes(lake), codes(at_once)):
        assert {name: values[:2] for name, values in found.items()} == first
        assert found["genres"] == ["crime", "drama", "war", "art"]


def test_the_digest_of_a_day_holds_the_codes_of_its_own_values(tmp_path: Path, lake: Lake) -> None:
    rows = ("a,film,drama,2021-01-02", "b,series,,2021-01-03")
    run(shop(tmp_path, *rows, valid_from="since"), lake)
    before = attributes_digest(lake, "items", DAY)
    run(shop(tmp_path, *rows, "b,clip,war,2021-02-01", valid_from="since"), lake)
    assert attributes_digest(lake, "items", DAY) == before
    other = Lake(tmp_path / "other")
    run(shop(tmp_path, "z,series,,2021-01-01", valid_from="since"), other)
    run(shop(tmp_path, *rows, valid_from="since"), other)  # the same two versions, other codes
    other.write_bytes(lake.read_bytes("items_history.parquet"), "items_history.parquet")
    assert attributes_digest(other, "items", DAY) != before
