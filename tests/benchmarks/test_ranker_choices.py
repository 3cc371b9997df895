"""Rankers compared on held-out windows: who learns from what, and who orders whom."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from benchmarks import cold_users, held_out, score_forms
from benchmarks.protocol import BenchmarkError
from models.ranker import Rows

NAMES = ["als:score", "als:rank", "als:percentile", "sources", "item_events"]


def rows(n: int = 6) -> Rows:
    features = np.arange(5 * n, dtype=np.float32).reshape(5, n)
    return Rows(features, np.zeros(n, np.float32), np.arange(n), np.ones(n, np.float32))


class Told:
    """Stands for a ranker: remembers what it learnt from, and scores a constant."""

    made: ClassVar[list[Told]] = []

    def __init__(self, run: Any, windows: list[Rows], names: list[str], seed: int) -> None:
        self.windows, self.names, self.seed = windows, names, seed
        Told.made.append(self)

    def predict(self, features: np.ndarray) -> np.ndarray:
        assert len(features) == len(self.names)
        return np.full(features.shape[1], Told.made.index(self), np.float32)


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Any:
    Told.made = []
    warm = np.array([True, True, False, False, False, True])
    for module in (cold_users, score_forms):
        monkeypatch.setattr(module, "grow", Told)
        monkeypatch.setattr(module, "HeldOut", lambda run, window: Held(window))
        monkeypatch.setattr(
            module, "stacked_rows", lambda run: ([rows(), rows()], [warm, warm], NAMES)
        )
    monkeypatch.setattr(
        cold_users, "make_lists", lambda *args: [SimpleNamespace(score=np.full(4, -5.0))]
    )
    return SimpleNamespace(
        windows=SimpleNamespace(ranker=["ranker1", "ranker2"], test="test"),
        settings=SimpleNamespace(generators=[SimpleNamespace(kind="popularity", name="pop")]),
    )


class Held:
    """Four users with a pair each; the last two are cold. A user's AP is the score of the pair."""

    day = None
    warm = np.array([True, True, False, False])

    def __init__(self, window: str) -> None:
        self.window = window

    def warm_pairs(self, candidates: Any) -> np.ndarray:
        return self.warm

    def average_precision(self, score: Any) -> np.ndarray:
        return np.asarray(score(self, None, np.zeros((5, 4), np.float32)), np.float64)


def test_cold_users_are_ordered_by_what_the_variant_says(day: Any) -> None:
    found = cold_users.compare(day, "newest", seeds=1)
    assert found[cold_users.ONE] == {"all": 0, "warm": 0, "cold": 0}
    assert found[cold_users.OWN] == {"all": 1.5, "warm": 1, "cold": 2}
    assert found[cold_users.FALLBACK] == {"all": -2.5, "warm": 0, "cold": -5}
    one, warm, cold = Told.made
    assert [len(ranker.windows) for ranker in Told.made] == [1, 1, 1]  # the newest only judges
    assert [len(ranker.windows[0]) for ranker in (one, warm, cold)] == [6, 3, 3]
    assert warm.windows[0].features[0].tolist() == [0, 1, 5]


def test_the_test_window_is_judged_by_rankers_of_all_windows(day: Any) -> None:
    cold_users.compare(day, "test", seeds=2)
    assert [len(ranker.windows) for ranker in Told.made] == [2] * 6
    assert {ranker.seed for ranker in Told.made} == {0, 1}


def test_a_form_left_out_is_seen_by_no_ranker(day: Any) -> None:
    found = score_forms.compare(day, "newest", seeds=1)
    assert list(found) == list(score_forms.KEPT)
    learnt = {name: ranker.names for name, ranker in zip(found, Told.made, strict=True)}
    assert learnt["all"] == NAMES
    assert learnt["scores"] == ["als:score", "sources", "item_events"]
    assert learnt["percentiles"] == ["als:percentile", "sources", "item_events"]


def test_one_window_leaves_none_to_choose_on(tmp_path: Path) -> None:
    run: Any = SimpleNamespace(
        windows=SimpleNamespace(ranker=[SimpleNamespace(name="ranker1")]),
        lake=SimpleNamespace(local=lambda *parts: tmp_path),
        folder=lambda *parts: parts,
    )
    with pytest.raises(BenchmarkError, match="ranker_windows to 2"):
        held_out.stacked_rows(run)
