"""EASE against its closed form."""

from __future__ import annotations

import numpy as np
import pytest

from models.base import ModelError
from models.ease import EASE
from models.interactions import Interactions

L2 = 3.0


def closed_form(matrix: np.ndarray) -> np.ndarray:
    """Give ``B`` of the paper: ``I - P / diag(P)`` with ``P`` the inverse of ``X'X + l2``."""
    inverse = np.linalg.inv(matrix.T @ matrix + L2 * np.eye(matrix.shape[1]))
    return np.eye(matrix.shape[1]) - inverse / np.diag(inverse)


def test_weights_are_the_closed_form_solution(tastes: Interactions, lists) -> None:
    met = tastes.matrix().toarray().astype(float)[:, :40]  # 40 and 41 were never met
    model = EASE(l2=L2).fit(tastes)
    assert model.kept.tolist() == list(range(40))
    assert model.weights.dtype == np.float32
    np.testing.assert_allclose(model.weights, closed_form(met), atol=1e-5)
    np.testing.assert_array_equal(np.diag(model.weights), 0)
    scores = model.score(lists([[0, 5, 5], []], 42))  # 5 twice counts once
    np.testing.assert_allclose(scores[0, :40], closed_form(met)[[0, 5]].sum(axis=0), atol=1e-5)
    assert not scores[1].any()
    assert not scores[:, 40:].any()


def test_two_items_by_hand(log, lists) -> None:
    # X'X + l2 = [[3, 1], [1, 2]]: the ridge of item 0 on item 1 is 1/2, of item 1 on item 0 1/3.
    model = EASE(l2=1.0).fit(log([(0, 0, 1), (0, 1, 1), (1, 0, 1)], 2, 2))
    scores = model.score(lists([[0], [1]], 2))
    np.testing.assert_allclose(scores, [[0, 1 / 3], [1 / 2, 0]], rtol=1e-6)


def test_only_the_most_met_items_get_weights(log, lists) -> None:
    # Users per item: 3, 1, 2, 1; of the two with one user the smaller code stays.
    rows = [(0, 0, 1), (1, 0, 1), (2, 0, 1), (0, 1, 1), (0, 2, 1), (1, 2, 1), (2, 3, 1)]
    events = log(rows, 3, 4)
    model = EASE(l2=L2, max_items=3).fit(events)
    assert model.kept.tolist() == [0, 1, 2]
    scores = model.score(lists([[0, 3], [3]], 4))
    expected = closed_form(events.matrix().toarray().astype(float)[:, [0, 1, 2]])[0]
    np.testing.assert_allclose(scores[0], [*expected, 0], atol=1e-6)
    assert not scores[1].any()


def test_all_items_kept_equals_a_cut_that_keeps_all(tastes: Interactions, lists) -> None:
    met = tastes.where(tastes.item < 40)
    narrow = Interactions(met.user, met.item, met.ts, met.value, 62, 40)
    histories = lists([[3, 4], [25]], 42)
    wide = EASE(l2=L2).fit(tastes).score(histories)
    np.testing.assert_array_equal(EASE(l2=L2).fit(narrow).score(histories), wide[:, :40])


@pytest.mark.parametrize(
    ("params", "message"),
    [({"l2": 0}, "l2 is 0; it must be above 0"), ({"max_items": 0}, "max_items is 0")],
)
def test_impossible_parameters_are_refused(params: dict, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        EASE(**params)


def test_a_penalty_lost_in_rounding_is_named(log) -> None:
    # Two items met by the same 50 users: singular in float32 unless l2 counts.
    rows = [(user, item, 1) for user in range(50) for item in range(2)]
    with pytest.raises(ModelError, match=r"singular with l2=1e-12; raise l2"):
        EASE(l2=1e-12).fit(log(rows, 50, 2))
