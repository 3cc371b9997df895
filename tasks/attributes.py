"""Attributes of items as of a day as a matrix: what diversity is measured by, and made by."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from data.contract import ITEM
from data.lake import Lake
from data.versions import entities_as_of


def item_values(lake: Lake, day: date, n_items: int) -> sp.csr_matrix | None:
    """Mark which values of the first multi-valued (else categorical) attribute an item has.

    Args:
        lake: of the data set.
        day: what was known of the items before it counts.
        n_items: number of item codes.

    Returns:
        ``(n_items, n_values)`` float32 CSR of ones, None where items have no such attribute.
    """
    declared = lake.read_json("attributes.json")["items"]
    names = [*declared["multi"], *declared["categorical"]]
    if not names:
        return None
    table = entities_as_of(lake, "items", day)
    codes, column = table[ITEM].to_numpy(), table[names[0]].combine_chunks()
    if pa.types.is_list(column.type):
        row = column.value_parent_indices().to_numpy()
        values = column.flatten()
    else:
        row, values = np.arange(len(column)), column
    encoded = values.dictionary_encode()
    known = np.asarray(encoded.is_valid())
    value = np.asarray(encoded.indices.fill_null(0))[known]
    ones = np.ones(len(value), np.float32)
    shape = (n_items, len(encoded.dictionary))
    matrix = sp.csr_matrix((ones, (codes[row[known]], value)), shape=shape)
    matrix.data[:] = 1.0  # a value named twice in a cell counts once
    return matrix
