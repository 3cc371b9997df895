"""Score drift: which form of a source's answer is still the same tomorrow."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.leaks.drift import score_drift
from evaluation.leaks.suite import Sample

NAMES = ["als:score", "als:rank", "als:percentile", "sources"]


def sample(scale: float, seed: int) -> Sample:
    """Lists of ten in which a refit has stretched the scores, and nothing else."""
    score = np.random.default_rng(seed).normal(size=(100, 10)).astype(np.float32) * scale
    rank = (-score).argsort(axis=1).argsort(axis=1) + 1.0
    features = np.stack([score.ravel(), rank.ravel(), rank.ravel() / 10, np.ones(1000)])
    group = np.repeat(np.arange(100), 10)
    return Sample(features.astype(np.float32), group, np.ones(1000, np.float32))


def test_ranks_survive_a_refit_that_stretches_the_scores() -> None:
    windows = {"ranker1": sample(1, 1), "ranker2": sample(1, 2)}
    drift = score_drift(windows, sample(3, 3), NAMES, ["als"])
    assert drift["mean"]["score"] > 0.25
    assert drift["mean"]["rank"] == drift["mean"]["percentile"] == pytest.approx(0, abs=1e-6)
    assert drift["windows"] == ["ranker1", "ranker2"]
    assert len(drift["psi"]["score"]["als"]) == 2
    (step,) = drift["between"]["score"]["als"]
    assert step < 0.1


def test_forms_the_ranker_is_not_told_of_are_left_out() -> None:
    windows = {"ranker1": sample(1, 1)}
    drift = score_drift(windows, sample(1, 2), ["als:score", "a", "b", "c"], ["als"])
    assert list(drift["psi"]) == ["score"]
    assert drift["between"]["score"]["als"] == []
