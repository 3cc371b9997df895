"""Logs and histories: which rows stay, and in what order."""

from __future__ import annotations

import numpy as np
import pytest

from models.interactions import EPOCH_DAY_US, Histories, Interactions

N_ITEMS = 5


@pytest.fixture
def small(log) -> Interactions:
    rows = [
        (2, 4, 1, 0.2),  # 0
        (0, 1, 2, 0.5),  # 1
        (2, 0, 2, 1.0),  # 2
        (0, 1, 3, 0.9),  # 3: the same item once more
        (2, 3, 4, 0.1),  # 4
    ]
    return log(rows, n_users=4, n_items=N_ITEMS)


def test_positive_keeps_the_threshold_itself(small: Interactions) -> None:
    assert small.positive(0.5).ts.tolist() == [d * EPOCH_DAY_US for d in (2, 2, 3)]


def test_a_threshold_is_compared_as_the_float32_values_are_stored(log) -> None:
    assert len(log([(0, 0, 1, 0.1)], 1, 1).positive(0.1)) == 1


def test_since_keeps_the_moment_itself(small: Interactions) -> None:
    assert small.since(2 * EPOCH_DAY_US).item.tolist() == [1, 0, 1, 3]


def test_sizes_survive_a_choice_of_rows(small: Interactions) -> None:
    none = small.where(np.zeros(5, bool))
    assert (len(none), none.n_users, none.n_items) == (0, 4, N_ITEMS)


def test_matrix_counts_a_repeated_item_once(small: Interactions) -> None:
    expected = np.zeros((4, N_ITEMS), np.float32)
    expected[2, [0, 3, 4]] = expected[0, 1] = 1
    matrix = small.matrix()
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix.toarray(), expected)


def test_histories_are_oldest_first_and_every_user_has_one(small: Interactions) -> None:
    histories = small.histories()
    assert histories.user.tolist() == [0, 1, 2, 3]
    assert histories.lengths.tolist() == [2, 0, 3, 0]
    assert histories.item.tolist() == [1, 1, 4, 0, 3]
    assert (histories.ts // EPOCH_DAY_US).tolist() == [2, 3, 1, 2, 4]


def test_take_reorders_and_repeats_users(small: Interactions) -> None:
    taken = small.histories().take(np.array([2, 1, 0, 2]))
    assert taken.user.tolist() == [2, 1, 0, 2]
    assert taken.indptr.tolist() == [0, 3, 3, 5, 8]
    assert taken.item.tolist() == [4, 0, 3, 1, 1, 4, 0, 3]


@pytest.mark.parametrize(("count", "items"), [(1, [1, 3]), (2, [1, 1, 0, 3]), (9, [1, 1, 4, 0, 3])])
def test_last_keeps_the_newest(small: Interactions, count: int, items: list[int]) -> None:
    assert small.histories().last(count).item.tolist() == items


def test_taking_nobody_gives_nobody(small: Interactions) -> None:
    nobody = small.histories().take(np.empty(0, np.int32))
    assert (len(nobody), len(nobody.item), nobody.matrix().shape) == (0, 0, (0, N_ITEMS))


def test_matrix_of_histories_leaves_out_items_past_its_width(lists) -> None:
    histories: Histories = lists([[4, 1, 1], [], [3]], N_ITEMS)
    np.testing.assert_array_equal(histories.matrix(3).toarray(), [[0, 1, 0], [0, 0, 0], [0, 0, 0]])
    assert histories.matrix().shape == (3, N_ITEMS)


def test_an_empty_log_has_empty_histories(log) -> None:
    histories = log([], n_users=2, n_items=3).histories()
    assert histories.lengths.tolist() == [0, 0]
