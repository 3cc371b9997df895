"""The declarations every data set gets: templates spread over its attributes and windows.

To add a feature, add one line to the table of its entity and one line, with the number worked out
by hand, to the test of its measure. ``{e}`` is the entity, ``{a}`` the attribute, ``{u}`` the
user's attribute, ``{w}`` the window, ``{d}`` the same in words and ``{b}`` the longer one that a
trend is compared with. ``zavtra features --config demo --markdown`` makes the page of the docs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from features.declaration import Catalog, Entity, Feature, FeatureError, Measure

__all__ = ["Attributes", "Catalog", "Feature", "FeatureError", "build_catalog"]

Attributes = Mapping[str, Mapping[str, Sequence[str]]]
Span = Literal["each", "short", "middle", "long", "all"]
"""Which windows a template is spread over: each of them, the shortest, the middle one, the
longest, or all days. A trend compares with the next longer of short, middle and long."""


class Template(NamedTuple):
    """One line of a table: a :class:`Feature` with placeholders."""

    name: str
    measure: Measure
    span: Span
    unit: str
    description: str
    events: Literal["all", "positive"] = "all"


T = Template

OF_ENTITY = (
    T("{e}_events_{w}d", "count", "each", "events", "events of the {e} in {d}"),
    T("{e}_events", "count", "all", "events", "events of the {e}"),
    T("{e}_positives_{w}d", "count", "long", "events", "positives of the {e} in {d}", "positive"),
    T("{e}_value_sum", "sum", "all", "value", "sum of the values of the {e}'s events"),
    T("{e}_value_mean_{w}d", "mean", "long", "value 0..1", "mean value of the {e} in {d}"),
    T("{e}_value_mean", "mean", "all", "value 0..1", "mean value of the {e}'s events"),
    T("{e}_positive_share", "positive share", "all", "fraction", "positives among the events"),
    T("{e}_events_decayed", "decayed count", "all", "events", "events, halved every {h:g} days"),
    T("{e}_days_since_first", "days since first", "all", "days", "days since its first event"),
    T("{e}_days_since_last", "days since last", "all", "days", "days since its last event"),
    T("{e}_active_days_{w}d", "active days", "long", "days", "days with an event, of the last {w}"),
    T("{e}_trend_{w}d_{b}d", "trend", "middle", "ratio", "daily events, {d} over {b}"),
)
OF_ITEM = (
    T("item_share_{w}d", "share", "middle", "fraction", "share of all events in {d}"),
    T("item_trend_{w}d_{b}d", "trend", "short", "ratio", "daily events, {d} over {b}"),
)
PLAIN = {
    "numeric": T("{e}_{a}", "attribute", "all", "{a}", "{a} of the {e}"),
    "categorical": T("{e}_{a}", "attribute", "all", "code", "{a} of the {e}, by first appearance"),
}
AFFINITY = (
    T("affinity_{a}", "share", "all", "fraction", "user's positives with that {a}", "positive"),
    T("affinity_{a}_{w}d", "share", "long", "fraction", "user's events in {d} with that {a}"),
    T("affinity_{a}_value", "mean", "all", "value 0..1", "mean value of events with that {a}"),
)
AUDIENCE = (
    T("audience_{a}", "share", "all", "fraction", "item's events by users with the user's {a}"),
    T("audience_{a}_lift", "lift", "all", "ratio", "that share over the same among all events"),
)
TASTE = T(
    "taste_{u}_{a}", "lift", "all", "ratio", "events of the user's {u} with that {a}, over all"
)
GAP_ITEMS = T("gap_{a}", "gap to items", "all", "{a}", "item's {a} minus the mean of user's items")
GAP_USERS = T("gap_user_{a}", "gap to users", "all", "{a}", "user's {a} minus the item's mean")
REPEAT = (
    T("pair_events", "count", "all", "events", "events of the user with this very item"),
    T("pair_days_since_last", "days since last", "all", "days", "days since the last of them"),
)


def build_catalog(
    attributes: Attributes,
    windows_days: Sequence[int] = (1, 3, 7, 14, 28),
    half_life_days: float = 7.0,
    repeat: bool = False,
    exclude: Collection[str] = (),
    max_attribute_values: int = 1000,
) -> Catalog:
    """Spread the templates over a data set's attributes and the configured windows.

    Args:
        attributes: ``attributes.json`` of the lake.
        windows_days: lengths of the windows, days.
        half_life_days: of the decayed counts, days.
        repeat: add features of the very pair (how often, how long ago), for data where users
            come back to an item; elsewhere they would only say "seen".
        exclude: names left out.
        max_attribute_values: an attribute with more values is cut to those with most events.

    Raises:
        FeatureError: an impossible or repeated window, or an excluded name that does not exist.
    """
    windows = sorted(windows_days)
    if not windows:
        raise FeatureError("windows_days is empty; give at least one window, e.g. [7, 28]")
    if len(set(windows)) != len(windows):
        raise FeatureError(f"windows_days {list(windows_days)} names a window twice")
    features: list[Feature] = []

    def spread(entity: Entity, *templates: Template, **names: str) -> None:
        for template in templates:
            features.extend(_spread(template, entity, windows, half_life_days, names))

    values = [a for kind in ("categorical", "multi") for a in _names(attributes, "items", kind)]
    segments = _names(attributes, "users", "categorical")
    spread("user", *OF_ENTITY, e="user")
    spread("item", *OF_ENTITY, *OF_ITEM, e="item")
    for entity, side in (("user", "users"), ("item", "items")):
        for kind, template in PLAIN.items():
            for a in _names(attributes, side, kind):
                spread(entity, template, e=entity, a=a)  # type: ignore[arg-type]
    for a in values:
        spread("user x item attribute", *AFFINITY, a=a)
    for u in segments:
        spread("item x user attribute", *AUDIENCE, a=u)
        for a in values:
            spread("user attribute x item attribute", TASTE, a=a, u=u)
    for a in _names(attributes, "items", "numeric"):
        spread("pair", GAP_ITEMS, a=a)
    for a in _names(attributes, "users", "numeric"):
        spread("pair", GAP_USERS, a=a)
    if repeat:
        spread("pair", *REPEAT)
    return Catalog(tuple(features), attributes, max_attribute_values).without(exclude)


def _names(attributes: Attributes, side: str, kind: str) -> Sequence[str]:
    return attributes.get(side, {}).get(kind, [])


def _spread(
    template: Template, entity: Entity, windows: list[int], half_life: float, names: dict[str, str]
) -> Iterator[Feature]:
    """Declare a template for each of its windows; a trend without a longer window is left out."""
    short, middle, long = windows[0], windows[len(windows) // 2], windows[-1]
    spans: dict[Span, list[int | None]] = {
        "each": [*windows],
        "short": [short],
        "middle": [middle],
        "long": [long],
        "all": [None],
    }
    longer = {"short": middle, "middle": long}
    for window in spans[template.span]:
        days = f"{window} day{'s' * (window != 1)}"
        fill: dict[str, Any] = {**names, "w": window, "d": days, "h": half_life}
        base = longer[template.span] if template.measure == "trend" else None
        if base is not None and base == window:
            continue
        yield Feature(
            name=template.name.format(**fill, b=base),
            entity=entity,
            measure=template.measure,
            window_days=window,
            unit=template.unit.format(**fill),
            description=template.description.format(**fill, b=base),
            attribute=names.get("a"),
            events=template.events,
            by=names.get("u"),
            base_days=base,
            half_life_days=half_life if template.measure == "decayed count" else None,
        )
