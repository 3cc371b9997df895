"""Hidden states of users from their histories, and scores of all items."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from models.interactions import Histories
from models.neural.next_item import Network
from models.neural.sequences import gap_buckets, only_known, rectangle

PLACES = 4096
"""Events encoded at a time."""
SHORTEST = 4


class Encoded(NamedTuple):
    """Some users' hidden states; the rows past ``len(row)`` are filling."""

    row: np.ndarray
    """``(n,)`` int64 rows of the histories."""
    hidden: torch.Tensor
    """``(at least n, width)`` float32."""


@torch.inference_mode()
def encode(network: Network, vectors: torch.Tensor, histories: Histories) -> Iterator[Encoded]:
    """Give the state after the newest known event of every user who has one.

    Users of similar length go together, always in blocks of the same shape for a length: a user's
    bytes do not depend on who else is in the chunk.

    Args:
        network: in eval mode.
        vectors: ``(n_items, width)``, of the network.
        histories: of any users; items the network never met are passed over.
    """
    length = network.transformer.a.length
    seen = only_known(histories, network.known.cpu().numpy()).last(length)
    lengths = seen.lengths
    device = vectors.device
    item = torch.from_numpy(seen.item.astype(np.int64)).to(device)
    gap = None
    if network.gaps is not None:
        gap = torch.from_numpy(gap_buckets(seen.indptr, seen.ts)).to(device)
    narrower = 0
    for width in _widths(length):
        rows = np.flatnonzero((lengths > narrower) & (lengths <= width))
        narrower, count = width, max(PLACES // width, 8)
        for at in range(0, len(rows), count):
            block = rows[at : at + count]
            filled = np.resize(block, count)
            start = torch.from_numpy(seen.indptr[filled]).to(device)
            size = torch.from_numpy(lengths[filled]).to(device)
            place, _ = rectangle(start, size, width)
            x = network.embed(vectors, item[place], None if gap is None else gap[place])
            yield Encoded(block, network.transformer.last(x, size))


@torch.inference_mode()
def write_shares(
    network: Network, vectors: torch.Tensor, histories: Histories, out: np.ndarray
) -> None:
    """Write the probability of being next for every item, 0 for all where there is no history.

    Args:
        network: in eval mode.
        vectors: ``(n_items, width)``, of the network.
        histories: of any users.
        out: ``(len(histories), n_items)`` float32.
    """
    done = np.zeros(len(histories), bool)
    unknown = torch.where(network.known, 0.0, -torch.inf)
    for row, hidden in encode(network, vectors, histories):
        logits = torch.addmm(unknown, hidden, vectors.T)
        out[row] = logits.softmax(1)[: len(row)].cpu().numpy()
        done[row] = True
    out[~done] = 0


def _widths(length: int) -> list[int]:
    """Give the widths of the blocks, doubling up to ``length``."""
    widths = []
    width = SHORTEST
    while width < length:
        widths.append(width)
        width *= 2
    return [*widths, length]
