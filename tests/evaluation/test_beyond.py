"""Beyond-accuracy metrics: numbers worked out by hand, edge cases, invariants."""

from datetime import date
from math import log2

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evaluation.beyond import (
    Catalogue,
    beyond,
    coverage,
    diversity_curve,
    entropy,
    freshness,
    gini,
    in_tail,
    intra_list_diversity,
    item_frequency,
    jaccard,
    novelty,
    overlap_part,
    personalisation,
    popularity,
    rbo,
    tail_share,
)
from evaluation.relevance import EvaluationError

LISTS = np.array([[0, 1, 2], [0, 3, -1], [-1, -1, -1]], np.int32)
EMPTY = np.empty((0, 3), np.int32)
#                  a  b  c
GENRES = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 1, 0], [0, 0, 1]])


def test_catalogue_by_hand():
    assert item_frequency(LISTS, 6).tolist() == [2, 1, 1, 1, 0, 0]
    assert item_frequency(LISTS, 6, k=1).tolist() == [2, 0, 0, 0, 0, 0]
    assert coverage(LISTS, 6) == pytest.approx(4 / 6)
    assert coverage(LISTS, 6, k=1) == pytest.approx(1 / 6)
    # x = 0 0 1 1 1 2, weights -5 -3 -1 1 3 5: (-1 + 1 + 3 + 10) / (6 * 5)
    assert gini(LISTS, 6) == pytest.approx(13 / 30)
    assert entropy(LISTS, 6) == pytest.approx(-(2 / 5 * log2(2 / 5) + 3 / 5 * log2(1 / 5)))
    assert entropy(LISTS, 6, k=1) == 0


def test_lists_by_hand():
    users = np.array([8, 4, 0, 1])  # of 8
    assert novelty(LISTS, users, 8) == pytest.approx([(0 + 1 + 3) / 3, (0 + 3) / 2, 0])
    assert popularity(LISTS, users) == pytest.approx([12 / 3, 9 / 2, 0])
    # Head: 8 of 13 is below 80 %, with the next 12 of 13 is reached.
    assert in_tail(users).tolist() == [False, False, True, True]
    assert tail_share(LISTS, users) == pytest.approx([1 / 3, 1 / 2, 0])
    first = np.array(["2021-01-01", "2021-01-09", "NaT", "2021-02-01"], "datetime64[D]")
    assert freshness(LISTS, first, date(2021, 1, 11)) == pytest.approx([(10 + 2) / 3, 10 / 2, 0])


def test_intra_list_diversity_by_hand():
    # 0-1: 1/2 apart; item 2 has no genre and is left out; 0-3: the same; one item: no pair.
    lists = np.array([[0, 1, 2], [0, 3, 4], [0, -1, -1], [2, 2, 2], [-1, -1, -1]])
    expected = [1 / 2, (0 + 1 + 1) / 3, 0, 0, 0]
    for values in (GENRES, GENRES.astype(float) * 7, sp.csr_matrix(GENRES), sp.coo_array(GENRES)):
        assert intra_list_diversity(lists, values) == pytest.approx(expected)
    cosine = intra_list_diversity(lists, GENRES, "cosine")
    assert cosine == pytest.approx([1 - 1 / np.sqrt(2), 2 / 3, 0, 0, 0])
    opposite = np.array([[1.0, 2.0], [-1.0, -2.0]])
    assert intra_list_diversity(np.array([[0, 1]]), opposite, "cosine") == pytest.approx([2])
    assert intra_list_diversity(lists, np.zeros((5, 0))).tolist() == [0] * 5


def test_overlap_by_hand():
    a = np.array([[1, 2, 3, 4], [1, 2, -1, -1], [-1, -1, -1, -1], [5, -1, -1, -1]])
    b = np.array([[2, 1, 9, 3], [1, 2, -1, -1], [-1, -1, -1, -1], [-1, -1, -1, -1]])
    assert jaccard(a, b) == pytest.approx([3 / 5, 1, 1, 0])
    assert jaccard(a, b, k=1) == pytest.approx([0, 1, 1, 0])
    # Agreement 0, 2/2, 2/3, 3/4 at depths 1..4, weights 1, 1/2, 1/4, 1/8.
    by_hand = (0.5 + 2 / 3 / 4 + 3 / 4 / 8) / (1 + 1 / 2 + 1 / 4 + 1 / 8)
    assert rbo(a, b, p=0.5) == pytest.approx([by_hand, 1, 1, 0])
    assert rbo(a, b[:, :2], k=2, p=0.5) == pytest.approx([1 / 3, 1, 1, 0])


