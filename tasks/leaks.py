"""Let every feature answer for itself before anything is published: :mod:`evaluation.leaks`."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from data.windows import Window
from evaluation.leaks.drift import score_drift
from evaluation.leaks.suite import (
    Finding,
    Limits,
    Sample,
    allow,
    check_rows,
    future_cut,
    refuse,
    to_part,
)
from features.catalog import Catalog
from models.ranker import Rows
from models.shapley import shap_values
from tasks.cut import cut_run
from tasks.day import Day, liked_within
from tasks.features import features_as_of, run_catalog
from tasks.generators import load_sources
from tasks.ranker import lists_of_day, load_ranker, load_rows, rows_of_lists
from tasks.run import Ref, Run

ROOMS = ("data", "evaluation", "features", "models", "tasks")
LIMITS = set(Limits.__dataclass_fields__)
NOTHING: dict[str, Any] = {"verdict": "green", "findings": [], "drift": {"mean": {}, "psi": {}}}
"""What is said where the suite is switched off."""
EXPLAINED = 2000
"""Rows of the newest window whose SHAP values are computed."""


@task(task_run_name="leaks before {run.as_of}", cache_policy=NO_CACHE)
def check_leaks(
    run: Run,
    windows: list[Ref],
    ranker: Ref,
    fits: list[Ref],
    state: Ref,
    refusing: bool = True,
) -> Ref:
    """Check the ranker's features; what was found is in the lake before anything is refused.

    Args:
        run: the run.
        windows: rows of the ranker windows, oldest first.
        ranker: trained on them.
        fits: the generators fitted before the run's day.
        state: of the features.
        refusing: whether a red verdict stops the run.

    Raises:
        LeakError: a red verdict that ``leaks.allow`` does not name; nothing is published then.
    """
    settings = run.settings.leaks

    def make(folder: Path) -> None:
        part = find_leaks(run, windows, ranker) if settings.enabled else NOTHING
        (folder / "leaks.json").write_text(json.dumps(part, indent=1, ensure_ascii=False))

    inputs = {
        "windows": [ref.digest for ref in windows],
        "ranker": ranker.digest,
        "fits": [fit.digest for fit in fits],
        "state": state.digest,
        "log": run.lake.log_digest(run.as_of),
        "settings": settings.model_dump(),
        "seed": run.settings.ranker.seed,
    }
    ref = run.step(*run.folder("leaks"), inputs=inputs, make=make, rooms=ROOMS)
    if refusing:
        refuse([Finding(**found) for found in read_leaks(run)["findings"]])
    return ref


def read_leaks(run: Run) -> dict[str, Any]:
    """Read what the suite found; raises DataError where it did not run."""
    found: dict[str, Any] = run.lake.read_json(*run.folder("leaks"), "leaks.json")
    return found


def find_leaks(run: Run, windows: list[Ref], ranker: Ref) -> dict[str, Any]:
    """Run all checks on a day whose ranker is trained; give the part of the page.

    Returns:
        verdict, findings, features (their figures) and drift, see
        :func:`evaluation.leaks.suite.to_part`.
    """
    settings, seed = run.settings.leaks, run.settings.ranker.seed
    threads = run.settings.threads or os.cpu_count() or 1
    samples = []
    for ref in windows:  # one at a time in memory; the newest stays
        rows, names = load_rows(run.lake.local(*ref.parts))
        samples.append(to_sample(rows).rows(settings.rows, seed))
    serve = tomorrow(run, settings.users, settings.rows, seed)
    model = load_ranker(run, ranker)
    explained = shap_values(model, samples[-1].rows(EXPLAINED, seed).features, threads)
    strength = np.abs(explained.values).mean(axis=1)
    findings, figures = check_rows(
        samples,
        serve,
        names,
        {
            "importance": model.importance(),
            "shap": dict(zip(names, map(float, strength), strict=True)),
        },
        Limits(**settings.model_dump(include=LIMITS)),
        moving_names(run_catalog(run)),
        seed,
        threads,
    )
    if settings.future_cut:
        findings += cut_findings(run, run.windows.ranker[-1], rows, names)
    findings = allow(findings, [entry.model_dump() for entry in settings.allow])
    sources = [g.name for g in run.settings.generators]
    titles = [window.name for window in run.windows.ranker]
    drift = score_drift(dict(zip(titles, samples, strict=True)), serve, names, sources)
    return to_part(findings, features=figures, drift=drift)


def tomorrow(run: Run, users: int, rows: int, seed: int) -> Sample:
    """Describe some candidates of some users of the run's own day, as the ranker will see them."""
    day = Day(run, run.as_of, load_sources(run, run.as_of), features_as_of(run, run.as_of))
    everyone = day.all_users(run.lake)
    random = np.random.default_rng(seed)
    chosen = np.sort(random.choice(everyone, min(users, len(everyone)), replace=False))
    each = max(rows // max(len(chosen), 1), 1)

    def work(chunk: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        candidates = day.candidates(chunk)
        drawn = [
            np.sort(np.random.default_rng([seed, int(user)]).permutation(np.arange(a, b))[:each])
            for user, a, b in zip(chunk, candidates.indptr[:-1], candidates.indptr[1:], strict=True)
        ]
        pairs = np.concatenate(drawn)
        return day.features(candidates, pairs), candidates.user[candidates.row[pairs]]

    parts = list(day.map_chunks(chosen, work, lambda done, total: None))
    features = np.concatenate([part[0] for part in parts], axis=1)
    group = np.concatenate([part[1] for part in parts]).astype(np.int64)
    return Sample(features, group, np.ones(len(group), np.float32))


def cut_findings(run: Run, window: Window, rows: Rows, names: list[str]) -> list[Finding]:
    """Make some rows of a window anew, from a log without its first day and all after it.

    They are compared with those the ranker learnt from. Where these differ, they may have been made
    on another machine, whose last bits differ; then they are made here from the whole log as well,
    and that decides.

    Args:
        run: the run.
        window: a ranker window.
        rows: its rows, as the ranker learnt from them.
        names: of the features.
    """
    d = window.days[0]
    with tempfile.TemporaryDirectory(prefix="zavtra-cut-") as folder:
        users, again = _first_lists(run, window, cut_run(run, d, Path(folder)))
    first = rows.group <= (users[-1] if len(users) else -1)
    where = f"{len(again)} rows of {len(users)} lists of {d}"
    found = future_cut(names, rows.features[:, first], again.features, where)
    if any(finding.verdict == "red" for finding in found):
        _, here = _first_lists(run, window, run)
        found = future_cut(names, here.features, again.features, where)
    return found


def _first_lists(run: Run, window: Window, source: Run) -> tuple[np.ndarray, Rows]:
    """Make the first chunk of a window's rows; all but weights and labels is read from ``source``.

    Just that chunk, since how users are cut into chunks may change the last bit of a product.

    Returns:
        The users, ascending, and their rows.
    """
    d = window.days[0]
    day = Day(source, d, load_sources(run, window.cutoff), features_as_of(source, d))
    liked = liked_within(run, d, horizon_days=run.settings.windows.horizon_days)
    users = lists_of_day(run, window, 0, liked)[: day.chunk_size()]
    return users, rows_of_lists(run, day, liked, users, 0)


def moving_names(catalog: Catalog) -> set[str]:
    """Name the features that only grow as days go by: ages, and counts since the beginning."""
    return {
        feature.name
        for feature in catalog
        if feature.measure in ("days since first", "days since last")
        or (feature.window_days is None and feature.measure in ("count", "sum"))
    }


def to_sample(rows: Rows) -> Sample:
    """Give a window's rows to the suite."""
    return Sample(rows.features, rows.group.astype(np.int64), rows.weight, rows.label)
