"""Attributes of the second path: read once more and laid out by pandas, one row a value."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from data.contract import ATTRIBUTE, CODE, VALID_FROM, VALUE
from data.ids import FOLDER
from data.lake import Lake
from data.values import values_file
from features.declaration import Catalog, kind_of

T = TypeVar("T")


class Kept:
    """Results by key, made when first asked for."""

    def __init__(self) -> None:
        self._results: dict[Any, Any] = {}

    def __call__(self, key: Any, make: Callable[[], T]) -> T:
        """Give the result of a key; ``make`` is called for the first who asks."""
        if key not in self._results:
            self._results[key] = make()
        found: T = self._results[key]
        return found


class Pairs(NamedTuple):
    """Who has which value: ``(n,)`` arrays, in order of entities.

    Attributes:
        entity: codes of users or items.
        value: as pandas keeps few strings of many rows.
    """

    entity: np.ndarray
    value: pd.Categorical

    def of(self, entity: int) -> list[Any]:
        """The values of one entity."""
        return [self.value.categories[n] for n in self.value.codes[span(self.entity, entity)]]


class SlowAttributes:
    """Attributes of users and items as they were known before a day.

    Args:
        lake: holds the tables, and all versions where the source gives them.
        catalog: says of which kind an attribute is.
        day: versions that hold from it or later are not seen.
    """

    def __init__(self, lake: Lake, catalog: Catalog, day: date) -> None:
        self.lake, self.catalog, self.day = lake, catalog, day
        self._once = Kept()

    def known(self, side: str, name: str) -> pd.Series:
        """Attribute by code, of the newest version; unknown values left out."""

        def choose() -> pd.Series:
            versions = self._versions(side, name)
            newest = versions[~versions.index.duplicated(keep="last")]
            return newest.dropna().sort_index()

        return self._once(("known", side, name), choose)

    def pairs(self, side: str, name: str) -> Pairs:
        """The values of each entity; a category is one."""

        def lay_out() -> Pairs:
            values = self._spread(side, name, self.known(side, name))
            return Pairs(values.index.to_numpy(), pd.Categorical(values))

        return self._once(("pairs", side, name), lay_out)

    def codes(self, side: str, name: str) -> pd.Series:
        """Codes by value, of the values that versions known before the day carry."""

        def look_up() -> pd.Series:
            table = self.lake.read_table(FOLDER, values_file(side)).to_pandas()
            codes = table[table[ATTRIBUTE] == name].set_index(VALUE)[CODE]
            return codes.loc[list(self._spread(side, name, self._versions(side, name)).unique())]

        return self._once(("codes", side, name), look_up)

    def _versions(self, side: str, name: str) -> pd.Series:
        """Attribute by code in every version known before the day, oldest first."""
        key, file = side.removesuffix("s"), f"{side}_history.parquet"
        categories = [name] if self._kind(side, name) == "categorical" else []
        if not self.lake.exists(file):
            table = self.lake.read_table(f"{side}.parquet", columns=[key, name])
            return table.to_pandas(categories=categories).set_index(key)[name]
        table = self.lake.read_table(file, columns=[key, name, VALID_FROM])
        rows = table.to_pandas(categories=categories, date_as_object=False)
        rows = rows[rows[VALID_FROM] < pd.Timestamp(self.day)]
        return rows.sort_values(VALID_FROM, kind="stable").set_index(key)[name]

    def _kind(self, side: str, name: str) -> str:
        return kind_of(self.catalog.attributes, side, name)

    def _spread(self, side: str, name: str, attribute: pd.Series) -> pd.Series:
        """Give every value a row of its own; no entity has one twice."""
        if self._kind(side, name) != "multi":
            return attribute.dropna()
        rows = attribute.explode().dropna().rename(VALUE).rename_axis(CODE).reset_index()
        return rows.drop_duplicates().set_index(CODE)[VALUE]


def span(codes: np.ndarray, code: int) -> slice:
    """Where a code stands in ascending ones."""
    # keys of the array's own type: it would be copied to a common one otherwise
    first, last = np.searchsorted(codes, np.array([code, code + 1], codes.dtype))
    return slice(int(first), int(last))
