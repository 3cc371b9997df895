"""Attributes over time: features of a day read the newest version from before it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from feature_lake import (
    ATTRIBUTES,
    ITEMS,
    N_ITEMS,
    N_USERS,
    USERS,
    day,
    make_lake,
    write_entities,
    write_versions,
)

from data.lake import Lake
from features.asof import AsOf
from features.audit import audit, features_of
from features.catalog import Catalog, Feature, FeatureError
from features.state import update_state

NAN = float("nan")
ROWS = [
    # known, user, item, value
    (0, 0, 0, 1.0),
    (1, 0, 1, 1.0),
    (1, 1, 0, 1.0),
    (2, 2, 1, 1.0),
]
USER_VERSIONS = [
    # day, user, sex, age
    (0, 1, "m", 30.0),
    (3, 0, "f", 20.0),  # nothing is known of user 0 until the morning of day 4
    (5, 1, "f", 31.0),
    (5, 2, "m", 50.0),
    (8, 0, None, None),  # forgotten again
]
ITEM_VERSIONS = [
    # day, item, kind, year, genres
    (0, 0, "film", 2000.0, ["drama"]),
    (0, 1, "film", 2010.0, ["crime"]),
    (6, 0, "film", 2000.0, ["crime", "drama"]),
]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    made = make_lake(tmp_path_factory.mktemp("versions"), ROWS)
    write_versions(made, "users", USER_VERSIONS)
    write_versions(made, "items", ITEM_VERSIONS)
    return made


def value(lake: Lake, feature: Feature, user: int, item: int, as_of: int) -> float:
    """One number, which the slow path and the poison agree with."""
    catalog = Catalog((feature,), ATTRIBUTES)
    update_state(lake, as_of=day(as_of), positive_min=0.5, catalog=catalog)
    rows, cut = np.array([[user, item]], np.int32), day(as_of)
    sizes = {"n_users": N_USERS, "n_items": N_ITEMS}
    audit(lake, catalog, rows, day=cut, positive_min=0.5, **sizes)
    return float(features_of(AsOf.open(lake, catalog, cut, **sizes), rows)[0, 0])


def of(entity: str, measure: str, **more: object) -> Feature:
    return Feature("f", entity, measure, None, "", "", **more)  # type: ignore[arg-type]


AGE = of("user", "attribute", attribute="age")
SEX = of("user", "attribute", attribute="sex")
GENRES = of("user x item attribute", "share", attribute="genres")
AUDIENCE = of("item x user attribute", "share", attribute="sex")
GAP = of("pair", "gap to users", attribute="age")


@pytest.mark.parametrize(
    ("feature", "user", "item", "as_of", "expected"),
    [
        (AGE, 0, 0, 3, NAN),
        (AGE, 0, 0, 4, 20.0),
        (AGE, 0, 0, 9, NAN),
        (AGE, 1, 0, 5, 30.0),
        (AGE, 1, 0, 6, 31.0),
        # values got codes by day of the version, then by code: m is 0, f is 1, on every day
        (SEX, 1, 0, 4, 0),
        (SEX, 0, 0, 4, 1),
        (SEX, 2, 0, 6, 0),
        (SEX, 1, 0, 6, 1),
        # all events of user 0 count with the genres known now: drama and crime, then crime twice
        (GENRES, 0, 0, 6, 1 / 2),
        (GENRES, 0, 1, 6, 1 / 2),
        (GENRES, 0, 1, 7, 2 / 2),
        (GENRES, 0, 0, 7, (2 + 1) / (2 * 2)),
        # item 0 was met by users 0 and 1: m alone is known, then f and m, then f twice, f and none
        (AUDIENCE, 1, 0, 3, 1),
        (AUDIENCE, 1, 0, 4, 1 / 2),
        (AUDIENCE, 1, 0, 6, 2 / 2),
        (AUDIENCE, 2, 0, 6, 0),
        (AUDIENCE, 1, 0, 9, 1),
        (GAP, 1, 0, 4, 30 - 25),
        (GAP, 1, 0, 6, 31 - 25.5),
    ],
)
def test_the_newest_version_from_before_the_day(
    lake: Lake, feature: Feature, user: int, item: int, as_of: int, expected: float
) -> None:
    np.testing.assert_equal(value(lake, feature, user, item, as_of), float(np.float32(expected)))


def test_a_version_of_tomorrow_changes_no_number_of_today(tmp_path: Path) -> None:
    catalog = Catalog((SEX,), ATTRIBUTES)
    lake = make_lake(tmp_path, ROWS)
    write_versions(lake, "users", USER_VERSIONS)
    update_state(lake, as_of=day(7), positive_min=0.5, catalog=catalog)
    before = AsOf.open(lake, catalog, day(7), N_USERS, N_ITEMS)
    write_versions(lake, "users", [*USER_VERSIONS, (7, 0, "a", 1.0), (7, 1, "m", 1.0)])
    after = AsOf.open(lake, catalog, day(7), N_USERS, N_ITEMS)
    grid = np.indices((N_USERS, N_ITEMS)).reshape(2, -1).T.astype(np.int32)
    assert features_of(before, grid).tobytes() == features_of(after, grid).tobytes()


def test_two_versions_of_one_day_are_refused(tmp_path: Path) -> None:
    lake = make_lake(tmp_path, ROWS)
    write_versions(lake, "users", USER_VERSIONS)
    history = lake.read_table("users_history.parquet")
    twice = pa.concat_tables([history.slice(0, 1), history])
    lake.write_table(twice, "users_history.parquet")
    catalog = Catalog((SEX,), ATTRIBUTES)
    update_state(lake, as_of=day(7), positive_min=0.5, catalog=catalog)
    with pytest.raises(FeatureError, match=r"codes \[1\] are negative or stand twice"):
        AsOf.open(lake, catalog, day(7), N_USERS, N_ITEMS)


def test_an_edited_attribute_changes_no_number_of_the_others(tmp_path: Path) -> None:
    """A ranker trained before the edit reads the same numbers after it."""
    kind = Catalog((of("item", "attribute", attribute="kind"),), ATTRIBUTES)
    lake = make_lake(tmp_path, ROWS)
    update_state(lake, as_of=day(4), positive_min=0.5, catalog=kind)
    rows = np.array([[0, item] for item in range(N_ITEMS)], np.int32)

    def kinds() -> list[float]:
        sizes = {"n_users": N_USERS, "n_items": N_ITEMS}
        audit(lake, kind, rows, day=day(4), positive_min=0.5, **sizes)
        found: list[float] = features_of(AsOf.open(lake, kind, day(4), **sizes), rows)[0].tolist()
        return found

    assert kinds() == [0, 1, 0, 1]
    write_entities(lake, "items", pa.table({**ITEMS, "kind": ["series", "series", "film", "clip"]}))
    assert kinds() == [1, 1, 0, 2]
    write_entities(lake, "items", pa.table({**ITEMS, "kind": ["series", "series", None, "clip"]}))
    np.testing.assert_equal(kinds(), [1, 1, NAN, 2])


def test_a_value_without_a_code_is_refused(tmp_path: Path) -> None:
    lake = make_lake(tmp_path, ROWS)
    lake.write_table(pa.table({**USERS, "sex": ["m", "f", "m", "x"]}), "users.parquet")
    catalog = Catalog((SEX,), ATTRIBUTES)
    update_state(lake, as_of=day(7), positive_min=0.5, catalog=catalog)
    with pytest.raises(FeatureError, match=r"the value 'x' of 'sex' has no code .*Ingest again"):
        AsOf.open(lake, catalog, day(7), N_USERS, N_ITEMS)
