"""Make the ranker's rows window by window, and train it on the stack."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from data.windows import Window
from models.interactions import Histories
from models.ranker import Ranker, Rows
from models.rows import draw_lists, label_pairs, sample_rows
from tasks.day import Day, liked_within
from tasks.features import features_as_of
from tasks.generators import load_sources
from tasks.progress import progress
from tasks.run import Ref, Run

ROW_SETTINGS = {"hard_negatives", "tail_negative_share", "list_weight", "max_lists", "seed"}
"""Settings of the ranker that decide which rows there are."""
ARRAYS = ("features", "label", "group", "weight")
WARM = "warm"
"""Beside the arrays of :class:`Rows`: whether the user of the row had a positive before its day."""


@task(task_run_name="rows of {window.name}", cache_policy=NO_CACHE)
def make_rows(run: Run, window: Window, fits: list[Ref], state: Ref) -> Ref:
    """Make candidates and features for every list of a window and keep the rows that teach.

    Args:
        run: the run.
        window: a ranker window.
        fits: the generators fitted before it.
        state: of the features.
    """
    settings = run.settings

    def make(folder: Path) -> None:
        days = [_rows_of_day(run, window, at) for at in range(len(window.days))]
        parts = [rows for chunks, _, _ in days for rows in chunks]
        for name in ARRAYS:
            _write(folder / f"{name}.npy", [getattr(rows, name) for rows in parts])
        np.save(folder / f"{WARM}.npy", np.concatenate([warm for _, _, warm in days]))
        (folder / "names.json").write_text(json.dumps(days[0][1]))

    inputs = {
        "fits": [fit.digest for fit in fits],
        "sources": [g.model_dump() for g in settings.generators],
        "state": state.digest,
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


def _rows_of_day(run: Run, window: Window, at: int) -> tuple[list[Rows], list[str], np.ndarray]:
    """Make the rows of one day of a window; their groups do not overlap with other days'.

    Returns:
        The rows in chunks, the names of their features, and ``(n,)`` bool: the user is warm.
    """
    d = window.days[at]
    day = Day(run, d, load_sources(run, window.cutoff), features_as_of(run, d))
    liked = liked_within(run, d, horizon_days=run.settings.windows.horizon_days)

    def work(chunk: np.ndarray) -> Rows:
        return rows_of_lists(run, day, liked, chunk, at)

    none = np.empty(0, np.float32)
    parts = [Rows(np.empty((len(day.names), 0), np.float32), none, none.astype(np.int64), none)]
    with progress(f"{window.name} {d}, lists") as tell:
        parts += day.map_chunks(lists_of_day(run, window, at, liked), work, tell)
    group = np.concatenate([rows.group for rows in parts])
    return parts, day.names, day.histories.lengths[group % day.n_users] > 0


def _write(path: Path, arrays: list[np.ndarray]) -> None:
    """Write arrays as one, joined along their last axis, without holding that in memory."""
    size = sum(array.shape[-1] for array in arrays)
    shape = (*arrays[0].shape[:-1], size)
    whole = np.lib.format.open_memmap(path, "w+", arrays[0].dtype, shape)
    np.concatenate(arrays, axis=-1, out=whole)
    whole.flush()


def lists_of_day(run: Run, window: Window, at: int, liked: Histories) -> np.ndarray:
    """Draw the users whose lists of a day are learnt from, ``(n,)`` int32 codes, ascending."""
    return draw_lists(
        np.flatnonzero(liked.lengths).astype(np.int32),
        window.days[at].toordinal(),
        max(run.settings.ranker.max_lists // len(window.days), 1),
        run.settings.ranker.seed,
    )


def rows_of_lists(run: Run, day: Day, liked: Histories, users: np.ndarray, at: int) -> Rows:
    """Make the rows of a chunk of lists.

    Args:
        run: the run.
        day: the day of the lists.
        liked: what users liked within its horizon.
        users: ``(n,)`` int32 codes.
        at: number of the day in its window.
    """
    ranker = run.settings.ranker
    candidates = day.candidates(users)
    kept = sample_rows(
        candidates,
        label_pairs(candidates, liked.take(users)),
        ranker.hard_negatives,
        ranker.tail_negative_share,
        ranker.seed,
        ranker.list_weight,
    )
    group = np.int64(at) * day.n_users + candidates.user[candidates.row[kept.pair]]
    return Rows(day.features(candidates, kept.pair), kept.label, group, kept.weight)


def load_rows(folder: Path) -> tuple[Rows, list[str]]:
    """Read the rows of a window and the names of their features."""
    arrays = (np.load(folder / f"{name}.npy") for name in ARRAYS)
    return Rows(*arrays), json.loads((folder / "names.json").read_text())


def load_warm(folder: Path) -> np.ndarray:
    """Say which rows of a window are of users with a positive before their day, ``(n,)`` bool."""
    return np.asarray(np.load(folder / f"{WARM}.npy"))
