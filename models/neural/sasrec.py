"""SASRec as a candidate generator: the next item from the order of the ones before."""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
import pyarrow as pa
import torch

from models.base import ModelError, require_above_zero
from models.interactions import Histories, Interactions
from models.neural.attributes import Bags
from models.neural.device import Accelerator, Precision, threads
from models.neural.encode import encode, write_shares
from models.neural.generator import NeuralGenerator
from models.neural.learner import Curves, TrainingSettings
from models.neural.next_item import Loss, Network, NextItem, Objective, Part
from models.neural.randomness import generator
from models.neural.transformer import Architecture, Block, Positions
from models.neural.validation import hold_out
from models.similarity import Vectors

HELD_OUT = 2000
"""Users at most whose newest event validates instead of teaching, where training stops early."""


class SASRec(NeuralGenerator):
    """A causal transformer over the history; a score is the probability of being the next item.

    A user without a known item in the history (a cold user) scores :attr:`no_signal` everywhere,
    and so does an item that the fit never met. A new history needs no refit.

    Sources: Kang and McAuley, "Self-Attentive Sequential Recommendation", 2018; losses in
    :mod:`models.neural.losses`, blocks and positions in :mod:`models.neural.transformer`.

    Args:
        epochs: passes over the log.
        width: of the hidden states and item vectors.
        heads: of the attention.
        layers: blocks.
        expansion: width of the feed-forward part, in multiples of ``width``.
        length: newest events of a history that are looked at.
        blocks: "ligr" or "prenorm".
        positions: "relative", "rotary", "learnt", "reversed" or "none".
        dropout: share of values dropped in training.
        time_gaps: also tell the time between events.
        attributes: item attributes whose vectors are added to the item's.
        loss: "softmax" (over all items), "in_batch", "in_batch_logq", "bce", "gbce", "sampled".
        negatives: sampled items a token, of the last three losses.
        part: learn from "all" of a history or from its "last" window.
        batch_tokens: events of a batch, padding counted.
        learning_rate: of Adam, at its highest.
        final_rate: fraction of it reached at the end.
        weight_decay: of AdamW.
        average: decay of the averaged weights; None: the last weights are kept.
        patience: epochs without gain on held-out events after which training stops; None: train
            all epochs on all events.
        seed: of everything random.
        accelerator: "auto", "cpu" or "gpu" (required).
        devices: GPUs; more than 1: DDP.
        precision: "auto", "32" or "bf16".
    """

    kind: ClassVar[str] = "sasrec"
    can_start_warm: ClassVar[bool] = True

    def __init__(
        self,
        epochs: int = 10,
        width: int = 64,
        heads: int = 2,
        layers: int = 2,
        expansion: float = 2.0,
        length: int = 100,
        blocks: Block = "ligr",
        positions: Positions = "relative",
        dropout: float = 0.1,
        time_gaps: bool = False,
        attributes: list[str] | None = None,
        loss: Loss = "softmax",
        negatives: int = 256,
        part: Part = "all",
        batch_tokens: int = 3200,
        learning_rate: float = 2e-3,
        final_rate: float = 0.1,
        weight_decay: float = 0.0,
        average: float | None = 0.99,
        patience: int | None = None,
        seed: int = 7,
        accelerator: Accelerator = "auto",
        devices: int = 1,
        precision: Precision = "auto",
    ) -> None:
        require_above_zero(
            "sasrec",
            epochs=epochs,
            width=width,
            heads=heads,
            expansion=expansion,
            length=length,
            negatives=negatives,
            batch_tokens=batch_tokens,
            learning_rate=learning_rate,
            patience=patience,
            devices=devices,
        )
        if width % (2 * heads):
            raise ModelError(f"sasrec: width is {width}; it must be a multiple of 2 x heads")
        if not 0 <= dropout < 1:
            raise ModelError(f"sasrec: dropout is {dropout}; it must be in [0, 1)")
        self.epochs, self.width, self.heads, self.layers = epochs, width, heads, layers
        self.expansion, self.length, self.blocks = expansion, length, blocks
        self.positions, self.dropout = positions, dropout
        self.time_gaps, self.attributes = time_gaps, attributes
        self.loss, self.negatives, self.part = loss, negatives, part
        self.batch_tokens, self.learning_rate, self.final_rate = (
            batch_tokens,
            learning_rate,
            final_rate,
        )
        self.weight_decay, self.average, self.patience = weight_decay, average, patience
        self.seed, self.accelerator = seed, accelerator
        self.devices, self.precision = devices, precision
        self._items: pa.Table | None = None
        self._vectors: torch.Tensor | None = None

    def attach(self, users: pa.Table, items: pa.Table) -> None:
        """Keep the items' attributes for the fit."""
        del users
        self._items = items if self.attributes else None

    # ------------------------------------------------------------------ fit

    def fit(self, train: Interactions) -> Self:
        """Train; users with a single event teach nothing.

        Raises:
            ModelError: there is no event, an attribute is missing, or training failed.
        """
        if len(train) == 0:
            raise ModelError("sasrec: there is no positive event to learn from")
        self.n_items = train.n_items
        bags = None
        if self.attributes:
            if self._items is None:
                raise ModelError(f"sasrec: attributes {self.attributes} need the items table")
            bags = Bags.of(self._items, self.attributes, self.n_items)
        self.shape = {"bags": None if bags is None else [len(bags.value), bags.names]}
        self.network = network = self.build()
        if bags is not None:
            network.bags = bags
        if (train.histories().lengths < 2).all():
            self.curves = Curves(notes=["no user has two events: nothing was learned"])
            return self
        met = np.bincount(train.item, minlength=self.n_items) > 0
        network.known.copy_(torch.from_numpy(met))
        self._go_on(network)
        self.curves = self._train(network, train.histories())
        return self

    def build(self) -> Network:
        """Make the network."""
        shape = Architecture(
            self.length,
            self.width,
            self.heads,
            self.layers,
            self.expansion,
            self.blocks,
            self.positions,
            self.dropout,
        )
        bags = self.shape["bags"]
        empty = None if bags is None else Bags.empty(self.n_items, *bags)
        return Network(shape, self.n_items, generator(self.seed), empty, self.time_gaps)

    def _go_on(self, network: Network) -> None:
        """Start from an earlier fit: from its items met, and from values numbered alike."""
        earlier = self.start.network if isinstance(self.start, SASRec) else None
        if not isinstance(earlier, Network):
            return self.take_over(network)
        names = [None if n.bags is None else n.bags.names for n in (earlier, network)]
        skip = ["values"] if names[0] != names[1] else []
        return self.take_over(network, skip, {"items": earlier.known})

    def _train(self, network: Network, histories: Histories) -> Curves:
        validate = None
        if self.patience is not None:
            validate = hold_out(histories, HELD_OUT, self.seed)
            histories = validate.histories
        objective = Objective(self.loss, self.negatives, self.part, self.batch_tokens)
        settings = TrainingSettings(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            final_rate=self.final_rate,
            warmup=0.5 / self.epochs,
            weight_decay=self.weight_decay,
            average=self.average,
            patience=self.patience,
            seed=self.seed,
            accelerator=self.accelerator,
            devices=self.devices,
            precision=self.precision,
        )
        learner = NextItem(network, histories, objective, validate)
        curves = self.train(learner, settings)
        self._vectors = None
        return curves

    # ------------------------------------------------------------------ scores

    def encode(self, histories: Histories) -> np.ndarray:
        """Give the users' vectors; their products with :meth:`item_vectors` order the items.

        Args:
            histories: of any users, at any time after the fit or before.

        Returns:
            ``(len(histories), width)`` float32, 0 for a user without a known item.
        """
        users = np.zeros((len(histories), self.width), np.float32)
        with threads(1):
            for row, hidden in encode(self._fitted(), self._table(), histories):
                users[row] = hidden[: len(row)].numpy()
        return users

    def item_vectors(self) -> np.ndarray:
        """Give the items' vectors, ``(n_items, width)`` float32; 0 for items never met."""
        return (self._table() * self._fitted().known[:, None]).numpy()

    def space(self) -> Vectors:
        """Give the cosines of the items' vectors."""
        return Vectors.of(self.item_vectors())

    def score(self, histories: Histories, out: np.ndarray | None = None) -> np.ndarray:
        """Give every item's probability of being the user's next; it sums to 1 over the items."""
        scores = self.block(histories, out)
        with threads(1):
            write_shares(self._fitted(), self._table(), histories, scores)
        return scores

    def _fitted(self) -> Network:
        assert isinstance(self.network, Network)
        return self.network

    def _table(self) -> torch.Tensor:
        if self._vectors is None:
            with torch.inference_mode():
                self._vectors = self._fitted().vectors().detach()
        return self._vectors
