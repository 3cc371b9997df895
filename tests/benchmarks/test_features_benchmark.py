"""The parts of the features benchmark and of the ablation that can be tried without minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import features as benchmark
from benchmarks.ablation import RANKS, SCORES, SINGLE, families
from benchmarks.cuts import ALL, HIGHEST, LOWEST, describe_cuts
from benchmarks.features_naive import _affinity, _audience, _of_entity, naive_day
from benchmarks.kion_shape import kion_shape_settings, last_day, write_kion_shape
from config.settings import Settings
from data.ingest import ingest
from data.lake import Lake
from data.sources import make_source
from features.catalog import build_catalog

LOG = pd.DataFrame(
    {  # user 0 met 0 yesterday and 1 ten days ago, user 1 met 0 yesterday
        "user": [0, 0, 1],
        "item": [0, 1, 0],
        "value": [1.0, 0.5, 0.25],
        "positive": [True, True, False],
        "ago": [1, 10, 1],
    }
)


def test_pandas_counts_what_the_features_count() -> None:
    users = _of_entity(LOG, "user").set_index("user")
    assert users.loc[0, ["events_user_all", "events_user_7", "days_user_all"]].tolist() == [2, 1, 2]
    assert users.loc[0, ["first_user", "last_user"]].tolist() == [10, 1]
    assert users.loc[1, "value_user_1"] == 0.25
    items = pd.DataFrame({"item": [0, 1], "genres": [["a", "b"], ["a"]]})
    taste = _affinity(LOG, items, "genres").set_index(["user", "genres"])
    assert taste.loc[(0, "a"), "share_genres"] == pytest.approx(2 / 3)
    people = pd.DataFrame({"user": [0, 1], "sex": ["f", None]})
    assert _audience(LOG, people, "sex")["audience_sex"].tolist() == [1.0, 1.0]


def test_a_part_done_by_pandas_is_extrapolated(tmp_path: Path) -> None:
    write_kion_shape(tmp_path / "files", users=1000, items=1000, interactions=2500, days=20)
    parameters = Settings(**kion_shape_settings(tmp_path / "files")).source.model_dump()
    lake = Lake(tmp_path / "lake")
    source = make_source(parameters.pop("kind"), **parameters)
    limits = {"max_bad_share": 0.0, "keep_duplicates": False, "timezone": "UTC"}
    ingest(source, lake, now=datetime(2022, 1, 1, tzinfo=UTC), **limits)
    found = naive_day(lake, last_day(20), 0.5, candidates=5, n_users=1000)
    assert found.seconds_all == pytest.approx(2 * found.seconds)
    assert found.features >= 40
    assert "50% of the users" in found.line


GOOD = {
    "state_seconds": 11.0,
    "day_seconds": 0.1,
    "day_seconds_history_x10": 0.12,
    "join_pairs_per_second": 3e6,
    "features": 92,
}


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({}, None),
        ({"state_seconds": 21.0}, "full state"),
        ({"day_seconds": 3.5, "day_seconds_history_x10": 3.5}, "one new day"),
        ({"day_seconds_history_x10": 0.14}, "10 times as long"),
        ({"join_pairs_per_second": 1.9e6}, "join"),
        ({"features": 39}, "40 features"),
    ],
)
def test_each_stated_figure_is_checked(changed: dict[str, float], name: str | None) -> None:
    failed = [check.name for check in benchmark._checks(GOOD | changed) if not check.passed]
    assert len(failed) == (name is not None)
    assert all(name in text for text in failed if name)


def test_a_moved_log_keeps_its_times_of_day(tmp_path: Path) -> None:
    import pyarrow as pa

    from data.contract import INTERACTIONS

    at = pa.array([datetime(2021, 3, 13, 7, 30, tzinfo=UTC)], INTERACTIONS.field("ts").type)
    columns = [at if f.name == "ts" else pa.nulls(1, f.type) for f in INTERACTIONS]
    rows = pa.table(columns, schema=pa.schema([f.with_nullable(True) for f in INTERACTIONS]))
    moved = benchmark._moved(rows, date(2021, 3, 13) - date(2021, 3, 1))
    assert moved["ts"].to_pylist() == [datetime(2021, 3, 1, 7, 30, tzinfo=UTC)]
    assert moved.schema == rows.schema


def test_every_feature_of_the_ranker_is_in_one_family() -> None:
    catalog = build_catalog({"users": {}, "items": {"numeric": ["year"]}})
    own = ["als:score", "als:rank", "als:percentile", "sources", "als:sim_recent"]
    found = families([*own, *catalog.names], catalog)
    assert found[SCORES] == [0]
    assert found[RANKS] == [1, 2, 3]
    assert found[SINGLE] == [4]
    assert sorted(np.concatenate(list(found.values()))) == list(range(5 + len(catalog)))


def test_a_family_is_told_by_what_is_lost_without_it() -> None:
    whole = {"MAP@10": 0.05, "NDCG@10": 0.1, LOWEST: 0.048, HIGHEST: 0.052}
    without = {"MAP@10": 0.04, "NDCG@10": 0.09, LOWEST: 0.039, HIGHEST: 0.041}
    lines = describe_cuts(date(2000, 12, 28), {ALL: whole, "without item (19)": without})
    assert lines[1] == (
        "as_of 2000-12-28, without item (19): MAP@10 0.0400 (-0.0100; seeds 0.0390..0.0410), "
        "NDCG@10 0.0900"
    )
    assert describe_cuts(date(2000, 12, 28), {}) == []
