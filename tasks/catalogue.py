"""What is known of the items and users as of a day, for metrics and for people."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from data.contract import ID, ITEM, TITLE
from data.lake import Lake
from evaluation.beyond import Catalogue
from models.interactions import EPOCH_DAY_US
from tasks.day import read_log
from tasks.run import Run


def catalogue_as_of(run: Run, day: date) -> Catalogue:
    """Describe the items by what happened before ``day``."""
    log = read_log(run.lake, day)
    met = np.unique(log.user.astype(np.int64) * log.n_items + log.item) % log.n_items
    first = np.full(log.n_items, np.iinfo(np.int64).max)
    np.minimum.at(first, log.item, log.ts // EPOCH_DAY_US)
    first_seen = np.where(first < np.iinfo(np.int64).max, first, 0).astype("datetime64[D]")
    first_seen[first == np.iinfo(np.int64).max] = np.datetime64("NaT")
    return Catalogue(
        item_users=np.bincount(met, minlength=log.n_items),
        n_users=max(len(np.unique(log.user)), 1),
        as_of=day,
        first_seen=first_seen,
        item_values=item_values(run.lake, log.n_items),
    )


def item_values(lake: Lake, n_items: int) -> sp.csr_matrix | None:
    """Mark which values of the first multi-valued (else categorical) attribute an item has.

    Returns:
        ``(n_items, n_values)`` float32 CSR of ones, None where items have no such attribute.
    """
    declared = lake.read_json("attributes.json")["items"]
    names = [*declared["multi"], *declared["categorical"]]
    if not names:
        return None
    table = lake.read_table("items.parquet", columns=[ITEM, names[0]])
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


def external_ids(lake: Lake, entity: str) -> pa.ChunkedArray:
    """Give the ids of ``users`` or ``items`` as the source knows them; position is the code."""
    return lake.read_table("ids", f"{entity}.parquet", columns=[ID])[ID]


def titles(lake: Lake) -> list[str]:
    """Give a name for every item code: its title, else its id."""
    names = [str(value) for value in external_ids(lake, "items").to_pylist()]
    table = lake.read_table("items.parquet", columns=[ITEM, TITLE])
    for code, title in zip(table[ITEM].to_pylist(), table[TITLE].to_pylist(), strict=True):
        if title:
            names[code] = title
    return names
