"""A few real users as the page shows them: what they had, what they get."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.contract import ITEM_ID, USER_ID
from tasks.catalogue import external_ids, titles
from tasks.day import read_log
from tasks.run import Run

SAMPLE_USERS = 6
SHOWN_HISTORY = 8


def samples_part(run: Run) -> list[dict[str, Any]]:
    """Show a few users, spread evenly over those with a list: what they had, what they get."""
    lake = run.lake
    path = lake.path("recommendations", f"as_of={run.as_of}", "part.parquet")
    published = pq.read_table(path, filesystem=lake.fs)
    user_ids = external_ids(lake, "users")
    chosen = pc.unique(published[USER_ID])
    places = np.linspace(0, len(chosen) - 1, min(SAMPLE_USERS, len(chosen))).astype(int)
    item_ids, names = external_ids(lake, "items"), titles(lake)
    log = read_log(lake, run.as_of).positive(run.settings.positive_min)
    samples = []
    for user_id in chosen.take(places).to_pylist():
        code = pc.index(user_ids, user_id).as_py()
        history = log.item[log.user == code][-SHOWN_HISTORY:]
        rows = published.filter(pc.equal(published[USER_ID], user_id))
        codes = pc.index_in(rows[ITEM_ID], item_ids.combine_chunks()).to_pylist()
        samples.append(
            {
                "user": str(user_id),
                "segment": "warm" if len(history) else "cold",
                "history": [names[item] for item in history],
                "items": [
                    {"title": names[item], "sources": sources, "score": score}
                    for item, sources, score in zip(
                        codes, rows["sources"].to_pylist(), rows["score"].to_pylist(), strict=True
                    )
                ],
            }
        )
    return samples
