"""What generators share whose score is a product of a user's and an item's vector."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from models.base import ModelError
from models.interactions import EPOCH_DAY_US, Histories, Interactions
from models.neural.device import threads
from models.neural.fields import Fields
from models.neural.generator import NeuralGenerator
from models.neural.ragged import Ragged
from models.similarity import Vectors

BLOCK = 256
"""Users encoded at a time, always as many: the kernels that multiply matrices round by their
shape, and a user's scores must not depend on who else is in the chunk."""


class SidedGenerator(NeuralGenerator):
    """A generator with a vector for every user and every item, made from ids and attributes.

    Subclasses give :meth:`encode_items` and :meth:`encode_users`.
    """

    user_fields: Fields = Fields()
    item_fields: Fields = Fields()
    sizes: dict[str, Any]
    """Further numbers that decide the network's shape, set by :meth:`fit`."""
    _tables: tuple[pa.Table | None, pa.Table | None] = (None, None)
    _matrix: tuple[np.ndarray, np.ndarray] | None = None
    _user_slots: tuple[Ragged, np.ndarray] | None = None

    def attach(self, users: pa.Table, items: pa.Table) -> None:
        """Take the attribute tables, their first column the codes."""
        self._tables = (users, items)
        self.forget()

    def refresh(self, log: Interactions, until: int) -> None:
        """Take in items newer than the fit: those with attributes can be scored."""
        del until
        if log.n_items > self.n_items:
            self.n_items = log.n_items
            self._matrix = None

    @abstractmethod
    def encode_items(self) -> tuple[np.ndarray, np.ndarray]:
        """Give ``(n_items, d)`` float32 vectors, and ``(n_items,)`` bool: anything is known."""

    @abstractmethod
    def encode_users(self, histories: Histories) -> tuple[np.ndarray, np.ndarray]:
        """Give ``(n, d)`` float32 vectors, and ``(n,)`` bool: anything is known.

        Always called with :data:`BLOCK` users.
        """

    def item_vectors(self) -> np.ndarray:
        """Give the items' vectors, ``(n_items, d)`` float32; 0 where nothing is known.

        Their products with the user's vector of :meth:`encode` order the items.
        """
        found, known = self._items()
        return np.where(known[:, None], found, np.float32(0))

    def encode(self, histories: Histories) -> np.ndarray:
        """Give the users' vectors, ``(len(histories), d)`` float32; 0 where nothing is known."""
        found, known = self._users(histories)
        return np.where(known[:, None], found, np.float32(0))

    def space(self) -> Vectors:
        """Give the cosines of the items' vectors."""
        return Vectors.of(self.item_vectors())

    def similar(self, item: int, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Give the ``k`` items most like one, best first, and their cosines (a tie: lower code).

        Raises:
            ModelError: nothing is known of the item.
        """
        unit = self.space().unit
        if not (0 <= item < len(unit)) or not unit[item].any():
            raise ModelError(f"{self.kind}: nothing is known of item {item} at the time of the fit")
        cosine = unit @ unit[item]
        cosine[item] = -np.inf
        best = np.argsort(-cosine, kind="stable")[:k]
        return best.astype(np.int32), cosine[best]

    def score(self, histories: Histories, out: np.ndarray | None = None) -> np.ndarray:
        """Make scores above 0 of the products of the users' and the items' vectors."""
        items, known_items = self._items()
        users, known_users = self._users(histories)
        out = self.block(histories, out)
        if len(users) == 1:  # BLAS multiplies a single row by another routine
            out[:] = (np.repeat(users, 2, axis=0) @ items.T)[:1]
        else:
            np.matmul(users, items.T, out=out)
        out[:, ~known_items] = -np.inf
        with threads(1):
            self.finish(torch.from_numpy(out))
        out[~known_users] = self.no_signal
        return out

    def finish(self, products: torch.Tensor) -> None:
        """Turn products into scores in place; minus infinity becomes :attr:`no_signal`, 0."""
        torch.softmax(products, 1, out=products)

    # ------------------------------------------------------------------ for the subclasses

    def learn_fields(
        self, train: Interactions, users: list[str] | None, items: list[str] | None
    ) -> None:
        """Number the attributes' values that the users and items of the training carry."""
        tables = self._tables
        self.user_fields = Fields.learn(self.kind, "users", tables[0], users, train.user)
        self.item_fields = Fields.learn(self.kind, "items", tables[1], items, train.item)

    def slots(self, side: str, n: int) -> tuple[Ragged, np.ndarray]:
        """Give the values of the attributes of ``n`` users or items.

        Returns:
            A row for every attribute of every entity, and ``(n,)`` bool: the entity has a value.
        """
        at = ("users", "items").index(side)
        fields = (self.user_fields, self.item_fields)[at]
        found = fields.encode(self.kind, side, self._tables[at], n)
        return Ragged(found.indptr, found.index), found.carried

    @property
    def user_slots(self) -> tuple[Ragged, np.ndarray]:
        """The same of all users of the attached table."""
        if self._user_slots is None:
            self._user_slots = self.slots("users", self.n_user_rows())
        return self._user_slots

    def n_user_rows(self) -> int:
        """One past the largest code of the users table."""
        users = self._tables[0]
        return 0 if users is None else int(users.column(0).to_numpy().max(initial=-1)) + 1

    def forget(self) -> None:
        """Drop what was made from weights or tables that are no longer these."""
        self._matrix = self._user_slots = None

    @property
    def shape(self) -> dict[str, Any]:
        """What the data add to the parameters to decide the network's shape."""
        return {
            "items": self.item_fields.to_json(),
            "users": self.user_fields.to_json(),
            **self.sizes,
        }

    @shape.setter
    def shape(self, shape: dict[str, Any]) -> None:
        self.item_fields = Fields.from_json(shape["items"])
        self.user_fields = Fields.from_json(shape["users"])
        self.sizes = {k: v for k, v in shape.items() if k not in ("items", "users")}

    # ------------------------------------------------------------------ inside

    def _items(self) -> tuple[np.ndarray, np.ndarray]:
        assert self.network is not None, "fit first"
        if self._matrix is None:
            with torch.inference_mode(), threads(1):
                self._matrix = self.encode_items()
        return self._matrix

    def _users(self, histories: Histories) -> tuple[np.ndarray, np.ndarray]:
        assert self.network is not None, "fit first"
        vectors, known = [], []
        with torch.inference_mode(), threads(1):
            for at in range(0, max(len(histories), 1), BLOCK):
                rows = np.arange(at, min(at + BLOCK, len(histories)))
                part = histories.take(rows)
                found, some = self.encode_users(_padded(part))
                vectors.append(found[: len(rows)])
                known.append(some[: len(rows)])
        return np.concatenate(vectors), np.concatenate(known)


def recent_samples(train: Interactions, days: float | None) -> np.ndarray:
    """Give the events of the newest ``days``, ``(n,)`` bool; None: all."""
    if days is None:
        return np.ones(len(train), bool)
    return np.asarray(train.ts >= train.ts.max() - int(days * EPOCH_DAY_US))


def sigmoid_rows(products: torch.Tensor) -> None:
    """Turn logits into probabilities in place.

    Row by row: the kernel rounds the last few numbers of a tensor otherwise than the rest, and a
    user's scores must not depend on who else is in the chunk.
    """
    for row in products:
        row.sigmoid_()


def require_events(kind: str, train: Interactions) -> None:
    """Refuse an empty log.

    Raises:
        ModelError: there is no event.
    """
    if len(train) == 0:
        raise ModelError(f"{kind}: there is no positive event to learn from")


def _padded(part: Histories) -> Histories:
    """Append users without a history up to a whole block."""
    missing = BLOCK - len(part)
    return Histories(
        np.concatenate([part.user, np.full(missing, np.iinfo(np.int32).max, np.int32)]),
        np.concatenate([part.indptr, np.full(missing, part.indptr[-1])]),
        part.item,
        part.ts,
        part.n_items,
    )
