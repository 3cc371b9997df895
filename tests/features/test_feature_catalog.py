"""The catalog: what is declared, and what is refused."""

from __future__ import annotations

import pytest
from feature_lake import ATTRIBUTES

from features.catalog import Catalog, Feature, FeatureError, build_catalog

KION = {
    "users": {"categorical": ["age", "income", "sex"], "numeric": ["kids_flg"], "multi": []},
    "items": {
        "categorical": ["content_type"],
        "numeric": ["release_year"],
        "multi": ["genres", "countries"],
    },
}


def test_enough_features_with_and_without_attributes() -> None:
    assert len(build_catalog(KION)) >= 40
    assert len(build_catalog({"users": {}, "items": {}})) >= 25
    assert set(build_catalog(KION).families) == {
        "user",
        "item",
        "user x item attribute",
        "item x user attribute",
        "user attribute x item attribute",
        "pair",
    }


def test_names_are_unique_and_described() -> None:
    catalog = build_catalog(KION, repeat=True)
    assert len(set(catalog.names)) == len(catalog)
    assert all(f.unit and f.description and "{" not in f.description for f in catalog)


def test_pairs_are_counted_only_where_asked_for() -> None:
    assert "pair_events" not in build_catalog(KION).names
    assert "pair_events" in build_catalog(KION, repeat=True).names


def test_excluded_features_are_gone_and_unknown_ones_refused() -> None:
    assert "user_events" not in build_catalog(KION, exclude=["user_events"]).names
    with pytest.raises(FeatureError, match=r"'user_evnts'"):
        build_catalog(KION, exclude=["user_evnts"])


@pytest.mark.parametrize("windows", [[1], [7, 1], [2, 30, 90, 365]])
def test_any_windows(windows: list[int]) -> None:
    catalog = build_catalog(KION, windows)
    assert {f"user_events_{w}d" for w in windows} <= set(catalog.names)
    assert catalog.days_read >= max(windows)


@pytest.mark.parametrize("windows", [[], [7, 7], [0], [-1], [4000], [1.5]])
def test_impossible_windows(windows: list[int]) -> None:
    with pytest.raises(FeatureError, match="window"):
        build_catalog(KION, windows)


def test_the_digest_follows_the_declarations() -> None:
    assert build_catalog(KION).digest == build_catalog(KION).digest
    others = [
        build_catalog(KION, [1, 7]),
        build_catalog(KION, half_life_days=3),
        build_catalog(KION, repeat=True),
        build_catalog(KION, max_attribute_values=5),
        build_catalog(ATTRIBUTES),
    ]
    assert len({c.digest for c in [build_catalog(KION), *others]}) == 6


GOOD = Feature("f", "user", "count", 7, "events", "")


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([GOOD, GOOD], "'f' is declared twice"),
        ([Feature("f", "user", "lift", None, "", "")], "no measure 'lift'"),
        ([Feature("f", "cat", "count", None, "", "")], "entity 'cat'"),  # type: ignore[arg-type]
        ([Feature("f", "user", "count", 0, "", "")], "0 days is impossible"),
        ([Feature("f", "user", "attribute", 7, "", "", "age")], "leave out the window"),
        ([Feature("f", "pair", "count", 7, "", "")], "leave out the window"),
        ([Feature("f", "user", "active days", None, "", "")], "need a window"),
        ([Feature("f", "user", "trend", 7, "", "", base_days=7)], "longer one"),
        ([Feature("f", "user", "decayed count", None, "", "")], "half_life_days"),
        ([Feature("f", "user", "decayed count", None, "", "", half_life_days=-1)], "half-life"),
        ([Feature("f", "user", "mean", None, "", "", events="positive")], "takes all events"),
        ([Feature("f", "user x item attribute", "share", None, "", "", "colour")], "'colour'"),
        ([Feature("f", "user", "attribute", None, "", "", "year")], r"there are \['sex', 'age'\]"),
        ([Feature("f", "pair", "gap to items", None, "", "", "genres")], "numeric"),
    ],
)
def test_bad_declarations_are_named(features: list[Feature], message: str) -> None:
    with pytest.raises(FeatureError, match=message):
        Catalog(tuple(features), ATTRIBUTES)
