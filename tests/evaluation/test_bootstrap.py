"""Intervals: against theory, against plain resampling, and at the edges."""

import numpy as np
import pytest

from evaluation.bootstrap import MAX_DISTINCT, bootstrap_interval, paired_bootstrap
from evaluation.relevance import EvaluationError


def test_interval_is_that_of_the_mean_of_coin_flips():
    values = np.repeat([0.0, 1.0], 500)
    mean, low, high = bootstrap_interval(values, samples=20_000)
    half = 1.96 * 0.5 / np.sqrt(1000)
    assert mean == 0.5
    assert (mean - low, high - mean) == pytest.approx((half, half), rel=0.05)


def test_same_as_resampling_users_one_by_one():
    values = np.random.default_rng(1).exponential(size=60)
    rng = np.random.default_rng(2)
    means = values[rng.integers(0, 60, (20_000, 60))].mean(axis=1)
    _, low, high = bootstrap_interval(values, samples=20_000)
    assert (low, high) == pytest.approx(np.quantile(means, (0.025, 0.975)), rel=0.02)


def test_many_distinct_values_are_pooled_without_moving_the_interval():
    values = np.random.default_rng(1).random(3 * MAX_DISTINCT)
    mean, low, high = bootstrap_interval(values, samples=500)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert mean == pytest.approx(values.mean())
    assert (mean - low, high - mean) == pytest.approx((half, half), rel=0.15)


def test_pairing_sees_what_single_intervals_do_not():
    rng = np.random.default_rng(3)
    b = rng.random(200)
    a = b + rng.normal(0.02, 0.05, 200)  # users differ far more than the systems do
    versus = paired_bootstrap(a, b)
    assert versus.low > 0
    assert versus.p_better > 0.999
    assert versus.difference == pytest.approx((a - b).mean())
    assert bootstrap_interval(a).low < bootstrap_interval(b).high
    back = paired_bootstrap(b, a)
    assert back.difference == -versus.difference
    assert back.p_better < 0.001


def test_order_of_users_and_runs_change_nothing():
    values = np.random.default_rng(4).random(500)
    assert bootstrap_interval(values) == bootstrap_interval(values)
    # Only the rounding of the mean may differ.
    assert bootstrap_interval(values[::-1]) == pytest.approx(bootstrap_interval(values))
    assert bootstrap_interval(values, seed=1) != bootstrap_interval(values, seed=2)


def test_edges_have_defined_values():
    assert bootstrap_interval(np.array([])) == (0, 0, 0)
    assert bootstrap_interval(np.array([0.3])) == (0.3, 0.3, 0.3)
    assert paired_bootstrap(np.array([]), np.array([])) == (0, 0, 0, 0.5, 0)
    same = np.array([0.1, 0.9])
    assert paired_bootstrap(same, same) == (0, 0, 0, 0.5, 2)


@pytest.mark.parametrize("values", [[0.1, np.nan], [np.inf], [[0.1, 0.2]]])
def test_what_is_not_a_number_a_user_is_refused(values):
    with pytest.raises(EvaluationError, match="one finite number a user"):
        bootstrap_interval(np.array(values))


def test_different_users_are_refused():
    with pytest.raises(EvaluationError, match="same users"):
        paired_bootstrap(np.ones(3), np.ones(1))
