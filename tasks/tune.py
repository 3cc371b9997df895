"""Search for better parameters of the ranker, on its own windows and never on the test window.

A trial learns from all ranker windows but the newest and is judged by whole lists of that one: all
candidates of its users, ordered and cut at ten, as they would be published. The parameters in use
are the first trial. Every trial is written to the lake when it ends, so that a search that was cut
off goes on where it stopped; proposals depend on the trials before them and on the seed alone
(TPE: Bergstra et al., Algorithms for Hyper-Parameter Optimization, NIPS 2011; Optuna).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from data.lake import digest
from evaluation.accuracy import accuracy
from evaluation.bootstrap import paired_bootstrap
from evaluation.relevance import Relevant
from models.base import ModelError
from models.ranker import Ranker, Rows
from models.topk import best_of
from tasks.day import Day, liked_within
from tasks.features import features_as_of
from tasks.generators import load_sources
from tasks.progress import progress
from tasks.ranker import ROW_SETTINGS, lists_of_day, load_rows
from tasks.run import Ref, Run

SPACE: dict[str, tuple[float, float, bool]] = {
    "depth": (3, 9, False),
    "learning_rate": (0.01, 0.3, True),
    "l2_leaf_reg": (0.3, 100.0, True),
    "feature_share": (0.1, 1.0, False),
}
"""Parameter → least and largest value, and whether it is searched by its logarithm."""
METRICS = ("MAP@10", "NDCG@10")
"""What a trial is judged by, and what is told beside it."""
K = 10
MAX_LISTS = 2_000
"""Lists of the newest window that judge: their candidates' features stay in memory."""
STARTUP_TRIALS = 8
"""Trials drawn at random before the search learns from them."""


@dataclass(frozen=True)
class Judge:
    """Lists of the newest ranker window, waiting for an order.

    Attributes:
        features: ``(n_features, n_pairs)`` float32 of all candidates.
        indptr: ``(n_lists + 1,)`` int64; list ``r`` owns the pairs ``indptr[r]:indptr[r + 1]``.
        item: ``(n_pairs,)`` int32 codes.
        relevant: what the users liked within the horizon.
    """

    features: np.ndarray
    indptr: np.ndarray
    item: np.ndarray
    relevant: Relevant

    def values(self, ranker: Ranker, threads: int = 1) -> dict[str, np.ndarray]:
        """Judge a ranker's lists; each metric's value of every list, ``(n_lists,)`` float64."""
        best = best_of(ranker.predict(self.features, threads), self.indptr, K)
        lists = np.where(best < 0, -1, self.item[np.maximum(best, 0)]).astype(np.int32)
        found = accuracy(lists, self.relevant, ks=[K]).values
        return {name: found[name] for name in METRICS}


def tune_ranker(
    run: Run, windows: list[Ref], minutes: float, trials: int | None = None
) -> dict[str, Any]:
    """Search until the time is up.

    Args:
        run: the run.
        windows: rows of the ranker windows, oldest first, made of the settings in use.
        minutes: time for new trials; none is begun that would probably not end in time.
        trials: stop at so many, those of earlier searches included; None: time alone decides.

    Returns:
        ``trials`` (params, metrics, trees, seconds of each; the first is the one in use), ``best``
        (its number), ``gain`` (paired bootstrap of the best against the one in use), ``lists``
        that judged and ``resumed``, trials found from an earlier search.

    Raises:
        ModelError: only one ranker window, or no time for a single trial beside the one in use.
    """
    if len(windows) < 2:
        raise ModelError(
            "tuning needs two ranker windows, one to learn from and a newer one to judge, and "
            f"{run.settings.name!r} has one: raise windows.ranker_windows"
        )
    started = perf_counter()
    stack = [load_rows(run.lake.local(*ref.parts))[0] for ref in windows[:-1]]
    judge = make_judge(run)
    names = load_rows(run.lake.local(*windows[-1].parts))[1]
    inputs = [[ref.digest for ref in windows], run.settings.ranker.model_dump(), SPACE, METRICS]
    place = run.folder("tune", digest(inputs)[:16])
    records = _recorded(run, place)
    slowest = max((record["seconds"] for record in records), default=0.0)
    resumed, spent, budget = len(records), perf_counter() - started, 60.0 * minutes
    with progress("tune, seconds") as tell:
        while trials is None or len(records) < trials:
            if records and spent + slowest > budget:
                break
            begun = perf_counter()
            params = propose(records, _in_use(run), run.settings.ranker.seed)
            record = _trial(run, stack, names, judge, params)
            record["seconds"] = round(perf_counter() - begun, 3)
            run.lake.write_json(record, *place, f"trial-{len(records):04}.json")
            records.append(record)
            slowest = max(slowest, record["seconds"])
            spent = perf_counter() - started
            tell(int(spent), int(max(budget, spent)))
    if len(records) < 2:
        need = math.ceil((spent + 1.5 * slowest) / 6) / 10
        raise ModelError(
            f"{minutes:g} minutes are too few: a trial takes {slowest:.0f} s, and nothing was "
            f"compared with the parameters in use. Give --minutes {need:g} at least; what was "
            "judged is kept"
        )
    return _result(records, resumed, judge)


