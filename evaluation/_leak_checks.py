"""Checks that look at one feature at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from evaluation._leak_bins import auc, bin_of, cuts, outside, psi_of
from evaluation._leak_findings import LOOK_AT, Finding, judge
from evaluation._leak_sample import Sample

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

    A feature is cut into bins at the quantiles of hits and of non-hits, NaN apart; the bins are
    ordered by their hit rate in one half of the lists, and the weighted AUC is measured on the
    other. So a feature that only tells by where it is missing, or that is good in the middle,
    counts for what a tree would make of it.

    Returns:
        ``(n_features,)`` float64, about .5 where nothing is told.
    """
    assert train.label is not None
    hit, half = train.label > 0, train.half()
    values = np.empty(len(train.features))
    for at, x in enumerate(train.features):
        edges = np.union1d(cuts(x[hit], 16), cuts(x[~hit], 16))
        bins, size = bin_of(x, edges), len(edges) + 2
        counts = [
            [np.bincount(bins[part], train.weight[part], size) for part in (own & hit, own & ~hit)]
            for own in (half, ~half)
        ]
        both = []
        for (hits, misses), judged in (counts, counts[::-1]):
            seen = hits + misses
            base = hits.sum() / max(seen.sum(), 1e-12)
            rate = np.where(seen > 0, hits / np.where(seen > 0, seen, 1), base)
            both.append(auc(rate, *judged))
        values[at] = np.mean(both)
    return values


def outside_shares(train: Sample, tomorrow: Sample) -> np.ndarray:
    """Give the share of tomorrow's values outside all learnt from, ``(n_features,)`` float64."""
    pairs = zip(train.features, tomorrow.features, strict=True)
    return np.array([outside(x, y) for x, y in pairs])


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
    said = f"{where}: {LOOK_AT['future cut']}"
    if stored.shape != again.shape:
        rows = float(abs(stored.shape[1] - again.shape[1]))
        return [Finding("future cut", "candidates", rows, 1.0, "red", said)]
    same = (stored == again) | (np.isnan(stored) & np.isnan(again))
    changed = np.count_nonzero(~same, axis=1)
    found = judge("future cut", names, changed, 1, 1)
    if found[0].verdict == "red":
        return [replace(finding, look_at=said) for finding in found]
    return [Finding("future cut", "", 0.0, 1.0, "green", f"{where}: no number changes")]
