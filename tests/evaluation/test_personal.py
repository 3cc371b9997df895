"""Lists against the user's own history: numbers by hand, edges, invariants."""

from datetime import date

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy as kl

from evaluation._catalogue import item_means
from evaluation.beyond import (
    Catalogue,
    beyond,
    intra_list_diversity,
    miscalibration,
    popularity_lift,
    serendipity,
    unexpectedness,
)
from evaluation.relevance import EvaluationError, UserItems

#                 drama comedy war
VALUES = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [1, 1, 0]])
COUNTS = np.array([8, 4, 4, 2, 0, 1])
LISTS = np.array(
    [
        [1, 2],  # 0: drama and comedy, after two dramas
        [3, -1],  # 1: war, after a drama and an item nothing is known of
        [0, 1],  # 2: no history
        [-1, -1],  # 3: no list
        [4, -1],  # 4: an item without attributes
    ],
    np.int32,
)
HISTORY = UserItems.from_pairs([0, 0, 1, 1, 3, 4], [0, 5, 0, 4, 0, 0], 5)


def test_popularity_lift_by_hand():
    # Users 0, 1 and 4 have both: lists (4 + 2 + 0) / 3, histories (4.5 + 4 + 8) / 3.
    assert item_means(HISTORY, COUNTS).tolist() == [4.5, 4, 0, 8, 8]
    assert popularity_lift(LISTS, COUNTS, HISTORY) == pytest.approx((6 / 3) / (16.5 / 3) - 1)
    assert popularity_lift(LISTS[2:4], COUNTS, HISTORY.take(np.array([2, 3]))) == 0
    assert popularity_lift(LISTS, COUNTS * 0, HISTORY) == 0


def test_unexpectedness_by_hand():
    for values in (VALUES, VALUES * 3.0, sp.csr_matrix(VALUES)):
        found = unexpectedness(LISTS, HISTORY, values)
        half = np.sqrt(0.5)  # cosine of a drama (or a comedy) and item 5, which is both
        assert found.values == pytest.approx([1 - (1 + half + 0 + half) / 4, 1, 0, 0, 0])
        assert found.known.tolist() == [True, True, False, False, False]
    assert found.mean == pytest.approx((found.values[0] + 1) / 2)
    away = unexpectedness(np.array([[0]]), UserItems.from_pairs([0], [1], 1), np.array([[1], [-1]]))
    assert away.mean == pytest.approx(2)


def test_miscalibration_is_the_divergence_of_steck():
    found = miscalibration(LISTS, HISTORY, VALUES, alpha=0.1)
    p, q = np.array([3 / 4, 1 / 4]), np.array([1 / 2, 1 / 2])
    assert found.values[0] == pytest.approx(kl(p, 0.9 * q + 0.1 * p))
    assert found.values[1] == pytest.approx(-np.log(0.1))  # none of the user's genres
    assert found.known.tolist() == [True, True, False, False, False]
    same = miscalibration(np.array([[1]]), UserItems.from_pairs([0, 0], [0, 1], 1), VALUES)
    assert same.mean == 0


def test_serendipity_by_hand():
    # Ranks of popularity: 8 → 1, 4 → 2, 2 → 3, 1 → 4, never met: probability 0.
    relevant = UserItems.from_pairs([0, 1, 4], [2, 3, 4], 5)
    found = serendipity(LISTS, relevant, COUNTS)
    expected = [max(5 / 6 - 5 / 6, 0) / 2, (6 / 6 - 4 / 6) / 1, 0, 0, 1]
    assert found.values == pytest.approx(expected)
    assert found.known.tolist() == [True, True, False, False, True]
    assert found.mean == pytest.approx(sum(expected) / 3)


def test_diversity_by_embedding():
    vectors = np.array([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0], [0.0, 0.0]])
    lists = np.array([[0, 1, 2], [0, 3, 1], [3, -1, -1]])
    # 1 and 1 (right angles), 2 (opposite); the item without a vector is left out.
    assert intra_list_diversity(lists, vectors, "cosine") == pytest.approx([4 / 3, 1, 0])


