"""The network that embeds items and reads histories, and how it is trained on next items."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from models.interactions import Histories
from models.neural import losses
from models.neural.attributes import Bags
from models.neural.learner import Batch, Learner
from models.neural.randomness import normal
from models.neural.sequences import (
    GAP_BUCKETS,
    all_windows,
    batches_of,
    even_width,
    gap_buckets,
    last_windows,
    rectangle,
)
from models.neural.transformer import Architecture, Transformer

Loss = Literal["softmax", "in_batch", "in_batch_logq", "bce", "gbce", "sampled"]
Part = Literal["all", "last"]


class Network(nn.Module):
    """Item vectors, read by a transformer and compared with its output (tied embeddings).

    Args:
        a: of the transformer.
        n_items: rows of the table.
        random: draws the first weights.
        bags: attribute values of the items, whose vectors are added; None: ids alone.
        time_gaps: add a vector for the time since the event before.
    """

    def __init__(
        self,
        a: Architecture,
        n_items: int,
        random: torch.Generator,
        bags: Bags | None = None,
        time_gaps: bool = False,
    ) -> None:
        super().__init__()
        # Small: vectors of length 1 start with opinions that take epochs to unlearn.
        self.items = normal(n_items, a.width, std=0.2 * a.width**-0.5, random=random)
        self.transformer = Transformer(a, random)
        self.gaps = normal(GAP_BUCKETS, a.width, std=0.02, random=random) if time_gaps else None
        self.bags = bags
        self.values = None
        if bags is not None:
            self.values = normal(len(bags.names), a.width, std=0.1 * a.width**-0.5, random=random)
        self.register_buffer("known", torch.zeros(n_items, dtype=torch.bool))
        self.known: torch.Tensor

    def vectors(self) -> torch.Tensor:
        """Give the vector of every item, ``(n_items, width)``."""
        if self.bags is None or self.values is None:
            return self.items
        return self.items + self.bags(self.values)

    def embed(
        self, vectors: torch.Tensor, item: torch.Tensor, gap: torch.Tensor | None
    ) -> torch.Tensor:
        """Give the vectors of events, ``(B, L, width)``."""
        x = F.embedding(item, vectors) * vectors.shape[1] ** 0.5
        if self.gaps is not None and gap is not None:
            x = x + F.embedding(gap, self.gaps)
        return x


@dataclass(frozen=True)
class Objective:
    """What is learned from.

    Attributes:
        loss: see :mod:`models.neural.losses`; the last three draw negatives.
        negatives: of "bce", "gbce" and "sampled".
        part: "all" events of a history, cut into windows anew each epoch, or the "last" window.
        tokens: places of a batch, padding counted.
    """

    loss: Loss = "softmax"
    negatives: int = 1
    part: Part = "all"
    tokens: int = 3200


class NextItem(Learner):
    """Training of a :class:`Network`: after every event, which is the next?

    Args:
        network: to be trained.
        histories: oldest first; they stay on the device as one flat array.
        objective: what is learned from.
        validate: judges the network (larger is better); None: nothing does.
    """

    def __init__(
        self,
        network: Network,
        histories: Histories,
        objective: Objective,
        validate: Callable[[Network], float] | None = None,
    ) -> None:
        super().__init__()
        self.network, self.objective, self.validate = network, objective, validate
        self.indptr = histories.indptr
        self.random: torch.Generator | None = None  # handed out by the training
        self.item: torch.Tensor
        self.register_buffer("item", torch.from_numpy(histories.item.astype(np.int64)), False)
        self.gap: torch.Tensor | None
        gaps = None
        if network.gaps is not None:
            gaps = torch.from_numpy(gap_buckets(histories.indptr, histories.ts))
        self.register_buffer("gap", gaps, False)
        self.log_q: torch.Tensor
        count = np.bincount(histories.item, minlength=len(network.items)).clip(1)
        share = torch.from_numpy(count / count.sum()).float()
        self.register_buffer("log_q", share.log(), False)

    def batches(self, epoch: int, random: torch.Generator) -> Sequence[Batch]:
        """Cut the histories into windows and these into batches of ``(start, size)``."""
        length = self.network.transformer.a.length
        if self.objective.part == "last":
            windows = last_windows(self.indptr, length)
        else:
            windows = all_windows(self.indptr, length, random)
        return batches_of(windows, self.objective.tokens, random)

    def weight(self, batch: Batch) -> float:
        """Count the events of a batch."""
        return float(batch[1].sum())

    def judge(self) -> float | None:
        """Validate."""
        return None if self.validate is None else self.validate(self.network)

    def forward(self, *batch: torch.Tensor) -> torch.Tensor:
        """Give the mean loss over the events of the windows."""
        start, size = batch
        length = self.network.transformer.a.length
        place, real = rectangle(start, size, even_width(int(size.max()), length))
        events = real.flatten().nonzero().squeeze(1)
        vectors = self.network.vectors()
        gap = None if self.gap is None else self.gap[place]
        x = self.network.embed(vectors, self.item[place], gap)
        hidden = self.network.transformer(x, size).flatten(0, 1).index_select(0, events)
        device = hidden.device.type
        if torch.is_autocast_enabled(device):
            hidden = hidden.to(torch.get_autocast_dtype(device))
        return self._loss(hidden, vectors, self.item[place.flatten()[events] + 1])

    def _loss(
        self, hidden: torch.Tensor, vectors: torch.Tensor, target: torch.Tensor
    ) -> torch.Tensor:
        loss = self.objective.loss
        if loss == "softmax":
            return losses.full_softmax(hidden, vectors, target)
        if loss in ("in_batch", "in_batch_logq"):
            log_q = self.log_q if loss == "in_batch_logq" else None
            return losses.in_batch_softmax(hidden, vectors, target, log_q)
        negative = torch.randint(
            len(vectors),
            (len(target), self.objective.negatives),
            generator=self.random,
            device=target.device,
        )
        with torch.autocast(hidden.device.type, enabled=False):
            if loss == "sampled":
                return losses.sampled_softmax(hidden, vectors, target, negative)
            if loss == "gbce":
                return losses.gbce(hidden, vectors, target, negative)
            return losses.bce(hidden, vectors, target, negative)
