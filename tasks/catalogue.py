"""What is known of the items and users as of a day, for metrics and for people."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from data.contract import ID, ITEM, TITLE
from data.lake import Lake
from evaluation.beyond import Catalogue
from models.interactions import EPOCH_DAY_US
from tasks.attributes import item_values
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
        item_values=item_values(run.lake, day, log.n_items),
    )


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
