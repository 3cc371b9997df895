"""The second path: every feature once more, slow and simple, from the raw log cut at the day.

It shares the declarations with the engine and no code: no state, no fixed windows, no matrices,
only the rows of one user or one item at a time, whole numbers, and divisions. What both agree on
is right, or wrong twice in different ways.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from data.contract import ITEM, TS, USER, VALUE
from data.lake import Lake
from features.declaration import Catalog, Feature, FeatureError, kind_of
from features.slow_attributes import Kept, SlowAttributes

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
            frames.append(rows)
        log = pd.concat(frames, ignore_index=True)
        self.log = Rows(*(log[name].to_numpy() for name in Rows._fields))
        self._rows_of = {side: log.groupby(side).indices for side in (USER, ITEM)}

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
                young = inside.age[inside.age <= oldest]
                return sum(round(65536 * 0.5 ** ((int(a) - 1) / half)) for a in young) / 65536
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
            found = self._attributes.known(side, name).get(code)
            return NAN if found is None else float(np.float32(found))
        values = self._attributes.values(side, name).get(code, [])
        return self._attributes.numbers(side, name)[values[0]] if values else NAN

    # ------------------------------------------------------------------ crosses

    def _affinity(self, feature: Feature, user: int, item: int) -> float:
        wanted = set(self._kept_values("items", feature.attribute or "", item))
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
            lambda: Counter(
                segment
                for met in self._rows(ITEM, item).user.tolist()
                if (segment := self._segment(name, met)) is not None
            ),
        )
        if feature.measure == "share":
            return _over(here[segment], here.total())
        return _over(here[segment] * total, here.total() * everywhere[segment])

    def _taste(self, feature: Feature, user: int, item: int) -> float:
        by, name = feature.by or "", feature.attribute or ""
        segment = self._segment(by, user)
        values = self._kept_values("items", name, item)
        if segment is None:
            return NAN
        by_segment, total = self._audiences(by)
        tastes = self._once(("tastes", by, name), lambda: self._tastes(by, name))
        mine = sum(tastes[segment][value] for value in values)
        if feature.measure == "share":
            return _over(mine, by_segment[segment] * len(values))
        everyone = sum(taste[value] for taste in tastes.values() for value in values)
        return _over(mine * total, everyone * by_segment[segment])

    def _of_pair(self, feature: Feature, user: int, item: int) -> float:
        if feature.measure == "gap to items":
            fixed, mean = self._mean_met(feature.attribute or "", "items", USER, user)
            return fixed.get(item, NAN) / 65536 - mean
        if feature.measure == "gap to users":
            fixed, mean = self._mean_met(feature.attribute or "", "users", ITEM, item)
            return fixed.get(user, NAN) / 65536 - mean
        mine = self._within(self._rows(USER, user), feature)
        ages = mine.age[mine.item == item]
        if feature.measure == "count":
            return len(ages)
        return int(ages.min()) if len(ages) else NAN

    def _mean_met(self, name: str, side: str, of: str, code: int) -> tuple[dict[int, int], float]:
        """Numbers of one side in fixed point, and their mean over the rows of the other."""

        def fix() -> dict[int, int]:
            numbers = self._attributes.known(side, name)
            return {c: round(float(np.float32(x)) * 65536) for c, x in numbers.items()}

        def average() -> float:
            rows = self._rows(of, code)
            others = rows.item if side == "items" else rows.user
            met = [fixed[other] for other in others.tolist() if other in fixed]
            return _over(sum(met), len(met) * 65536)

        fixed = self._once(("fixed", side, name), fix)
        return fixed, self._once(("mean", side, name, code), average)

    # ------------------------------------------------------------------ rows and attributes

    def _rows(self, side: str, code: int) -> Rows:
        return self._once(
            (side, code), lambda: self.log.where(self._rows_of[side].get(code, np.empty(0, int)))
        )

    def _within(self, rows: Rows, feature: Feature) -> Rows:
        if feature.window_days is not None:
            rows = rows.where(rows.age <= feature.window_days)
        return rows.where(rows.positive) if feature.events == "positive" else rows

    def _kept_values(self, side: str, name: str, code: int) -> list[Any]:
        """The values of an entity, those past the limit left out."""
        kept = self._once(("kept", side, name), lambda: self._most_met(side, name))
        return [
            value for value in self._attributes.values(side, name).get(code, []) if value in kept
        ]

    def _values_of(self, name: str, item: int) -> list[Any]:
        return self._once(("item", name, item), lambda: self._kept_values("items", name, item))

    def _most_met(self, side: str, name: str) -> set[Any]:
        numbers, most = self._attributes.numbers(side, name), self.catalog.max_attribute_values
        if len(numbers) <= most:
            return set(numbers)
        met: Counter[Any] = Counter()
        for code, rows in self._rows_of[side.removesuffix("s")].items():
            for value in self._attributes.values(side, name).get(code, []):
                met[value] += len(rows)
        return set(sorted(numbers, key=lambda v: (-met[v], numbers[v]))[:most])

    def _segment(self, name: str, user: int) -> Any:
        return self._once(
            ("segment", name, user),
            lambda: next(iter(self._kept_values("users", name, user)), None),
        )

    def _audiences(self, name: str) -> tuple[Counter[Any], int]:
        """Events by segment of the user, and their sum."""

        def count() -> tuple[Counter[Any], int]:
            found: Counter[Any] = Counter()
            for user, events in self._counts_by_user.items():
                segment = self._segment(name, user)
                if segment is not None:
                    found[segment] += events
            return found, found.total()

        return self._once(("audiences", name), count)

    @cached_property
    def _counts_by_user(self) -> dict[int, int]:
        return {user: len(rows) for user, rows in self._rows_of[USER].items()}

    def _tastes(self, by: str, name: str) -> dict[Any, Counter[Any]]:
        """Events by segment of the user and value of the item."""
        found: dict[Any, Counter[Any]] = defaultdict(Counter)
        segments = {user: self._segment(by, user) for user in self._counts_by_user}
        rows = pd.DataFrame({"segment": self.log.user, ITEM: self.log.item})
        rows["segment"] = rows["segment"].map(segments)
        sizes: dict[Any, int] = rows.groupby(["segment", ITEM]).size().to_dict()
        for (segment, item), events in sizes.items():
            for value in self._values_of(name, item):
                found[segment][value] += events
        return found


def _over(top: int, bottom: int) -> float:
    """Divide two whole numbers; NaN where there is nothing to divide by."""
    return top / bottom if bottom else NAN
