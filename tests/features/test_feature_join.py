"""The join: any cut into users and chunks gives the same numbers, and bad input is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from feature_lake import ATTRIBUTES, ITEMS, N_ITEMS, N_USERS, USERS, day, make_lake
from hypothesis import given, settings
from hypothesis import strategies as st

from data.lake import Lake
from features.asof import AsOf
from features.audit import features_of
from features.catalog import Catalog, Feature, FeatureError, build_catalog
from features.join import join
from features.state import update_state

CATALOG = build_catalog(ATTRIBUTES, repeat=True)
ROWS = [(k, k % 4, (k * 7) % 3, (k % 5) / 4) for k in range(0, 40)]
AS_OF = 33


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = make_lake(tmp_path_factory.mktemp("join"), ROWS)
    update_state(made, as_of=day(AS_OF), positive_min=0.5, catalog=CATALOG)
    return made


@pytest.fixture(scope="module")
def tables(lake: Lake) -> AsOf:
    return AsOf.open(lake, CATALOG, day(AS_OF), N_USERS, N_ITEMS)


LISTS = st.lists(
    st.tuples(st.integers(0, N_USERS - 1), st.lists(st.integers(0, N_ITEMS - 1), max_size=5)),
    max_size=6,
)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(lists=LISTS)
def test_lists_give_what_single_rows_give(tables: AsOf, lists: list[tuple[int, list[int]]]) -> None:
    users = np.array([user for user, _ in lists], np.int32)
    indptr = np.cumsum([0, *(len(items) for _, items in lists)]).astype(np.int64)
    rows = np.array([(u, i) for u, items in lists for i in items], np.int32).reshape(-1, 2)
    out = np.full((len(CATALOG), len(rows)), -7, np.float32)
    join(tables, users, indptr, np.ascontiguousarray(rows[:, 1]), out)
    np.testing.assert_array_equal(out, features_of(tables, rows))


def test_chunks_in_threads_give_the_same_bytes(tables: AsOf) -> None:
    rows = np.indices((N_USERS, N_ITEMS)).reshape(2, -1).T.astype(np.int32)
    whole = features_of(tables, rows)
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda chunk: features_of(tables, chunk), np.array_split(rows, 7)))
    assert np.concatenate(parts, axis=1).tobytes() == whole.tobytes()


def test_opening_twice_gives_the_same_bytes(lake: Lake, tables: AsOf) -> None:
    rows = np.indices((N_USERS, N_ITEMS)).reshape(2, -1).T.astype(np.int32)
    again = AsOf.open(lake, CATALOG, day(AS_OF), N_USERS, N_ITEMS)
    assert features_of(again, rows).tobytes() == features_of(tables, rows).tobytes()


def test_room_for_more_entities_changes_nothing(lake: Lake, tables: AsOf) -> None:
    rows = np.indices((N_USERS, N_ITEMS)).reshape(2, -1).T.astype(np.int32)
    wider = AsOf.open(lake, CATALOG, day(AS_OF), N_USERS + 3, N_ITEMS + 3)
    assert features_of(wider, rows).tobytes() == features_of(tables, rows).tobytes()
    unseen = dict(zip(CATALOG.names, features_of(wider, np.array([[7, 6]], np.int32)), strict=True))
    assert unseen["user_events"] == unseen["item_events"] == 0
    assert np.isnan(unseen["user_value_mean"])
    assert np.isnan(unseen["affinity_genres"])


ONE = np.zeros(1, np.int32)
PTR = np.array([0, 1])


@pytest.mark.parametrize(
    ("users", "indptr", "items", "out", "message"),
    [
        (ONE + N_USERS, PTR, ONE, None, "user codes 5..5 lie outside"),
        (ONE, PTR, ONE - 1, None, "item codes -1..-1 lie outside"),
        (ONE, np.array([0, 2]), ONE, None, "indptr"),
        (ONE, np.array([0]), ONE, None, "indptr"),
        (ONE, PTR, ONE, np.empty((len(CATALOG), 1)), "float64"),
        (ONE, PTR, ONE, np.empty((1, len(CATALOG)), np.float32), "in C order"),
    ],
)
def test_bad_rows_are_refused(
    tables: AsOf,
    users: np.ndarray,
    indptr: np.ndarray,
    items: np.ndarray,
    out: np.ndarray | None,
    message: str,
) -> None:
    room = np.empty((len(CATALOG), 1), np.float32) if out is None else out
    with pytest.raises(FeatureError, match=message):
        join(tables, users, indptr, items, room)


def test_codes_past_the_tables_are_refused(lake: Lake) -> None:
    with pytest.raises(FeatureError, match="user code 3, but only 3 user codes"):
        AsOf.open(lake, CATALOG, day(AS_OF), 3, N_ITEMS)


def test_a_segment_table_past_the_limit_is_refused(lake: Lake) -> None:
    with pytest.raises(FeatureError, match="lower max_attribute_values"):
        AsOf.open(lake, CATALOG, day(AS_OF), N_USERS, N_ITEMS, memory_gb=1e-9)


def test_attribute_tables_must_have_the_columns_and_one_row_a_code(tmp_path: Path) -> None:
    made = make_lake(tmp_path, ROWS)
    update_state(made, as_of=day(AS_OF), positive_min=0.5, catalog=CATALOG)
    made.write_table(pa.table({k: v for k, v in ITEMS.items() if k != "year"}), "items.parquet")
    with pytest.raises(FeatureError, match=r"lacks the columns \['year'\]"):
        AsOf.open(made, CATALOG, day(AS_OF), N_USERS, N_ITEMS)
    made.write_table(pa.table(ITEMS), "items.parquet")
    twice = pa.table(USERS)
    made.write_table(pa.concat_tables([twice, twice.slice(0, 1)]), "users.parquet")
    with pytest.raises(FeatureError, match=r"\[3\] are negative or stand twice"):
        AsOf.open(made, CATALOG, day(AS_OF), N_USERS, N_ITEMS)


def test_numbers_too_large_for_an_exact_mean_are_refused(tmp_path: Path) -> None:
    made = make_lake(tmp_path, ROWS)
    huge = {**ITEMS, "year": pa.array([1e30, 1, 2, 3], pa.float32())}
    made.write_table(pa.table(huge), "items.parquet")
    gap = Catalog((Feature("f", "pair", "gap to items", None, "", "", "year"),), ATTRIBUTES)
    update_state(made, as_of=day(AS_OF), positive_min=0.5, catalog=gap)
    with pytest.raises(FeatureError, match="larger unit"):
        AsOf.open(made, gap, day(AS_OF), N_USERS, N_ITEMS)