def test_personalisation_by_hand():
    # Shared: 1 item in 1 of 3 pairs of lists of two.
    assert personalisation(np.array([[0, 1], [0, 2], [3, 4]]), 5) == pytest.approx(1 - 1 / 6)
    assert personalisation(np.array([[0, 1], [1, 0]]), 5) == 0
    assert personalisation(np.array([[0, 1], [2, 3]]), 5) == 1
    assert personalisation(np.array([[0, 1, -1], [0, 1, -1]]), 5) == 0  # short, but the same
    assert personalisation(np.array([[0, 1]]), 5) == 0  # nobody to compare with
    assert personalisation(np.array([[0, 1], [-1, -1]]), 5) == 0


def test_nothing_recommended_has_defined_values():
    catalogue = Catalogue(np.zeros(4, int), 1, date(2021, 1, 1), None, GENRES[:4])
    for lists in (EMPTY, np.full((3, 2), -1), np.empty((2, 0), int)):
        values = beyond(lists, catalogue)
        assert set(values.values()) == {0.0}
        curve = diversity_curve(lists, item_values=GENRES)
        assert set(curve["distinct_items"]) <= {0}
        assert set(curve["ild"]) <= {0.0}
    assert coverage(EMPTY, 0) == 0
    assert rbo(EMPTY, EMPTY).shape == (0,)


def test_beyond_is_the_row_of_single_metrics():
    catalogue = Catalogue(
        np.array([8, 4, 0, 1, 2]), 8, date(2021, 1, 11), np.full(5, "2021-01-01", "M8[D]"), GENRES
    )
    row = beyond(LISTS, catalogue, k=2)
    assert list(row) == [
        "coverage",
        "gini",
        "entropy_bits",
        "personalisation",
        "novelty_bits",
        "popularity",
        "tail_share",
        "age_days",
        "intra_list_diversity",
    ]
    assert row["coverage"] == coverage(LISTS, 5, k=2) == 3 / 5
    assert row["popularity"] == pytest.approx((12 / 2 + 9 / 2) / 2)  # the empty list is no list
    assert row["age_days"] == 10
    assert row["intra_list_diversity"] == pytest.approx((1 / 2 + 0) / 2)
    bare = beyond(LISTS, Catalogue(catalogue.item_users, 8, date(2021, 1, 11)))
    assert list(bare) == list(row)[:7]


