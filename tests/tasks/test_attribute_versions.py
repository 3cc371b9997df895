"""Snapshots of users and items: what a day of lists, its sources and the skew check see of them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from snapshots import FIFTH, ingested, snapshot, snapshots

from config.rerank import RerankSettings
from data.versions import attributes_digest, entities_as_of
from models.candidates import Source
from models.registry import make_generator
from tasks.attributes import item_values
from tasks.catalogue import external_ids
from tasks.day import Day, read_log
from tasks.features import features_as_of, update_features
from tasks.generators import _attributes
from tasks.judged_users import judged_users
from tasks.rerank import make_reranker
from tasks.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return snapshots(tmp_path)


def test_a_day_sees_the_snapshots_before_it(run: Run) -> None:
    update_features.fn(run)
    model = make_generator("item_knn").fit(read_log(run.lake, FIFTH).positive(0.5))
    day = Day(run, FIFTH, [Source("knn", model, 2)], features_as_of(run, FIFTH))
    users, items = (external_ids(run.lake, what).to_pylist() for what in ("users", "items"))
    assert sorted(users[code] for code in day.all_users(run.lake)) == ["a", "b", "c"]  # no e
    assert sorted(items[code] for code in day.fill) == ["x", "y", "z"]  # no w
    of_users, of_items = _attributes(run, FIFTH)
    plans = zip(of_users["user"].to_pylist(), of_users["plan"].to_pylist(), strict=True)
    assert {users[code]: plan for code, plan in plans} == {"a": "paid", "b": "free", "c": "free"}
    assert of_items["colour"].to_pylist() == ["red"]


def test_lists_are_varied_by_the_attributes_of_their_day(run: Run) -> None:
    x = external_ids(run.lake, "items").to_pylist().index("x")

    def colour(day: date) -> list[str]:
        values = item_values(run.lake, day, 4)
        assert values is not None
        colours = dict.fromkeys(entities_as_of(run.lake, "items", day)["colour"].to_pylist())
        return [name for name, has in zip(colours, values[x].toarray()[0], strict=True) if has]

    assert (colour(date(2026, 1, 5)), colour(date(2026, 1, 6))) == (["red"], ["blue"])
    reranked = RerankSettings(kind="mmr")
    made = make_reranker(reranked, run.lake, FIFTH, [], 4)
    assert made is not None
    assert made.space.width == 1  # the blue of the fifth is not known yet


def test_users_are_judged_by_the_attributes_of_their_day(run: Run) -> None:
    users = external_ids(run.lake, "users").to_pylist()
    a = np.full(2, users.index("a"), np.int32)
    days = (date(2026, 1, 5), date(2026, 1, 6))
    segments = judged_users(run, a, np.array([0, 1]), days).segments
    assert segments["plan: paid"].tolist() == [True, False]
    assert segments["plan: none"].tolist() == [False, True]


def test_a_new_snapshot_leaves_earlier_days_as_they_are(run: Run, tmp_path: Path) -> None:
    state = update_features.fn(run).digest

    def digests() -> list[str]:
        return [attributes_digest(run.lake, "users", day, 3) for day in (FIFTH, date(2026, 1, 6))]

    before = digests()
    assert before[0] != before[1]
    snapshot(tmp_path, "2026-01-06", "a,gold", "b,gold", "c,gold")
    ingested(tmp_path)
    assert digests() == before
    assert update_features.fn(run).digest == state
    snapshot(tmp_path, "2026-01-04", "a,gold", "b,free", "c,free")
    ingested(tmp_path)
    assert digests()[0] != before[0]
    assert update_features.fn(run).digest != state
