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

    def __call__(self, network: Network) -> float:
        """Average 1 / log2(1 + rank) over the users, 0 past rank 10."""
        rank = self.ranks(network)
        return float(np.where(rank <= K, 1 / np.log2(1 + rank), 0).sum() / max(len(rank), 1))

    @torch.inference_mode()
    def ranks(self, network: Network) -> np.ndarray:
        """Give the rank of every item held out among all items, ``(len(asked),)`` float64.

        Items met before are ranked too. A user without a known item has no rank: infinity.
        """
        vectors = network.vectors()
        unknown = torch.where(network.known, 0.0, -torch.inf)
        ranks = np.full(len(self.asked), np.inf)
        for row, hidden in encode(network, vectors, self.asked):
            logits = hidden[: len(row)] @ vectors.T + unknown
            target = torch.from_numpy(self.item[row]).to(logits.device)
            own = logits.gather(1, target[:, None])
            better = (logits > own) | (own == -torch.inf)  # an unknown item comes last
            ranks[row] = 1 + better.sum(1).cpu().numpy()
        return ranks


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