def propose(records: Sequence[dict[str, Any]], in_use: dict[str, Any], seed: int) -> dict[str, Any]:
    """Choose the parameters of the next trial: first those in use, then what TPE proposes.

    Depends on the arguments alone, so a search that was cut off proposes what it would have.
    """
    if not records:
        return dict(in_use)
    import optuna

    space = {
        name: optuna.distributions.IntDistribution(int(low), int(high))
        if name == "depth"
        else optuna.distributions.FloatDistribution(low, high, log=log)
        for name, (low, high, log) in SPACE.items()
    }
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(n_startup_trials=STARTUP_TRIALS, seed=seed + len(records))
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for record in records:
        known = {name: record["params"][name] for name in SPACE}
        if all(low <= known[name] <= high for name, (low, high, _) in SPACE.items()):
            study.add_trial(
                optuna.trial.create_trial(
                    params=known, distributions=dict(space), value=record[METRICS[0]]
                )
            )
    proposed = study.ask(fixed_distributions=dict(space)).params
    # What is pasted into a configuration is what was judged.
    return {
        name: value if name == "depth" else float(f"{value:.4g}")
        for name, value in proposed.items()
    }


def make_judge(run: Run) -> Judge:
    """Make all candidates of the newest ranker window's lists, at most :data:`MAX_LISTS`.

    Raises:
        ModelError: there is no list to judge.
    """
    window = run.windows.ranker[-1]
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    liked_rows, liked_items, lists = [], [], 0
    for at, d in enumerate(window.days):
        day = Day(run, d, load_sources(run, window.cutoff), features_as_of(run, d))
        liked = liked_within(run, d, horizon_days=run.settings.windows.horizon_days)
        users = lists_of_day(run, window, at, liked)
        share = max(MAX_LISTS // len(window.days), 1)
        users = users[np.linspace(0, len(users) - 1, min(share, len(users))).astype(int)]

        def work(chunk: np.ndarray, day: Day = day) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            candidates = day.candidates(chunk)
            return day.features(candidates), np.diff(candidates.indptr), candidates.item

        with progress(f"candidates {d}, lists") as tell:
            parts += day.map_chunks(users, work, tell)
        truth = liked.take(users)
        liked_rows.append(np.repeat(np.arange(len(users)), truth.lengths) + lists)
        liked_items.append(truth.item)
        lists += len(users)
    if not lists:
        raise ModelError(
            f"nobody liked anything in the newest ranker window ({window.start} to {window.end}): "
            "no list can be judged. Lengthen windows.ranker_days or lower positive_min"
        )
    lengths = np.concatenate([part[1] for part in parts])
    return Judge(
        np.concatenate([part[0] for part in parts], axis=1),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.concatenate([part[2] for part in parts]),
        Relevant.from_pairs(np.concatenate(liked_rows), np.concatenate(liked_items), lists),
    )


def _trial(
    run: Run, stack: list[Rows], names: list[str], judge: Judge, params: dict[str, Any]
) -> dict[str, Any]:
    """Train with some parameters and judge the lists."""
    settings = run.settings.ranker.model_dump(exclude=ROW_SETTINGS - {"seed"})
    ranker = Ranker(**{**settings, **params}, threads=run.settings.threads)
    values = judge.values(ranker.fit(stack, names))
    return {
        "params": params,
        **{name: float(values[name].mean()) for name in METRICS},
        "trees": ranker.trees,
        "values": [round(value, 6) for value in values[METRICS[0]].tolist()],
    }


def _in_use(run: Run) -> dict[str, Any]:
    return run.settings.ranker.model_dump(include=set(SPACE))


def _recorded(run: Run, place: tuple[str, ...]) -> list[dict[str, Any]]:
    """Read the trials of earlier searches on the same rows, in order."""
    names = [name for name in run.lake.names(*place) if name.startswith("trial-")]
    return [run.lake.read_json(*place, name) for name in names]


def _result(records: list[dict[str, Any]], resumed: int, judge: Judge) -> dict[str, Any]:
    best = max(range(len(records)), key=lambda at: records[at][METRICS[0]])
    values = [np.array(records[at]["values"]) for at in (best, 0)]
    gain = paired_bootstrap(values[0], values[1])
    return {
        "best": best,
        "gain": gain._asdict(),
        "lists": len(judge.relevant),
        "resumed": resumed,
        "trials": [{k: v for k, v in record.items() if k != "values"} for record in records],
    }