def test_beyond_with_all_that_is_known():
    vectors = np.eye(6)
    catalogue = Catalogue(COUNTS, 9, date(2021, 1, 1), None, VALUES, vectors)
    relevant = UserItems.from_pairs([0, 1], [2, 3], 5)
    row = beyond(LISTS, catalogue, history=HISTORY, relevant=relevant)
    assert row["popularity_lift"] == popularity_lift(LISTS, COUNTS, HISTORY)
    assert row["unexpectedness"] == unexpectedness(LISTS, HISTORY, VALUES).mean
    assert row["miscalibration"] == miscalibration(LISTS, HISTORY, VALUES).mean
    assert row["serendipity"] == serendipity(LISTS, relevant, COUNTS).mean
    # The empty list is no list; those with one item have no pair.
    assert row["embedding_diversity"] == pytest.approx((1 + 0 + 1 + 0) / 4)
    assert set(beyond(LISTS, catalogue)) < set(row)
    nobody = UserItems(np.zeros(4, np.int64), np.empty(0, np.int32))
    empty = beyond(np.full((3, 2), -1), catalogue, history=nobody, relevant=nobody)
    assert set(empty) == set(row)
    assert set(empty.values()) == {0.0}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: popularity_lift(LISTS[:2], COUNTS, HISTORY), "2 lists but items of 5 users"),
        (lambda: popularity_lift(LISTS, COUNTS[:5], HISTORY), "a history holds item code 5"),
        (lambda: unexpectedness(LISTS, HISTORY, VALUES[:5]), "item_values has 5 rows"),
        (lambda: miscalibration(LISTS, HISTORY, VALUES, 1.0), "alpha must lie between"),
        (lambda: serendipity(LISTS, HISTORY, COUNTS[:3]), "item code 4, but the items' counts"),
        (
            lambda: beyond(LISTS[:2], Catalogue(COUNTS, 9, date(2021, 1, 1)), history=HISTORY),
            "2 lists but history of 5 users",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(EvaluationError, match=words):
        call()


ITEMS = 7


@st.composite
def users(draw):
    n = draw(st.integers(1, 6))
    lists = np.full((n, 4), -1, np.int32)
    pairs = []
    for row in range(n):
        chosen = draw(st.permutations(range(ITEMS)))[: draw(st.integers(0, 4))]
        lists[row, : len(chosen)] = chosen
        pairs += [(row, item) for item in draw(st.sets(st.integers(0, ITEMS - 1)))]
    rows, items = np.array(pairs, np.int64).reshape(-1, 2).T
    return lists, UserItems.from_pairs(rows, items, n)


@given(
    users(),
    arrays(np.int8, (ITEMS, 3), elements=st.integers(0, 1)),
    arrays(np.int8, ITEMS, elements=st.integers(0, 5)),
    st.data(),
)
def test_invariants(case, values, counts, data):
    lists, owned = case
    order = np.array(data.draw(st.permutations(range(len(lists)))))
    shuffled = (lists[order], owned.take(order))
    bounds = {
        "unexpectedness": (lambda x, h: unexpectedness(x, h, values), 1.0),
        "miscalibration": (lambda x, h: miscalibration(x, h, values), -np.log(0.01)),
        "serendipity": (lambda x, h: serendipity(x, h, counts), 1.0),
    }
    for name, (metric, highest) in bounds.items():
        found = metric(lists, owned)
        assert ((found.values >= 0) & (found.values <= highest + 1e-9)).all(), name
        assert not found.values[~found.known].any(), name
        assert metric(*shuffled).values == pytest.approx(found.values[order]), name
        # Nothing of a user depends on the others.
        for row in range(len(lists)):
            alone = metric(lists[row : row + 1], owned.take(np.array([row])))
            assert alone.values[0] == pytest.approx(found.values[row]), name
    lift = popularity_lift(lists, counts, owned)
    assert lift >= -1
    assert popularity_lift(*shuffled[:1], counts, shuffled[1]) == pytest.approx(lift)
