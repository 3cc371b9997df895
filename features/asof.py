"""The features of one day, ready to be looked up by code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Self

from data.lake import Lake
from features.attributes import Attributes, load_attributes
from features.columns import ByItem, ByUser, Column
from features.crosses import affinity, by_segment, gap, of_pair
from features.declaration import Catalog, Feature
from features.history import History, read_history
from features.measures import entity_vector


@dataclass(frozen=True)
class AsOf:
    """All features of a catalog as they were known on the morning of ``day``.

    Attributes:
        catalog: the features, in the order of ``columns``.
        day: the day recommended for; nothing known on it or later is in here.
        n_users: number of user codes.
        n_items: number of item codes.
        columns: one look-up a feature.
    """

    catalog: Catalog
    day: date
    n_users: int
    n_items: int
    columns: tuple[Column, ...]

    @classmethod
    def open(
        cls,
        lake: Lake,
        catalog: Catalog,
        day: date,
        n_users: int,
        n_items: int,
        memory_gb: float = 2.0,
    ) -> Self:
        """Compute the tables from the state (see :func:`features.state.update_state`).

        Args:
            lake: the lake with the state and the attribute tables.
            catalog: what to compute.
            day: the cut, strictly: events and versions of attributes that became known on it or
                later are not read.
            n_users: number of user codes (users who never appeared included).
            n_items: number of item codes.
            memory_gb: limit of one segment x items table, GB.

        Raises:
            FeatureError: the state lacks days, codes lie outside the tables, a table is too
                large, or an attribute's column is missing.
        """
        history = read_history(lake, day, catalog.days_read, n_users, n_items)
        attributes = load_attributes(lake, catalog, day, n_users, n_items)
        columns = tuple(_column(f, history, attributes, catalog, memory_gb) for f in catalog)
        return cls(catalog, day, n_users, n_items, columns)


def _column(
    feature: Feature, history: History, attributes: Attributes, catalog: Catalog, memory_gb: float
) -> Column:
    most = catalog.max_attribute_values
    match feature.entity:
        case "user":
            return ByUser(entity_vector(feature, history, attributes))
        case "item":
            return ByItem(entity_vector(feature, history, attributes))
        case "user x item attribute":
            return affinity(feature, history, attributes, most)
        case "item x user attribute" | "user attribute x item attribute":
            return by_segment(feature, history, attributes, most, memory_gb)
        case "pair" if feature.measure.startswith("gap"):
            return gap(feature, history, attributes)
        case _:
            return of_pair(feature, history)
