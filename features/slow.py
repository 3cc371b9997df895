"""The second path: every feature once more, slow and simple, from the raw log cut at the day.

It shares the declarations with the engine and no code: no state, no fixed windows, no matrices,
only the rows of one user or one item at a time, whole numbers, and divisions; what is counted over
all events, pandas counts. What both agree on is right, or wrong twice in different ways.
"""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from data.contract import ITEM, TS, USER, VALUE
from data.lake import Lake
from features.declaration import Catalog, Feature, FeatureError, kind_of
from features.slow_attributes import Kept, Pairs, SlowAttributes, span

NAN = float("nan")


class Rows(NamedTuple):
    """Rows of the raw log: ``(n,)`` arrays.

    Attributes:
        user: codes.
        item: codes.
        age: days between the event and the cut; yesterday is 1.
        positive: whether the value reaches the least positive one.
        fixed: value in 1/65536.
    """

    user: np.ndarray
    item: np.ndarray
    age: np.ndarray
    positive: np.ndarray
    fixed: np.ndarray

    def where(self, chosen: np.ndarray) -> Rows:
        """The rows of a mask or of positions."""
        return Rows(*(column[chosen] for column in self))


class SlowPath:
    """Features of single (user, item) rows as of a day.

    Args:
        lake: the lake with the raw log; its state is not read.
        catalog: the features.
        day: only partitions of the log before it are opened.
        positive_min: an event with at least this value is a positive.
        timezone: the zone in which a day begins.
    """

    def __init__(
        self, lake: Lake, catalog: Catalog, day: date, positive_min: float, timezone: str = "UTC"
    ) -> None:
        self.lake, self.catalog, self.day = lake, catalog, day
        self._once = Kept()
        self._attributes = SlowAttributes(lake, catalog, day)
        frames = []
        for file in lake.interaction_files(day):
            known = pd.Timestamp(file.split("/")[-2].removeprefix("day="))
            table = pq.read_table(
                file, columns=[USER, ITEM, TS, VALUE], filesystem=lake.fs, partitioning=None
            )
            rows = table.to_pandas()
            local = rows[TS].dt.tz_convert(timezone).dt.tz_localize(None).dt.normalize()
            rows["age"] = (pd.Timestamp(day) - local.clip(upper=known)).dt.days
            rows["positive"] = rows[VALUE] >= np.float32(positive_min)
            rows["fixed"] = np.floor(rows[VALUE].astype(float) * 65536 + 0.5).astype(np.int64)
            frames.append(rows[list(Rows._fields)])
        self.log = Rows(*(np.concatenate([f[name] for f in frames]) for name in Rows._fields))

    def value(self, feature: Feature, user: int, item: int) -> float:
        """Compute one feature of one row, float64 (NaN where it is undefined)."""
        match feature.entity:
            case "user" | "item":
                code = user if feature.entity == "user" else item
                return self._once((feature, code), lambda: self._of_entity(feature, code))
            case "user x item attribute":
                return self._affinity(feature, user, item)
            case "item x user attribute":
                return self._audience(feature, user, item)
            case "user attribute x item attribute":
                return self._taste(feature, user, item)
            case _:
                return self._of_pair(feature, user, item)

    # ------------------------------------------------------------------ entities

    def _of_entity(self, feature: Feature, code: int) -> float:
        side = feature.entity
        if feature.measure == "attribute":
            return self._plain(f"{side}s", feature.attribute or "", code)
        mine = self._rows(side, code)
        ages, inside = mine.age, self._within(mine, feature)
        match feature.measure:
            case "count":
                return len(inside.age)
            case "sum":
                return int(inside.fixed.sum()) / 65536
            case "mean":
                return _over(int(inside.fixed.sum()), len(inside.age) * 65536)
            case "share":
                total = self._once(
                    ("total", feature), lambda: len(self._within(self.log, feature).age)
                )
                return _over(len(inside.age), total)
            case "positive share":
                return _over(int(inside.positive.sum()), len(inside.age))
            case "decayed count":
                half = feature.half_life_days or 0.0
                oldest = -(-8 * half // 1)
                young = np.unique(inside.age[inside.age <= oldest], return_counts=True)
                of_age = zip(*(part.tolist() for part in young), strict=True)
                return sum(n * round(65536 * 0.5 ** ((a - 1) / half)) for a, n in of_age) / 65536
            case "trend":
                short, long = feature.window_days or 0, feature.base_days or 0
                chosen = mine.where(mine.positive) if feature.events == "positive" else mine
                late, whole = (int((chosen.age <= days).sum()) for days in (short, long))
                return (late + 1) / (whole * short / long + 1)
            case "days since first":
                return int(ages.max()) if len(ages) else NAN
            case "days since last":
                return int(ages.min()) if len(ages) else NAN
            case "active days":
                return len(set(inside.age.tolist()))
        raise FeatureError(f"the slow path has no measure {feature.measure!r}")

    def _plain(self, side: str, name: str, code: int) -> float:
        if kind_of(self.catalog.attributes, side, name) == "numeric":
            return float(np.float32(self._attributes.known(side, name).get(code, NAN)))
        values = self._attributes.pairs(side, name).of(code)
        return int(self._attributes.codes(side, name)[values[0]]) if values else NAN

    # ------------------------------------------------------------------ crosses

    def _affinity(self, feature: Feature, user: int, item: int) -> float:
        wanted = set(self._values_of(feature.attribute or "", item))
        mine = self._within(self._rows(USER, user), feature)
        if not wanted and feature.measure != "count":
            return NAN
        met, value = 0, 0
        for other, fixed in zip(mine.item.tolist(), mine.fixed.tolist(), strict=True):
            common = len(wanted.intersection(self._values_of(feature.attribute or "", other)))
            met += common
            value += common * fixed
        if feature.measure == "count":
            return met
        if feature.measure == "share":
            return _over(met, len(mine.age) * len(wanted))
        return _over(value, met * 65536)

    def _audience(self, feature: Feature, user: int, item: int) -> float:
        name = feature.attribute or ""
        segment = self._segment(name, user)
        if segment is None:
            return NAN
        everywhere, total = self._audiences(name)
        here = self._once(
            ("audience", name, item),
            lambda: self._segments(name, self._rows(ITEM, item).user).value_counts().to_dict(),
        )
        part, whole = here.get(segment, 0), sum(here.values())
        if feature.measure == "share":
            return _over(part, whole)
        return _over(part * total, whole * everywhere.get(segment, 0))

    def _taste(self, feature: Feature, user: int, item: int) -> float:
        by, name = feature.by or "", feature.attribute or ""
        segment = self._segment(by, user)
        values = self._values_of(name, item)
        if segment is None:
            return NAN
        by_segment, total = self._audiences(by)
        tastes, everybody = self._once(("tastes", by, name), lambda: self._tastes(by, name))
        mine = sum(tastes.get((segment, value), 0) for value in values)
        if feature.measure == "share":
            return _over(mine, by_segment.get(segment, 0) * len(values))
        everyone = sum(everybody.get(value, 0) for value in values)
        return _over(mine * total, everyone * by_segment.get(segment, 0))

    def _of_pair(self, feature: Feature, user: int, item: int) -> float:
        if feature.measure == "gap to items":
            return self._gap(feature.attribute or "", "items", item, USER, user)
        if feature.measure == "gap to users":
            return self._gap(feature.attribute or "", "users", user, ITEM, item)
        mine = self._within(self._rows(USER, user), feature)
        ages = mine.age[mine.item == item]
        if feature.measure == "count":
            return len(ages)
        return int(ages.min()) if len(ages) else NAN

    def _gap(self, name: str, side: str, own: int, of: str, code: int) -> float:
        """A number of one side minus its mean over the rows of the other, in fixed point."""
        numbers = self._attributes.known(side, name)

        def average() -> float:
            rows = self._rows(of, code)
            met = numbers.reindex(rows.item if side == "items" else rows.user).value_counts()
            counts = zip(met.index.tolist(), met.tolist(), strict=True)
            total = sum(_fixed(number) * events for number, events in counts)
            return _over(total, int(met.sum()) * 65536)

        number, mean = numbers.get(own), self._once(("mean", side, name, code), average)
        return NAN if number is None else _fixed(number) / 65536 - mean

    # ------------------------------------------------------------------ rows and attributes

    def _rows(self, side: str, code: int) -> Rows:
        def find() -> Rows:
            order, codes = self._sorted(side)
            return self.log.where(order[span(codes, code)])

        return self._once((side, code), find)

    def _sorted(self, side: str) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the log in order of users or items, and the codes in that order."""

        def sort() -> tuple[np.ndarray, np.ndarray]:
            codes = self.log.user if side == USER else self.log.item
            order = np.argsort(codes, kind="stable")
            return order, codes[order]

        return self._once(("sorted", side), sort)

    def _events(self, side: str) -> pd.Series:
        """Events by code, of those who have any."""
        codes, events = np.unique(self._sorted(side)[1], return_counts=True)
        return pd.Series(events, codes)

    def _within(self, rows: Rows, feature: Feature) -> Rows:
        if feature.window_days is not None:
            rows = rows.where(rows.age <= feature.window_days)
        return rows.where(rows.positive) if feature.events == "positive" else rows

    def _kept(self, side: str, name: str) -> Pairs:
        """Values by entity, those past the limit left out."""

        def cut() -> Pairs:
            pairs, codes = self._attributes.pairs(side, name), self._attributes.codes(side, name)
            most = self.catalog.max_attribute_values
            if len(codes) <= most:
                return pairs
            events = self._events(side.removesuffix("s")).reindex(pairs.entity, fill_value=0)
            met = events.groupby(pd.Index(pairs.value), observed=True).sum()
            met = met.reindex(codes.index, fill_value=0)
            order = np.lexsort((codes.to_numpy(), -met.to_numpy()))
            chosen = pairs.value.isin(codes.index[order[:most]])
            value = pairs.value[chosen].remove_unused_categories()
            return Pairs(pairs.entity[chosen], value)

        return self._once(("kept", side, name), cut)

    def _values_of(self, name: str, item: int) -> list[Any]:
        return self._once(("item", name, item), lambda: self._kept("items", name).of(item))

    def _segment(self, name: str, user: int) -> Any:
        return next(iter(self._kept("users", name).of(user)), None)

    def _segments(self, name: str, users: np.ndarray) -> pd.Series:
        """The segment of each of some users, who may repeat; NaN where it is unknown."""

        def index() -> pd.Series:
            kept = self._kept("users", name)
            return pd.Series(kept.value, kept.entity)

        return self._once(("segments", name), index).reindex(users)

    def _audiences(self, name: str) -> tuple[dict[Any, int], int]:
        """Events by segment of the user, and their sum."""

        def count() -> tuple[dict[Any, int], int]:
            events = self._events(USER)
            segments = self._segments(name, events.index.to_numpy())
            found = events.groupby(segments, observed=True).sum().to_dict()
            return found, sum(found.values())

        return self._once(("audiences", name), count)

    def _tastes(self, by: str, name: str) -> tuple[dict[Any, int], dict[Any, int]]:
        """Events by (segment of the user, value of the item), and by value of the item."""
        sizes = self._once(("sizes", by), lambda: self._sizes(by))
        pairs = pd.DataFrame(self._kept("items", name)._asdict())
        met = sizes.merge(pairs, left_on=ITEM, right_on="entity")
        tastes = met.groupby(["segment", "value"], observed=True)["events"].sum().to_dict()
        return tastes, met.groupby("value", observed=True)["events"].sum().to_dict()

    def _sizes(self, by: str) -> pd.DataFrame:
        """Events by segment of the user and by item."""
        segments = self._segments(by, self.log.user).array
        rows = pd.DataFrame({"segment": segments, ITEM: self.log.item})
        return rows.groupby(["segment", ITEM], observed=True).size().reset_index(name="events")


def _fixed(number: float) -> int:
    """Give a number in 1/65536."""
    return round(float(np.float32(number)) * 65536)


def _over(top: int, bottom: int) -> float:
    """Divide two whole numbers; NaN where there is nothing to divide by."""
    return top / bottom if bottom else NAN
