"""SHAP values: what they sum up to, which way they point, what they say of pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.base import ModelError
from models.ranker import Ranker, Rows
from models.shapley import (
    direction,
    interacting_pairs,
    interaction_values,
    shap_values,
)

NAMES = ["up", "down", "left", "right", "idle"]


def rows(seed: int, n: int = 800) -> Rows:
    """Make rows: ``up`` raises, ``down`` lowers, ``left`` and ``right`` count only together."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(5, n)).astype(np.float32)
    features[0, ::5] = np.nan
    signal = np.nan_to_num(features[0]) - 0.7 * features[1] + 1.5 * features[2] * features[3]
    label = (signal + 0.3 * rng.normal(size=n) > 0.5).astype(np.float32)
    label[::10], label[1::10] = 1, 0
    return Rows(features, label, np.arange(n) // 10, np.ones(n, np.float32))


@pytest.fixture(scope="module")
def ranker() -> Ranker:
    made = Ranker(
        iterations=60,
        learning_rate=0.2,
        depth=4,
        feature_share=1.0,
        early_stopping_rounds=None,
        threads=1,
    )
    return made.fit([rows(1), rows(2)], NAMES)


@pytest.mark.parametrize("n", [0, 1, 7, 300])
def test_bias_and_values_sum_up_to_the_raw_score(ranker: Ranker, n: int) -> None:
    features = rows(3).features[:, :n]
    found = shap_values(ranker, features)
    assert found.values.shape == (5, n)
    np.testing.assert_allclose(
        found.bias + found.values.sum(axis=0, dtype=np.float64),
        ranker.predict(features),
        atol=1e-5,
    )
    assert found.gap < 1e-9


@pytest.mark.parametrize("loss", ["YetiRank", "QuerySoftMax"])
def test_they_sum_up_for_losses_that_compare_rows(loss: str) -> None:
    made = Ranker(loss=loss, iterations=20, early_stopping_rounds=None, threads=1)
    found = shap_values(made.fit([rows(1)], NAMES), rows(3).features)
    np.testing.assert_allclose(found.bias + found.values.sum(axis=0), found.raw, atol=1e-5)


def test_rows_are_explained_alike_in_any_chunk(
    ranker: Ranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = rows(3).features
    whole = shap_values(ranker, features)
    monkeypatch.setattr("models.shapley.CHUNK", 97)
    parts = shap_values(ranker, features)
    np.testing.assert_allclose(parts.values, whole.values, atol=1e-6)
    np.testing.assert_array_equal(parts.raw, whole.raw)


def test_values_that_do_not_add_up_are_an_error(
    ranker: Ranker, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ranker.model.get_feature_importance

    def wrong(pool, **options):
        found = real(pool, **options)
        found[41, 2] += 0.01
        return found

    monkeypatch.setattr(ranker.model, "get_feature_importance", wrong)
    with pytest.raises(ModelError, match=r"row 41 sum up to .* \(1 of 800 rows are wrong\)"):
        shap_values(ranker, rows(3).features)


def test_nan_in_the_values_is_an_error(ranker: Ranker, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ranker.model.get_feature_importance
    monkeypatch.setattr(
        ranker.model, "get_feature_importance", lambda pool, **o: real(pool, **o) * np.nan
    )
    with pytest.raises(ModelError, match="row 0 sum up to nan"):
        shap_values(ranker, rows(3).features)


def test_other_features_and_untrained_rankers_are_refused(ranker: Ranker) -> None:
    with pytest.raises(ModelError, match="trained on 5 features, it was given 4"):
        shap_values(ranker, np.ones((4, 3), np.float32))
    with pytest.raises(ModelError, match="not trained"):
        shap_values(Ranker(), np.ones((4, 3), np.float32))


def test_what_moves_the_score_has_large_values_of_the_right_sign(ranker: Ranker) -> None:
    made = rows(3)
    found = shap_values(ranker, made.features)
    size = found.mean_abs(made.weight)
    way = direction(found.values, made.features, made.weight)
    assert size[4] == size.min()
    assert way[0] > 0.7
    assert way[1] < -0.7
    assert abs(way[2]) < 0.3  # it raises the score as often as it lowers it


def test_means_are_weighted(ranker: Ranker) -> None:
    features = rows(3).features
    found = shap_values(ranker, features)
    only = np.zeros(800, np.float32)
    only[[3, 8]] = 2
    expected = np.abs(found.values[:, [3, 8]]).mean(axis=1)
    np.testing.assert_allclose(found.mean_abs(only), expected, rtol=1e-5)
    np.testing.assert_allclose(found.take(only > 0).mean_abs(np.ones(2)), expected, rtol=1e-5)
    assert found.mean_abs(np.zeros(800)).tolist() == [0.0] * 5


@pytest.mark.parametrize(
    ("feature", "effect", "expected"),
    [
        ([1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4], 1.0),
        ([1, 2, 3, 400], [0.4, 0.3, 0.2, 0.1], -1.0),  # by place, not by size
        ([5, 5, 5, 5], [0.1, 0.2, 0.3, 0.4], 0.0),
        ([1, 2, 3, 4], [0.2, 0.2, 0.2, 0.2], 0.0),
        ([np.nan] * 4, [0.1, 0.2, 0.3, 0.4], 0.0),
        ([1, np.nan, 3, 4], [0.1, 99.0, 0.3, 0.4], 0.981),
    ],
)
def test_direction(feature: list, effect: list, expected: float) -> None:
    found = direction(np.array([effect]), np.array([feature], np.float32), np.ones(4))
    assert found[0] == pytest.approx(expected, abs=0.02)


def test_features_that_count_together_are_the_first_pair(ranker: Ranker) -> None:
    pairs = interacting_pairs(ranker)
    assert set(pairs[0]) == {2, 3}
    features = rows(3).features[:, :200]
    together, apart = interaction_values(ranker, features, [(2, 3), (0, 4)])
    assert np.abs(together).mean() > 5 * np.abs(apart).mean()
    # Both large or both small raise the score.
    assert np.corrcoef(together, features[2] * features[3])[0, 1] > 0.6


def test_no_pairs_no_interactions(ranker: Ranker) -> None:
    assert interaction_values(ranker, rows(3).features, []).shape == (0, 800)


def test_a_loaded_ranker_is_explained_alike(ranker: Ranker, tmp_path: Path) -> None:
    ranker.save(tmp_path)
    features = rows(3).features
    a, b = (shap_values(r, features) for r in (ranker, Ranker.load(tmp_path)))
    assert a.values.tobytes() == b.values.tobytes()
    assert a.names == b.names
