"""Rows of different lengths as flat arrays with offsets, on the device of a model."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn


def spans(starts: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the positions of spans one after another.

    Args:
        starts: ``(n,)`` int64.
        lengths: ``(n,)`` int64.

    Returns:
        ``(sum of lengths,)`` int64 positions, and ``(n,)`` int64: where each span begins in them.
    """
    offsets = lengths.cumsum(0) - lengths
    flat = torch.repeat_interleave(starts - offsets, lengths)
    return flat + torch.arange(len(flat), device=flat.device), offsets


class Ragged(nn.Module):
    """Rows of numbers, each with a weight; moves with the model, is not saved with it.

    Args:
        indptr: ``(n + 1,)`` int64; row ``r`` owns ``index[indptr[r]:indptr[r + 1]]``.
        index: int64.
        weight: float32 of each number; None: 1.
    """

    indptr: torch.Tensor
    index: torch.Tensor
    weight: torch.Tensor

    def __init__(
        self, indptr: np.ndarray, index: np.ndarray, weight: np.ndarray | None = None
    ) -> None:
        super().__init__()
        if weight is None:
            weight = np.ones(len(index), np.float32)
        for name, array in (("indptr", indptr), ("index", index)):
            self.register_buffer(name, torch.tensor(array, dtype=torch.int64), persistent=False)
        self.register_buffer("weight", torch.tensor(weight, dtype=torch.float32), persistent=False)

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def forward(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Give the numbers of some rows, where each row begins in them, and their weights.

        Args:
            rows: ``(n,)`` int64; one past the last row is an empty one.
        """
        known = rows < len(self)
        at = torch.where(known, rows, 0)
        starts = self.indptr[at]
        lengths = torch.where(known, self.indptr[at + 1] - starts, 0)
        flat, offsets = spans(starts, lengths)
        return self.index[flat], offsets, self.weight[flat]


class Past(nn.Module):
    """What every user met, oldest first, to be looked up before any event.

    Args:
        indptr: ``(n_users + 1,)`` int64.
        item: int64 codes.
        newest: events looked back at most.
    """

    indptr: torch.Tensor
    item: torch.Tensor

    def __init__(self, indptr: np.ndarray, item: np.ndarray, newest: int) -> None:
        super().__init__()
        self.newest = newest
        for name, array in (("indptr", indptr), ("item", item)):
            self.register_buffer(name, torch.tensor(array, dtype=torch.int64), persistent=False)

    def before(
        self, position: torch.Tensor, user: torch.Tensor, forgotten: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give the newest items before some events.

        Args:
            position: ``(n,)`` int64 places in ``item``; one past a user's last: all of them.
            user: ``(n,)`` int64 rows the events belong to.
            forgotten: ``(n,)`` bool: nothing is given.

        Returns:
            Flat items, and where each event's begin in them.
        """
        lengths = (position - self.indptr[user]).clamp(max=self.newest) * ~forgotten
        flat, offsets = spans(position - lengths, lengths)
        return self.item[flat], offsets
