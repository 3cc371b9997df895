"""The second path stays affordable: a sample costs its own rows, however many users there are."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from feature_lake import ATTRIBUTES, N_ITEMS, day, make_lake, write_entities

from data.lake import Lake
from features.catalog import build_catalog
from features.slow import SlowPath

SAMPLE = [(0, 0), (1, 1), (7, 3)]


def crowd(root: Path, users: int) -> Lake:
    """A lake in which every user met one item, but user 0, who met all."""
    rows = [(u % 3, u, u % N_ITEMS, 0.5 + u % 2 / 2) for u in range(users)]
    lake = make_lake(root, [*rows, *((1, 0, item, 1.0) for item in range(1, N_ITEMS))])
    columns = {
        "user": pa.array(np.arange(users, dtype=np.int32)),
        "sex": ["f" if u % 3 else "m" for u in range(users)],
        "age": pa.array(20.0 + np.arange(users) % 7, pa.float32()),
    }
    write_entities(lake, "users", pa.table(columns))
    return lake


@pytest.mark.parametrize("most", [1, 1000])
def test_no_python_runs_for_every_user(tmp_path: Path, most: int) -> None:
    catalog = build_catalog(ATTRIBUTES, [1, 3], repeat=True, max_attribute_values=most)

    def calls(users: int) -> int:
        lake, made = crowd(tmp_path / str(users), users), 0

        def count(frame: object, event: str, argument: object) -> None:
            nonlocal made
            made += event == "call"

        sys.setprofile(count)
        try:
            slow = SlowPath(lake, catalog, day(4), 0.5)
            for feature in catalog:
                for user, item in SAMPLE:
                    slow.value(feature, user, item)
        finally:
            sys.setprofile(None)
        return made

    calls(50)  # what is imported or compiled at first use
    few, many = calls(300), calls(3000)
    assert abs(many - few) < 300
