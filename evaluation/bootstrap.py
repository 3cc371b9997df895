"""How sure a mean over users is: percentile bootstrap, and the paired one for two systems.

Resampling n users with replacement is a multinomial draw over the *distinct* values of the metric,
and a metric at a small k has few of those; so 2,000 resamples of a million users take a second and
are still exact draws (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 6).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from evaluation.relevance import EvaluationError

MAX_DISTINCT = 8192
"""More distinct values than this are pooled into as many equal bins, each at its own mean: the
mean stays exact, the interval changes by less than a bin's width, 1/8192 of the range."""


class Interval(NamedTuple):
    """A mean and the bounds that hold 95 % of its resamples."""

    value: float
    low: float
    high: float


class Comparison(NamedTuple):
    """Mean of a minus mean of b over the same users."""

    difference: float
    low: float
    high: float
    p_better: float
    """Share of resamples in which a is ahead; ties count half."""
    users: int


def bootstrap_interval(values: np.ndarray, samples: int = 2000, seed: int = 7) -> Interval:
    """Give the mean of per-user values and its 95 % percentile interval.

    Args:
        values: ``(n,)``; with n = 0 all three numbers are 0.
        samples: resamples.
        seed: same seed, same interval.

    Raises:
        EvaluationError: a value is not finite.

    >>> bootstrap_interval(np.full(50, 0.25))
    Interval(value=0.25, low=0.25, high=0.25)
    """
    values = _finite(values)
    if not len(values):
        return Interval(0.0, 0.0, 0.0)
    low, high = np.quantile(_means(values, samples, seed), (0.025, 0.975))
    return Interval(float(values.mean()), float(low), float(high))


def paired_bootstrap(
    a: np.ndarray, b: np.ndarray, samples: int = 2000, seed: int = 7
) -> Comparison:
    """Compare two systems on the same users by resampling the users' differences.

    Args:
        a: ``(n,)`` per-user values; with n = 0 nothing is known: 0, 0, 0 and p_better 0.5.
        b: ``(n,)`` values of the same users in the same order.
        samples: resamples.
        seed: same seed, same result.

    Raises:
        EvaluationError: different numbers of users, or a value is not finite.

    >>> paired_bootstrap(np.array([0.5, 0.75]), np.array([0.25, 0.5]))
    Comparison(difference=0.25, low=0.25, high=0.25, p_better=1.0, users=2)
    """
    if np.shape(a) != np.shape(b):
        raise EvaluationError(
            f"a holds {np.shape(a)} values and b {np.shape(b)}; a paired comparison needs both "
            "for the same users"
        )
    gain = _finite(np.asarray(a, np.float64) - np.asarray(b, np.float64))
    if not len(gain):
        return Comparison(0.0, 0.0, 0.0, 0.5, 0)
    means = _means(gain, samples, seed)
    low, high = np.quantile(means, (0.025, 0.975))
    p_better = float((means > 0).mean() + (means == 0).mean() / 2)
    return Comparison(float(gain.mean()), float(low), float(high), p_better, len(gain))


def _finite(values: np.ndarray) -> np.ndarray:
    array = np.asarray(values, np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise EvaluationError(
            f"the bootstrap needs one finite number a user, found shape {array.shape} with "
            f"{np.count_nonzero(~np.isfinite(array))} that are not finite"
        )
    return array


def _means(values: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """Means of ``samples`` resamples of the users, ``(samples,)`` float64."""
    points, counts = _distinct(values)
    if len(points) == 1:
        return np.full(samples, points[0])
    rng = np.random.default_rng(seed)
    return np.concatenate(
        [
            rng.multinomial(len(values), counts / len(values), size) @ points / len(values)
            for size in _chunks(samples, 1 + 2_000_000 // len(points))
        ]
    )


def _distinct(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct values (or bins at their means) and how many users have each."""
    points, counts = np.unique(values, return_counts=True)
    if len(points) <= MAX_DISTINCT:
        return points, counts
    scaled = (points - points[0]) / (points[-1] - points[0]) * MAX_DISTINCT
    bins = np.minimum(scaled.astype(np.int64), MAX_DISTINCT - 1)
    pooled = np.bincount(bins, counts, MAX_DISTINCT)
    sums = np.bincount(bins, points * counts, MAX_DISTINCT)
    used = pooled > 0
    return sums[used] / pooled[used], pooled[used]


def _chunks(total: int, size: int) -> Iterator[int]:
    for start in range(0, total, size):
        yield min(size, total - start)
