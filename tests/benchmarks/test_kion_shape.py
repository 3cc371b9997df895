"""The stand-in for KION: same seed same bytes, unique pairs, the shape that was promised."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.kion_shape import ITEMS, kion_shape_settings, last_day, write_kion_shape
from config.settings import Settings
from config.sources import TabularSource as TabularSettings
from data.sources.tabular import TabularSource

USERS = 12_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("kion")
    write_kion_shape(made, users=USERS)
    return made


@pytest.fixture(scope="module")
def log(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "interactions.parquet")


def test_sizes_are_exact_and_pairs_are_unique(log: pd.DataFrame) -> None:
    assert len(log) == round(5_000_000 * USERS / 962_179)
    assert log["user_id"].nunique() == USERS
    assert not log.duplicated(["user_id", "item_id"]).any()
    assert log["last_watch_dt"].min() == date(2021, 3, 13)
    assert log["last_watch_dt"].max() == last_day() == date(2021, 8, 22)
    assert log["last_watch_dt"].nunique() == 163
    assert log["watched_pct"].between(0, 100).all()
    assert (log["total_dur"] > 0).all()


def test_histories_are_short_with_a_long_tail(log: pd.DataFrame) -> None:
    length = log["user_id"].value_counts()
    assert length.median() <= 3
    assert 0.25 < (length == 1).mean() < 0.5
    assert length.max() > 20 * length.mean()


def test_a_few_items_hold_half_of_the_events(log: pd.DataFrame) -> None:
    share = log["item_id"].value_counts(normalize=True)
    assert 0.05 < share.head(10).sum() < 0.2
    assert 0.25 < share.head(100).sum() < 0.5


def test_releases_decay(folder: Path, log: pd.DataFrame) -> None:
    items = pd.read_parquet(folder / "items.parquet").set_index("item_id")
    week = pd.to_datetime(log["last_watch_dt"]).sub(pd.Timestamp("2021-03-13")).dt.days // 7
    first = week.groupby(log["item_id"]).min()
    # Of this year and first seen weeks after the log began, often enough to tell.
    count = log["item_id"].value_counts()
    new = first[(items["release_year"].reindex(first.index) == 2021) & first.between(3, 14)]
    new = new[count[new.index] >= 20]
    age = (week - log["item_id"].map(new)).dropna()
    assert len(new) > 10
    assert (age < 3).sum() > 1.4 * age.between(5, 7).sum()


def test_attributes_have_the_cardinalities_of_kion(folder: Path, log: pd.DataFrame) -> None:
    items = pd.read_parquet(folder / "items.parquet")
    users = pd.read_parquet(folder / "users.parquet")
    assert len(items) == ITEMS
    assert set(log["item_id"]) <= set(items["item_id"])
    assert items["genres"].explode().nunique() == 97
    assert items["genres"].map(len).mean() == pytest.approx(2.5, abs=0.2)
    assert items["countries"].explode().nunique() == 70
    assert items["actors"].explode().nunique() > 20_000
    assert not items["genres"].map(lambda row: len(set(row)) < len(row)).any()
    assert set(items["content_type"]) == {"film", "series"}
    assert (users["age"].nunique(), users["income"].nunique(), users["sex"].nunique()) == (6, 6, 2)
    assert users["age"].isna().mean() == pytest.approx(0.125, abs=0.02)


def test_same_seed_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_kion_shape(tmp_path / "same", users=USERS)
    write_kion_shape(tmp_path / "other", users=USERS, seed=1)
    for name in ("interactions.parquet", "users.parquet", "items.parquet"):
        content = (folder / name).read_bytes()
        assert (tmp_path / "same" / name).read_bytes() == content
        assert (tmp_path / "other" / name).read_bytes() != content


def test_the_settings_describe_the_files(folder: Path) -> None:
    settings = Settings.model_validate(kion_shape_settings(folder))
    assert isinstance(settings.source, TabularSettings)
    source = TabularSource(**settings.source.model_dump(exclude={"kind"}))
    for entities in (source.users(), source.items()):
        assert entities is not None
        assert {entities.id, *entities.attributes.names} <= set(entities.parts[0].schema().names)
    log = source.log()
    wanted = {log.user_id, log.item_id, log.ts, log.value, log.duration_s}
    assert wanted == set(log.parts[0].schema().names)


@pytest.mark.parametrize("interactions", [99, 10_000_000])
def test_impossible_sizes_are_refused(tmp_path: Path, interactions: int) -> None:
    with pytest.raises(ValueError, match=r"100 users and 50 items: expected at least one a user"):
        write_kion_shape(tmp_path, users=100, items=50, interactions=interactions)
    assert list(tmp_path.iterdir()) == []
