"""``zavtra daily --config kion`` on files in KION's own format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from own_data import events
from small_day import AS_OF, Zavtra

USERS, ITEMS = 150, 60


def test_generated_files(tmp_path: Path, zavtra: Zavtra) -> None:
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
    run_the_day(tmp_path, people, zavtra)


@pytest.mark.real
def test_real_users(tmp_path: Path, zavtra: Zavtra, real_data: Callable[[str], Path]) -> None:
    people = pd.read_csv(real_data("kion-sample") / "users_features_subset.csv")
    run_the_day(tmp_path, people.head(USERS), zavtra)


def run_the_day(folder: Path, people: pd.DataFrame, zavtra: Zavtra) -> None:
    kion = folder / "kion"
    kion.mkdir()
    ids = people["user_id"].to_numpy()
    people.to_csv(kion / "users.csv", index=False)
    log = write_log(kion, ids[20:])  # the first twenty never watched anything
    write_items(kion)

    run = zavtra("daily", "--config", "kion", ZAVTRA_DATA=str(folder))
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    path = folder / "home" / "kion" / "recommendations" / f"as_of={AS_OF}" / "part.parquet"
    lists = pd.read_parquet(path)
    assert {*lists["user_id"]} == {*ids}
    assert (lists.groupby("user_id").size() == 10).all()
    seen = {*zip(log["user_id"], log["item_id"], strict=True)}
    assert not seen & {*zip(lists["user_id"], lists["item_id"], strict=True)}


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
