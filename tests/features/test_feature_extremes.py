"""Attributes with one value for everybody, and with a million."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from feature_lake import N_ITEMS, N_USERS, day, make_lake, write_entities

from features.asof import AsOf
from features.audit import audit, features_of
from features.catalog import Catalog, Feature, build_catalog
from features.columns import BySegment
from features.state import update_state

ATTRIBUTES = {
    "users": {"categorical": ["sex"], "numeric": [], "multi": []},
    "items": {"categorical": ["kind"], "numeric": [], "multi": []},
}
ROWS = [(0, 0, 0, 1.0), (0, 0, 1, 1.0), (1, 1, 0, 0.25), (1, 2, 0, 0.75)]
MILLION = 1_000_000


def test_one_value_for_everybody(tmp_path: Path) -> None:
    lake = make_lake(tmp_path, ROWS)
    users, items = (pa.array(np.arange(n, dtype=np.int32)) for n in (N_USERS, N_ITEMS))
    lake.write_json(ATTRIBUTES, "attributes.json")
    write_entities(lake, "users", pa.table({"user": users, "sex": ["x"] * N_USERS}))
    write_entities(lake, "items", pa.table({"item": items, "kind": ["film"] * N_ITEMS}))
    catalog = build_catalog(ATTRIBUTES, [7])
    update_state(lake, as_of=day(2), positive_min=0.5, catalog=catalog)
    rows = np.array([[0, 0], [1, 1], [4, 3]], np.int32)  # user 4 and item 3 met nobody
    sizes = {"n_users": N_USERS, "n_items": N_ITEMS}
    audit(lake, catalog, rows, day=day(2), positive_min=0.5, **sizes)
    found = dict(
        zip(
            catalog.names,
            features_of(AsOf.open(lake, catalog, day(2), **sizes), rows).tolist(),
            strict=True,
        )
    )
    nan = float("nan")
    np.testing.assert_equal(found["user_sex"], [2, 2, 2])  # f and m, gone by now, had codes before
    np.testing.assert_equal(found["affinity_kind"], [1, nan, nan])  # user 1 liked nothing
    np.testing.assert_equal(found["audience_sex"], [1, 1, nan])
    np.testing.assert_equal(found["audience_sex_lift"], [1, 1, nan])
    np.testing.assert_equal(found["taste_sex_kind"], [1, 1, 1])


@pytest.mark.parametrize("entity", ["item x user attribute", "user attribute x item attribute"])
def test_a_million_values_are_cut_to_those_with_most_events(tmp_path: Path, entity: str) -> None:
    """Every user has a value of its own: a table of them all would need a million rows."""
    lake = make_lake(tmp_path, ROWS)
    columns = {
        "user": pa.array(np.arange(MILLION, dtype=np.int32)),
        "sex": pa.array(np.arange(MILLION)).cast(pa.string()),
    }
    write_entities(lake, "users", pa.table(columns))
    crossed = {"attribute": "kind", "by": "sex"} if "attribute x" in entity else {}
    more = crossed or {"attribute": "sex"}
    catalog = Catalog((Feature("f", entity, "share", None, "", "", **more),), ATTRIBUTES, 2)  # type: ignore[arg-type]
    update_state(lake, as_of=day(2), positive_min=0.5, catalog=catalog)
    tables = AsOf.open(lake, catalog, day(2), MILLION, N_ITEMS, memory_gb=0.01)
    (column,) = tables.columns
    assert isinstance(column, BySegment)
    assert column.table.shape == (2, N_ITEMS)
    rows = np.array([[0, 1], [1, 0], [2, 0], [MILLION - 1, 0]], np.int32)
    # kept are the values of user 0, with two events, and of user 1, the first of those with one
    known = ~np.isnan(features_of(tables, rows)[0])
    assert known.tolist() == [True, True, False, False]
