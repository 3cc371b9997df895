"""Histograms of features and what is read from them: AUC, PSI, overlap of ranges."""

from __future__ import annotations

import numpy as np

EMPTY = 1e-4
"""Share that an empty bin counts as in PSI; it bounds what one bin can add to about 9."""


def cuts(values: np.ndarray, bins: int) -> np.ndarray:
    """Cut values into bins of about the same size.

    Args:
        values: ``(n,)`` float32; NaN is left aside.
        bins: how many at most.

    Returns:
        ``(at most bins - 1,)`` ascending and distinct; bin ``b`` holds ``cuts[b - 1] < x <=
        cuts[b]``, so a value that fills a quantile alone gets a bin of its own.
    """
    known = np.sort(values[~np.isnan(values)])
    if not len(known):
        return np.empty(0, np.float32)
    # A value of the sample, never one between two of them: equal numbers stay together.
    places = np.linspace(0, len(known) - 1, bins + 1)[1:-1].astype(np.int64)
    return np.unique(known[places])


def bin_of(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Give the bin of every value, ``(n,)`` int64; NaN has the last one, ``len(edges) + 1``."""
    at = np.searchsorted(edges, values)
    at[np.isnan(values)] = len(edges) + 1
    return at


def auc(score: np.ndarray, positive: np.ndarray, negative: np.ndarray) -> float:
    """Give the probability that a positive scores above a negative; ties count half.

    Args:
        score: ``(n_bins,)``, what every bin scores.
        positive: ``(n_bins,)`` weight of the positives in every bin.
        negative: the same of the negatives.

    Returns:
        .5 where one side weighs nothing.

    >>> auc(np.array([2.0, 1.0]), np.array([3.0, 1.0]), np.array([0.0, 4.0]))
    0.875
    """
    if not positive.sum() or not negative.sum():
        return 0.5
    _, level = np.unique(score, return_inverse=True)
    above, below = np.bincount(level, positive), np.bincount(level, negative)
    wins = above @ (np.cumsum(below) - below / 2)
    return float(wins / above.sum() / below.sum())


def psi(one: np.ndarray, other: np.ndarray) -> float:
    """Give the population stability index of two histograms, ``sum((p - q) ln(p / q))``.

    Shares below :data:`EMPTY` count as it. Below .1 is read as stable, above .25 as a shift
    (Siddiqi, Credit Risk Scorecards, 2006); 0 where one side is empty.

    >>> round(psi(np.array([5.0, 5.0]), np.array([8.0, 2.0])), 4)
    0.4159
    """
    if not one.sum() or not other.sum():
        return 0.0
    p, q = (np.maximum(h / h.sum(), EMPTY) for h in (one, other))
    return float(((p - q) * np.log(p / q)).sum())


def psi_of(one: np.ndarray, other: np.ndarray, weight: np.ndarray, bins: int = 10) -> float:
    """Give the PSI of two samples of one feature, cut at the quantiles of the first.

    Args:
        one: ``(n,)`` float32; NaN is a bin of its own.
        other: ``(m,)`` float32.
        weight: ``(n,)`` of the first sample's values.
        bins: of the first sample.
    """
    edges = cuts(one, bins)
    first = np.bincount(bin_of(one, edges), weight, len(edges) + 2)
    return psi(first, np.bincount(bin_of(other, edges), minlength=len(edges) + 2))


def outside(train: np.ndarray, serve: np.ndarray, trim: float = 0.001) -> float:
    """Give the share 0..1 of a serve sample that lies outside the range of the train sample.

    Args:
        train: ``(n,)`` float32; NaN is left aside.
        serve: ``(m,)`` float32; NaN is left aside.
        trim: share of the train values cut off at either end: a few strays make no range.

    Returns:
        0 where either side knows no value, or where all of both are one same value.

    >>> outside(np.arange(10.0), np.array([4.0, 12.0]), trim=0)
    0.5
    """
    train, serve = train[~np.isnan(train)], serve[~np.isnan(serve)]
    if not len(train) or not len(serve):
        return 0.0
    low, high = np.quantile(train, [trim, 1 - trim])
    return float(((serve < low) | (serve > high)).mean())
