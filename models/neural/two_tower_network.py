"""The network of the two-tower model, and how it is trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from models.interactions import Interactions
from models.neural.learner import Batch, Learner
from models.neural.pair_losses import bpr, softmax, triplet
from models.neural.ragged import Past, Ragged
from models.neural.randomness import Dropout
from models.neural.towers import Attributes, Encoder, History, HistoryEncoder


class TwoTowerNetwork(nn.Module):
    """Both towers; they share the items' id vectors.

    Args:
        n_items: ids.
        user_values: number of values and of attributes.
        item_values: the same of the items.
        dim: of the vectors.
        encoder: of the attributes.
        history_encoder: of the history.
        history: newest events read.
        dropout: share of what the encoders give that is dropped.
    """

    known: torch.Tensor

    def __init__(
        self,
        n_items: int,
        user_values: tuple[int, int],
        item_values: tuple[int, int],
        dim: int,
        encoder: Encoder,
        history_encoder: HistoryEncoder,
        history: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.user_width, self.item_width = user_values[1], item_values[1]
        self.ids = nn.Embedding(n_items, dim)
        self.no_id = nn.Embedding(1, dim)
        self.history = History(dim, history_encoder, history)
        if self.user_width:
            self.user_attributes = Attributes(*user_values, dim, encoder, dropout)
        if self.item_width:
            self.item_attributes = Attributes(*item_values, dim, encoder, dropout)
        parts = 2 if self.user_width else 1
        self.join_norm = nn.LayerNorm(parts * dim)
        self.join = nn.Sequential(
            nn.Linear(parts * dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim)
        )
        self.dropout = Dropout(dropout)
        self.user_norm = nn.LayerNorm(dim)
        # items that the training met; the id of another says nothing
        self.register_buffer("known", torch.zeros(n_items, dtype=torch.bool))

    def users(
        self, met: torch.Tensor, offsets: torch.Tensor, codes: torch.Tensor, slots: Ragged
    ) -> torch.Tensor:
        """Give the users' vectors, ``(n, dim)``.

        Args:
            met: known items of their histories, one after another, oldest first.
            offsets: ``(n,)``: where each history begins.
            codes: ``(n,)`` of the users, for their attributes.
            slots: values of the users' attributes.
        """
        parts = [self.history(self.ids, met, offsets)]
        if self.user_width:
            parts.append(self.user_attributes(*values_of(codes, slots, self.user_width)))
        joined = self.join(self.join_norm(torch.cat(parts, dim=1)))
        vectors: torch.Tensor = self.user_norm(sum(parts) + self.dropout(joined))
        return vectors

    def items(
        self, codes: torch.Tensor, slots: Ragged, hidden: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Give the items' vectors, ``(n, dim)``.

        Args:
            codes: ``(n,)``; those past the fit are known by their attributes alone.
            slots: values of the items' attributes.
            hidden: ``(n,)`` bool: the id is not read.
        """
        known = self.is_known(codes)
        if hidden is not None:
            known = known & ~hidden
        own = self.ids(codes.clamp(max=len(self.known) - 1))
        vectors = torch.where(known[:, None], own, self.no_id.weight)
        if self.item_width:
            vectors = vectors + self.item_attributes(*values_of(codes, slots, self.item_width))
        return vectors

    def is_known(self, codes: torch.Tensor) -> torch.Tensor:
        """Say of which items the training met the id, ``(n,)`` bool."""
        last = len(self.known) - 1
        return (codes <= last) & self.known[codes.clamp(max=last)]


