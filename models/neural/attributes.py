"""Attribute values of items as bags: their vectors are averaged and added to the item's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from models.base import ModelError


class Bags(nn.Module):
    """Values of every item as one flat array with offsets.

    Args:
        value: ``(n,)`` int64 values of the items, in the order of the items.
        offset: ``(n_items,)`` int64: where the values of an item begin; it may have none.
        names: attribute and value of every number, such as ``genre=drama``.
    """

    def __init__(self, value: torch.Tensor, offset: torch.Tensor, names: Sequence[str]) -> None:
        super().__init__()
        self.names = list(names)
        self.value: torch.Tensor
        self.offset: torch.Tensor
        self.register_buffer("value", value)
        self.register_buffer("offset", offset)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Average ``(len(names), d)`` over the values of every item, ``(n_items, d)``; none: 0."""
        return F.embedding_bag(self.value, vectors, self.offset, mode="mean")

    @classmethod
    def empty(cls, n_items: int, n: int, names: Sequence[str]) -> Self:
        """Give a place for bags that are about to be loaded."""
        return cls(torch.zeros(n).long(), torch.zeros(n_items).long(), names)

    @classmethod
    def of(cls, items: pa.Table, names: Sequence[str], n_items: int) -> Self:
        """Read attributes off the items table; missing values and items give nothing.

        Args:
            items: codes in the first column.
            names: categorical (one value an item) or multi-valued columns.
            n_items: codes there are.

        Raises:
            ModelError: a name is no such column.
        """
        item, value = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        known: list[str] = []
        code = items.column(0).to_numpy()
        for name in names:
            if name not in items.column_names[1:]:
                raise ModelError(
                    f"attribute {name!r} is no column of the items; there are "
                    f"{items.column_names[1:]}"
                )
            column = items[name].combine_chunks()
            row = np.arange(len(column))
            if pa.types.is_nested(column.type):
                row = pc.list_parent_indices(column).to_numpy()
                column = pc.list_flatten(column)
            there = column.is_valid().to_numpy(zero_copy_only=False)
            codes = column.drop_null().cast(pa.string()).dictionary_encode()
            own = code[row[there]]
            kept = own < n_items
            item.append(own[kept].astype(np.int64))
            value.append(codes.indices.to_numpy()[kept].astype(np.int64) + len(known))
            known += [f"{name}={word}" for word in codes.dictionary.to_pylist()]
        items_, values = np.concatenate(item), np.concatenate(value)
        order = np.argsort(items_, kind="stable")
        offset = np.searchsorted(items_[order], np.arange(n_items))
        return cls(torch.from_numpy(values[order]), torch.from_numpy(offset), known)
