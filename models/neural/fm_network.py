"""The network of the factorization machine, and how it is trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from models.interactions import Interactions
from models.neural.fields import Encoded
from models.neural.learner import Batch, Learner
from models.neural.pair_losses import bpr, logistic
from models.neural.ragged import Past, Ragged

Bag = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Of each row: sum of x v ``(n, factors)``, sum of x w ``(n,)``, sum of x² |v|² ``(n,)``."""


class FMNetwork(nn.Module):
    """A vector v and a weight w for every feature, all in one table.

    Args:
        user_ids: users whose id is a feature; 0: none.
        user_values: values of the users' attributes.
        item_ids: items.
        item_values: values of the items' attributes.
        liked: items met before are features.
        factors: length of the vectors.
    """

    known_users: torch.Tensor
    known_items: torch.Tensor

    def __init__(
        self,
        user_ids: int,
        user_values: int,
        item_ids: int,
        item_values: int,
        liked: bool,
        factors: int,
    ) -> None:
        super().__init__()
        sizes = {
            "user ids": user_ids,
            "user values": user_values,
            "item ids": item_ids,
            "item values": item_values,
            "liked": item_ids if liked else 0,
        }
        ends = np.cumsum(list(sizes.values()))
        self.at = dict(zip(sizes, (ends - list(sizes.values())).tolist(), strict=True))
        self.single = not (user_values or item_values or liked)  # a side is one feature at most
        self.vectors = nn.Embedding(int(ends[-1]), factors)
        self.weights = nn.Parameter(torch.zeros(int(ends[-1])))
        self.bias = nn.Parameter(torch.zeros(()))
        self.register_buffer("known_users", torch.zeros(user_ids, dtype=torch.bool))
        self.register_buffer("known_items", torch.zeros(item_ids, dtype=torch.bool))

    def remember(self, train: Interactions) -> None:
        """Note whose ids the training meets; the others' are no features."""
        if len(self.known_users):
            self.known_users[torch.from_numpy(np.unique(train.user)).long()] = True
        self.known_items[torch.from_numpy(np.unique(train.item)).long()] = True

    def bag(self, flat: torch.Tensor, offsets: torch.Tensor, x: torch.Tensor) -> Bag:
        """Sum features up.

        Args:
            flat: features of all rows.
            offsets: ``(n,)``: where each row begins.
            x: their values, float32.
        """
        sums = F.embedding_bag(flat, self.vectors.weight, offsets, mode="sum", per_sample_weights=x)
        lengths = torch.diff(offsets, append=offsets.new_tensor([len(flat)]))
        row = torch.repeat_interleave(lengths)
        zeros = sums.new_zeros(len(offsets))
        first = zeros.index_add(0, row, self.weights[flat] * x)
        if self.single:
            return sums, first, sums.square().sum(1)
        squares = self.vectors.weight.square().sum(1)
        return sums, first, zeros.index_add(0, row, squares[flat] * x.square())

    def liked(self, item: torch.Tensor, offsets: torch.Tensor) -> Bag:
        """Sum up liked items, each row's as 1 / sqrt of how many they are."""
        lengths = torch.diff(offsets, append=offsets.new_tensor([len(item)]))
        x = torch.repeat_interleave(lengths.clamp(min=1).float().rsqrt(), lengths)
        return self.bag(item + self.at["liked"], offsets, x)

    def joined(
        self, sums: torch.Tensor, first: torch.Tensor, squares: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give the sum of vectors, and the score of the features among themselves ``(n,)``."""
        return sums, first + (sums.square().sum(1) - squares) / 2

    def side(
        self, flat: torch.Tensor, offsets: torch.Tensor, x: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Do :meth:`bag` and :meth:`joined`."""
        return self.joined(*self.bag(flat, offsets, x))


def features_of(values: Encoded, known: np.ndarray, ids_at: int, values_at: int) -> Ragged:
    """Lay out the features of every entity: its id where known, then its attributes' values.

    Args:
        values: of the attributes.
        known: ``(m,)`` bool: the id is a feature; entities past it have none.
        ids_at: feature of id 0.
        values_at: feature of value 0.
    """
    n = (len(values.indptr) - 1) // values.width
    has_id = np.zeros(n, bool)
    has_id[: min(n, len(known))] = known[:n]
    indptr = np.zeros(n + 1, np.int64)
    np.cumsum(np.diff(values.indptr[:: values.width]) + has_id, out=indptr[1:])
    index = np.empty(indptr[-1], np.int64)
    x = np.ones(len(index), np.float32)
    is_id = np.zeros(len(index), bool)
    is_id[indptr[:-1][has_id]] = True
    index[is_id] = np.flatnonzero(has_id) + ids_at
    index[~is_id] = values.index + values_at
    in_slot = np.diff(values.indptr)
    x[~is_id] = np.repeat(1 / np.maximum(in_slot, 1), in_slot)
    return Ragged(indptr, index, x)


class FMLearner(Learner):
    """The network with what it learns from.

    Args:
        network: initialised.
        train: positives (for the regression: all events, with their values).
        sampled: ``(n,)`` bool: the events learned from; what was liked before reads all.
        users: features of the users.
        items: features of the items.
    """

    def __init__(
        self,
        network: FMNetwork,
        train: Interactions,
        sampled: np.ndarray,
        users: Ragged,
        items: Ragged,
        *,
        history: int,
        loss: str,
        negatives: float,
        pool: int,
        largest: float,
        batch: int,
    ) -> None:
        super().__init__()
        self.user: torch.Tensor
        self.position: torch.Tensor
        self.value: torch.Tensor
        self.candidates: torch.Tensor
        self.network, self.history, self.loss = network, history, loss
        self.negatives, self.pool, self.largest, self.batch = negatives, pool, largest, batch
        # users' rows, then items': one look-up a step, and one gradient
        self.rows = Ragged(
            np.concatenate([users.indptr, users.indptr[-1] + items.indptr[1:]]),
            np.concatenate([users.index, items.index]),
            np.concatenate([users.weight, items.weight]),
        )
        self.n_users = len(users)
        order = np.argsort(train.user, kind="stable")
        histories = train.histories()
        self.past = Past(histories.indptr, histories.item, max(history, 1))
        tensors = {
            "user": train.user[order].astype(np.int64),
            "position": np.flatnonzero(sampled[order]),
            "value": train.value[order],
            "candidates": np.unique(train.item).astype(np.int64),
        }
        for name, array in tensors.items():
            self.register_buffer(name, torch.from_numpy(array), persistent=False)

    def batches(self, epoch: int, random: torch.Generator) -> Sequence[Batch]:
        """Shuffle the events; draw a pool of negatives for each batch."""
        position = self.position.cpu()
        shuffled = position[torch.randperm(len(position), generator=random)]
        if self.loss == "regression":
            return [(part,) for part in shuffled.split(self.batch)]
        each = -(-self.pool // self.batch)
        drawn = torch.randint(0, len(self.candidates), (len(shuffled), each), generator=random)
        negative = self.candidates.cpu()[drawn]
        return list(zip(shuffled.split(self.batch), negative.split(self.batch), strict=True))

    def forward(self, *batch: torch.Tensor) -> torch.Tensor:
        """Give the mean loss of a batch."""
        position, n = batch[0], len(batch[0])
        user, network = self.user[position], self.network
        items = torch.cat([self.past.item[position], *(b.flatten() for b in batch[1:])])
        sums, first, squares = network.bag(*self.rows(torch.cat([user, items + self.n_users])))
        own = network.joined(sums[n:], first[n:], squares[n:])
        user_bag: Bag = (sums[:n], first[:n], squares[:n])
        if self.history:
            met = self.past.before(position, user, torch.zeros_like(position, dtype=torch.bool))
            liked = network.liked(*met)
            user_bag = (user_bag[0] + liked[0], user_bag[1] + liked[1], user_bag[2] + liked[2])
        users, base = network.joined(*user_bag)
        base = base + network.bias
        positive = (users * own[0][:n]).sum(1) + own[1][:n] + base
        if self.loss == "regression":
            return (self.largest * torch.sigmoid(positive) - self.value[position]).square().mean()
        pool = torch.addmm(own[1][n:], users, own[0][n:].T) + base[:, None]
        if self.loss == "bpr":
            return bpr(positive, pool).mean()
        return logistic(positive, pool, self.negatives).mean()
