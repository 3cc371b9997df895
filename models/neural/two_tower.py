"""Two towers (DSSM): a vector of the user and a vector of the item, compared by their product."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
import torch

from models.base import ModelError, require_above_zero
from models.interactions import Histories, Interactions
from models.neural.device import Accelerator, Precision
from models.neural.learner import TrainingSettings
from models.neural.randomness import generator
from models.neural.sequences import only_known
from models.neural.sides import SidedGenerator, recent_samples, require_events
from models.neural.towers import Encoder, HistoryEncoder, initialise
from models.neural.two_tower_network import TwoTowerLearner, TwoTowerNetwork

Loss = Literal["softmax", "mixed", "bpr", "triplet"]
CHUNK = 4096
"""Items encoded at a time."""


class TwoTower(SidedGenerator):
    """User tower from history and attributes, item tower from id and attributes.

    New users are encoded from their attributes, new items from theirs: while training some ids and
    some histories are left out, so that the towers learn to do without. A user or an item of whom
    nothing is known has no signal.

    Sources: Huang et al., "Learning Deep Structured Semantic Models for Web Search using
    Clickthrough Data", 2013; Yi et al., 2019; Yang et al., 2020 (see :mod:`.pair_losses`).

    Args:
        dim: length of the vectors.
        user_attributes: names of those read; none: all.
        item_attributes: names of those read; none: all.
        encoder: of the attributes: "mlp" or "transformer".
        history_encoder: "bag" (mean), "gru" or "transformer".
        history: newest events of a user read.
        loss: "softmax" among the items of a batch, "mixed" among these and uniform ones, "bpr" and
            "triplet" against uniform ones.
        negatives: uniform items that a positive brings into the pool its batch shares.
        logq: take the log of how often an item is expected in the pool off its score (softmax
            losses); without it popular items are pushed down.
        margin: of the triplet loss.
        weigh: let a positive count by its value (watched share), else all count the same.
        id_dropout: share of the items of a batch whose id is hidden.
        history_dropout: share of the users of a batch whose history is hidden.
        dropout: share of what the encoders give that is dropped.
        train_days: learn from the positives of the newest so many days (histories reach further
            back); none: all.
        epochs: passes over the positives.
        batch: positives of a step.
        learning_rate: of AdamW at its highest; it falls to a tenth.
        weight_decay: of matrices.
        seed: of everything random.
        accelerator: "auto" takes a GPU if there is one; "gpu" requires one.
        precision: "auto" is bf16 where the device computes in it.
    """

    kind: ClassVar[str] = "two_tower"
    can_start_warm: ClassVar[bool] = True

    def __init__(
        self,
        dim: int = 64,
        user_attributes: list[str] | None = None,
        item_attributes: list[str] | None = None,
        encoder: Encoder = "mlp",
        history_encoder: HistoryEncoder = "bag",
        history: int = 50,
        loss: Loss = "mixed",
        negatives: int = 1,
        logq: bool = True,
        margin: float = 1.0,
        weigh: bool = False,
        id_dropout: float = 0.1,
        history_dropout: float = 0.1,
        dropout: float = 0.1,
        train_days: float | None = None,
        epochs: int = 5,
        batch: int = 512,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.01,
        seed: int = 7,
        accelerator: Accelerator = "auto",
        precision: Precision = "32",
    ) -> None:
        require_above_zero(
            self.kind,
            dim=dim,
            history=history,
            negatives=negatives,
            margin=margin,
            train_days=train_days,
            epochs=epochs,
            batch=batch,
            learning_rate=learning_rate,
        )
        for name, share in (
            ("id_dropout", id_dropout),
            ("history_dropout", history_dropout),
            ("dropout", dropout),
        ):
            if not 0 <= share < 1:
                raise ModelError(f"two_tower: {name} is {share}; it must be at least 0 and below 1")
        if dim % 2:
            raise ModelError(f"two_tower: dim is {dim}; it must be even (two attention heads)")
        self.dim = dim
        self.user_attributes = user_attributes
        self.item_attributes = item_attributes
        self.encoder = encoder
        self.history_encoder = history_encoder
        self.history = history
        self.loss = loss
        self.negatives = negatives
        self.logq = logq
        self.margin = margin
        self.weigh = weigh
        self.id_dropout = id_dropout
        self.history_dropout = history_dropout
        self.dropout = dropout
        self.train_days = train_days
        self.epochs = epochs
        self.batch = batch
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.seed = seed
        self.accelerator = accelerator
        self.precision = precision

    def build(self) -> TwoTowerNetwork:
        """Make the network of these parameters."""
        return TwoTowerNetwork(
            n_items=self.sizes["n_items"],
            user_values=(self.user_fields.size, len(self.user_fields)),
            item_values=(self.item_fields.size, len(self.item_fields)),
            dim=self.dim,
            encoder=self.encoder,
            history_encoder=self.history_encoder,
            history=self.history,
            dropout=self.dropout,
        )

    def fit(self, train: Interactions) -> Self:
        """Learn both towers.

        Raises:
            ModelError: there is no event, an attribute is missing, or the loss is no number.
        """
        require_events(self.kind, train)
        self.n_items = train.n_items
        self.sizes = {"n_items": train.n_items}
        self.learn_fields(train, self.user_attributes, self.item_attributes)
        network = self.build()
        initialise(network, generator(self.seed, 0))
        self.take_over(network, skip=self._renumbered())
        learner = TwoTowerLearner(
            network,
            train,
            recent_samples(train, self.train_days),
            self.slots("users", train.n_users)[0],
            self.slots("items", train.n_items)[0],
            loss=self.loss,
            negatives=self.negatives,
            logq=self.logq,
            margin=self.margin,
            weigh=self.weigh,
            id_dropout=self.id_dropout,
            history_dropout=self.history_dropout,
            batch=self.batch,
        )
        settings = TrainingSettings(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            final_rate=0.1,
            weight_decay=self.weight_decay,
            seed=self.seed,
            accelerator=self.accelerator,
            precision=self.precision,
        )
        self.curves = self.train(learner, settings)
        self.network = network
        self.forget()
        return self

    def encode_items(self) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`SidedGenerator`."""
        network = self._fitted()
        slots, carried = self.slots("items", self.n_items)
        vectors = [network.items(codes, slots) for codes in torch.arange(self.n_items).split(CHUNK)]
        known = network.is_known(torch.arange(self.n_items)).numpy() | carried
        return torch.cat(vectors).numpy(), known

    def encode_users(self, histories: Histories) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`SidedGenerator`."""
        network = self._fitted()
        met = only_known(histories, network.known.numpy()).last(self.history)
        slots, carried = self.user_slots
        users = torch.from_numpy(histories.user.astype(np.int64))
        item = torch.from_numpy(met.item.astype(np.int64))
        vectors = network.users(item, torch.from_numpy(met.indptr[:-1]), users, slots)
        there = histories.user < len(carried)
        some = there & carried[np.where(there, histories.user, 0)] if len(carried) else there
        return vectors.numpy(), some | (met.lengths > 0)

    def _renumbered(self) -> list[str]:
        """Name the tables whose rows mean other attribute values than in the earlier fit."""
        earlier = self.start if isinstance(self.start, TwoTower) else self
        sides = {"user": earlier.user_fields == self.user_fields}
        sides["item"] = earlier.item_fields == self.item_fields
        return [f"{side}_attributes.values.weight" for side, same in sides.items() if not same]

    def _fitted(self) -> TwoTowerNetwork:
        assert isinstance(self.network, TwoTowerNetwork), "fit first"
        return self.network
