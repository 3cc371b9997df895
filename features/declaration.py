"""What a feature is, and the table of all features of a run.

A feature is declared, not coded: one :class:`Feature` says which entity it describes, what is
measured, over which days. :mod:`features.catalog` writes the declarations that every data set
gets; the engine (:mod:`features.asof`, :mod:`features.join`) computes whatever is declared.

All features are float32. Where a measure is undefined (the mean of no events, the age of an
unknown user) the value is NaN, which CatBoost takes as "missing"; counts of nothing are 0.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from data.lake import digest

Entity = Literal[
    "user",
    "item",
    "user x item attribute",
    "item x user attribute",
    "user attribute x item attribute",
    "pair",
]
Measure = Literal[
    "count",
    "sum",
    "mean",
    "share",
    "positive share",
    "decayed count",
    "trend",
    "days since first",
    "days since last",
    "active days",
    "attribute",
    "lift",
    "gap to items",
    "gap to users",
]

_EVENTS: tuple[Measure, ...] = (
    "count",
    "sum",
    "mean",
    "share",
    "positive share",
    "decayed count",
    "trend",
    "days since first",
    "days since last",
    "active days",
)
MEASURES: dict[Entity, tuple[Measure, ...]] = {
    "user": (*_EVENTS, "attribute"),
    "item": (*_EVENTS, "attribute"),
    "user x item attribute": ("count", "mean", "share"),
    "item x user attribute": ("share", "lift"),
    "user attribute x item attribute": ("share", "lift"),
    "pair": ("count", "days since last", "gap to items", "gap to users"),
}
"""Which measures the engine knows for which entity."""

_POSITIVES = {"count", "share", "decayed count", "trend"}
_WINDOWLESS = {"days since first", "days since last", "attribute", "gap to items", "gap to users"}
MAX_WINDOW_DAYS = 3650
HALF_LIVES = 8
"""Events older than so many half-lives do not count (their weight is below 0.4 %)."""


class FeatureError(ValueError):
    """A catalog, state or audit that cannot be used; says feature, entity, day and the remedy."""


@dataclass(frozen=True)
class Feature:
    """One line of the catalog.

    Attributes:
        name: column name, unique in the catalog.
        entity: what it describes (:data:`Entity`).
        measure: what is measured (:data:`Measure`; :data:`MEASURES` lists what fits).
        window_days: events of the last so many days count; None: all days before the cut.
        unit: of the value: events, days, fraction 0..1, ratio, or the attribute's own.
        description: one sentence for a reader of the report.
        attribute: the attribute measured; that of the item where both sides have one.
        events: "all", or only the "positive" ones.
        by: the user's attribute, for "user attribute x item attribute".
        base_days: the longer window a trend is compared with.
        half_life_days: of a decayed count.
    """

    name: str
    entity: Entity
    measure: Measure
    window_days: int | None
    unit: str
    description: str
    attribute: str | None = None
    events: Literal["all", "positive"] = "all"
    by: str | None = None
    base_days: int | None = None
    half_life_days: float | None = None

    @property
    def days_read(self) -> int:
        """Days of single partitions this feature reads; 0 where totals are enough."""
        if self.half_life_days is not None:
            return int(-(-HALF_LIVES * self.half_life_days // 1))
        return self.base_days or self.window_days or 0


@dataclass(frozen=True)
class Catalog:
    """The features of a run, in the order of the ranker's columns.

    Attributes:
        features: the declarations.
        attributes: the data set's ``attributes.json``: ``{"users": {"categorical": [...],
            "numeric": [...], "multi": [...]}, "items": {...}}``.
        max_attribute_values: an attribute with more values is cut to those with most events.

    Raises:
        FeatureError: a duplicate name, an impossible window, a measure the entity does not have,
            or an attribute the data lack.
    """

    features: tuple[Feature, ...]
    attributes: Mapping[str, Mapping[str, Sequence[str]]] = field(hash=False)
    max_attribute_values: int = 1000

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for feature in self.features:
            if feature.name in seen:
                raise FeatureError(
                    f"feature {feature.name!r} is declared twice; give each its own name"
                )
            seen.add(feature.name)
            _check(feature, self.attributes)

    def __len__(self) -> int:
        return len(self.features)

    def __iter__(self) -> Iterator[Feature]:
        return iter(self.features)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(feature.name for feature in self.features)

    @property
    def families(self) -> dict[str, tuple[str, ...]]:
        """Names by entity, for ablations and reports."""
        return {
            entity: names
            for entity in get_args(Entity)
            if (names := tuple(f.name for f in self.features if f.entity == entity))
        }

    @property
    def days_read(self) -> int:
        """The longest stretch of single days that any feature needs."""
        return max((feature.days_read for feature in self.features), default=0)

    @property
    def digest(self) -> str:
        """Digest of every declaration: equal digests mean equal columns."""
        return digest([[asdict(f) for f in self.features], self.max_attribute_values])

    def without(self, names: Collection[str]) -> Catalog:
        """Return the catalog without some features.

        Args:
            names: of features, or patterns such as ``user_*`` (see :mod:`fnmatch`).

        Raises:
            FeatureError: a name or pattern that nothing in the catalog goes by.
        """
        unknown = sorted(name for name in names if not fnmatch.filter(self.names, name))
        if unknown:
            raise FeatureError(f"cannot leave out {unknown}: the catalog has {list(self.names)}")
        out = {found for name in names for found in fnmatch.filter(self.names, name)}
        kept = tuple(f for f in self.features if f.name not in out)
        return Catalog(kept, self.attributes, self.max_attribute_values)


def kind_of(attributes: Mapping[str, Any], side: str, name: str) -> str:
    """Give the kind ("categorical", "numeric", "multi") of an attribute; "" where it is unknown."""
    kinds = attributes.get(side, {})
    return next((kind for kind, names in sorted(kinds.items()) if name in names), "")


def _check(feature: Feature, attributes: Mapping[str, Any]) -> None:
    where = f"feature {feature.name!r}"
    allowed = MEASURES.get(feature.entity)
    if allowed is None or feature.measure not in allowed:
        raise FeatureError(
            f"{where}: entity {feature.entity!r} has no measure {feature.measure!r}; "
            f"there are {list(allowed or MEASURES)}"
        )
    if feature.events != "all" and (
        feature.measure not in _POSITIVES or feature.entity.startswith(("item x", "user attribute"))
    ):
        raise FeatureError(f"{where}: {feature.measure!r} of a {feature.entity} takes all events")
    for days in (feature.window_days, feature.base_days):
        if days is not None and not (isinstance(days, int) and 1 <= days <= MAX_WINDOW_DAYS):
            raise FeatureError(
                f"{where}: a window of {days!r} days is impossible; expected a whole number in "
                f"1..{MAX_WINDOW_DAYS}, or none for all days"
            )
    if feature.window_days is not None and (
        feature.measure in _WINDOWLESS or feature.entity.startswith(("item x", "user attribute"))
    ):
        raise FeatureError(f"{where}: {feature.measure!r} is over all days; leave out the window")
    if feature.entity == "pair" and feature.window_days is not None:
        raise FeatureError(f"{where}: pairs are counted over all days; leave out the window")
    if feature.measure == "active days" and feature.window_days is None:
        raise FeatureError(f"{where}: active days need a window")
    if feature.measure == "trend" and not (
        feature.window_days and feature.base_days and feature.window_days < feature.base_days
    ):
        raise FeatureError(
            f"{where}: a trend compares a window with a longer one, found "
            f"{feature.window_days} and {feature.base_days} days"
        )
    half = feature.half_life_days
    if (feature.measure == "decayed count") != (half is not None):
        raise FeatureError(f"{where}: half_life_days belongs to a decayed count, and it needs one")
    if half is not None and not 0 < half * HALF_LIVES <= MAX_WINDOW_DAYS:
        raise FeatureError(f"{where}: a half-life of {half} days is impossible")
    for side, name, kinds in _needs(feature):
        kind = kind_of(attributes, side, name or "")
        if kind not in kinds:
            known = [n for k in kinds for n in attributes.get(side, {}).get(k, [])]
            raise FeatureError(
                f"{where}: the data have no {' or '.join(kinds)} attribute {name!r} of {side}; "
                f"there are {known}. Name it in the source's config or leave the feature out"
            )


def _needs(feature: Feature) -> list[tuple[str, str | None, tuple[str, ...]]]:
    """Which attributes (side, name, allowed kinds) a feature reads."""
    values = ("categorical", "multi")
    if feature.measure == "attribute":
        return [(f"{feature.entity}s", feature.attribute, ("categorical", "numeric"))]
    if feature.entity == "user x item attribute":
        return [("items", feature.attribute, values)]
    if feature.entity == "item x user attribute":
        return [("users", feature.attribute, ("categorical",))]
    if feature.entity == "user attribute x item attribute":
        return [("items", feature.attribute, values), ("users", feature.by, ("categorical",))]
    if feature.measure == "gap to items":
        return [("items", feature.attribute, ("numeric",))]
    if feature.measure == "gap to users":
        return [("users", feature.attribute, ("numeric",))]
    return []
