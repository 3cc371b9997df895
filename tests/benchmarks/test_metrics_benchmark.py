"""The speed of metrics: made lists are sound, both sides are compared, what fails is said."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

from benchmarks import metrics
from benchmarks.metrics_lists import ITEMS, make
from benchmarks.peers_run import PeerRun
from evaluation.relevance import as_lists


@pytest.fixture(scope="module")
def options() -> argparse.Namespace:
    return argparse.Namespace(users=300, candidate_users=40, peers=None)


@pytest.fixture(autouse=True)
def any_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lift the limit: the process measured here holds whatever earlier tests left in it."""
    monkeypatch.setattr(metrics, "MEMORY_GB", np.inf)


def test_made_lists_are_lists() -> None:
    made = make(500, 10, 50, 200)
    for lists in (made.lists, made.others, made.candidates):
        assert lists.max() < ITEMS
        for row in as_lists(lists):
            real = row[row >= 0]
            assert len(set(real.tolist())) == len(real)
    assert (made.lists >= 0).mean() > 0.9
    assert 0 < np.count_nonzero(made.relevant.counts) < 500
    assert made.candidates.shape == (50, 200)
    again = make(500, 10, 50, 200)
    assert np.array_equal(again.lists, made.lists)
    assert np.array_equal(again.history.items, made.history.items)


def test_without_a_peer_only_memory_is_checked(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = metrics.run(options)
    assert not result.failed
    assert result.payload["users"] == 300
    assert result.payload["peer_seconds"] is result.payload["ratio"] is None
    assert all(np.isfinite(value) for value in result.payload["values"].values())
    assert {"MAP@10", "miscalibration", "embedding_diversity", "rbo", "candidate_recall"} < set(
        result.payload["values"]
    )
    monkeypatch.setattr(metrics, "MEMORY_GB", 1e-3)
    (failed,) = metrics.run(options).failed
    assert "peak memory" in failed.name


@pytest.mark.parametrize(
    ("seconds", "error", "failing"),
    [(1e6, 0.0, []), (1e-9, 0.0, ["times as fast"]), (1e6, 0.01, ["figures both have"])],
)
def test_a_fast_peer_and_another_number_are_noticed(
    options: argparse.Namespace,
    seconds: float,
    error: float,
    failing: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours = metrics.run(options).payload["values"]
    took = {"seconds": seconds, "cpu_seconds": seconds}
    lists = {f"value of {name}": ours[name] + error for name in metrics.SHARED}
    figures = {
        "lists": took | lists,
        "diversity": took | {"value of ild": ours["intra_list_diversity"]},
        "candidates": took | {"value of recall": ours["candidate_recall"]},
    }

    def answer(python: Path, script: str, arrays: object, asked: object) -> PeerRun:
        assert script == "metrics.py"
        return PeerRun({}, figures, 0.5, "RecTools 0")

    monkeypatch.setattr(metrics, "run_peer", answer)
    result = metrics.run(argparse.Namespace(**{**vars(options), "peers": Path("python")}))
    assert result.payload["ratio"] == pytest.approx(
        result.payload["peer_seconds"] / result.payload["seconds"]
    )
    assert len(result.failed) == len(failing)
    for check, words in zip(result.failed, failing, strict=True):
        assert words in check.name
