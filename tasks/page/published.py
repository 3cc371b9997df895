"""The published lists of a day, read back as item codes."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from data.contract import ITEM_ID, USER_ID
from data.lake import Lake
from tasks.catalogue import external_ids

FOLDER = "recommendations"
MAX_USERS = 1_000_000
"""Users looked at; of more, every n-th."""
MAX_PLACES = 20
"""Places looked at; with the users above, 80 MB a day."""
BATCH = 1 << 20
"""Rows read at a time."""


class PublishedLists(NamedTuple):
    """Lists of a day.

    Attributes:
        users: ``(n,)`` int32 codes, ascending; every n-th of all codes.
        lists: ``(n, places)`` int32 item codes, best first, padded with -1; users without a list
            have an empty one.
        every: 1 where all users are there.
    """

    users: np.ndarray
    lists: np.ndarray
    every: int


def published_days(lake: Lake) -> list[date]:
    """Give the days that lists were published for, in order."""
    return [date.fromisoformat(name.removeprefix("as_of=")) for name in lake.complete(FOLDER)]


def published_lists(lake: Lake, as_of: date, max_users: int = MAX_USERS) -> PublishedLists:
    """Read the lists of a day in batches, so that memory grows by four bytes a place.

    Ids that the lake no longer knows are left out.

    Args:
        lake: of the data set.
        as_of: a day of :func:`published_days`.
        max_users: where there are more users, every n-th is read, so that days can be compared.
    """
    user_ids, item_ids = (pd.Index(external_ids(lake, x).to_pandas()) for x in ("users", "items"))
    every = max(-(-len(user_ids) // max_users), 1)
    users = np.arange(0, len(user_ids), every, dtype=np.int32)
    place = lake.path(FOLDER, f"as_of={as_of}", "part.parquet")
    lists = np.full((len(users), MAX_PLACES), -1, np.int32)
    width = 1
    with lake.fs.open(place, "rb") as file:
        parquet = pq.ParquetFile(file)
        for batch in parquet.iter_batches(BATCH, columns=[USER_ID, ITEM_ID, "rank"]):
            at = batch["rank"].to_numpy() - 1
            user = user_ids.get_indexer(batch[USER_ID].to_pandas())
            item = item_ids.get_indexer(batch[ITEM_ID].to_pandas())
            keep = (at < MAX_PLACES) & (user >= 0) & (item >= 0) & (user % every == 0)
            lists[user[keep] // every, at[keep]] = item[keep]
            width = max(width, int(at[keep].max(initial=0)) + 1)
    return PublishedLists(users, lists[:, :width], every)
