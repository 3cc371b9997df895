"""Every measure, with numbers worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from feature_lake import ATTRIBUTES, N_ITEMS, N_USERS, day, make_lake

from data.lake import Lake
from features.asof import AsOf
from features.audit import audit, features_of
from features.catalog import Catalog, Feature, build_catalog
from features.state import update_state

NAN = float("nan")
AS_OF = 30
ROWS = [
    # known, user, item, value[, event]
    (0, 0, 0, 1.0),
    (20, 0, 1, 0.25),
    (28, 0, 1, 0.75),
    (29, 0, 0, 0.5, 27),  # arrived two days late
    (29, 1, 0, 0.125),
    (29, 2, 2, 1.0),  # user 2 has neither sex nor age, item 2 no genre
    (30, 0, 0, 1.0),  # the day itself: not known
    (30, 1, 1, 1.0, 3),  # happened long ago, known too late
    (31, 3, 3, 1.0),
]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = make_lake(tmp_path_factory.mktemp("measures"), ROWS)
    update_state(made, as_of=day(40), positive_min=0.5, catalog=build_catalog(ATTRIBUTES))
    return made


def value(lake: Lake, feature: Feature, user: int, item: int, as_of: int = AS_OF) -> float:
    catalog = Catalog((feature,), ATTRIBUTES)
    tables = AsOf.open(lake, catalog, day(as_of), N_USERS, N_ITEMS)
    rows = np.array([[user, item]], np.int32)
    audit(
        lake,
        catalog,
        rows,
        day=day(as_of),
        n_users=N_USERS,
        n_items=N_ITEMS,
        positive_min=0.5,
        poisoned=False,
    )  # the slow path agrees with the hand
    return float(features_of(tables, rows)[0, 0])


def of(entity: str, measure: str, window: int | None = None, **more: object) -> Feature:
    return Feature("f", entity, measure, window, "", "", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("feature", "code", "expected"),
    [
        (of("user", "count"), 0, 4),
        (of("user", "count", 1), 0, 0),  # its last row is of day 27, though known on 29
        (of("user", "count", 2), 0, 1),
        (of("user", "count", 3), 0, 2),
        (of("user", "count", 10), 0, 3),
        (of("user", "count", events="positive"), 0, 3),
        (of("user", "count", 3, events="positive"), 0, 2),
        (of("user", "count"), 4, 0),
        (of("user", "sum"), 0, 2.5),
        (of("user", "mean"), 0, 0.625),
        (of("user", "mean", 3), 0, 0.625),
        (of("user", "mean", 10), 0, 0.5),
        (of("user", "mean"), 4, NAN),
        (of("user", "share"), 0, 4 / 6),
        (of("user", "share", 1), 1, 1 / 2),
        (of("user", "positive share"), 0, 3 / 4),
        (of("user", "positive share"), 3, NAN),
        # ages 30 (past 8 half-lives), 10, 2 and 3 days; age 1 weighs 1, age 2 a half
        (of("user", "decayed count", half_life_days=1.0), 0, 0 + 0 + 1 / 2 + 1 / 4),
        (of("user", "decayed count", half_life_days=3.0), 0, 0.125 + 52016 / 65536 + 41285 / 65536),
        (of("user", "trend", 3, base_days=10), 0, (2 + 1) / (3 * 3 / 10 + 1)),
        (of("user", "trend", 3, base_days=10), 4, 1),
        (of("user", "days since first"), 0, 30),
        (of("user", "days since last"), 0, 2),
        (of("user", "days since last"), 4, NAN),
        (of("user", "active days", 28), 0, 3),
        (of("user", "attribute", attribute="age"), 3, 60),
        (of("user", "attribute", attribute="age"), 2, NAN),
        (of("user", "attribute", attribute="sex"), 0, 0),  # user 0 is the first "f"
        (of("user", "attribute", attribute="sex"), 1, 1),
        (of("user", "attribute", attribute="sex"), 4, NAN),
    ],
)
def test_user_measures(lake: Lake, feature: Feature, code: int, expected: float) -> None:
    np.testing.assert_equal(value(lake, feature, code, 0), float(np.float32(expected)))


@pytest.mark.parametrize(
    ("feature", "code", "expected"),
    [
        (of("item", "count"), 0, 3),
        (of("item", "count", 1), 0, 1),
        (of("item", "count"), 3, 0),
        (of("item", "share", 3), 1, 1 / 4),
        (of("item", "mean"), 1, 0.5),
        (of("item", "days since first"), 2, 1),
        (of("item", "days since first"), 3, NAN),
        (of("item", "active days", 30), 0, 3),
        (of("item", "attribute", attribute="kind"), 3, 1),
    ],
)
def test_item_measures(lake: Lake, feature: Feature, code: int, expected: float) -> None:
    np.testing.assert_equal(value(lake, feature, 0, code), float(np.float32(expected)))


GENRES = {"attribute": "genres"}


@pytest.mark.parametrize(
    ("feature", "user", "item", "expected"),
    [
        # user 0 met drama 2 x (item 0), crime 4 x (items 0 and 1), in 4 events
        (of("user x item attribute", "count", **GENRES), 0, 0, 6),
        (of("user x item attribute", "share", **GENRES), 0, 0, 6 / (4 * 2)),
        (of("user x item attribute", "share", **GENRES), 0, 1, 4 / 4),
        (of("user x item attribute", "share", **GENRES), 0, 3, 2 / 4),  # "drama" twice counts once
        (of("user x item attribute", "share", 3, **GENRES), 0, 0, 3 / (2 * 2)),
        (of("user x item attribute", "share", events="positive", **GENRES), 0, 1, 3 / 3),
        (of("user x item attribute", "share", **GENRES), 0, 2, NAN),  # the item has no genre
        (of("user x item attribute", "share", **GENRES), 4, 0, NAN),  # the user has no event
        (of("user x item attribute", "share", **GENRES), 2, 0, 0),  # met items without genre
        (of("user x item attribute", "mean", **GENRES), 0, 1, 2.5 / 4),
        (of("user x item attribute", "mean", **GENRES), 0, 0, (1.5 + 2.5) / 6),
        (of("user x item attribute", "mean", **GENRES), 2, 0, NAN),
        (of("user x item attribute", "share", attribute="kind"), 0, 3, 2 / 4),
        # item 0 was met by f (user 0) twice and by m (user 1) once
        (of("item x user attribute", "share", attribute="sex"), 0, 0, 2 / 3),
        (of("item x user attribute", "share", attribute="sex"), 3, 0, 1 / 3),
        (of("item x user attribute", "share", attribute="sex"), 2, 0, NAN),
        (of("item x user attribute", "share", attribute="sex"), 0, 2, NAN),  # met by unknown only
        # among all events with a known sex: f 4, m 1
        (of("item x user attribute", "lift", attribute="sex"), 3, 0, (1 / 3) / (1 / 5)),
        # m met drama once and crime once, in one event
        (
            of("user attribute x item attribute", "share", by="sex", **GENRES),
            3,
            0,
            (1 + 1) / (1 * 2),
        ),
        (of("user attribute x item attribute", "share", by="sex", **GENRES), 0, 3, 2 / 4),
        # drama and crime: m 2 of 1 event, everybody (2 + 1) + (4 + 1) of 5
        (of("user attribute x item attribute", "lift", by="sex", **GENRES), 3, 0, 2 / (8 / 5)),
        (of("user attribute x item attribute", "lift", by="sex", **GENRES), 0, 2, NAN),
        (of("user attribute x item attribute", "lift", by="sex", **GENRES), 4, 0, NAN),
        # user 0 met 2000, 2010, 2010, 2000; item 0 was met by users of 20, 20 and 30
        (of("pair", "gap to items", attribute="year"), 0, 2, 2020 - 2005),
        (of("pair", "gap to items", attribute="year"), 4, 2, NAN),
        (of("pair", "gap to users", attribute="age"), 3, 0, 60 - 70 / 3),
        (of("pair", "gap to users", attribute="age"), 2, 0, NAN),
        (of("pair", "gap to users", attribute="age"), 0, 2, NAN),
        (of("pair", "count"), 0, 0, 2),
        (of("pair", "count", events="positive"), 0, 1, 1),
        (of("pair", "count"), 1, 1, 0),
        (of("pair", "days since last"), 0, 0, 3),
        (of("pair", "days since last"), 1, 1, NAN),
    ],
)
def test_crosses(lake: Lake, feature: Feature, user: int, item: int, expected: float) -> None:
    np.testing.assert_equal(value(lake, feature, user, item), float(np.float32(expected)))


def test_a_late_row_counts_from_the_day_after_it_was_known(lake: Lake) -> None:
    count = of("user", "count", 28)
    seen = [value(lake, count, 0, 0, as_of) for as_of in (28, 29, 30, 31)]
    # day 28: row of day 20 (day 0 is 28 days back: still inside); 29: and the row of day 28, but
    # day 0 is out; 30: and the late one; 31: and the row of day 30
    assert seen == [2, 2, 3, 4]


def test_values_past_the_limit_are_cut_to_those_with_most_events(tmp_path: Path) -> None:
    lake = make_lake(tmp_path, ROWS)
    features = (of("user x item attribute", "count", **GENRES),)
    catalog = Catalog(features, ATTRIBUTES, max_attribute_values=1)
    update_state(lake, as_of=day(AS_OF), positive_min=0.5, catalog=catalog)
    tables = AsOf.open(lake, catalog, day(AS_OF), N_USERS, N_ITEMS)
    rows = np.array([[0, 0], [0, 3]], np.int32)
    # crime (5 events) is kept, drama (3) is not
    assert features_of(tables, rows).tolist() == [[4, 0]]
