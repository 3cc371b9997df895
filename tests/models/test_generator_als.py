"""ALS: folding in, and what must not be proposed."""

from __future__ import annotations

import numpy as np
import pytest

from models.als import ALS
from models.base import ModelError
from models.interactions import Interactions


@pytest.fixture(scope="module")
def model(tastes: Interactions) -> ALS:
    return ALS(factors=8, iterations=30, regularization=0.1).fit(tastes)


def test_a_folded_in_history_scores_as_the_fitted_user(model: ALS, tastes: Interactions) -> None:
    library = model._library_model(threads=1)
    library.fit(tastes.matrix(), show_progress=False)
    fitted = library.user_factors @ library.item_factors.T
    folded = model.score(tastes.histories())
    np.testing.assert_allclose(folded[:60, :40], fitted[:60, :40], atol=0.02)


def test_folding_in_solves_the_normal_equations(model: ALS, lists) -> None:
    # Hu, Koren and Volinsky: (Y'Y + alpha-weighted outer products + reg) x = alpha * sum of y.
    history, y = [1, 7, 7], model.item_factors.astype(float)
    met = y[[1, 7]]
    left = y.T @ y + (model.alpha - 1) * met.T @ met + model.regularization * np.eye(8)
    expected = np.linalg.solve(left, model.alpha * met.sum(axis=0))
    np.testing.assert_allclose(model.encode(lists([history], 42))[0], expected, rtol=1e-3)


def test_tastes_are_found(model: ALS, lists) -> None:
    scores = model.score(lists([[0, 1, 2], [20, 21, 22]], 42))
    assert scores[0, :20].mean() > 5 * abs(scores[0, 20:40].mean())
    assert scores[1, 20:40].mean() > 5 * abs(scores[1, :20].mean())


def test_items_without_events_score_nothing(model: ALS, lists) -> None:
    assert not model.score(lists([[0, 1]], 42))[:, 40:].any()


def test_an_empty_history_scores_nothing(model: ALS, lists) -> None:
    assert not model.score(lists([[]], 42)).any()


def test_same_seed_same_bytes(model: ALS, tastes: Interactions) -> None:
    again = ALS(factors=8, iterations=30, regularization=0.1).fit(tastes)
    assert again.item_factors.tobytes() == model.item_factors.tobytes()
    other = ALS(factors=8, iterations=30, regularization=0.1, seed=8).fit(tastes)
    assert other.item_factors.tobytes() != model.item_factors.tobytes()


def test_a_user_alone_scores_as_in_a_crowd(model: ALS, tastes: Interactions) -> None:
    # BLAS takes another routine for a single row.
    histories = tastes.histories()
    crowd = model.score(histories)
    for user in range(62):
        assert model.score(histories.take(np.array([user]))).tobytes() == crowd[user].tobytes()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"factors": 0}, "factors is 0; it must be above 0"),
        ({"alpha": -1.0}, "alpha is -1.0"),
        ({"iterations": 0}, "iterations is 0"),
        ({"regularization": -0.1}, "regularization is -0.1; it must be at least 0"),
    ],
)
def test_impossible_parameters_are_refused(params: dict, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        ALS(**params)
