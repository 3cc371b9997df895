"""Accuracy metrics: numbers worked out by hand, edge cases, invariants."""

from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.accuracy import METRICS, accuracy
from evaluation.relevance import EvaluationError, Relevant, as_lists

LISTS = np.array(
    [
        [5, 1, 2, 3],  # 0: hits at 1 and 3
        [4, 0, 7, -1],  # 1: hit at 2, list of three
        [1, 2, 3, 4],  # 2: nothing relevant: not judged
        [6, 7, 8, 9],  # 3: no hit
        [-1, -1, -1, -1],  # 4: empty list
    ],
    np.int32,
)
RELEVANT = Relevant.from_pairs(
    np.array([0, 0, 0, 1, 3, 4]), np.array([2, 5, 9, 0, 1, 2]), n_users=5
)
IDEAL_4 = 1 + 1 / log2(3) + 1 / 2 + 1 / log2(5)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Recall@4", [2 / 3, 1, 0, 0]),
        ("Precision@4", [2 / 4, 1 / 4, 0, 0]),
        ("HitRate@4", [1, 1, 0, 0]),
        ("MRR@4", [1, 1 / 2, 0, 0]),
        ("MAP@4", [(1 + 2 / 3) / 3, 1 / 2, 0, 0]),
        ("MAP_min@4", [(1 + 2 / 3) / 3, 1 / 2, 0, 0]),
        ("NDCG@4", [1.5 / IDEAL_4, 1 / log2(3) / IDEAL_4, 0, 0]),
        ("NDCG_min@4", [1.5 / (1.5 + 1 / log2(3)), 1 / log2(3), 0, 0]),
        # At 2 the three relevant items of user 0 do not fit: the conventions part.
        ("MAP@2", [1 / 3, 1 / 2, 0, 0]),
        ("MAP_min@2", [1 / 2, 1 / 2, 0, 0]),
        ("NDCG@2", [1 / (1 + 1 / log2(3)), 1 / log2(3) / (1 + 1 / log2(3)), 0, 0]),
        ("NDCG_min@2", [1 / (1 + 1 / log2(3)), 1 / log2(3), 0, 0]),
        ("Recall@1", [1 / 3, 0, 0, 0]),
        ("Precision@6", [2 / 6, 1 / 6, 0, 0]),
    ],
)
def test_by_hand(name, expected):
    judged = accuracy(LISTS, RELEVANT, ks=(1, 2, 4, 6))
    assert judged.values[name] == pytest.approx(expected)
    assert judged.rows.tolist() == [0, 1, 3, 4]
    assert (len(judged), judged.excluded) == (4, 1)


def test_means_by_segment():
    judged = accuracy(LISTS, RELEVANT, ks=[4])
    assert judged.mean()["Recall@4"] == pytest.approx((2 / 3 + 1) / 4)
    labels = np.array(["a", "b", "a", "b", "c"])
    by = judged.by_segment(labels)
    assert by["a"]["Recall@4"] == pytest.approx(2 / 3)
    assert by["b"]["Recall@4"] == pytest.approx(1 / 2)
    assert judged.count(labels == "a") == 1
    nobody = np.arange(5) == 2  # only the user who is not judged
    assert judged.count(nobody) == 0
    assert set(judged.mean(nobody).values()) == {0.0}


def test_nobody_to_judge_gives_zeros():
    judged = accuracy(LISTS, Relevant(np.zeros(6, np.int64), np.empty(0, np.int32)))
    assert len(judged) == 0
    assert judged.excluded == 5
    assert set(judged.mean().values()) == {0.0}
    assert accuracy(np.empty((0, 3), int), Relevant.from_pairs([], [], 0)).mean()["MAP@1"] == 0


@pytest.mark.parametrize(
    ("lists", "ks", "words"),
    [
        (LISTS[:3], [4], "3 lists but relevant items of 5"),
        (LISTS, [0], "places >= 1"),
        (LISTS, [], "places >= 1"),
        (LISTS.astype(float), [4], "must be integers"),
        (LISTS[0], [4], "must be integers"),
        (np.where(LISTS == 1, -1, LISTS), [4], "user row 0 has an item behind its padding"),
        (np.where(LISTS == 7, 0, LISTS), [4], "user row 1 holds a relevant item twice"),
    ],
)
def test_what_cannot_be_judged_is_refused(lists, ks, words):
    with pytest.raises(EvaluationError, match=words):
        accuracy(lists, RELEVANT, ks)


