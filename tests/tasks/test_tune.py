"""The search for parameters: what it judges, resumes, proposes and refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from small_trained import Trained

import tasks.tune
from evaluation.relevance import Relevant
from flows.show_tune import show_search
from models.base import ModelError
from tasks.run import Run
from tasks.tune import SPACE, Judge, make_judge, propose, tune_ranker

IN_USE = {"depth": 3, "learning_rate": 0.05, "l2_leaf_reg": 3.0, "feature_share": 0.3}


class Clock:
    """Seconds that pass by one a look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def run(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give the run of the small day with a clock of its own, and without earlier trials."""
    monkeypatch.setattr(tasks.tune, "perf_counter", Clock())
    lake = trained.run.lake
    if lake.exists(*trained.run.folder("tune")):
        lake.fs.rm(lake.path(*trained.run.folder("tune")), recursive=True)
    return trained.run


def test_parameters_in_use_come_first_and_the_best_wins(run: Run, trained: Trained) -> None:
    found = tune_ranker(run, trained.rows, minutes=60, trials=4)
    trials = found["trials"]
    assert len(trials) == 4
    assert trials[0]["params"] == IN_USE
    assert trials[found["best"]]["MAP@10"] == max(trial["MAP@10"] for trial in trials)
    gain = found["gain"]["difference"]
    assert gain == pytest.approx(trials[found["best"]]["MAP@10"] - trials[0]["MAP@10"], abs=1e-5)
    for trial in trials[1:]:
        for name, (low, high, _) in SPACE.items():
            assert low <= trial["params"][name] <= high


def test_a_search_that_was_cut_off_goes_on_as_if_it_had_not_been(
    run: Run, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tune_ranker(run, trained.rows, minutes=60, trials=4)
    place = run.lake.path(*run.folder("tune"))
    run.lake.fs.rm(place, recursive=True)

    real, trials = tasks.tune._trial, []

    def stopped(*arguments):
        if len(trials) == 2:
            raise KeyboardInterrupt
        trials.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(tasks.tune, "_trial", stopped)
    with pytest.raises(KeyboardInterrupt):
        tune_ranker(run, trained.rows, minutes=60, trials=4)
    monkeypatch.setattr(tasks.tune, "_trial", real)
    resumed = tune_ranker(run, trained.rows, minutes=60, trials=4)
    assert (whole["resumed"], resumed["resumed"]) == (0, 2)
    assert [t["params"] for t in resumed["trials"]] == [t["params"] for t in whole["trials"]]
    assert [t["MAP@10"] for t in resumed["trials"]] == [t["MAP@10"] for t in whole["trials"]]
    assert resumed["gain"] == whole["gain"]


def test_the_budget_ends_the_search_before_a_trial_that_would_not_fit(
    run: Run, trained: Trained
) -> None:
    # The clock gives 1 s to get ready and 3 s a trial, of which 2 are its own.
    found = tune_ranker(run, trained.rows, minutes=10 / 60)
    assert 2 <= len(found["trials"]) <= 4
    again = tune_ranker(run, trained.rows, minutes=0.0)
    assert (again["resumed"], len(again["trials"])) == (len(found["trials"]),) * 2


def test_too_small_a_budget_says_how_much_is_needed_and_keeps_what_was_done(
    run: Run, trained: Trained
) -> None:
    with pytest.raises(ModelError, match=r"0 minutes are too few: .*Give --minutes 0\.\d"):
        tune_ranker(run, trained.rows, minutes=0.0)
    found = tune_ranker(run, trained.rows, minutes=60, trials=2)
    assert found["resumed"] == 1


def test_one_window_cannot_judge_itself(run: Run, trained: Trained) -> None:
    with pytest.raises(ModelError, match=r"two ranker windows.*raise windows\.ranker_windows"):
        tune_ranker(run, trained.rows[:1], minutes=1)


def test_the_judge_sees_whole_lists_of_the_newest_ranker_window_alone(run: Run) -> None:
    judge = make_judge(run)
    assert len(judge.indptr) == len(judge.relevant) + 1
    sizes = np.diff(judge.indptr)
    assert sizes.min() >= run.settings.recommend.k
    assert judge.features.shape[1] == sizes.sum() == len(judge.item)


def test_the_judge_is_the_metric_of_the_lists() -> None:
    class ByFirst:
        def predict(self, features: np.ndarray, threads: int) -> np.ndarray:
            return features[0]

    judge = Judge(
        features=np.array([[0.1, 0.9, 0.5, 0.3, 0.2]], np.float32),
        indptr=np.array([0, 3, 5]),
        item=np.array([7, 8, 9, 7, 8], np.int32),
        relevant=Relevant.from_pairs(np.array([0, 0, 1]), np.array([8, 7, 8]), 2),
    )
    values = judge.values(ByFirst())  # type: ignore[arg-type]
    # First list: 8, 9, 7 with hits in places 1 and 3; second: 7, 8 with a hit in place 2.
    np.testing.assert_allclose(values["MAP@10"], [(1 + 2 / 3) / 2, 0.5])


def test_proposals_depend_on_the_trials_and_the_seed_alone() -> None:
    records = [
        {"params": {**IN_USE, "depth": 3 + at % 6}, "MAP@10": 0.1 + 0.01 * at} for at in range(12)
    ]
    assert propose([], IN_USE, 7) == IN_USE
    assert propose(records, IN_USE, 7) == propose(records, IN_USE, 7)
    assert propose(records, IN_USE, 7) != propose(records, IN_USE, 8)
    assert propose(records[:-1], IN_USE, 7) != propose(records, IN_USE, 7)


def test_parameters_in_use_may_lie_outside_of_the_space() -> None:
    records = [{"params": {**IN_USE, "depth": 12}, "MAP@10": 0.1}]
    assert 3 <= propose(records, IN_USE, 7)["depth"] <= 9


def trial(metric: float, **params: float) -> dict:
    return {"params": {**IN_USE, **params}, "MAP@10": metric, "NDCG@10": metric, "trees": 9,
            "seconds": 1.0}  # fmt: skip


@pytest.mark.parametrize(
    ("best", "low", "expected"),
    [
        (1, 0.001, "to use it, put this into the configuration:\nranker:\n  depth: 5\n"),
        (1, -0.001, "no proof that the best is better"),
        (0, 0.0, "leave them as they are"),
    ],
)
def test_what_is_printed(best: int, low: float, expected: str, tmp_path: Path) -> None:
    with (tmp_path / "out").open("w+") as file:
        gain = {"difference": 0.01, "low": low, "high": 0.02, "p_better": 0.9, "users": 188}
        found = {
            "as_of": "2026-03-02",
            "trials": [trial(0.1), trial(0.11, depth=5)],
            "best": best,
            "gain": gain,
            "lists": 188,
            "resumed": 1,
        }
        show_search(Console(file=file, width=200), found)
        file.seek(0)
        assert expected in file.read()
