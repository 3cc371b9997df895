"""The audit on a real log: every feature of MovieLens-100k, recomputed and poisoned."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from data.ingest import ingest
from data.lake import Lake
from data.sources import make_source
from features.audit import audit
from features.catalog import build_catalog
from features.state import update_state


@pytest.mark.real
def test_movielens_100k_leaks_nothing(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    source, lake = make_source("movielens", path=str(real_data("ml-100k"))), Lake(tmp_path)
    ingest(
        source,
        lake,
        now=datetime(2026, 1, 1, tzinfo=UTC),
        max_bad_share=0.02,
        keep_duplicates=False,
        timezone="UTC",
    )
    catalog = build_catalog(lake.read_json("attributes.json"), repeat=True)
    cut, end = date(1998, 3, 1), date(1998, 5, 1)
    update_state(lake, as_of=end, positive_min=0.8, catalog=catalog)
    log = lake.interactions(end, columns=["user", "item"])
    users, items = (log[name].to_numpy() for name in ("user", "item"))
    # rows that really happened, a third of them on the day of the cut or later
    rows = np.stack([users, items], axis=1)[:: len(log) // 150]
    report = audit(
        lake,
        catalog,
        rows,
        day=cut,
        n_users=lake.read_table("users.parquet").num_rows,
        n_items=lake.read_table("items.parquet").num_rows,
        positive_min=0.8,
    )
    assert report.rows >= 150
    assert report.features >= 40
    assert report.undefined < report.values / 2
