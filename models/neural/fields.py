"""Attributes of users and items as numbered values, for models that embed them.

What values there are is learned from the entities of the training alone and kept with the model:
a value that appears later is unknown, which counts as missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.base import ModelError

BUCKETS = 16
"""A numeric attribute becomes at most so many values: each number its own, else quantiles."""
MIN_CARRIERS = 2
"""A text that fewer entities carry says no more than the id; this leaves titles out, too."""


@dataclass(frozen=True)
class Field:
    """One attribute.

    Attributes:
        name: its column.
        values: of a categorical or multi-valued attribute, ascending.
        edges: of a numeric one: what lies below the first is value 0, and so on.
    """

    name: str
    values: tuple[str, ...] = ()
    edges: tuple[float, ...] | None = None

    @property
    def size(self) -> int:
        """How many values it has."""
        return len(self.values) if self.edges is None else len(self.edges) + 1


@dataclass(frozen=True)
class Fields:
    """The attributes of one side, users or items; their values are numbered through."""

    fields: tuple[Field, ...] = ()

    def __len__(self) -> int:
        return len(self.fields)

    @property
    def size(self) -> int:
        """Values of all attributes together."""
        return sum(field.size for field in self.fields)

    @classmethod
    def learn(
        cls, kind: str, side: str, table: pa.Table | None, names: Sequence[str] | None, seen: Any
    ) -> Self:
        """Number the values that the entities of the training carry.

        Args:
            kind: of the model, for errors.
            side: "users" or "items", for errors.
            table: first column the codes; None: nothing is known.
            names: of the attributes; None: all.
            seen: ``(n,)`` codes of the entities of the training.

        Raises:
            ModelError: the table has no such attribute.
        """
        there = [] if table is None else table.column_names[1:]
        unknown = sorted(set(names or ()) - set(there))
        if unknown:
            raise ModelError(
                f"{kind}: {unknown[0]!r} is no attribute of the {side}; there are {there}"
            )
        if table is None:
            return cls()
        rows = table.filter(pa.array(np.isin(table.column(0).to_numpy(), seen)))
        fields = [_learn(name, rows[name].combine_chunks()) for name in names or there]
        return cls(tuple(field for field in fields if field.size > 0))

    def encode(self, kind: str, side: str, table: pa.Table | None, n: int) -> Encoded:
        """Give every entity's values.

        Args:
            kind: of the model, for errors.
            side: "users" or "items", for errors.
            table: first column the codes; None: no entity carries anything.
            n: number of codes; rows of the table past it are left out.

        Raises:
            ModelError: an attribute that the model was fitted with is not in the table.
        """
        keys, numbers, start = [np.empty(0, np.int64)], [np.empty(0, np.int64)], 0
        for at, field in enumerate(self.fields):
            if table is None:
                break
            if field.name not in table.column_names:
                raise ModelError(
                    f"{kind}: fitted with the attribute {field.name!r} of the {side}, which their "
                    f"table no longer has ({table.column_names[1:]}); refit it"
                )
            entity, number = _values(table, field)
            keep = (number >= 0) & (entity < n)
            keys.append(entity[keep].astype(np.int64) * len(self) + at)
            numbers.append(number[keep] + start)
            start += field.size
        width = max(self.size, 1)
        flat = np.unique(np.concatenate(keys) * width + np.concatenate(numbers))
        slots = max(len(self), 1)
        indptr = np.zeros(n * slots + 1, np.int64)
        np.cumsum(np.bincount(flat // width, minlength=n * slots), out=indptr[1:])
        return Encoded(indptr, flat % width, slots)

    def to_json(self) -> list[dict[str, Any]]:
        """Give what :meth:`from_json` reads."""
        return [asdict(field) for field in self.fields]

    @classmethod
    def from_json(cls, fields: list[dict[str, Any]]) -> Self:
        """Read what :meth:`to_json` gave."""
        return cls(
            tuple(
                Field(
                    f["name"], tuple(f["values"]), None if f["edges"] is None else tuple(f["edges"])
                )
                for f in fields
            )
        )


@dataclass(frozen=True)
class Encoded:
    """Values of every entity's every attribute.

    Attributes:
        indptr: ``(n * width + 1,)`` int64; attribute f of entity e is slot ``e * width + f``.
        index: int64 numbers of values, ascending and without repeats within a slot.
        width: attributes of an entity; 1 where there are none.
    """

    indptr: np.ndarray
    index: np.ndarray
    width: int

    @property
    def carried(self) -> np.ndarray:
        """``(n,)`` bool: the entity has at least one known value."""
        ends = self.indptr[:: self.width]
        return np.asarray(ends[1:] > ends[:-1])


def _learn(name: str, column: pa.Array) -> Field:
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        column = column.flatten()
    if _is_number(column.type):
        numbers = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return Field(name, edges=_edges(numbers[np.isfinite(numbers)]))
    values, counts = np.unique(
        column.cast(pa.string()).drop_null().to_numpy(zero_copy_only=False).astype(str),
        return_counts=True,
    )
    return Field(name, tuple(values[counts >= MIN_CARRIERS].tolist()))


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_floating(kind) or pa.types.is_integer(kind)


def _edges(numbers: np.ndarray) -> tuple[float, ...] | None:
    """Cut between all numbers where they are few, else so that each bucket holds as many."""
    distinct = np.unique(numbers)
    if not len(distinct):
        return None
    if len(distinct) <= BUCKETS:
        return tuple(((distinct[1:] + distinct[:-1]) / 2).tolist())
    return tuple(np.unique(np.quantile(numbers, np.arange(1, BUCKETS) / BUCKETS)).tolist())


def _values(table: pa.Table, field: Field) -> tuple[np.ndarray, np.ndarray]:
    """Give entity and number of every value of a column; -1: unknown or missing."""
    entity, column = table.column(0).to_numpy(), table[field.name].combine_chunks()
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        entity = entity[pc.list_parent_indices(column).to_numpy(zero_copy_only=False)]
        column = column.flatten()
    if field.edges is not None:
        numbers = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        place = np.searchsorted(np.array(field.edges), numbers, side="right")
        return entity, np.where(np.isfinite(numbers), place, -1).astype(np.int64)
    place = pc.index_in(column.cast(pa.string()), value_set=pa.array(field.values, pa.string()))
    return entity, place.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
