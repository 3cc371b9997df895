"""The kernels against plain Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from models.topk import best_of, gather, ranks_within, top_k, union

# Few values, so that there are ties; both zeros, both infinities, a denormal, NaN.
VALUES = [-np.inf, -2.0, -1e-45, -0.0, 0.0, 1e-45, 0.5, 1.0, 1.0000001, 3e38, np.inf, np.nan]
SCORES = st.sampled_from([np.float32(value) for value in VALUES])
FLOORS = st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 0.5, 0.1])


def flat(lists: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    indptr = np.cumsum([0] + [len(row) for row in lists]).astype(np.int64)
    return indptr, np.array([item for row in lists for item in row], np.int32)


def hidden_lists(n: int, n_items: int) -> st.SearchStrategy[list[list[int]]]:
    """Items a user must not get: with repeats, and past the width of the block."""
    items = st.lists(st.integers(0, n_items + 2), max_size=n_items + 3)
    return st.lists(items, min_size=n, max_size=n)


def slow_top_k(block: np.ndarray, floor: float, k: int, hidden: list[list[int]]) -> np.ndarray:
    best = np.full((len(block), k), -1, np.int32)
    for row, scores in enumerate(block):
        order = np.argsort(-scores, kind="stable")
        shown = [i for i in order if scores[i] > np.float32(floor) and i not in hidden[row]][:k]
        best[row, : len(shown)] = shown
    return best


@given(st.data())
def test_top_k_is_a_stable_sort(data: st.DataObject) -> None:
    n, n_items = data.draw(st.integers(0, 4)), data.draw(st.integers(1, 90))
    block = data.draw(hnp.arrays(np.float32, (n, n_items), elements=SCORES))
    floor, k = data.draw(FLOORS), data.draw(st.integers(1, 12))
    hidden = data.draw(hidden_lists(n, n_items))
    expected = slow_top_k(block, floor, k, hidden)
    indptr, items = flat(hidden)
    np.testing.assert_array_equal(top_k(block, floor, k, indptr, items), expected)
    np.testing.assert_array_equal(
        top_k(np.asfortranarray(block), floor, k, indptr, items), expected
    )


@given(st.data())
def test_top_k_of_a_shared_row_is_that_of_its_copies(data: st.DataObject) -> None:
    n, n_items = data.draw(st.integers(2, 5)), data.draw(st.integers(1, 60))
    row = data.draw(hnp.arrays(np.float32, n_items, elements=SCORES))
    floor, k = data.draw(FLOORS), data.draw(st.integers(1, 12))
    indptr, items = flat(data.draw(hidden_lists(n, n_items)))
    shared = np.broadcast_to(row, (n, n_items))
    expected = top_k(shared.copy(), floor, k, indptr, items)
    np.testing.assert_array_equal(top_k(shared, floor, k, indptr, items), expected)


@pytest.mark.parametrize("k", [1, 10, 100, 999, 1000, 1500])
@pytest.mark.parametrize("shape", ["even", "steep", "rising", "coarse", "sparse"])
def test_top_k_of_long_rows(shape: str, k: int) -> None:
    rng = np.random.default_rng(3)
    n_items = 1000
    scores = rng.random((3, n_items))
    if shape == "steep":
        scores /= np.arange(1, n_items + 1)
    elif shape == "rising":
        scores = np.sort(scores)
    elif shape == "coarse":
        scores = np.floor(4 * scores)
    elif shape == "sparse":
        scores *= scores > 0.95
    block = scores.astype(np.float32)
    hidden = [[], list(range(0, 1000, 2)), [5]]
    expected = slow_top_k(block, 0.0, k, hidden)
    np.testing.assert_array_equal(top_k(block, 0.0, k, *flat(hidden)), expected)


def test_codes_that_fill_whole_lanes_and_no_more() -> None:
    for n_items in (15, 16, 17, 47, 48, 49):
        block = np.arange(n_items, dtype=np.float32)[None] + 1
        got = top_k(block, 0.0, 3, *flat([[]]))
        assert got.tolist() == [[n_items - 1, n_items - 2, n_items - 3]]


@given(st.data())
def test_union_is_the_union_of_sets(data: st.DataObject) -> None:
    n_items, n = data.draw(st.integers(1, 12)), data.draw(st.integers(0, 4))
    n_sources, k = data.draw(st.integers(1, 4)), data.draw(st.integers(0, 5))
    minimum = data.draw(st.integers(0, 8))
    fill = data.draw(st.permutations(range(n_items)))[: data.draw(st.integers(0, n_items))]
    hidden = data.draw(hidden_lists(n, n_items))
    proposals = np.full((n_sources, n, k), -1, np.int32)
    expected = []
    for row in range(n):
        allowed = [item for item in range(n_items) if item not in hidden[row]]
        proposed_by: dict[int, int] = {}
        for source in range(n_sources):
            picked = data.draw(
                st.lists(st.sampled_from(allowed), unique=True, max_size=k)
                if allowed
                else st.just([])
            )
            proposals[source, row, : len(picked)] = picked
            for item in picked:
                proposed_by[item] = proposed_by.get(item, 0) | 1 << source
        spare = [item for item in fill if item not in proposed_by and item not in hidden[row]]
        for item in spare[: max(0, minimum - len(proposed_by))]:
            proposed_by[item] = 0
        expected.append(sorted(proposed_by.items()))
    indptr, items, proposed = union(
        proposals, n_items, np.array(fill, np.int32), minimum, *flat(hidden)
    )
    pairs = list(zip(items.tolist(), proposed.tolist(), strict=True))
    assert [pairs[indptr[row] : indptr[row + 1]] for row in range(n)] == expected
    assert (items.dtype, proposed.dtype, indptr.dtype) == (np.int32, np.uint32, np.int64)


@given(st.lists(st.lists(SCORES, max_size=9), max_size=4), FLOORS)
def test_ranks_within_a_user(users: list[list[np.float32]], floor: float) -> None:
    indptr = np.cumsum([0] + [len(user) for user in users]).astype(np.int64)
    scores = np.array([score for user in users for score in user], np.float32)
    got = np.empty_like(scores)
    ranks_within(scores, floor, indptr, got)
    expected = []
    for user in users:
        good = [score > np.float32(floor) for score in user]
        order = sorted((i for i in range(len(user)) if good[i]), key=lambda i: (-user[i], i))
        place = {at: rank for rank, at in enumerate(order, start=1)}
        expected += [place.get(at, len(order) + 1) for at in range(len(user))]
    assert got.tolist() == expected


@given(st.lists(st.lists(SCORES, max_size=9), max_size=4), st.integers(1, 5))
def test_best_of_a_user(users: list[list[np.float32]], k: int) -> None:
    indptr = np.cumsum([0] + [len(user) for user in users]).astype(np.int64)
    scores = np.array([score for user in users for score in user], np.float32)
    expected = np.full((len(users), k), -1)
    for row in range(len(users)):
        order = indptr[row] + np.argsort(-scores[indptr[row] : indptr[row + 1]], kind="stable")
        expected[row, : len(order)] = order[:k]
    np.testing.assert_array_equal(best_of(scores, indptr, k), expected)


def test_gather_reads_the_pairs_and_fills_what_is_past_the_width() -> None:
    block = np.arange(6, dtype=np.float32).reshape(2, 3)
    indptr, items = flat([[2, 0, 3], [1]])
    out = np.empty(4, np.float32)
    gather(block, -1.0, indptr, items, out)
    assert out.tolist() == [2, 0, -1, 4]
    gather(np.broadcast_to(block[1], (2, 3)), -1.0, indptr, items, out)
    assert out.tolist() == [5, 3, -1, 4]
