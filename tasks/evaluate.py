"""Judge every source and the final list on the test window, which nothing was chosen on."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Self

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from evaluation.accuracy import accuracy
from evaluation.beyond import Catalogue, beyond, diversity_curve, overlap_part
from evaluation.candidates import CandidateReport
from evaluation.relevance import Relevant
from evaluation.summary import metrics_part, segments_part
from models.ranker import Ranker
from tasks.catalogue import catalogue_as_of
from tasks.champion import CHAMPION, champion_ranker
from tasks.day import Day, liked_within
from tasks.features import features_as_of
from tasks.generators import load_sources
from tasks.judged_users import JudgedUsers, judged_users, vectors_of
from tasks.lists import make_lists
from tasks.progress import progress
from tasks.ranker import load_ranker
from tasks.rerank_curve import rerank_part
from tasks.run import Ref, Run

FINAL = "final"
ROOMS = ("data", "evaluation", "features", "models", "tasks")


@dataclass(frozen=True)
class WindowLists:
    """Lists of all systems for the users of the test window, one row a (day, user).

    Attributes:
        systems: ``S`` names: the sources that propose, ``champion`` where one could be compared,
            then ``final``.
        lists: ``(S, n, k)`` int32, best first, padded with -1.
        user: ``(n,)`` int32 codes.
        day: ``(n,)`` int32 index of the day in the window.
        relevant: positives of the horizon.
        warm: ``(n,)`` bool: the user had a positive before the day.
        known: ``(n_items,)`` bool: the item had a positive before the first test day.
    """

    systems: list[str]
    lists: np.ndarray
    user: np.ndarray
    day: np.ndarray
    relevant: Relevant
    warm: np.ndarray
    known: np.ndarray

    def save(self, folder: Path) -> None:
        """Write ``lists.npz``."""
        with (folder / "lists.npz").open("wb") as file:
            np.savez_compressed(
                file,
                systems=np.array(self.systems),
                lists=self.lists,
                user=self.user,
                day=self.day,
                indptr=self.relevant.indptr,
                items=self.relevant.items,
                warm=self.warm,
                known=self.known,
            )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        with np.load(folder / "lists.npz", allow_pickle=False) as a:
            return cls(
                [str(name) for name in a["systems"]],
                a["lists"],
                a["user"],
                a["day"],
                Relevant(a["indptr"], a["items"]),
                a["warm"],
                a["known"],
            )


@task(task_run_name="evaluate {run.windows.test.start} to {run.as_of}", cache_policy=NO_CACHE)
def evaluate(run: Run, fits: list[Ref], ranker: Ref, champion: Ref, state: Ref) -> Ref:
    """Make the lists of the test window and judge them.

    Args:
        run: the run.
        fits: the generators fitted before the test window.
        ranker: trained on the windows before it.
        champion: the ranker it has to hold against, over the same candidates.
        state: of the features.
    """
    window = run.windows.test

    def make(folder: Path) -> None:
        rankers = {FINAL: load_ranker(run, ranker)}
        old = champion_ranker(run, champion)
        if old is not None and old.names == rankers[FINAL].names:
            rankers = {CHAMPION: old, **rankers}
        proposing = [g.name for g in run.settings.generators if g.candidates]
        report = CandidateReport(proposing)
        days = [_lists_of_day(run, d, list(rankers.values()), report) for d in window.days]
        tests = _stack(days, [*proposing, *rankers])
        tests.save(folder)
        vectors = vectors_of(load_sources(run, window.cutoff), len(tests.known))
        catalogue = replace(catalogue_as_of(run, window.start), vectors=vectors)
        known = judged_users(run, tests.user, tests.day, window.days)
        figures = {
            **judge(tests, catalogue, run.settings.recommend.k, known),
            "candidates": report.result(),
            "rerank": rerank_part(
                run, rankers[FINAL], tests.user, tests.day, tests.relevant, catalogue
            ),
        }
        (folder / "metrics.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False))
        compared = {"compared": CHAMPION in rankers, "why": _why_not_compared(rankers[FINAL], old)}
        (folder / "champion.json").write_text(json.dumps(compared, indent=1))

    inputs = {
        "fits": [fit.digest for fit in fits],
        "sources": [g.model_dump() for g in run.settings.generators],
        "ranker": ranker.digest,
        "champion": champion.digest,
        "state": state.digest,
        "log": run.lake.log_digest(window.end),
        "days": window.days,
        "settings": run.settings.model_dump(include={"recommend", "windows", "positive_min"}),
    }
    return run.step(*run.folder("test"), inputs=inputs, make=make, rooms=ROOMS)


def judge(tests: WindowLists, catalogue: Catalogue, k: int, known: JudgedUsers) -> dict[str, Any]:
    """Compute the figures of every system: accuracy, intervals, segments, beyond accuracy.

    Users without a positive in the horizon cannot be judged and are counted as excluded.
    """
    ks = sorted({1, 5, 10, k})
    lists = dict(zip(tests.systems, tests.lists, strict=True))
    judged = {name: accuracy(own, tests.relevant, ks) for name, own in lists.items()}
    places = list(range(1, k + 1))
    return {
        "systems": {name: metrics.mean() for name, metrics in judged.items()},
        "metrics": metrics_part(judged, FINAL),
        "segments": segments_part(judged, known.segments, final=FINAL),
        "beyond": {
            name: beyond(own, catalogue, k, known.history, tests.relevant)
            for name, own in lists.items()
        },
        "overlap": overlap_part({name: own[:, :k] for name, own in lists.items()}, k),
        "diversity": {
            name: diversity_curve(lists[name][:, :k], places, catalogue.item_values)
            for name in reversed(tests.systems)
        },
    }


def _why_not_compared(new: Ranker, old: Ranker | None) -> str:
    """Say what parts the champion's features from the new ranker's; "" where nothing does."""
    if old is None or old.names == new.names:
        return ""
    lost, added = set(old.names) - set(new.names), set(new.names) - set(old.names)
    return (
        "the champion cannot be compared: it was trained on other features ("
        f"{len(lost)} that there are no more, {len(added)} that are new; for example "
        f"{sorted(lost or added or new.names)[0]})"
    )


def _lists_of_day(run: Run, d: date, rankers: list[Ranker], report: CandidateReport) -> WindowLists:
    settings = run.settings
    day = Day(run, d, load_sources(run, run.windows.test.cutoff), features_as_of(run, d))
    liked = liked_within(run, d, horizon_days=settings.windows.horizon_days)
    users = np.flatnonzero(liked.lengths).astype(np.int32)
    warm = day.histories.lengths[users] > 0
    known = np.bincount(day.histories.item, minlength=day.n_items) > 0
    truth = liked.take(users)
    relevant = Relevant.from_pairs(
        np.repeat(np.arange(len(users)), truth.lengths), truth.item, len(users)
    )
    k = max(settings.recommend.k, 10)
    proposing = [at for at, source in enumerate(day.sources) if source.candidates]

    def work(chunk: np.ndarray) -> tuple[np.ndarray, Any]:
        candidates = day.candidates(chunk)
        ranked = [made.items(candidates) for made in make_lists(day, candidates, rankers, k)]
        own = np.full((len(proposing), len(chunk), k), -1, np.int32)
        lists = candidates.lists[proposing, :, :k]
        own[:, :, : lists.shape[2]] = lists
        return np.concatenate([own, ranked]), candidates

    parts, at = [], 0
    with progress(f"test {d}, users") as tell:
        for lists, candidates in day.map_chunks(users, work, tell):
            rows = slice(at, at + lists.shape[1])
            pointers = relevant.indptr[rows.start : rows.stop + 1]
            report.add(
                candidates.indptr,
                candidates.item,
                _bits_of(candidates.proposed, proposing),
                candidates.ranks[proposing],
                Relevant(pointers - pointers[0], relevant.items[pointers[0] : pointers[-1]]),
                cold_user=~warm[rows],
                cold_item=~known,
            )
            parts.append(lists)
            at = rows.stop
    empty = np.empty((len(proposing) + len(rankers), 0, k), np.int32)
    return WindowLists(
        [], np.concatenate([empty, *parts], axis=1), users, users * 0, relevant, warm, known
    )


def _bits_of(proposed: np.ndarray, sources: list[int]) -> np.ndarray:
    """Renumber the bits of the mask so that bit ``i`` is ``sources[i]``."""
    mask = np.zeros_like(proposed)
    for at, source in enumerate(sources):
        mask |= ((proposed >> np.uint32(source)) & np.uint32(1)) << np.uint32(at)
    return mask


def _stack(days: list[WindowLists], systems: list[str]) -> WindowLists:
    offsets = np.cumsum([0, *(len(day.user) for day in days)])
    rows = [
        np.repeat(np.arange(len(day.user)), day.relevant.counts) + offset
        for day, offset in zip(days, offsets, strict=False)
    ]
    items = np.concatenate([day.relevant.items for day in days])
    return WindowLists(
        systems,
        np.concatenate([day.lists for day in days], axis=1),
        np.concatenate([day.user for day in days]),
        np.concatenate([np.full(len(day.user), at, np.int32) for at, day in enumerate(days)]),
        Relevant.from_pairs(np.concatenate(rows), items, int(offsets[-1])),
        np.concatenate([day.warm for day in days]),
        days[0].known,
    )
