"""Train: fit the generators window by window, stack the ranker's rows, train, explain, judge.

::

    features ─ audit
        └───────────────────┬──────────────┬───────────────────────┐
    fit (before window 1) ─ rows 1 ─┐      │                       │
    fit (before window 2) ─────── rows 2 ─ train the ranker ─┬──── evaluate ─ gate
    fit (before the test) ───────────────────────────────────┼──────┤          │
                                         SHAP ───────────────┘   champion      │
    fit (before as_of) ────────────────────────────────────────────────────────┘
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any

from prefect import flow
from prefect.futures import PrefectFuture
from prefect.task_runners import ThreadPoolTaskRunner

from flows.start import AsOf, Outcome, finish, open_run, open_settings, run_name
from tasks.audit import audit_features
from tasks.evaluate import evaluate
from tasks.features import update_features
from tasks.gate import decide_publication
from tasks.generators import fit_generator, fitted_names, forget_dropped
from tasks.ranker import make_rows, train_ranker
from tasks.registry.steps import find_champion
from tasks.run import Ref, Run
from tasks.shapley import explain_ranker

RUNNER: Any = ThreadPoolTaskRunner(max_workers=4)


@dataclass(frozen=True)
class Trained:
    """What training leaves to the next steps, still under way; each step behind those it needs."""

    state: PrefectFuture[Ref]
    audit: PrefectFuture[Ref]
    rows: list[PrefectFuture[Ref]]
    ranker: PrefectFuture[Ref]
    champion: PrefectFuture[Ref]
    fits: list[PrefectFuture[Ref]]
    """Before ``as_of``: what tomorrow's lists are made with."""
    gate: PrefectFuture[Ref]
    steps: list[PrefectFuture[Ref]]


def train_steps(run: Run) -> Trained:
    """Lay out the steps of training."""
    state = update_features.submit(run)
    audit = audit_features.submit(run, state)
    fits = {
        window.name: fit_all(run, window.cutoff)
        for window in (*run.windows.ranker, run.windows.test)
    }
    rows = [
        make_rows.submit(run, window, fits[window.name], state) for window in run.windows.ranker
    ]
    ranker = train_ranker.submit(run, rows)
    shap = explain_ranker.submit(run, rows, ranker)
    champion = find_champion.submit(run)
    test = evaluate.submit(run, fits[run.windows.test.name], ranker, champion, state)
    newest = fit_all(run, run.as_of)
    gate = decide_publication.submit(run, test, ranker, champion, newest)
    steps = [state, audit, *chain(*fits.values()), *rows, ranker, shap, champion, test]
    steps += [*newest, gate]
    return Trained(state, audit, rows, ranker, champion, newest, gate, steps)


def fit_all(run: Run, cutoff: date) -> list[PrefectFuture[Ref]]:
    """Fit all sources on the days before ``cutoff``, side by side; call it once a run and cut."""
    forget_dropped(run, cutoff)
    return [fit_generator.submit(run, cutoff, name) for name in fitted_names(run)]


@flow(flow_run_name=run_name, task_runner=RUNNER)
def train(config: str = "demo", as_of: AsOf = None, home: str | None = None) -> Outcome:
    """Train and judge on what is in the lake.

    Args:
        config: name of a data set, or path of its YAML.
        as_of: the day recommended for; see :data:`flows.start.AsOf`.
        home: folder or URL of the lakes; default ``$ZAVTRA_HOME``, else ``./var``.
    """
    settings, home = open_settings(config, home)
    run = open_run(settings, home, as_of)
    return finish(run, train_steps(run).steps)


if __name__ == "__main__":
    from flows.cli import main

    main("train")
