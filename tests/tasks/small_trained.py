"""A small data set, trained and published without Prefect."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from config import load_settings
from tasks.features import update_features
from tasks.generators import fit_generator, fitted_names
from tasks.ingest import ingest_source
from tasks.ranker import make_rows, train_ranker
from tasks.recommend import recommend_all
from tasks.run import Ref, Run

AS_OF = date(2026, 3, 2)
CONFIG = """
name: trained
source: {kind: synthetic, users: 250, items: 100, interactions: 4500, days: 60}
windows: {test_days: 7, ranker_days: 7, ranker_windows: 2, horizon_days: 7, every_days: 7}
generators:
  - {kind: popularity, candidates: 20, params: {window_days: 7}}
  - {kind: ease, candidates: 20}
features: {windows_days: [7, 28], audit_rows: 0}
ranker: {iterations: 15, depth: 3, early_stopping_rounds: 5, hard_negatives: 20}
shap: {rows: 1000, features: 5, dependence: 2, pairs: 2, pair_rows: 50, dots: 60}
threads: 1
"""


@dataclass(frozen=True)
class Trained:
    """The run, and what its steps left."""

    run: Run
    rows: list[Ref]
    ranker: Ref

    def publish(self, by: str = "final") -> Ref:
        """Publish the lists that a ranker or a source orders."""
        run = self.run

        def say(folder: Path) -> None:
            (folder / "gate.json").write_text(json.dumps({"publish": by, "why": "a test"}))

        gate = run.step(*run.folder("gate"), inputs=by, make=say)
        fits = [fit_generator.fn(run, run.as_of, name) for name in fitted_names(run)]
        state = update_features.fn(run)
        return recommend_all.fn(run, fits, self.ranker, Ref((), ""), gate, state)


def train_small(folder: Path, more: str = "") -> Trained:
    """Take the data in, make the rows of both windows and train."""
    (folder / "trained.yaml").write_text(CONFIG + more)
    settings = load_settings(str(folder / "trained.yaml"))
    ingest_source.fn(settings, str(folder / "home"), datetime(2026, 6, 1, tzinfo=UTC))
    run = Run(settings, AS_OF, str(folder / "home"))
    state = update_features.fn(run)
    rows = []
    for window in run.windows.ranker:
        fits = [fit_generator.fn(run, window.cutoff, name) for name in fitted_names(run)]
        rows.append(make_rows.fn(run, window, fits, state))
    return Trained(run, rows, train_ranker.fn(run, rows))