def values_of(codes: torch.Tensor, slots: Ragged, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the values of all attributes of some entities, and where each attribute's begin."""
    rows = codes[:, None] * width + torch.arange(width, device=codes.device)
    flat, offsets, _ = slots(rows.flatten())
    return flat, offsets


class TwoTowerLearner(Learner):
    """The network with what it learns from: every event is predicted from those before it.

    Args:
        network: initialised; its ``known`` is set here.
        train: positives.
        sampled: ``(n,)`` bool: the events learned from; histories read all.
        user_slots: values of the users' attributes.
        item_slots: values of the items' attributes.
        settings: parameters of the generator: loss, negatives, batch and so on.
    """

    def __init__(
        self,
        network: TwoTowerNetwork,
        train: Interactions,
        sampled: np.ndarray,
        user_slots: Ragged,
        item_slots: Ragged,
        *,
        loss: str,
        negatives: int,
        logq: bool,
        margin: float,
        weigh: bool,
        id_dropout: float,
        history_dropout: float,
        batch: int,
    ) -> None:
        super().__init__()
        self.user: torch.Tensor
        self.position: torch.Tensor
        self.value: torch.Tensor
        self.pool: torch.Tensor
        self.share: torch.Tensor
        self.network, self.user_slots, self.item_slots = network, user_slots, item_slots
        self.loss, self.negatives, self.logq, self.margin = loss, negatives, logq, margin
        self.id_dropout, self.history_dropout, self.batch = id_dropout, history_dropout, batch
        order = np.argsort(train.user, kind="stable")
        histories = train.histories()
        self.past = Past(histories.indptr, histories.item, network.history.newest)
        count = np.bincount(train.item[sampled], minlength=train.n_items)
        network.known[:] = torch.from_numpy(np.bincount(train.item, minlength=train.n_items) > 0)
        value = train.value[order] if weigh else np.ones(len(train), np.float32)
        share = count / count.sum()
        tensors = {
            "user": train.user[order].astype(np.int64),
            "position": np.flatnonzero(sampled[order]),
            "value": (value / max(float(value[sampled[order]].mean()), 1e-12)).astype(np.float32),
            "pool": np.unique(train.item).astype(np.int64),
            "share": share.astype(np.float32),
        }
        for name, array in tensors.items():
            self.register_buffer(name, torch.from_numpy(array), persistent=False)

    def batches(self, epoch: int, random: torch.Generator) -> Sequence[Batch]:
        """Shuffle the events; draw their negatives, and whose id and history is hidden."""
        n = len(self.position)
        device = "cpu"  # drawn there on every machine, so that a GPU sees the same batches
        position = self.position.to(device)[torch.randperm(n, generator=random)]
        drawn = torch.randint(0, len(self.pool), (n, self.negatives), generator=random)
        negative = self.pool.to(device)[drawn]
        hidden = torch.rand(n, 1 + self.negatives, generator=random) < self.id_dropout
        forgotten = torch.rand(n, generator=random) < self.history_dropout
        cut = [t.split(self.batch) for t in (position, negative, hidden, forgotten)]
        return list(zip(*cut, strict=True))

    def forward(self, *batch: torch.Tensor) -> torch.Tensor:
        """Give the mean loss of a batch, weighed by the events' values."""
        position, negative, hidden, forgotten = batch
        user, target = self.user[position], self.past.item[position]
        met, offsets = self.past.before(position, user, forgotten)
        users = self.network.users(met, offsets, user, self.user_slots)
        codes = torch.cat([target, negative.flatten()])
        if self.loss == "softmax":
            codes, hidden = target, hidden[:, :1]
        items = self.network.items(codes, self.item_slots, hidden.T.flatten())
        n, weight = len(target), self.value[position]
        if self.loss in ("softmax", "mixed"):
            log_q = torch.log(self._expected(codes, n)) if self.logq else None
            return softmax(users.float(), items.float(), codes, log_q, weight)
        positive, pool = (users * items[:n]).sum(1), users @ items[n:].T
        if self.loss == "bpr":
            return (bpr(positive, pool) * weight).mean()
        return (triplet(positive, pool, self.margin) * weight).mean()

    def _expected(self, codes: torch.Tensor, n: int) -> torch.Tensor:
        """How often each item of the pool is expected in it: from the targets, and drawn."""
        return n * self.share[codes] + (len(codes) - n) / len(self.pool)
