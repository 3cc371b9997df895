"""Planted leaks on real MovieLens rows: each is caught; without one, no seed raises a red verdict.

A leak is planted where a careless feature would be: in the day's features, computed from a log
that reaches past the day. All that follows (rows, ranker, suite) is what runs every day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config import load_settings
from data.contract import ITEM, USER, VALUE
from evaluation.leaks.suite import Finding, LeakError, Limits, check_rows, refuse
from models.candidates import Candidates
from models.ranker import Ranker
from tasks import leaks
from tasks import ranker as rows_step
from tasks.day import Day
from tasks.features import run_catalog, update_features
from tasks.generators import fit_generator, fitted_names
from tasks.ingest import ingest_source
from tasks.run import Ref, Run

pytestmark = pytest.mark.real

AS_OF = date(1998, 3, 10)
CONFIG = """
name: ml-100k
source: {{kind: movielens, path: {}}}
positive_min: 0.8
windows: {{test_days: 14, ranker_days: 14, ranker_windows: 2, horizon_days: 14, every_days: 14}}
generators:
  - {{kind: popularity, candidates: 60, params: {{window_days: 28}}}}
  - {{kind: ease, candidates: 60, params: {{l2: 200}}}}
  - {{kind: item_knn, candidates: 40}}
threads: 1
ranker: {{iterations: 30, learning_rate: 0.2, early_stopping_rounds: null, hard_negatives: 40}}
leaks: {{rows: 10000, users: 150}}
"""
Leak = Callable[[Run, date, np.ndarray, np.ndarray], np.ndarray]
"""From run, day, users and items of the pairs to the planted feature's values."""


@dataclass(frozen=True)
class Trained:
    """What stands before the rows: a lake with features and fitted sources."""

    run: Run
    fits: dict[date, list[Ref]]
    state: Ref


