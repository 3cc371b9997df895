"""SHAP values of the ranker: how much each feature moved the raw score of each pair.

The values are exact (TreeSHAP; Lundberg et al., From local explanations to global understanding
with explainable AI for trees, Nature Machine Intelligence 2, 2020), computed by CatBoost itself:
its symmetric trees need one table a leaf, so 30,000 rows of 500 trees take five CPU seconds,
whatever the number of features. The unit is that of the raw score: log-odds for Logloss.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from models.base import ModelError
from models.ranker import Ranker

TOLERANCE = 1e-6
"""Gap allowed between the sum of a row's values and its raw score, per unit of their size."""
CHUNK = 32_768
"""Rows explained at a time: the library answers in float64, and lays out its trees each time."""


@dataclass(frozen=True)
class Shapley:
    """SHAP values of some pairs.

    Attributes:
        names: ``n_features`` names.
        values: ``(n_features, n)`` float32, in units of the raw score.
        bias: the raw score before anything is known of a pair.
        raw: ``(n,)`` float64 raw scores.
        gap: largest distance between bias + sum of the values and the raw score.
    """

    names: list[str]
    values: np.ndarray
    bias: float
    raw: np.ndarray
    gap: float

    def __len__(self) -> int:
        return len(self.raw)

    def mean_abs(self, weight: np.ndarray) -> np.ndarray:
        """Average |SHAP| of every feature, ``(n_features,)`` float64; all zero without weight."""
        return _mean(np.abs(self.values), weight)

    def take(self, rows: np.ndarray) -> Self:
        """Return some rows, by position or as a mask ``(n,)``."""
        return type(self)(self.names, self.values[:, rows], self.bias, self.raw[rows], self.gap)


def shap_values(ranker: Ranker, features: np.ndarray, threads: int = 1) -> Shapley:
    """Split the raw score of every pair into the shares of its features.

    Args:
        ranker: trained.
        features: ``(n_features, n)`` float32, rows as in ``ranker.names``.
        threads: of the computation; 0: all cores.

    Raises:
        ModelError: the values of a row do not sum up to its raw score, or the features are not
            those the ranker was trained on.
    """
    from catboost import Pool

    ranker.check_width(features)
    n = features.shape[1]
    values, raw = np.empty((len(features), n), np.float32), np.empty(n)
    bias, gap = 0.0, 0.0
    for start in range(0, n, CHUNK):
        rows = slice(start, start + CHUNK)
        pool = Pool(features[:, rows].T)
        found = ranker.model.get_feature_importance(
            pool, type="ShapValues", thread_count=threads or -1
        )
        raw[rows] = ranker.model.predict(
            pool, prediction_type="RawFormulaVal", thread_count=threads or -1
        )
        gap = max(gap, _check_sums(found, raw[rows], start))
        values[:, rows], bias = found[:, :-1].T, float(found[0, -1])
    return Shapley(ranker.names, values, bias, raw, gap)


def direction(values: np.ndarray, features: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Say whether a larger value raises the score.

    Args:
        values: ``(n_features, n)`` SHAP values.
        features: ``(n_features, n)``; NaN where undefined: left out.
        weight: ``(n,)`` of the rows.

    Returns:
        ``(n_features,)`` float64 in -1..1: correlation between the place of a value among all
        values and its effect; 0 where either is constant.
    """
    return np.array(
        [_correlation(v, f, weight) for v, f in zip(values, features, strict=True)], np.float64
    )


def interacting_pairs(ranker: Ranker) -> list[tuple[int, int]]:
    """Give the pairs of features that share the most of the trees' splits, strongest first.

    Read off the trees alone (CatBoost's "Interaction"), so it costs nothing.
    """
    found = ranker.model.get_feature_importance(type="Interaction")
    return [(int(a), int(b)) for a, b, _ in found]


def interaction_values(
    ranker: Ranker, features: np.ndarray, pairs: Sequence[tuple[int, int]], threads: int = 1
) -> np.ndarray:
    """Give what two features do together, beyond what each does alone.

    The library needs over a second for one row and all pairs of a hundred features, but about a
    second for a thousand rows and one pair: so it is asked for chosen pairs alone.

    Args:
        ranker: trained.
        features: ``(n_features, n)`` float32.
        pairs: positions of the features.
        threads: of the computation; 0: all cores.

    Returns:
        ``(n_pairs, n)`` float32: the whole of it, that is both halves of the symmetric matrix.
    """
    from catboost import Pool

    ranker.check_width(features)
    out = np.zeros((len(pairs), features.shape[1]), np.float32)
    if out.size:
        pool = Pool(features.T)
        for row, (a, b) in zip(out, pairs, strict=True):
            found = ranker.model.get_feature_importance(
                pool,
                type="ShapInteractionValues",
                interaction_indices=[a, b],
                thread_count=threads or -1,
            )
            row[:] = found[:, 0, 1] + found[:, 1, 0]
    return out


def _check_sums(found: np.ndarray, raw: np.ndarray, start: int) -> float:
    """Give the largest gap between sum and raw score; one past the tolerance is an error."""
    gaps = np.abs(found.sum(axis=1) - raw)
    size = 1.0 + np.abs(found).sum(axis=1)
    wrong = ~(gaps <= TOLERANCE * size)  # NaN is wrong, too
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ModelError(
            f"SHAP values of row {start + at} sum up to {found[at].sum():.6g}, but its raw score "
            f"is {raw[at]:.6g} ({int(wrong.sum())} of {len(raw)} rows are wrong): the explanation "
            "would not be of this ranker. Its file may have been changed; train it again"
        )
    return float(gaps.max())


def _mean(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    total = float(weight.sum(dtype=np.float64))
    if not total:
        return np.zeros(len(values))
    return np.asarray(values @ (weight / total).astype(np.float64), np.float64)


def _correlation(values: np.ndarray, feature: np.ndarray, weight: np.ndarray) -> float:
    known = ~np.isnan(feature)
    if not known.any():
        return 0.0
    places = np.unique(feature[known], return_inverse=True)[1].astype(np.float64)
    effect, share = values[known].astype(np.float64), weight[known] / weight[known].sum()
    places -= share @ places
    effect -= share @ effect
    size = np.sqrt((share @ places**2) * (share @ effect**2))
    # Below this a constant feature's rounding would look like a direction.
    return float(share @ (places * effect) / size) if size > 1e-12 else 0.0
