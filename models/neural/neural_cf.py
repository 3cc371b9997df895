"""NeuralCF: an MLP over both embeddings beside their product."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from models.base import ModelError
from models.neural.device import Accelerator
from models.neural.matrix_factorization import Heads, TwoHead


class NeuralHeads(Heads):
    """NeuMF: the weighed product of one pair of embeddings plus an MLP over another pair.

    The MLP's first layer is split in a user's and an item's part, so that scoring all items needs
    neither side twice.

    Args:
        n_users: rows of the users' tables.
        n_items: rows of the items' tables.
        dim: length of a row.
        hidden: widths of the MLP's layers.
    """

    def __init__(self, n_users: int, n_items: int, dim: int, hidden: list[int]) -> None:
        super().__init__(n_users, n_items, dim)
        self.mlp_users = nn.Embedding(n_users, dim)
        self.mlp_items = nn.Embedding(n_items, dim)
        self.product = nn.Linear(dim, 1, bias=False)
        self.user_part = nn.Linear(dim, hidden[0])
        self.item_part = nn.Linear(dim, hidden[0], bias=False)
        layers = [nn.Linear(a, b) for a, b in pairwise(hidden)]
        self.layers = nn.ModuleList([*layers, nn.Linear(hidden[-1], 1, bias=False)])

    def pairs(self, user: torch.Tensor, item: torch.Tensor) -> torch.Tensor:
        """Score pairs, ``(n, k)``, from users ``(n,)`` and items ``(n, k)``."""
        product = (self.users(user)[:, None] * self.items(item)) @ self.product.weight[0]
        first = self.user_part(self.mlp_users(user))[:, None] + self.item_part(self.mlp_items(item))
        return product + self._rest(first)

    def all_items(self, user: torch.Tensor, out: np.ndarray) -> None:
        """Score all items for known users ``(n,)`` into ``out (n, n_items)``, one by one."""
        items = self.items.weight * self.product.weight
        item_part = self.item_part(self.mlp_items.weight)
        vectors, others = self.users(user), self.mlp_users(user)
        for row in range(len(user)):  # products of one user: no bit hangs on who else is asked
            scores = items @ vectors[row] + self._rest(item_part + self.user_part(others[row]))
            out[row] = scores.numpy()

    def _rest(self, first: torch.Tensor) -> torch.Tensor:
        x = F.relu(first)
        for layer in self.layers[:-1]:
            x = F.relu(layer(x))
        total: torch.Tensor = self.layers[-1](x).squeeze(-1)
        return total


class NeuralCF(TwoHead):
    """The two-head model with an MLP beside the product (NeuMF, trained at once).

    Scoring all items runs the MLP for every pair: for small catalogues.

    Source: He et al., "Neural Collaborative Filtering", 2017.

    Args:
        dim: length of the embeddings.
        hidden: widths of the MLP's layers; none: 2 dim, dim.
        negatives: uniform items against each positive.
        epochs: passes over the positives.
        batch: positives of a step.
        learning_rate: of AdamW.
        final_rate: fraction of it reached at the end; 1: constant.
        weight_decay: of the matrices.
        std: of the embeddings before training.
        seed: of everything random.
        accelerator: "auto" takes a GPU if there is one; "gpu" requires one.
    """

    kind: ClassVar[str] = "neural_cf"

    def __init__(
        self,
        dim: int = 16,
        hidden: list[int] | None = None,
        negatives: int = 10,
        epochs: int = 15,
        batch: int = 1024,
        learning_rate: float = 1e-3,
        final_rate: float = 1.0,
        weight_decay: float = 0.0,
        std: float = 0.1,
        seed: int = 7,
        accelerator: Accelerator = "auto",
    ) -> None:
        super().__init__(
            dim,
            negatives,
            epochs,
            batch,
            learning_rate,
            final_rate,
            weight_decay,
            std,
            seed,
            accelerator,
        )
        if hidden is not None and (not hidden or min(hidden) < 1):
            raise ModelError(f"neural_cf: hidden is {hidden}; it must be widths of at least 1")
        self.hidden = hidden

    def build(self) -> NeuralHeads:
        """Make the network of these parameters."""
        sizes: dict[str, Any] = self.shape
        hidden = self.hidden or [2 * self.dim, self.dim]
        return NeuralHeads(sizes["n_users"], self.n_items, self.dim, hidden)
