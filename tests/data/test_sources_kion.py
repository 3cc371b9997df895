"""KION: original, English and cut-down files."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from intake import bad, log, run, write

from data.contract import DataError
from data.lake import Lake
from data.sources import make_source

REAL = Path(os.environ.get("ZAVTRA_DATA", "nowhere"))
ITEMS = (
    "item_id,content_type,title,title_orig,release_year,genres,countries,for_kids,age_rating,"
    "studios,directors,actors,description,keywords"
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def kion(folder: Path) -> Path:
    write(
        folder / "interactions.csv",
        "user_id,item_id,last_watch_dt,total_dur,watched_pct",
        "176549,9506,2021-01-11,4250,72.0",  # 0
        "699317,1659,2021-01-11,8317,100.0",  # 1
        "656683,7107,2021-01-09,10,0.0",  # 2
        "864613,7638,2021-01-05,14483,145.0",  # 3: watched more than once
        "964868,9506,2021-01-30,6703,",  # 4: the real file has such rows
    )
    write(
        folder / "users.csv",
        "user_id,age,income,sex,kids_flg",
        "176549,age_25_34,income_60_90,М,1",
        "555,,,,0",
    )
    write(
        folder / "items.csv",
        ITEMS,
        '9506,film,Поговори с ней,Hable con ella,2002.0,"драмы, зарубежные",Испания,,16.0,,'
        '"Педро Альмодовар","Адольфо Фернандес, Ана Фернандес","Две\nстроки",ключи',
        "1659,series,Без имени,,,,,1.0,0.0,,,,,",
    )
    return folder


def test_full_files(tmp_path: Path, lake: Lake) -> None:
    report = run(make_source("kion", path=str(kion(tmp_path / "kion"))), lake)
    assert log(lake) == [
        (864613, 7638, "2021-01-05 00:00:00", 1.0),
        (656683, 7107, "2021-01-09 00:00:00", 0.0),
        (176549, 9506, "2021-01-11 00:00:00", 0.72),
        (699317, 1659, "2021-01-11 00:00:00", 1.0),
    ]
    assert bad(lake) == [
        (6, "value is missing (column 'watched_pct')", "964868,9506,2021-01-30,6703,")
    ]
    assert "1 values above the scale were cut down to it" in report.warnings
    assert report.interactions.clipped == 1
    first = lake.read_table("interactions", "day=2021-01-05", "part.parquet")
    assert first["duration_s"].to_pylist() == [14483.0]
    assert lake.read_table("users.parquet").to_pydict() == {
        "user": [0, 1],
        "age": ["age_25_34", None],
        "income": ["income_60_90", None],
        "sex": ["М", None],
        "kids_flg": ["1", "0"],
    }
    assert lake.read_table("items.parquet").to_pydict() == {
        "item": [0, 1],
        "title": ["Поговори с ней", "Без имени"],
        "content_type": ["film", "series"],
        "age_rating": ["16.0", "0.0"],
        "for_kids": [None, "1.0"],
        "release_year": [2002.0, None],
        "genres": [["драмы", "зарубежные"], None],
        "countries": [["Испания"], None],
        "studios": [None, None],
        "directors": [["Педро Альмодовар"], None],
        "actors": [["Адольфо Фернандес", "Ана Фернандес"], None],
    }


def test_english_files_and_one_file_a_day(tmp_path: Path, lake: Lake) -> None:
    folder = tmp_path / "kion"
    header = "user_id,item_id,last_watch_dt,total_dur,watched_pct"
    write(folder / "interactions_2021-01-02.csv", header, "2,5,2021-01-02,10,50")
    write(folder / "interactions_2021-01-01.csv", header, "1,5,2021-01-01,10,50")
    write(folder / "users_en.csv", "user_id,age,income,sex,kids_flg", "1,age_25_34,x,M,0")
    write(folder / "items_en.csv", "item_id,title,genres", '5,Talk to Her,"drama, foreign"')
    report = run(make_source("kion", path=str(folder)), lake)
    assert [row[0] for row in log(lake)] == [1, 2]
    assert lake.read_table("items.parquet")["genres"].to_pylist() == [["drama", "foreign"]]
    assert any(note.startswith("items have no content_type") for note in report.warnings)
    write(folder / "interactions_2021-01-03.csv", header, "3,5,2021-01-03,10,50")
    assert (
        run(make_source("kion", path=str(folder)), lake).why == "new: interactions_2021-01-03.csv"
    )


def test_original_files_win_over_english_ones(tmp_path: Path, lake: Lake) -> None:
    folder = kion(tmp_path / "kion")
    write(folder / "items_en.csv", "item_id,title", "9506,Talk to Her")
    report = run(make_source("kion", path=str(folder)), lake)
    assert lake.read_table("items.parquet")["title"].to_pylist()[0] == "Поговори с ней"
    assert any("English files are left aside" in note for note in report.warnings)


def test_without_users_and_items(tmp_path: Path, lake: Lake) -> None:
    folder = tmp_path / "kion"
    write(folder / "interactions.csv", "user_id,item_id,last_watch_dt", "1,5,2021-01-01")
    report = run(make_source("kion", path=str(folder)), lake)
    assert log(lake) == [(1, 5, "2021-01-01 00:00:00", 1.0)]
    assert [note for note in report.warnings if "no attributes" in note] == [
        "no users*.csv: users have no attributes",
        "no items*.csv: items have no attributes",
    ]


def test_what_is_no_kion(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no interactions\*\.csv"):
        make_source("kion", path=str(tmp_path))
    write(tmp_path / "interactions.csv", "user_id,item_id,last_watch_date", "1,5,2021-01-01")
    with pytest.raises(DataError, match=r"did you mean 'last_watch_date'\?\. Expected are the"):
        make_source("kion", path=str(tmp_path))


@pytest.mark.real
def test_real_sample(tmp_path: Path, lake: Lake) -> None:
    if not (REAL / "kion-sample").is_dir():
        pytest.skip("set ZAVTRA_DATA to a folder with kion-sample/ to test on a real day of KION")
    report = run(
        make_source("kion", path=str(REAL / "kion-sample")),
        lake,
        now=datetime(2021, 9, 1, tzinfo=UTC),
    )
    assert (report.interactions.kept, report.days) == (33_785, 1)
    users = lake.read_table("users.parquet")
    assert len(users) == 169_114
    assert set(users["sex"].to_pylist()) >= {"М", "Ж"}
    assert (bad(lake), bad(lake, "users")) == ([], [])