@pytest.mark.parametrize(
    ("indptr", "items", "words"),
    [
        ([0, 2], [3, 3], "user row 0 are not ascending and unique"),
        ([0, 1, 3], [9, 4, 2], "user row 1 are not ascending and unique"),
        ([0, 1, 4], [9, 4, 2], "indptr does not cut 3"),
        ([0, 2, 1, 3], [1, 2, 3], "indptr does not cut 3"),
    ],
)
def test_relevant_items_out_of_order_are_refused(indptr, items, words):
    with pytest.raises(EvaluationError, match=words):
        Relevant(np.array(indptr), np.array(items, np.int32))


def test_relevant_items_may_fall_from_one_user_to_the_next():
    relevant = Relevant(np.array([0, 0, 1, 1, 2, 2]), np.array([9, 4], np.int32))
    assert relevant.counts.tolist() == [0, 1, 0, 1, 0]


@pytest.mark.parametrize(("rows", "items"), [([3], [0]), ([-1], [0]), ([0], [-2])])
def test_pairs_outside_the_users_are_refused(rows, items):
    with pytest.raises(EvaluationError, match=r"rows in 0\.\.2"):
        Relevant.from_pairs(np.array(rows), np.array(items), 3)


@st.composite
def judged_lists(draw):
    n, width, items = draw(st.integers(1, 8)), draw(st.integers(1, 8)), 12
    lists = np.full((n, width), -1, np.int32)
    for row in range(n):
        chosen = draw(st.permutations(range(items)))[: draw(st.integers(0, width))]
        lists[row, : len(chosen)] = chosen
    sets = draw(st.lists(st.sets(st.integers(0, items + 2)), min_size=n, max_size=n))
    pairs = np.array([(u, i) for u, s in enumerate(sets) for i in s], np.int64).reshape(-1, 2)
    return lists, sets, Relevant.from_pairs(pairs[:, 0], pairs[:, 1], n)


@given(judged_lists(), st.randoms(use_true_random=False))
def test_invariants(case, random):
    lists, sets, relevant = case
    ks = list(range(1, lists.shape[1] + 2))
    judged = accuracy(lists, relevant, ks)
    for name, values in judged.values.items():
        assert ((values >= 0) & (values <= 1 + 1e-12)).all(), name
    for name in ("Recall", "HitRate", "MRR", "MAP"):
        rising = np.stack([judged.values[f"{name}@{k}"] for k in ks])
        assert (np.diff(rising, axis=0) >= 0).all(), name
    for k in ks:
        assert (judged.values[f"MAP_min@{k}"] >= judged.values[f"MAP@{k}"]).all()
        assert (judged.values[f"NDCG_min@{k}"] >= judged.values[f"NDCG@{k}"] - 1e-12).all()
    # The order of users is of no account.
    order = list(range(len(lists)))
    random.shuffle(order)
    pairs = [(new, i) for new, old in enumerate(order) for i in sets[old]]
    rows, items = np.array(pairs, np.int64).reshape(-1, 2).T
    shuffled = accuracy(lists[order], Relevant.from_pairs(rows, items, len(order)), ks)
    for name, value in judged.mean().items():
        assert shuffled.mean()[name] == pytest.approx(value)
    # A list of the relevant items themselves is perfect.
    width = max(1, max(map(len, sets)))
    ideal = np.array([sorted(s) + [-1] * (width - len(s)) for s in sets], np.int32)
    perfect = accuracy(ideal, relevant, [width])
    for name in METRICS:
        if name not in ("Precision", "NDCG"):
            assert perfect.values[f"{name}@{width}"] == pytest.approx(1.0)


def test_lists_are_taken_as_given_when_sound():
    assert as_lists([[1, 2], [3, -1]]).dtype == np.int32
