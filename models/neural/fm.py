"""The factorization machine: ids, attributes and liked items as fields of one model."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

import numpy as np
import torch

from models.base import ModelError, require_above_zero
from models.interactions import Histories, Interactions
from models.neural.device import Accelerator
from models.neural.fm_network import FMLearner, FMNetwork, features_of
from models.neural.learner import TrainingSettings
from models.neural.ragged import Ragged
from models.neural.randomness import generator
from models.neural.sequences import only_known
from models.neural.sides import SidedGenerator, recent_samples, require_events, sigmoid_rows
from models.neural.towers import initialise
from models.similarity import Vectors

Loss = Literal["bpr", "logistic", "regression"]


class FactorizationMachine(SidedGenerator):
    """Second-order factorization machine.

    The features of a pair are the user's (id, values of attributes, items liked before) and the
    item's (id, values of attributes); a multi-valued attribute weighs 1 in all, n liked items
    sqrt(n). Since every feature is the user's or the item's,

        sum over pairs of features <v, v'> = own pairs of the user + own pairs of the item
                                           + <sum of the user's v, sum of the item's v>,

    so the scores of all items are one matrix product.

    A user whose id the fit does not know, and for whom no liked items are a field of their own, is
    the sum of the vectors of the items liked: what is left of the model when only they are given.

    Source: Rendle, "Factorization Machines", 2010.

    Args:
        factors: length of the vectors.
        user_id: the user's id is a feature (else a user is what they like and carry).
        history: newest liked items that are features; 0: none.
        user_attributes: names of those read; none: all.
        item_attributes: names of those read; none: all.
        loss: "bpr" and "logistic" against uniform items, "regression" to the events' values.
        negatives: what uniform items weigh against a positive in the logistic loss.
        pool: uniform items that a batch shares.
        largest: predictions of the regression are a sigmoid times this; values end at 1.
        train_days: learn from the positives of the newest so many days; none: all.
        epochs: passes over the events.
        batch: events of a step.
        learning_rate: of AdamW at its highest; it falls to a tenth.
        weight_decay: of the vectors.
        std: of the vectors before training.
        seed: of everything random.
        accelerator: "auto" takes a GPU if there is one; "gpu" requires one.
    """

    kind: ClassVar[str] = "fm"
    _user_features: Ragged | None = None

    def __init__(
        self,
        factors: int = 64,
        user_id: bool = False,
        history: int = 50,
        user_attributes: list[str] | None = None,
        item_attributes: list[str] | None = None,
        loss: Loss = "logistic",
        negatives: float = 20.0,
        pool: int = 1024,
        largest: float = 1.1,
        train_days: float | None = None,
        epochs: int = 3,
        batch: int = 1024,
        learning_rate: float = 0.01,
        weight_decay: float = 0.01,
        std: float = 0.05,
        seed: int = 7,
        accelerator: Accelerator = "auto",
    ) -> None:
        require_above_zero(
            self.kind,
            factors=factors,
            negatives=negatives,
            pool=pool,
            largest=largest,
            train_days=train_days,
            epochs=epochs,
            batch=batch,
            learning_rate=learning_rate,
            std=std,
        )
        if history < 0:
            raise ModelError(f"fm: history is {history}; it must be at least 0")
        self.factors = factors
        self.user_id = user_id
        self.history = history
        self.user_attributes = user_attributes
        self.item_attributes = item_attributes
        self.loss = loss
        self.negatives = negatives
        self.pool = pool
        self.largest = largest
        self.train_days = train_days
        self.epochs = epochs
        self.batch = batch
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.std = std
        self.seed = seed
        self.accelerator = accelerator

    def build(self) -> FMNetwork:
        """Make the network of these parameters."""
        return FMNetwork(
            user_ids=self.sizes["user_ids"],
            user_values=self.user_fields.size,
            item_ids=self.sizes["item_ids"],
            item_values=self.item_fields.size,
            liked=bool(self.history),
            factors=self.factors,
        )

    @property
    def rates(self) -> bool:
        """The regression learns every event's value."""
        return self.loss == "regression"

    def fit(self, train: Interactions) -> Self:
        """Learn the vectors of all features.

        Raises:
            ModelError: there is no event, an attribute is missing, or the loss is no number.
        """
        require_events(self.kind, train)
        self.n_items = train.n_items
        self.sizes = {"item_ids": train.n_items, "user_ids": train.n_users if self.user_id else 0}
        self.learn_fields(train, self.user_attributes, self.item_attributes)
        network = self.build()
        initialise(network, generator(self.seed, 0), self.std)
        network.remember(train)
        users, items = self._rows(train.n_users, train.n_items, network)
        learner = FMLearner(
            network,
            train,
            recent_samples(train, self.train_days),
            users,
            items,
            history=self.history,
            loss=self.loss,
            negatives=self.negatives,
            pool=self.pool,
            largest=self.largest,
            batch=self.batch,
        )
        settings = TrainingSettings(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            final_rate=0.1,
            weight_decay=self.weight_decay,
            seed=self.seed,
            accelerator=self.accelerator,
            precision="32",  # sums of vectors: no product worth fewer digits
        )
        self.curves = self.train(learner, settings)
        self.network = network
        self.forget()
        return self

    def encode_items(self) -> tuple[np.ndarray, np.ndarray]:
        """Give sum of vectors, own score, 1; see :class:`SidedGenerator`."""
        network = self._fitted()
        rows = self._rows(0, self.n_items, network)[1]
        sums, own = network.side(*rows(torch.arange(self.n_items)))
        known = rows.indptr[1:] > rows.indptr[:-1]
        return torch.cat(
            [sums, own[:, None], torch.ones_like(own)[:, None]], 1
        ).numpy(), known.numpy()

    def encode_users(self, histories: Histories) -> tuple[np.ndarray, np.ndarray]:
        """Give sum of vectors, 1, own score; see :class:`SidedGenerator`."""
        network = self._fitted()
        met = only_known(histories, network.known_items.numpy())
        users = torch.from_numpy(histories.user.astype(np.int64))
        rows = self._user_rows(network)
        parts = network.bag(*rows(users))
        if self.history:
            newest = met.last(self.history)
            item = torch.from_numpy(newest.item.astype(np.int64))
            liked = network.liked(item, torch.from_numpy(newest.indptr[:-1]))
            parts = (parts[0] + liked[0], parts[1] + liked[1], parts[2] + liked[2])
        sums, own = network.joined(*parts)
        at = np.where(histories.user < len(rows), histories.user, 0)
        carried = (np.diff(rows.indptr.numpy())[at] > 0) & (histories.user < len(rows))
        last = torch.stack([torch.ones_like(own), own + network.bias], 1)
        vectors = torch.cat([sums, last], 1).numpy()
        if not self.history:
            vectors[~carried, : self.factors] = self._sums_of(met)[~carried]
        return vectors, carried | (met.lengths > 0)

    def space(self) -> Vectors:
        """Give the cosines of the items' sums of vectors."""
        return Vectors.of(self.item_vectors()[:, : self.factors])

    def finish(self, products: torch.Tensor) -> None:
        """See :class:`SidedGenerator`: probabilities, or values where they were learned."""
        sigmoid_rows(products)
        if self.loss == "regression":
            products *= self.largest

    def _sums_of(self, met: Histories) -> np.ndarray:
        """Sum the vectors of the items liked, ``(n, factors)``; none: 0."""
        vectors = self._items()[0][:, : self.factors]
        return np.asarray(met.matrix(self.n_items) @ vectors, np.float32)

    def _rows(self, n_users: int, n_items: int, network: FMNetwork) -> tuple[Ragged, Ragged]:
        """Give the features of users and items: the id where the fit met it, and the values."""
        users = self.user_fields.encode(self.kind, "users", self._tables[0], n_users)
        items = self.item_fields.encode(self.kind, "items", self._tables[1], n_items)
        at = network.at
        return (
            features_of(users, network.known_users.numpy(), at["user ids"], at["user values"]),
            features_of(items, network.known_items.numpy(), at["item ids"], at["item values"]),
        )

    def _user_rows(self, network: FMNetwork) -> Ragged:
        if self._user_features is None:
            n = max(self.n_user_rows(), len(network.known_users), 1)
            self._user_features = self._rows(n, 0, network)[0]
        return self._user_features

    def forget(self) -> None:
        """Drop what was made from weights or tables that are no longer these."""
        super().forget()
        self._user_features = None

    def _fitted(self) -> FMNetwork:
        assert isinstance(self.network, FMNetwork), "fit first"
        return self.network
