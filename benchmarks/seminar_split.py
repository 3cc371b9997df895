"""The split of ``ml1m-seminar``: every event of the last two tenths is told from those before it.

All ratings; users and items with five or more (repeated until it holds); each user's events by
time; thresholds at eight and nine tenths of all events' times. Train: each user's events before the
first threshold, users with five or more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.real import Ratings, read_ml1m
from models.interactions import Histories
from models.neural.next_item import Network
from models.neural.sequences import Windows, batches_of, even_width, rectangle

CORE = 5
CONTEXT = 200
"""Events before a target at most."""
HOP = 50
"""Targets read off one window of a long history: each sees at least CONTEXT - HOP events."""
CUTS = (5, 10, 20)
TOKENS = 16_384
"""Events judged at a time."""


@dataclass(frozen=True)
class Samples:
    """Targets and the windows they are read off.

    Attributes:
        windows: in the flat array of all events; the last events of each are asked.
        asked: ``(n_windows,)`` int64: how many of them, counted from the newest.
    """

    windows: Windows
    asked: np.ndarray

    def __len__(self) -> int:
        return int(self.asked.sum())


@dataclass(frozen=True)
class Split:
    """The data of the protocol.

    Attributes:
        all: everybody's events, oldest first.
        train: those before the first threshold, users with five or more.
        validation: events of the ninth tenth.
        test: events of the last tenth.
        thresholds: seconds since 1970.
    """

    all: Histories
    train: Histories
    validation: Samples
    test: Samples
    thresholds: tuple[int, int]


def read_split(tie_seed: int | None = None) -> Split:
    """Read and cut MovieLens-1M.

    Args:
        tie_seed: None: events of one second stand in the order of the file; else in random order.

    Raises:
        MissingDataError: the data is not there.
    """
    return cut(_core(read_ml1m()), tie_seed)


def cut(log: Ratings, tie_seed: int | None = None) -> Split:
    """Cut a log whose rows are in order of time, ids any."""
    if tie_seed is not None:
        log = log.where(np.random.default_rng(tie_seed).permutation(len(log)))
    user, user_row = np.unique(log.user, return_inverse=True)
    item, item_row = np.unique(log.item, return_inverse=True)
    order = np.lexsort((log.ts, user_row))  # stable: ties keep their order
    row, ts = user_row[order], log.ts[order]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row))])
    users = np.arange(len(user), dtype=np.int32)
    whole = Histories(users, indptr, item_row[order].astype(np.int32), ts, len(item))
    times = np.sort(ts)
    first, second = times[int(0.8 * len(ts))], times[int(0.9 * len(ts))]
    early = np.bincount(row, weights=ts < first).astype(np.int64)
    kept = np.flatnonzero(early >= CORE)
    some = whole.take(kept)
    taught = _first(some, early[kept])
    return Split(
        whole,
        taught,
        samples(indptr, (ts >= first) & (ts < second)),
        samples(indptr, ts >= second),
        (int(first // 1_000_000), int(second // 1_000_000)),
    )


def samples(indptr: np.ndarray, target: np.ndarray) -> Samples:
    """Lay windows under the targets; those without an event before them are left out.

    Args:
        indptr: ``(n_users + 1,)`` int64.
        target: ``(n,)`` bool; a user's targets follow one another.
    """
    starts, sizes, asked = [], [], []
    for user in range(len(indptr) - 1):
        begin, end = int(indptr[user]), int(indptr[user + 1])
        places = begin + np.flatnonzero(target[begin:end])
        places = places[places > begin]
        at, stop = (int(places[0]), int(places[-1]) + 1) if len(places) else (0, 0)
        while at < stop:
            last = min(stop - 1, max(begin + CONTEXT, at + HOP - 1))
            start = max(begin, last - CONTEXT)
            starts.append(start)
            sizes.append(last - start)
            asked.append(last - at + 1)
            at = last + 1
    return Samples(Windows(np.array(starts), np.array(sizes)), np.array(asked))


class Judge:
    """Computes the nine metrics of a network on some samples.

    Args:
        histories: everybody's events.
        asked: the samples.
    """

    def __init__(self, histories: Histories, asked: Samples) -> None:
        self.item = torch.from_numpy(histories.item.astype(np.int64))
        self.samples, self.n_items = asked, histories.n_items
        order = np.arange(len(asked.windows.size))
        self.batches = batches_of(
            Windows(order, asked.windows.size), TOKENS, torch.Generator().manual_seed(0)
        )

    def __call__(self, network: Network, coverage: bool = True) -> dict[str, float]:
        """Score all items, seen ones too, and rank every target.

        Args:
            network: in eval mode.
            coverage: also count the items that lists reach.
        """
        ranks, reached = [], np.zeros((len(CUTS), self.n_items), bool)
        with torch.inference_mode():
            vectors = network.vectors()
            for rows, _ in self.batches:
                hidden, target = self._hidden(network, vectors, rows.numpy())
                for part in range(0, len(target), 1024):
                    logits = hidden[part : part + 1024] @ vectors.T
                    own = logits.gather(1, target[part : part + 1024, None])
                    ranks.append((logits > own).sum(1) + 1)
                    if coverage:
                        best = logits.topk(CUTS[-1]).indices.cpu().numpy()
                        for at, k in enumerate(CUTS):
                            reached[at, best[:, :k]] = True
        rank = torch.cat(ranks).double().cpu().numpy()
        gain = 1 / np.log2(1 + rank)
        found = {f"DCG@{k}": float(np.where(rank <= k, gain, 0).mean()) for k in CUTS}
        found |= {f"HR@{k}": float((rank <= k).mean()) for k in CUTS}
        if coverage:
            found |= {f"Cov@{k}": float(reached[at].mean()) for at, k in enumerate(CUTS)}
        return found

    def _hidden(
        self, network: Network, vectors: torch.Tensor, rows: np.ndarray
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give the states the targets are read off, ``(n, width)``, and the targets."""
        start = torch.from_numpy(self.samples.windows.start[rows])
        size = torch.from_numpy(self.samples.windows.size[rows])
        place, real = rectangle(start, size, even_width(int(size.max()), CONTEXT))
        step = torch.arange(place.shape[1])
        wanted = real & (step >= (size - torch.from_numpy(self.samples.asked[rows]))[:, None])
        device = vectors.device
        x = network.embed(vectors, self.item[place].to(device), None)
        hidden = network.transformer(x, size.to(device))
        return hidden[wanted.to(device)], self.item[place[wanted] + 1].to(device)


def _first(histories: Histories, count: np.ndarray) -> Histories:
    """Keep every user's oldest ``count`` events."""
    place = np.arange(len(histories.item)) - np.repeat(histories.indptr[:-1], histories.lengths)
    kept = place < np.repeat(count, histories.lengths)
    indptr = np.concatenate([[0], np.cumsum(count)])
    return Histories(
        histories.user, indptr, histories.item[kept], histories.ts[kept], histories.n_items
    )


def _core(log: Ratings) -> Ratings:
    """Leave out users and items with fewer than five rows until there are none."""
    while True:
        kept = (np.bincount(log.user)[log.user] >= CORE) & (np.bincount(log.item)[log.item] >= CORE)
        if kept.all():
            return log
        log = log.where(kept)
