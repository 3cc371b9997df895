"""Today's lists against an earlier day's, worked out by hand and for all lists."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import evaluation.stability
from evaluation.relevance import EvaluationError
from evaluation.stability import stability

TODAY = np.array(
    [
        [1, 2, 3],  # 0: the same
        [3, 1, 2],  # 1: the same items
        [1, 4, -1],  # 2: one of them kept
        [5, 6, 7],  # 3: nothing kept
        [1, 2, 3],  # 4: no list before
        [-1, -1, -1],  # 5: no list now
    ]
)
BEFORE = np.array([[1, 2, 3], [1, 2, 3], [4, 5, -1], [1, 2, 3], [-1, -1, -1], [1, 2, 3]])


def test_by_hand():
    found = stability(TODAY, BEFORE, n_items=8)
    assert (found["users"], found["new_users"], found["gone_users"]) == (4, 1, 1)
    assert found["kept"] == [1, 1, 0, 2]
    assert found["unchanged"] == 1 / 4
    assert found["same_items"] == 2 / 4
    assert found["same_first"] == 1 / 4
    assert found["all_new"] == 1 / 4
    assert found["jaccard"] == pytest.approx((1 + 1 + 1 / 3 + 0) / 4)


def test_items_that_moved_are_of_the_users_compared():
    found = stability(TODAY, BEFORE, n_items=8)
    # User 4 is new and user 5 gone: they move nothing.
    assert found["entered"] == [
        {"item": 6, "lists": 1, "before": 0},
        {"item": 7, "lists": 1, "before": 0},
    ]
    assert found["left"] == [
        {"item": 2, "lists": 2, "before": 3},
        {"item": 3, "lists": 2, "before": 3},
    ]


def test_identical_lists_do_not_move():
    found = stability(TODAY, TODAY, n_items=8)
    assert found["rbo"] == found["jaccard"] == found["unchanged"] == 1.0
    assert found["all_new"] == 0.0
    assert found["entered"] == found["left"] == []


def test_one_user():
    found = stability(np.array([[0]]), np.array([[1]]), n_items=2)
    assert (found["users"], found["rbo"], found["all_new"]) == (1, 0.0, 1.0)


def test_nobody_in_common_gives_zeros():
    found = stability(np.array([[0], [-1]]), np.array([[-1], [0]]), n_items=1)
    assert found["users"] == 0
    assert found["rbo"] == found["jaccard"] == found["unchanged"] == 0.0
    assert sum(found["kept"]) == 0


def test_lists_that_grew_are_compared_place_by_place():
    found = stability(np.array([[0, 1, 2]]), np.array([[0, 1]]), n_items=3)
    assert found["kept"] == [0, 0, 1, 0]
    assert found["unchanged"] == 0.0


def test_other_users_are_refused():
    with pytest.raises(EvaluationError, match="1 lists today against 2"):
        stability(np.array([[0]]), np.array([[0], [1]]), n_items=2)


lists = arrays(np.int32, (7, 4), elements=st.integers(0, 30), unique=True)


@given(lists, lists)
def test_bounds_and_sums(today, before):
    found = stability(today, before, n_items=31)
    assert sum(found["kept"]) == found["users"] == 7
    shares = ("rbo", "jaccard", "unchanged", "same_items", "same_first", "all_new")
    assert all(0.0 <= found[name] <= 1.0 for name in shares)
    assert found["unchanged"] <= found["same_items"]
    assert found["unchanged"] <= found["same_first"]
    assert found["kept"][0] == round(7 * found["all_new"])


@given(lists, lists)
def test_chunks_change_nothing(today, before):
    whole = stability(today, before, n_items=31)
    size = evaluation.stability.CHUNK
    try:
        evaluation.stability.CHUNK = 2
        parts = stability(today, before, n_items=31)
    finally:
        evaluation.stability.CHUNK = size
    assert parts.pop("rbo") == pytest.approx(whole.pop("rbo"))
    assert parts.pop("jaccard") == pytest.approx(whole.pop("jaccard"))
    assert parts == whole
