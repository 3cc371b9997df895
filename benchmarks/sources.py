"""Lists of single generators of this project, without the pipeline around them."""

from __future__ import annotations

import numpy as np

from benchmarks.time_split import Split
from data.windows import midnight_us
from models.base import Generator
from models.interactions import Histories


def lists_of(model: Generator, split: Split, k: int) -> np.ndarray:
    """Fit a generator on the train part and give the targets' best unseen items.

    Returns:
        ``(len(split.targets), k)`` int32, best first; padded with -1 where the generator has no
        more items it knows anything about. Equal scores: the lower id first.
    """
    model.fit(split.train)
    model.refresh(split.train, midnight_us(split.as_of, "UTC"))
    histories = split.train.histories().take(split.targets)
    return best_unseen(model.score(histories), histories, k, model.no_signal)


def best_unseen(scores: np.ndarray, histories: Histories, k: int, no_signal: float) -> np.ndarray:
    """Give the k best items of every row that are not in its history.

    Args:
        scores: ``(n, n_items)`` float32; not written to.
        histories: of the same rows.
        k: items a row.
        no_signal: items at or below this score are left out.
    """
    scores = scores.copy()
    scores[np.repeat(np.arange(len(histories)), histories.lengths), histories.item] = -np.inf
    best = np.argsort(-scores, axis=1, kind="stable")[:, :k].astype(np.int32)
    worthless = np.take_along_axis(scores, best, axis=1) <= no_signal
    best[worthless] = -1
    return best
