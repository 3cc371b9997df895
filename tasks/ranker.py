"""Make the ranker's rows window by window, and train it on the stack."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from data.windows import Window
from models.ranker import Ranker, Rows
from models.rows import draw_lists, label_pairs, sample_rows
from tasks.day import Day, liked_within
from tasks.features import features_as_of
from tasks.generators import load_sources
from tasks.progress import progress
from tasks.run import Ref, Run

ROW_SETTINGS = {"hard_negatives", "tail_negative_share", "list_weight", "max_lists", "seed"}
ARRAYS = ("features", "label", "group", "weight")
"""Settings of the ranker that decide which rows there are."""


@task(task_run_name="rows of {window.name}", cache_policy=NO_CACHE)
def make_rows(run: Run, window: Window, fits: list[Ref], state: str) -> Ref:
    """Make candidates and features for every list of a window and keep the rows that teach.

    Args:
        run: the run.
        window: a ranker window.
        fits: the generators fitted before it.
        state: digest of the features' state.
    """
    settings = run.settings

    def make(folder: Path) -> None:
        parts = [_rows_of_day(run, window, at) for at in range(len(window.days))]
        for name in ARRAYS:
            arrays = [getattr(rows, name) for rows, _ in parts]
            np.save(folder / f"{name}.npy", np.concatenate(arrays, axis=-1))
        (folder / "names.json").write_text(json.dumps(parts[0][1]))

    inputs = {
        "fits": [fit.digest for fit in fits],
        "sources": [g.model_dump() for g in settings.generators],
        "state": state,
        "log": run.lake.log_digest(window.end),
        "days": window.days,
        "horizon_days": settings.windows.horizon_days,
        "rows": settings.ranker.model_dump(include=ROW_SETTINGS),
        "recommend": settings.recommend.model_dump(),
        "features": settings.features.model_dump(exclude={"memory_gb", "audit_rows"}),
    }
    return run.step(*run.folder("rows", window.name), inputs=inputs, make=make)


@task(task_run_name="train the ranker", cache_policy=NO_CACHE)
def train_ranker(run: Run, windows: list[Ref]) -> Ref:
    """Grow the trees on the rows of all ranker windows, oldest first."""
    settings = run.settings.ranker

    def make(folder: Path) -> None:
        params = settings.model_dump(exclude=ROW_SETTINGS - {"seed"})
        ranker = Ranker(**params, threads=run.settings.threads)
        stack = [load_rows(run.lake.local(*ref.parts)) for ref in windows]
        ranker.fit([rows for rows, _ in stack], stack[0][1]).save(folder)
        summary = {
            "rows": [len(rows) for rows, _ in stack],
            "hits": [int(rows.label.sum()) for rows, _ in stack],
            "trees": ranker.trees,
            "importance": ranker.importance(),
        }
        (folder / "summary.json").write_text(json.dumps(summary, indent=1))

    inputs = {"windows": [ref.digest for ref in windows], "settings": settings.model_dump()}
    return run.step(*run.folder("ranker"), inputs=inputs, make=make, rooms=("models",))


def load_ranker(run: Run, ref: Ref) -> Ranker:
    """Load a trained ranker."""
    return Ranker.load(run.lake.local(*ref.parts))


def _rows_of_day(run: Run, window: Window, at: int) -> tuple[Rows, list[str]]:
    """Make the rows of one day of a window; their groups do not overlap with other days'."""
    d, settings = window.days[at], run.settings
    day = Day(run, d, load_sources(run, window.cutoff), features_as_of(run, d))
    liked = liked_within(run, d, horizon_days=settings.windows.horizon_days)
    ranker = settings.ranker
    users = draw_lists(
        np.flatnonzero(liked.lengths).astype(np.int32),
        d.toordinal(),
        max(ranker.max_lists // len(window.days), 1),
        ranker.seed,
    )

    def work(chunk: np.ndarray) -> Rows:
        candidates = day.candidates(chunk)
        kept = sample_rows(
            candidates,
            label_pairs(candidates, liked.take(chunk)),
            ranker.hard_negatives,
            ranker.tail_negative_share,
            ranker.seed,
            ranker.list_weight,
        )
        group = np.int64(at) * day.n_users + candidates.user[candidates.row[kept.pair]]
        return Rows(day.features(candidates, kept.pair), kept.label, group, kept.weight)

    parts = [Rows(np.empty((len(day.names), 0), np.float32), *np.empty((3, 0), np.float32))]
    with progress(f"{window.name} {d}, lists") as tell:
        parts += day.map_chunks(users, work, tell)
    return Rows(
        *(np.concatenate([getattr(rows, name) for rows in parts], axis=-1) for name in ARRAYS)
    ), day.names


def load_rows(folder: Path) -> tuple[Rows, list[str]]:
    """Read the rows of a window and the names of their features."""
    arrays = (np.load(folder / f"{name}.npy") for name in ARRAYS)
    return Rows(*arrays), json.loads((folder / "names.json").read_text())
