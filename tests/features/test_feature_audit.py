"""The audit passes where nothing leaks, and notices every leak that is planted."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from feature_lake import (
    ATTRIBUTES,
    N_ITEMS,
    N_USERS,
    day,
    make_lake,
    state_bytes,
    write_versions,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.lake import Lake
from data.versions import versions_before
from features import attributes, cut, measures
from features.asof import AsOf
from features.audit import AuditReport, audit, features_of
from features.catalog import Catalog, FeatureError, build_catalog
from features.state import update_state

CATALOG = build_catalog(ATTRIBUTES, [1, 3, 7], repeat=True)
GRID = np.indices((N_USERS, N_ITEMS)).reshape(2, -1).T.astype(np.int32)
ROWS = [(k, k % 4, (k * 7) % 3, (k % 5) / 4, max(0, k - k % 3)) for k in range(0, 40)]
AS_OF = 33


def run(lake: Lake, as_of: int = AS_OF, rows: np.ndarray = GRID, **more: Any) -> AuditReport:
    catalog = more.pop("catalog", CATALOG)
    sizes = {"n_users": N_USERS, "n_items": N_ITEMS, "positive_min": 0.5}
    return audit(lake, catalog, rows, day=day(as_of), **sizes, **more)


def make(root: Path, rows: list[Any] = ROWS, until: int = 40, catalog: Catalog = CATALOG) -> Lake:
    lake = make_lake(root, rows)
    update_state(lake, as_of=day(until), positive_min=0.5, catalog=catalog)
    return lake


def test_nothing_leaks(tmp_path: Path) -> None:
    lake = make(tmp_path)
    kept = state_bytes(lake), (Path(lake.path("users.parquet"))).read_bytes()
    report = run(lake)
    assert (report.rows, report.features) == (len(GRID), len(CATALOG))
    assert report.values == len(GRID) * len(CATALOG)
    assert 0 < report.undefined < report.values
    assert report.poisoned_days >= 7
    assert kept == (state_bytes(lake), (Path(lake.path("users.parquet"))).read_bytes())


def test_tomorrow_has_nothing_to_poison_yet(tmp_path: Path) -> None:
    assert run(make(tmp_path), as_of=40).poisoned_days == 2  # invented ones


def test_a_lake_far_away_is_audited(tmp_path: Path) -> None:
    local, remote = make(tmp_path), Lake("memory://zavtra-audit")
    try:
        remote.fs.put(f"{local.root}/", f"{remote.root}/", recursive=True)
        before = remote.fs.find(remote.root, detail=True)
        assert run(remote) == run(local)
        assert remote.fs.find(remote.root, detail=True) == before
    finally:
        remote.fs.rm(remote.root, recursive=True)


@pytest.mark.parametrize("as_of", [28, AS_OF])
def test_a_planted_leak_fails_both_proofs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_of: int
) -> None:
    """The mutation check: ``<=`` in place of ``<``, in the one place where it stands."""
    lake = make(tmp_path)
    run(lake, as_of)
    monkeypatch.setattr(cut, "before", lambda known, day: known <= day)
    with pytest.raises(FeatureError, match=rf"feature 'user_.*on {day(as_of)}: the engine gives"):
        run(lake, as_of, poisoned=False)
    with pytest.raises(FeatureError, match=rf"on {day(as_of)} changes when the log"):
        run(lake, as_of, rows=GRID[:0])


@pytest.mark.parametrize(
    ("feature", "of"), [("user_age", "user 0"), ("affinity_genres", "user 0 and item 0")]
)
def test_a_planted_leak_of_attributes_fails_both_proofs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, feature: str, of: str
) -> None:
    lake = make(tmp_path)
    write_versions(lake, "users", [(0, u, "f", 20.0) for u in range(3)] + [(AS_OF, 0, "m", 21.0)])
    write_versions(lake, "items", [(0, 0, "film", 1.0, ["war"]), (AS_OF, 0, "film", 1.0, ["a"])])
    others = [name for name in CATALOG.names if name != feature]
    catalog = CATALOG.without(others)
    assert run(lake, catalog=catalog).poisoned_days

    def leaky(lake: Lake, side: str, known: Any) -> Any:
        return versions_before(lake, side, lambda since: since <= day(AS_OF))

    monkeypatch.setattr(attributes, "versions_before", leaky)
    if feature == "user_age":
        with pytest.raises(FeatureError, match=rf"'{feature}' of {of} .*the engine gives"):
            run(lake, catalog=catalog, poisoned=False)
    with pytest.raises(FeatureError, match=rf"'{feature}' .*changes when the log"):
        run(lake, catalog=catalog, rows=GRID[:0])


def test_a_wrong_number_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = make(tmp_path)
    monkeypatch.setattr(measures, "VALUE_SCALE", 65537)
    message = rf"'user_value_sum' of user 0 on {day(AS_OF)}"
    with pytest.raises(FeatureError, match=message):
        run(lake)


def test_skew_between_training_and_serving_is_named(tmp_path: Path) -> None:
    lake = make(tmp_path)
    logged = features_of(AsOf.open(lake, CATALOG, day(AS_OF), N_USERS, N_ITEMS), GRID)
    run(lake, logged=logged, poisoned=False)
    number = CATALOG.names.index("item_events")
    logged[number, 6] += 1
    with pytest.raises(FeatureError, match=r"'item_events' of item 2 .*train/serve skew"):
        run(lake, logged=logged, poisoned=False)
    with pytest.raises(FeatureError, match="expected"):
        run(lake, logged=logged[1:], poisoned=False)


def test_a_stale_state_is_noticed(tmp_path: Path) -> None:
    """A partition that was not made from the log: here by hand, in life by a broken disk."""
    lake, other = make(tmp_path / "a"), make(tmp_path / "b", [(*r[:3], 1.0) for r in ROWS])
    name = ("features", "days", f"day={day(AS_OF - 1)}")
    shutil.copytree(other.path(*name), lake.path(*name), dirs_exist_ok=True)
    with pytest.raises(FeatureError, match="raw log before that day"):
        run(lake)


EVENT = st.tuples(
    st.integers(0, 45),  # day known
    st.integers(0, N_USERS - 1),
    st.integers(0, N_ITEMS - 1),
    st.floats(0, 1, width=32),
    st.integers(-2, 40),  # days late; a clock ahead of the log's is negative
)


USER_VERSION = st.tuples(
    st.integers(0, 45),  # day
    st.integers(0, N_USERS - 1),
    st.sampled_from(["f", "m", "x", None]),
    st.sampled_from([20.0, 33.0, 61.5, None]),
)
ITEM_VERSION = st.tuples(
    st.integers(0, 45),
    st.integers(0, N_ITEMS - 1),
    st.sampled_from(["film", "series", None]),
    st.sampled_from([1990.0, 2020.0, None]),
    st.sampled_from([None, [], ["crime"], ["drama", "war"], ["war", "crime", "drama"]]),
)


@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    events=st.lists(EVENT, min_size=1, max_size=30),
    as_of=st.integers(1, 47),
    windows=st.lists(st.integers(1, 40), min_size=1, max_size=3, unique=True),
    half_life=st.sampled_from([0.5, 2.0, 7.0]),
    most=st.sampled_from([2, 1000]),
    seed=st.integers(0, 9),
    users=st.none() | st.lists(USER_VERSION, max_size=12),
    items=st.none() | st.lists(ITEM_VERSION, max_size=12),
)
def test_no_log_no_day_and_no_poison_makes_a_difference(
    events: list[Any],
    as_of: int,
    windows: list[int],
    half_life: float,
    most: int,
    seed: int,
    users: list[Any] | None,
    items: list[Any] | None,
) -> None:
    rows = [(0, 0, 0, 0.5), *((k, u, i, v, k - late) for k, u, i, v, late in events)]
    catalog = build_catalog(ATTRIBUTES, windows, half_life, True, max_attribute_values=most)
    with TemporaryDirectory() as folder:
        lake = make(Path(folder) / "lake", rows, until=50, catalog=catalog)
        for side, versions in (("users", users), ("items", items)):
            if versions is not None:
                write_versions(lake, side, versions)
        # the newest rows are of the day itself or later, as often as not
        report = run(lake, as_of, catalog=catalog, seed=seed, rows=GRID[:: 1 + seed % 3])
        assert report.values > 0


def test_the_day_is_a_date_like_any_other() -> None:
    assert cut.before(date(2026, 1, 1), date(2026, 1, 2))
    assert not cut.before(date(2026, 1, 1), date(2026, 1, 1))
