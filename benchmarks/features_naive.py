"""What a pandas script does each day: read the log before it and aggregate everything anew."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from data.contract import ITEM, TS, USER, VALUE
from data.lake import Lake

WINDOWS = (1, 3, 7, 14, 28)


@dataclass(frozen=True)
class NaiveDay:
    """What pandas took for the features of one day.

    Attributes:
        seconds: for the share of the users that was given.
        share: of the users, 0..1.
        features: columns made, fewer than the engine's.
        pairs_per_second: of the merges onto candidates.
    """

    seconds: float
    share: float
    features: int
    pairs_per_second: float

    @property
    def seconds_all(self) -> float:
        """Extrapolated to all users: rows and groups grow with them, so time grows linearly."""
        return self.seconds / self.share

    @property
    def line(self) -> str:
        """Say it in a sentence."""
        return (
            f"pandas: {self.features} features of one day for {self.share:.0%} of the users in "
            f"{self.seconds:.1f} s, that is {self.seconds_all:.0f} s for all (linear); merges of "
            f"{self.pairs_per_second / 1e6:.2f} M pairs/s"
        )

    def figures(self) -> dict[str, float]:
        """Give the figures for the JSON object."""
        return {
            "seconds": round(self.seconds, 3),
            "share_of_users": self.share,
            "seconds_extrapolated": round(self.seconds_all, 1),
            "features": self.features,
            "join_pairs_per_second": round(self.pairs_per_second),
        }


def naive_day(
    lake: Lake, day: date, share: float, candidates: int, n_users: int, seed: int = 0
) -> NaiveDay:
    """Compute a day's features the plain way for a share of the users, and merge them onto pairs.

    Args:
        lake: the lake with the log.
        day: the cut.
        share: of the users whose rows are read, 0..1.
        candidates: a user.
        n_users: number of user codes.
        seed: of the candidates.
    """
    columns = [USER, ITEM, TS, VALUE]
    users = np.arange(0, n_users, round(1 / share), dtype=np.int32)
    log = lake.interactions(day, columns=columns).to_pandas()
    log = log[log[USER].isin(users)]  # not timed: a script would read its share alone
    started = time.perf_counter()
    log["ago"] = (pd.Timestamp(day, tz="UTC") - log[TS].dt.normalize()).dt.days
    log["positive"] = log[VALUE] >= 0.5
    tables = {side: _of_entity(log, side) for side in (USER, ITEM)}
    items = lake.read_table("items.parquet").to_pandas()
    people = lake.read_table("users.parquet").to_pandas()
    affinities = {name: _affinity(log, items, name) for name in ("genres", "countries")}
    audiences = {name: _audience(log, people, name) for name in ("age", "sex")}
    seconds = time.perf_counter() - started
    random = np.random.default_rng(seed)
    chosen = random.choice(users, min(len(users), 10_000), replace=False)
    pairs = pd.DataFrame({USER: np.repeat(chosen, candidates)})
    pairs[ITEM] = (random.zipf(1.2, len(pairs)) % len(items)).astype(np.int32)
    merging = time.perf_counter()
    for side, table in tables.items():
        pairs = pairs.merge(table, on=side, how="left")
    made = len(pairs.columns) - 2
    for (name, table), (by, audience) in zip(affinities.items(), audiences.items(), strict=True):
        first = items[[ITEM, name]].assign(**{name: items[name].str[0]})
        pairs = pairs.merge(first, on=ITEM, how="left").merge(table, on=[USER, name], how="left")
        segment = people[[USER, by]].rename(columns={by: f"{by}_of_user"})
        audience = audience.rename(columns={by: f"{by}_of_user"})
        pairs = pairs.merge(segment, on=USER, how="left")
        pairs = pairs.merge(audience, on=[ITEM, f"{by}_of_user"], how="left")
        made += len(table.columns) - 2 + len(audience.columns) - 2
    return NaiveDay(seconds, share, made, len(pairs) / (time.perf_counter() - merging))


def _of_entity(log: pd.DataFrame, side: str) -> pd.DataFrame:
    """Counts, means and days by user or item over all windows."""
    parts = []
    for window in (*WINDOWS, None):
        rows = log if window is None else log[log["ago"] <= window]
        groups = rows.groupby(side)
        part = groups.agg(
            events=(VALUE, "size"),
            value=(VALUE, "mean"),
            positives=("positive", "sum"),
            days=("ago", "nunique"),
        )
        parts.append(part.add_suffix(f"_{side}_{window or 'all'}"))
    ages = log.groupby(side)["ago"].agg(first="max", last="min").add_suffix(f"_{side}")
    decayed = (0.5 ** ((log["ago"] - 1) / 7)).groupby(log[side]).sum().rename(f"decayed_{side}")
    return pd.concat([*parts, ages, decayed], axis=1).reset_index()


def _affinity(log: pd.DataFrame, items: pd.DataFrame, name: str) -> pd.DataFrame:
    """Share and mean value of the user's events by value of the item."""
    rows = log.merge(items[[ITEM, name]], on=ITEM).explode(name)
    found = rows.groupby([USER, name])[VALUE].agg(events="size", value="mean").reset_index()
    found["share"] = found["events"] / found.groupby(USER)["events"].transform("sum")
    return found.rename(columns={c: f"{c}_{name}" for c in ("events", "value", "share")})


def _audience(log: pd.DataFrame, people: pd.DataFrame, name: str) -> pd.DataFrame:
    """Share of the item's events by segment of the users."""
    rows = log.merge(people[[USER, name]].dropna(), on=USER)
    found = rows.groupby([ITEM, name]).size().rename(f"audience_{name}").reset_index()
    total = found.groupby(ITEM)[f"audience_{name}"].transform("sum")
    return found.assign(**{f"audience_{name}": found[f"audience_{name}"] / total})
