"""Early stopping without later data: the newest event of some users is kept from the training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from models.interactions import Histories
from models.neural.encode import encode
from models.neural.next_item import Network
from models.neural.randomness import generator

K = 10


@dataclass(frozen=True)
class HeldOut:
    """Judges a network by NDCG@10 of the events held out.

    Attributes:
        histories: of all users, without those events.
        asked: histories of the users whose event was held out.
        item: ``(len(asked),)`` int64, the events' items.
    """

    histories: Histories
    asked: Histories
    item: np.ndarray

    @torch.inference_mode()
    def __call__(self, network: Network) -> float:
        """Average 1 / log2(1 + rank) over the users, 0 past rank 10; unseen items rank last."""
        vectors = network.vectors()
        unknown = torch.where(network.known, 0.0, -torch.inf)
        gain = 0.0
        for row, hidden in encode(network, vectors, self.asked):
            logits = hidden[: len(row)] @ vectors.T + unknown
            target = torch.from_numpy(self.item[row]).to(logits.device)
            own = logits.gather(1, target[:, None])
            rank = 1 + (logits > own).sum(1).double()
            gain += float((1 / torch.log2(1 + rank))[rank <= K].sum())
        return gain / max(len(self.asked), 1)


def hold_out(histories: Histories, count: int, seed: int) -> HeldOut:
    """Take the newest event from at most ``count`` users who have three or more.

    Args:
        histories: of all users.
        count: users at most; a tenth of those who can if that is fewer.
        seed: draws the users.
    """
    able = np.flatnonzero(histories.lengths >= 3)
    drawn = torch.randperm(len(able), generator=generator(seed, 3)).numpy()
    rows = np.sort(able[drawn[: min(count, -(-len(able) // 10))]])
    kept = np.ones(len(histories.item), bool)
    newest = histories.indptr[rows + 1] - 1
    kept[newest] = False
    before = np.concatenate([[0], np.cumsum(kept)])
    rest = Histories(
        histories.user,
        before[histories.indptr],
        histories.item[kept],
        histories.ts[kept],
        histories.n_items,
    )
    return HeldOut(rest, rest.take(rows), histories.item[newest].astype(np.int64))
