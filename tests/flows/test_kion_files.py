"""``zavtra daily --config kion`` on files in KION's own format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from own_data import events
from small_day import AS_OF, Zavtra

from flows.daily import daily

USERS, ITEMS = 150, 60


def test_generated_files(tmp_path: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    people = pd.DataFrame(
        {
            "user_id": rng.choice(1_100_000, USERS, replace=False),
            "age": rng.choice(["age_18_24", "age_25_34", None], USERS),
            "income": rng.choice(["income_20_40", "income_60_90", None], USERS),
            "sex": rng.choice(["М", "Ж", None], USERS),
            "kids_flg": rng.integers(0, 2, USERS),
        }
    )
    log = write_files(tmp_path / "kion", people)
    monkeypatch.setenv("ZAVTRA_DATA", str(tmp_path))
    assert str(daily(config="kion", home=str(tmp_path / "home")).as_of) == AS_OF
    check_lists(tmp_path / "home", people, log)


@pytest.mark.real
def test_real_users(tmp_path: Path, zavtra: Zavtra, real_data: Callable[[str], Path]) -> None:
    file = real_data("kion-sample") / "users_features_subset.csv"
    people = pd.read_csv(file, nrows=USERS)
    log = write_files(tmp_path / "kion", people)
    run = zavtra("daily", "--config", "kion", ZAVTRA_DATA=str(tmp_path))
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    check_lists(tmp_path / "home", people, log)


def check_lists(home: Path, people: pd.DataFrame, log: pd.DataFrame) -> None:
    path = home / "kion" / "recommendations" / f"as_of={AS_OF}" / "part.parquet"
    lists = pd.read_parquet(path)
    assert {*lists["user_id"]} == {*people["user_id"]}
    assert (lists.groupby("user_id").size() == 10).all()
    seen = {*zip(log["user_id"], log["item_id"], strict=True)}
    assert not seen & {*zip(lists["user_id"], lists["item_id"], strict=True)}


def write_files(folder: Path, people: pd.DataFrame) -> pd.DataFrame:
    folder.mkdir()
    people.to_csv(folder / "users.csv", index=False)
    write_items(folder)
    return write_log(folder, people["user_id"].to_numpy()[20:])  # the first never watched


def write_log(folder: Path, ids: np.ndarray) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    log = events(users=len(ids), items=ITEMS, rows=3000)
    share = rng.integers(0, 101, len(log)).astype(float)
    share[:5] = 145.0  # watched more than once
    made = pd.DataFrame(
        {
            "user_id": ids[log["who"]],
            "item_id": 9000 + log["what"].to_numpy(),
            "last_watch_dt": log["at"].dt.strftime("%Y-%m-%d").to_numpy(),
            "total_dur": (share * 60).astype(int),
            "watched_pct": share,
        }
    )
    made.to_csv(folder / "interactions.csv", index=False)
    return made


def write_items(folder: Path) -> None:
    number = np.arange(ITEMS)
    empty = np.full(ITEMS, "")
    pd.DataFrame(
        {
            "item_id": 9000 + number,
            "content_type": np.where(number % 3, "film", "series"),
            "title": [f"Фильм {n}, или «{n + 1}»" for n in number],
            "title_orig": empty,
            "release_year": 1960.0 + number,
            "genres": np.where(number % 2, "драмы, зарубежные", "комедии"),
            "countries": np.where(number % 5, "Россия", "Испания, Франция"),
            "for_kids": empty,
            "age_rating": np.where(number % 4, 16.0, 0.0),
            "studios": empty,
            "directors": np.where(number % 7, "Педро Альмодовар", ""),
            "actors": [f"Актёр {n % 9}, Актёр {n % 11}" for n in number],
            "description": "Две\nстроки, и запятая",
            "keywords": empty,
        }
    ).to_csv(folder / "items.csv", index=False)