@pytest.fixture(scope="module")
def trained(real_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Trained:
    home = tmp_path_factory.mktemp("leaks")
    (home / "ml.yaml").write_text(CONFIG.format(real_data("ml-100k")))
    run = Run(load_settings(str(home / "ml.yaml")), AS_OF, str(home))
    ingest_source.fn(run.settings, run.home, datetime(2026, 1, 1, tzinfo=UTC))
    state = update_features.fn(run)
    cuts = [*(window.cutoff for window in run.windows.ranker), AS_OF]
    fits = {cut: [fit_generator.fn(run, cut, name) for name in fitted_names(run)] for cut in cuts}
    return Trained(run, fits, state)


def rank(trained: Trained) -> tuple[list[Ref], Ref]:
    """Make the rows of all windows and train the ranker on them."""
    run = trained.run
    windows = [
        rows_step.make_rows.fn(run, window, trained.fits[window.cutoff], trained.state)
        for window in run.windows.ranker
    ]
    return windows, rows_step.train_ranker.fn(run, windows)


def planted(trained: Trained, monkeypatch: pytest.MonkeyPatch, leak: Leak) -> list[Finding]:
    """Run the day with one more feature; give the red findings of that feature."""

    class LeakyDay(Day):
        def __init__(self, run: Run, day: date, *more: Any) -> None:
            super().__init__(run, day, *more)
            self.run = run
            self.names = [*self.names, "planted"]

        def features(self, candidates: Candidates, pairs: np.ndarray | None = None) -> np.ndarray:
            self.names, names = self.names[:-1], self.names
            honest = super().features(candidates, pairs)
            self.names = names
            chosen = np.arange(len(candidates.item)) if pairs is None else pairs
            users = candidates.user[candidates.row[chosen]]
            values = leak(self.run, self.day, users, candidates.item[chosen])
            return np.vstack([honest, values[None].astype(np.float32)])

    for place in (rows_step, leaks):
        monkeypatch.setattr(place, "Day", LeakyDay)
    run = trained.run
    for parts in (run.folder("rows"), run.folder("ranker")):
        if run.lake.exists(*parts):
            run.lake.fs.rm(run.lake.path(*parts), recursive=True)
    windows, ranker = rank(trained)
    found = [Finding(**finding) for finding in leaks.find_leaks(run, windows, ranker)["findings"]]
    red = [finding for finding in found if finding.verdict == "red"]
    assert {finding.feature for finding in red} == {"planted"}
    with pytest.raises(LeakError, match=r"'planted'.*reason"):
        refuse(found)
    return red


def log_until(run: Run, day: date) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    table = run.lake.interactions(day, columns=[USER, ITEM, VALUE])
    return tuple(table[name].to_numpy() for name in (USER, ITEM, VALUE))  # type: ignore[return-value]


def own_value(run: Run, day: date, users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """The rating that the user will give within two weeks; NaN where there is none."""
    user, item, value = log_until(run, day + timedelta(days=14))
    key = user.astype(np.int64) * 10**6 + item
    order = np.argsort(key)
    wanted = users.astype(np.int64) * 10**6 + items
    at = np.minimum(np.searchsorted(key[order], wanted), len(key) - 1)
    return np.where(key[order][at] == wanted, value[order][at], np.nan)


def checks_of(red: list[Finding]) -> set[str]:
    return {finding.check for finding in red}


def test_the_label_itself(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    red = planted(trained, monkeypatch, lambda *where: np.nan_to_num(own_value(*where)) >= 0.8)
    assert checks_of(red) >= {"importance", "alone", "future cut"}


def test_the_rows_own_rating(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    red = planted(trained, monkeypatch, own_value)
    assert checks_of(red) >= {"alone", "future cut"}


def test_an_item_count_that_includes_the_day(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    def count(run: Run, day: date, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        _, item, _ = log_until(run, day + timedelta(days=1))
        return np.bincount(item, minlength=int(items.max()) + 1)[items]

    assert checks_of(planted(trained, monkeypatch, count)) == {"future cut"}


def test_a_user_mean_over_the_whole_log(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    def mean(run: Run, day: date, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        user, _, value = log_until(run, run.lake.days()[-1] + timedelta(days=1))
        size = int(max(user.max(), users.max())) + 1
        events = np.bincount(user, minlength=size)
        return (np.bincount(user, value, size) / np.maximum(events, 1))[users]

    assert checks_of(planted(trained, monkeypatch, mean)) == {"future cut"}


def test_a_row_id_correlated_with_time(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    def number(run: Run, day: date, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        # a million rows a day, in the order of users; some come a little early or late
        late = np.random.default_rng(0).normal(0, 0.3, len(users))
        return (day.toordinal() + (users % 100) / 100 + late) * 1e6

    assert checks_of(planted(trained, monkeypatch, number)) == {"range"}


def test_twenty_seeds_without_a_leak_are_not_red(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = trained.run
    for parts in (run.folder("rows"), run.folder("ranker")):
        if run.lake.exists(*parts):
            run.lake.fs.rm(run.lake.path(*parts), recursive=True)
    windows, trained_ranker = rank(trained)
    assert leaks.check_leaks.fn(run, windows, trained_ranker, trained.fits[AS_OF], trained.state)
    loaded = [rows_step.load_rows(run.lake.local(*ref.parts)) for ref in windows]
    names = loaded[0][1]
    limits = Limits(**run.settings.leaks.model_dump(include=leaks.LIMITS))
    tomorrow = leaks.tomorrow(run, 300, 30_000, 0)
    for seed in range(20):
        ranker = Ranker(iterations=15, early_stopping_rounds=None, seed=seed, threads=1)
        ranker.fit([rows for rows, _ in loaded], names)
        found, _ = check_rows(
            [leaks.to_sample(rows).rows(5000, seed) for rows, _ in loaded],
            tomorrow.rows(4000, seed),
            names,
            {"importance": ranker.importance()},
            limits,
            leaks.moving_names(run_catalog(run)),
            seed,
        )
        assert [f for f in found if f.verdict == "red"] == [], f"seed {seed}"
