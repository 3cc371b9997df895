"""Checks that look at one feature at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from evaluation.leaks.bins import auc, bin_of, cuts, outside, psi_of
from evaluation.leaks.findings import LOOK_AT, Finding, judge
from evaluation.leaks.sample import Sample

ENDLESS = 1e6
"""Ratio told where the next feature has no importance at all; JSON has no infinity."""


def dominance(check: str, strength: Mapping[str, float], yellow: float, red: float) -> Finding:
    """Compare the strongest feature with the next.

    Honest rankers on MovieLens-1M and the demo have ratios of 1 to 3; a label among the features
    has thousands.

    Args:
        check: ``importance`` or ``shap``.
        strength: of every feature, >= 0.
        yellow: the strongest so many times the next.
        red: the same.
    """
    padded = [*strength.items(), ("", 0.0), ("", 0.0)]
    (name, most), (_, next_most) = sorted(padded, key=lambda pair: -pair[1])[:2]
    ratio = min(most / next_most, ENDLESS) if next_most else (ENDLESS if most else 1.0)
    return judge(check, [name], np.array([ratio]), yellow, red)[0]


def alone_aucs(train: Sample) -> np.ndarray:
    """Measure how well each feature alone tells hits from non-hits.

    The larger of two weighted AUCs: that of the feature as it is, in the better direction; and
    that of what a tree would make of it, bins ordered by their hit rate in one half of the lists
    and judged on the other. So a feature that tells by being missing, or that is good in the
    middle, is seen as well. On MovieLens-1M the best source reaches .80, on the demo .70.

    Returns:
        ``(n_features,)`` float64, about .5 where nothing is told.
    """
    assert train.label is not None
    hit, half = train.label > 0, train.half()
    values = np.empty(len(train.features))
    for at, x in enumerate(train.features):
        edges = np.union1d(cuts(x[hit], 16), cuts(x[~hit], 16))
        bins, size = bin_of(x, edges), len(edges) + 2
        one, other = (
            tuple(
                np.bincount(bins[part], train.weight[part], size)
                for part in (own & hit, own & ~hit)
            )
            for own in (half, ~half)
        )
        hits, misses = one[0] + other[0], one[1] + other[1]
        order = np.arange(size)
        missing_first = np.where(order == size - 1, -1, order)
        plain = [auc(score, hits, misses) for score in (order, missing_first)]
        halves = [auc(_rate(*one), *other), auc(_rate(*other), *one)]
        values[at] = max(*plain, *(1 - value for value in plain), float(np.mean(halves)))
    return values


def _rate(hits: np.ndarray, misses: np.ndarray) -> np.ndarray:
    """Give the hit rate of every bin; where nothing was seen, that of all."""
    seen = hits + misses
    base = hits.sum() / max(seen.sum(), 1e-12)
    return np.where(seen > 0, hits / np.where(seen > 0, seen, 1), base)


def outside_shares(train: Sample, tomorrow: Sample) -> np.ndarray:
    """Give the share of tomorrow's values outside all learnt from, ``(n_features,)`` float64."""
    pairs = zip(train.features, tomorrow.features, strict=True)
    return np.array([outside(x, y) for x, y in pairs])


def never_back(windows: Sequence[Sample], share: float, fewest: int = 50) -> np.ndarray:
    """Mark features whose values never come back, window after window, as a row id's or a clock's.

    One window cannot tell, and neither can a handful of values: means over a small group of users
    take a few new values every day.

    Args:
        windows: rows of the ranker windows, oldest first.
        share: of a window's values that must lie outside the window before.
        fewest: distinct values a feature must have.

    Returns:
        ``(n_features,)`` bool.
    """
    pairs = list(pairwise(windows))
    marked = np.full(len(windows[0].features), bool(pairs))
    for one, other in pairs:
        marked[marked] = [
            outside(one.features[at], other.features[at]) >= share for at in np.flatnonzero(marked)
        ]
    for at in np.flatnonzero(marked):
        values = [np.unique(window.features[at]) for window in windows]
        marked[at] = len(np.unique(np.concatenate(values))) >= fewest
    return marked


def psis(one: Sample, other: Sample) -> np.ndarray:
    """Give the PSI of every feature, ``(n_features,)`` float64, the first sample weighted."""
    pairs = zip(one.features, other.features, strict=True)
    return np.array([psi_of(x, y, one.weight) for x, y in pairs])


def future_cut(
    names: Sequence[str], stored: np.ndarray, again: np.ndarray, where: str
) -> list[Finding]:
    """Compare features as learnt from with those made without the day and all after it.

    Args:
        names: of the features.
        stored: ``(n_features, n)`` float32 as the ranker learnt from them.
        again: the same rows, made from a log that ends before the day.
        where: which rows, for the message.

    Returns:
        Red for every feature with one number that differs; rows that are other ones altogether
        are red as ``candidates``.
    """
    said = f"{LOOK_AT['future cut']} Compared: {where}."
    if stored.shape != again.shape:
        rows = float(abs(stored.shape[1] - again.shape[1]))
        return [Finding("future cut", "candidates", rows, 1.0, "red", said)]
    same = (stored == again) | (np.isnan(stored) & np.isnan(again))
    changed = np.count_nonzero(~same, axis=1)
    found = judge("future cut", names, changed, 1, 1)
    if found[0].verdict == "red":
        return [replace(finding, look_at=said) for finding in found]
    return [Finding("future cut", "", 0.0, 1.0, "green", f"Compared: {where}.")]
