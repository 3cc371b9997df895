"""The plain two-head model: an embedding of the user times an embedding of the item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from models.base import require_above_zero
from models.interactions import Histories, Interactions
from models.neural.device import Accelerator, threads
from models.neural.generator import NeuralGenerator
from models.neural.learner import Batch, Learner, TrainingSettings
from models.neural.randomness import generator
from models.neural.sequences import only_known
from models.neural.sides import require_events, sigmoid_rows
from models.neural.towers import initialise
from models.similarity import Vectors


class Heads(nn.Module):
    """Both tables; the score of a pair is the product of its rows.

    Args:
        n_users: rows of the users' table.
        n_items: rows of the items' table.
        dim: length of a row.
    """

    known_users: torch.Tensor
    known_items: torch.Tensor

    def __init__(self, n_users: int, n_items: int, dim: int) -> None:
        super().__init__()
        self.users = nn.Embedding(n_users, dim)
        self.items = nn.Embedding(n_items, dim)
        self.register_buffer("known_users", torch.zeros(n_users, dtype=torch.bool))
        self.register_buffer("known_items", torch.zeros(n_items, dtype=torch.bool))

    def pairs(self, user: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        """Score pairs, ``(n, k)``, from users ``(n,)`` and items ``(n, k)``."""
        return torch.einsum("nd,nkd->nk", self.users(user), self.items(item))

    def all_items(self, user: torch.Tensor, out: np.ndarray) -> None:
        """Score all items for known users ``(n,)`` into ``out (n, n_items)``."""
        vectors, items = self.users(user).numpy(), self.items.weight.numpy()
        if len(vectors) == 1:  # BLAS multiplies a single row by another routine
            out[:] = (np.repeat(vectors, 2, axis=0) @ items.T)[:1]
        else:
            np.matmul(vectors, items.T, out=out)


class TwoHead(NeuralGenerator):
    """Embeddings of user and item ids, binary cross-entropy against uniform items.

    It knows the users of the fit alone and what they liked until then; a newer one, or one without
    a history, has no signal.

    Args:
        dim: length of the embeddings.
        negatives: uniform items against each positive.
        epochs: passes over the positives.
        batch: positives of a step.
        learning_rate: of AdamW.
        final_rate: fraction of it reached at the end; 1: constant.
        weight_decay: of the embeddings.
        std: of the embeddings before training.
        seed: of everything random.
        accelerator: "auto" takes a GPU if there is one; "gpu" requires one.
    """

    kind: ClassVar[str] = "two_head"
    shape: dict[str, Any]

    def __init__(
        self,
        dim: int = 16,
        negatives: int = 10,
        epochs: int = 30,
        batch: int = 1024,
        learning_rate: float = 1e-3,
        final_rate: float = 1.0,
        weight_decay: float = 0.0,
        std: float = 0.1,
        seed: int = 7,
        accelerator: Accelerator = "auto",
    ) -> None:
        require_above_zero(
            self.kind,
            dim=dim,
            negatives=negatives,
            epochs=epochs,
            batch=batch,
            learning_rate=learning_rate,
            std=std,
        )
        self.dim = dim
        self.negatives = negatives
        self.epochs = epochs
        self.batch = batch
        self.learning_rate = learning_rate
        self.final_rate = final_rate
        self.weight_decay = weight_decay
        self.std = std
        self.seed = seed
        self.accelerator = accelerator

    def build(self) -> Heads:
        """Make the network of these parameters."""
        return Heads(self.shape["n_users"], self.n_items, self.dim)

    def fit(self, train: Interactions) -> Self:
        """Learn the embeddings.

        Raises:
            ModelError: there is no event, or the loss is no number.
        """
        require_events(self.kind, train)
        self.n_items, self.shape = train.n_items, {"n_users": train.n_users}
        network = self.build()
        initialise(network, generator(self.seed, 0), self.std)
        network.known_users[torch.from_numpy(train.user.astype(np.int64))] = True
        network.known_items[torch.from_numpy(train.item.astype(np.int64))] = True
        settings = TrainingSettings(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            final_rate=self.final_rate,
            weight_decay=self.weight_decay,
            seed=self.seed,
            accelerator=self.accelerator,
            precision="32",  # sums of vectors: no product worth fewer digits
        )
        learner = HeadsLearner(network, train, self.negatives, self.batch)
        self.curves = self.train(learner, settings)
        self.network = network.eval()
        return self

    def score(self, histories: Histories, out: np.ndarray | None = None) -> np.ndarray:
        """Give probabilities for users of the fit; everyone else has no signal."""
        network = self._fitted()
        known = network.known_users.numpy()
        met = only_known(histories, network.known_items.numpy())
        there = histories.user < len(known)
        there &= known[np.where(there, histories.user, 0)] & (met.lengths > 0)
        out = self.block(histories, out)
        users = torch.from_numpy(np.where(there, histories.user, 0).astype(np.int64))
        with torch.inference_mode(), threads(1):
            network.all_items(users, out)
            sigmoid_rows(torch.from_numpy(out))
        out[:, ~network.known_items.numpy()] = self.no_signal
        out[~there] = self.no_signal
        return out

    def _fitted(self) -> Heads:
        assert isinstance(self.network, Heads), "fit first"
        return self.network

    def space(self) -> Vectors:
        """Give the cosines of the items' embeddings."""
        network = self._fitted()
        known = network.known_items[:, None]
        return Vectors.of((network.items.weight * known).detach().numpy())


class HeadsLearner(Learner):
    """The network with the positives it learns from.

    Args:
        network: initialised.
        train: positives.
        negatives: uniform items against each.
        batch: positives of a step.
    """

    def __init__(self, network: Heads, train: Interactions, negatives: int, batch: int) -> None:
        super().__init__()
        self.user: torch.Tensor
        self.item: torch.Tensor
        self.candidates: torch.Tensor
        self.network, self.negatives, self.batch = network, negatives, batch
        for name, array in (
            ("user", train.user),
            ("item", train.item),
            ("candidates", np.unique(train.item)),
        ):
            self.register_buffer(name, torch.from_numpy(array.astype(np.int64)), persistent=False)

    def batches(self, epoch: int, random: torch.Generator) -> Sequence[Batch]:
        """Shuffle the positives and draw their negatives."""
        n = len(self.user)
        drawn = torch.randint(0, len(self.candidates), (n, self.negatives), generator=random)
        order = torch.randperm(n, generator=random)
        negative = self.candidates.cpu()[drawn]
        return list(zip(order.split(self.batch), negative.split(self.batch), strict=True))

    def forward(self, *batch: torch.Tensor) -> torch.Tensor:
        """Give the mean binary cross-entropy over positives and negatives."""
        row, negative = batch
        items = torch.cat([self.item[row][:, None], negative], dim=1)
        scores = self.network.pairs(self.user[row], items)
        return (F.softplus(-scores[:, 0]) + F.softplus(scores[:, 1:]).sum(1)).mean() / items.shape[
            1
        ]
