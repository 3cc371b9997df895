"""MovieLens in its three shapes, and the real files."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from intake import FAR, bad, log, run, write

from data.contract import DataError
from data.lake import Lake
from data.sources import make_source

REAL = Path(os.environ.get("ZAVTRA_DATA", "nowhere"))


def ml_1m(folder: Path) -> Path:
    write(folder / "ratings.dat", "1::10::5::978300760", "2::20::1::978300761", "2::30")
    write(folder / "users.dat", "1::F::1::10::48067", "2::M::56::16::70072")
    write(
        folder / "movies.dat",
        "10::Café 2000 (1995)::Animation|Children's",
        "20::Alien: (No, Really) (1979)::Sci-Fi",
        encoding="latin-1",
    )
    return folder


def ml_100k(folder: Path) -> Path:
    write(folder / "u.data", "1\t10\t4\t881250949")
    write(folder / "u.user", '1|24|M|technician|85"711')
    flags = ["0"] * 19
    movie = ["10", 'La "Cité" (1995)', "01-Jan-1995", "", "http://x"]
    flags[1] = flags[4] = "1"
    unknown = ["267", "unknown", "", "", "", "1", *["0"] * 18]
    write(folder / "u.item", "|".join(movie + flags), "|".join(unknown), encoding="latin-1")
    return folder


def latest(folder: Path) -> Path:
    write(folder / "ratings.csv", "userId,movieId,rating,timestamp", "1,10,4.5,978300760")
    write(
        folder / "movies.csv",
        "movieId,title,genres",
        '10,"American President, The (1995)",Comedy|Drama',
        "20,Untitled,(no genres listed)",
    )
    return folder


def ingested(folder: Path, tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    run(make_source("movielens", path=str(folder)), lake)
    return lake


def test_1m(tmp_path: Path) -> None:
    lake = ingested(ml_1m(tmp_path / "ml-1m"), tmp_path)
    assert log(lake) == [(1, 10, "2000-12-31 22:12:40", 1.0), (2, 20, "2000-12-31 22:12:41", 0.2)]
    assert bad(lake) == [(3, "wrong number of columns: 2, not 4", "2::30")]
    assert lake.read_table("users.parquet").to_pydict() == {
        "user": [0, 1],
        "gender": ["F", "M"],
        "occupation": ["10", "16"],
        "age": [1.0, 56.0],
    }
    assert lake.read_table("items.parquet").to_pydict() == {
        "item": [0, 1],
        "title": ["Café 2000 (1995)", "Alien: (No, Really) (1979)"],
        "year": [1995.0, 1979.0],
        "genres": [["Animation", "Children's"], ["Sci-Fi"]],
    }


def test_100k(tmp_path: Path) -> None:
    lake = ingested(ml_100k(tmp_path / "ml-100k"), tmp_path)
    assert log(lake) == [(1, 10, "1997-12-04 15:55:49", 0.8)]
    assert lake.read_table("users.parquet").to_pydict() == {
        "user": [0],
        "gender": ["M"],
        "occupation": ["technician"],
        "age": [24.0],
    }
    assert lake.read_table("items.parquet").to_pydict() == {
        "item": [0, 1],
        "title": ['La "Cité" (1995)', "unknown"],
        "year": [1995.0, None],
        "genres": [["Action", "Children's"], None],
    }


def test_latest(tmp_path: Path) -> None:
    lake = ingested(latest(tmp_path / "ml-latest"), tmp_path)
    assert log(lake) == [(1, 10, "2000-12-31 22:12:40", 0.9)]
    assert lake.read_table("users.parquet").schema.names == ["user"]
    assert lake.read_table("items.parquet").to_pydict() == {
        "item": [0, 1],
        "title": ["American President, The (1995)", "Untitled"],
        "year": [1995.0, None],
        "genres": [["Comedy", "Drama"], None],
    }


def test_delimiter_across_blocks_of_the_stream(tmp_path: Path) -> None:
    folder = ml_1m(tmp_path / "ml-1m")
    rows = [f"{n}::{n % 7}::5::{978300760 + n}" for n in range(1, 9001)]
    write(folder / "ratings.dat", *rows)  # longer than one block
    lake = ingested(folder, tmp_path)
    assert bad(lake) == []
    assert [row[0] for row in log(lake)] == list(range(1, 9001))


def test_folder_without_movielens(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds none of ratings\.dat.*zavtra fetch"):
        make_source("movielens", path=str(tmp_path))
    write(tmp_path / "ratings.dat", "1::1::1::1")
    with pytest.raises(DataError, match=r"there is no file .*users\.dat"):
        make_source("movielens", path=str(tmp_path)).users()


@pytest.mark.real
def test_real_1m(tmp_path: Path) -> None:
    if not (REAL / "ml-1m").is_dir():
        pytest.skip("set ZAVTRA_DATA to a folder with ml-1m/ to test on the real MovieLens-1M")
    lake = ingested(REAL / "ml-1m", tmp_path)
    assert len(lake.interactions(FAR)) == 1_000_209
    before = lake.interactions(date(2000, 12, 28))["value"].to_numpy()
    assert (before >= np.float32(0.8)).sum() == 518_164
    assert (len(lake.read_table("users.parquet")), len(lake.read_table("items.parquet"))) == (
        6040,
        3883,
    )
    items = lake.read_table("items.parquet")
    assert items["year"].null_count == items["genres"].null_count == 0
    assert bad(lake) == []


@pytest.mark.real
def test_real_100k(tmp_path: Path) -> None:
    if not (REAL / "ml-100k").is_dir():
        pytest.skip("set ZAVTRA_DATA to a folder with ml-100k/ to test on the real MovieLens-100k")
    lake = ingested(REAL / "ml-100k", tmp_path)
    assert len(lake.interactions(FAR)) == 100_000
    assert len(lake.read_table("users.parquet")) == 943
    items = lake.read_table("items.parquet")
    assert (len(items), items["year"].null_count) == (1682, 1)
    assert bad(lake) == bad(lake, "items") == bad(lake, "users") == []