def test_diversity_curve_by_hand():
    curve = diversity_curve(LISTS, item_values=GENRES)
    assert curve["k"] == [1, 2, 3]
    assert curve["distinct_items"] == [1, 3, 4]
    assert curve["distinct_share"] == pytest.approx([1 / 2, 3 / 4, 4 / 5])
    assert curve["ild"] == pytest.approx([0, 1 / 4, 1 / 4])  # lists: 1/2 and 0; item 2 has none
    half = 1.96 * (1 / 4) / np.sqrt(2)
    assert curve["ild_high"][1] - curve["ild"][1] == pytest.approx(half)
    assert curve["ild"][1] - curve["ild_low"][1] == pytest.approx(half)
    assert curve["distinct_values"] == pytest.approx([2, 2, 2])
    assert diversity_curve(LISTS, ks=[2])["distinct_items"] == [3]
    assert diversity_curve(LISTS)["ild"] == []


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: coverage(LISTS, 3), "item code 3, but the catalogue end at 2"),
        (lambda: popularity(LISTS, np.ones(2)), "item code 3"),
        (lambda: intra_list_diversity(LISTS, GENRES[:3]), "item_values has 3 rows"),
        (lambda: intra_list_diversity(LISTS, GENRES, "euclid"), "'jaccard' or 'cosine'"),
        (lambda: diversity_curve(LISTS, ks=[0, 1]), r"within 1\.\.3"),
        (lambda: diversity_curve(LISTS, ks=[2, 1]), r"within 1\.\.3"),
        (lambda: diversity_curve(LISTS, ks=[4]), r"within 1\.\.3"),
        (lambda: rbo(LISTS, LISTS[:1]), "3 lists against 1"),
        (lambda: rbo(LISTS, LISTS, p=1.0), "p must lie between"),
        (lambda: novelty(LISTS, np.ones(4), 0), "n_users must be >= 1"),
        (lambda: beyond(LISTS, Catalogue(np.ones(4), 1, date(2021, 1, 1)), k=0), "at least 1"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(EvaluationError, match=words):
        call()


ITEMS = 9


@st.composite
def some_lists(draw, users=None):
    n = draw(st.integers(1, 7)) if users is None else users
    width = draw(st.integers(1, ITEMS))
    lists = np.full((n, width), -1, np.int32)
    for row in range(n):
        chosen = draw(st.permutations(range(ITEMS)))[: draw(st.integers(0, width))]
        lists[row, : len(chosen)] = chosen
    return lists


@given(some_lists(), arrays(np.int8, (ITEMS, 4), elements=st.integers(0, 1)), st.data())
def test_invariants(lists, values, data):
    order = data.draw(st.permutations(range(len(lists))))
    catalogue = Catalogue(np.arange(ITEMS), ITEMS, date(2021, 1, 1), None, values)
    row = beyond(lists, catalogue)
    assert beyond(lists[order], catalogue) == pytest.approx(row)
    assert all(np.isfinite(value) and value >= 0 for value in row.values())
    for name in ("coverage", "gini", "personalisation", "tail_share", "intra_list_diversity"):
        assert row[name] <= 1 + 1e-12
    assert row["entropy_bits"] <= log2(ITEMS) + 1e-9
    widths = range(1, lists.shape[1] + 1)
    assert (np.diff([coverage(lists, ITEMS, k) for k in widths]) >= 0).all()
    curve = diversity_curve(lists, item_values=values)
    assert curve["distinct_items"] == [round(coverage(lists, ITEMS, k) * ITEMS) for k in widths]
    assert curve["ild"][-1] == pytest.approx(row["intra_list_diversity"])
    assert (np.diff(curve["distinct_values"]) >= 0).all()


@given(st.data(), st.floats(0.05, 0.95))
def test_overlap_invariants(data, p):
    a, b = data.draw(some_lists(users=3)), data.draw(some_lists(users=3))
    assert rbo(a, a, p=p) == pytest.approx(np.ones(3))
    assert jaccard(a, a) == pytest.approx(np.ones(3))
    for measure in (rbo, jaccard):
        both = measure(a, b)
        assert both == pytest.approx(measure(b, a))
        assert ((both >= 0) & (both <= 1 + 1e-12)).all()
        # Padding is of no account.
        padded = np.concatenate([a, np.full((3, 2), -1, np.int32)], axis=1)
        assert measure(padded, b) == pytest.approx(both)


def test_every_two_systems():
    systems = {
        "a": np.array([[1, 2], [1, 2], [-1, -1]]),
        "b": np.array([[2, 1], [3, -1], [-1, -1]]),
        "nothing": np.full((3, 2), -1),
    }
    part = overlap_part(systems, p=0.5)
    assert part["systems"] == ["a", "b", "nothing"]
    assert part["jaccard"] == [[1, 0.5, 0], [0.5, 1, 0], [0, 0, 1]]
    assert part["rbo"][0][1] == pytest.approx((1 / 3 + 0) / 2)
    assert part["users"] == [[2, 2, 2], [2, 2, 2], [2, 2, 0]]
    assert overlap_part({"nothing": systems["nothing"]})["rbo"] == [[1]]
    nobody = {"a": np.full((2, 3), -1), "b": np.full((2, 3), -1)}
    assert overlap_part(nobody)["jaccard"] == [[1, 0], [0, 1]]
    with pytest.raises(EvaluationError, match="no system"):
        overlap_part({})


@given(some_lists(), arrays(np.int8, (ITEMS, 3), elements=st.integers(-1, 1)))
def test_every_way_to_compare_items_gives_the_same(lists, values):
    many = np.zeros((ITEMS, 300), np.int8)  # too many values for words of bits
    many[:, ::120] = values
    wide = intra_list_diversity(lists, many)
    told = [diversity_curve(lists, item_values=x)["distinct_values"] for x in (values, many)]
    assert told[0] == told[1]
    assert intra_list_diversity(lists, values) == pytest.approx(wide)
    dense = intra_list_diversity(lists, values, "cosine")
    assert intra_list_diversity(lists, sp.csr_matrix(values), "cosine") == pytest.approx(dense)
    unit = values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)
    for row, found in zip(lists, dense, strict=True):
        known = [item for item in row if item >= 0 and values[item].any()]
        pairs = [1 - unit[a] @ unit[b] for n, a in enumerate(known) for b in known[:n]]
        assert found == pytest.approx(np.mean(pairs) if pairs else 0, abs=1e-9)


def test_a_vector_that_is_not_finite_is_no_silent_nan():
    for values in (np.array([[1, np.nan]] * 4), sp.csr_matrix([[1, np.inf]] * 4)):
        with pytest.raises(EvaluationError, match="not finite"):
            intra_list_diversity(LISTS, values, "cosine")
