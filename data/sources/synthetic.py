"""The embedded default source: a streaming service made by code, the same for the same seed.

It has what the models look for: latent tastes with a genre structure and hidden directions, Zipf
popularity, new releases that peak and decay, a weekly season, sequels watched in order, effects of
age and sex, a watched share that depends on the match, cold users and cold items.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from data.contract import DURATION, ITEM_ID, TIMESTAMP, TITLE, TS, USER_ID, VALUE, DataError
from data.sources.base import Attributes, Entities, Log, MemoryPart, Source
from data.sources.synthetic_audience import AGE_GROUPS, INCOMES, SEXES, Audience, make_audience
from data.sources.synthetic_catalogue import CONTENT_TYPES, GENRES, Catalogue, make_catalogue
from data.sources.synthetic_events import Events, watch

USER_ATTRIBUTES = Attributes(categorical=("sex", "age_group", "income"), numeric=("age",))
ITEM_ATTRIBUTES = Attributes(
    categorical=("content_type",),
    numeric=("release_year",),
    multi=("genres", "countries", "actors"),
)


@dataclass(frozen=True)
class Tables:
    """The three raw tables, with external ids."""

    interactions: pa.Table
    users: pa.Table
    items: pa.Table


def generate(
    users: int, items: int, interactions: int, days: int, start: date, seed: int
) -> Tables:
    """Make the whole service; a pure function, the same bytes for the same arguments.

    Args:
        users: rows of the users table, about 5 % of them without any event.
        items: rows of the items table, about 2 % of them not out yet.
        interactions: events expected; the number made is within some percent of it.
        days: length of the log.
        start: first day.
        seed: of the only random generator.

    Raises:
        DataError: more interactions than users could make without seeing all there is.
    """
    most = 0.4 * items
    if interactions > 0.5 * users * most:
        raise DataError(
            f"synthetic source: {interactions} interactions are too many for {users} users and "
            f"{items} items (at most {int(0.5 * users * most)}): raise users or items"
        )
    rng = np.random.default_rng(seed)
    catalogue = make_catalogue(rng, items, days, start.year)
    audience = make_audience(rng, users, days, interactions, most)
    user_ids = 1_000_000 + np.sort(rng.choice(20 * users, size=users, replace=False))
    item_ids = 1_000 + np.sort(rng.choice(10 * items, size=items, replace=False))
    # One thread: the products are small, and their rounding must not depend on the machine's cores.
    with threadpool_limits(1, "blas"):
        events = watch(rng, audience, catalogue, start, days)
    return Tables(
        _interactions(events, user_ids, item_ids, start),
        _users(audience, user_ids),
        _items(catalogue, item_ids),
    )


class SyntheticSource(Source):
    """The embedded streaming service as a source.

    Args:
        users: see :func:`generate`, as all others.
        items: rows of the items table.
        interactions: events expected.
        days: length of the log.
        start: first day, a date or ``YYYY-MM-DD``.
        seed: same seed, same bytes.

    Raises:
        DataError: ``start`` is no date.
    """

    kind = "synthetic"

    def __init__(
        self,
        users: int = 6000,
        items: int = 1500,
        interactions: int = 250_000,
        days: int = 120,
        start: date | str = "2026-01-01",
        seed: int = 7,
    ) -> None:
        self._size = {"users": users, "items": items, "interactions": interactions, "days": days}
        self._start = _as_date(start)
        self._seed = seed

    def log(self) -> Log:
        """Give the interactions: watched share as value, seconds watched as duration."""
        part = self._part("interactions")
        return Log(
            (part,), user_id=USER_ID, item_id=ITEM_ID, ts=TS, value=VALUE, duration_s=DURATION
        )

    def users(self) -> Entities:
        """Give the viewers with sex, age and income; some have none of them."""
        return Entities((self._part("users"),), id=USER_ID, attributes=USER_ATTRIBUTES)

    def items(self) -> Entities:
        """Give the catalogue with type, year, genres, countries and actors; some lack them."""
        return Entities((self._part("items"),), id=ITEM_ID, attributes=ITEM_ATTRIBUTES, title=TITLE)

    def _part(self, name: str) -> MemoryPart:
        params = {**self._size, "start": self._start.isoformat(), "seed": self._seed}
        return MemoryPart(f"synthetic {name}", params, lambda: getattr(self._tables, name))

    @cached_property
    def _tables(self) -> Tables:
        return generate(**self._size, start=self._start, seed=self._seed)


def _as_date(start: date | str) -> date:
    try:
        return start if isinstance(start, date) else date.fromisoformat(start)
    except ValueError as error:
        raise DataError(
            f"synthetic source: start is {start!r}, expected a day like '2026-01-01'"
        ) from error


def _interactions(
    events: Events, user_ids: np.ndarray, item_ids: np.ndarray, start: date
) -> pa.Table:
    midnight = int(datetime(start.year, start.month, start.day, tzinfo=UTC).timestamp())
    return pa.table(
        {
            USER_ID: user_ids[events.user],
            ITEM_ID: item_ids[events.item],
            TS: pa.array((midnight + events.second) * 1_000_000).cast(TIMESTAMP),
            VALUE: events.value,
            DURATION: events.duration_s,
        }
    )


def _users(audience: Audience, ids: np.ndarray) -> pa.Table:
    unknown = ~audience.has_attributes
    return pa.table(
        {
            USER_ID: ids,
            "sex": _categories(SEXES, audience.sex, unknown),
            "age_group": _categories(AGE_GROUPS, audience.age_group, unknown),
            "income": _categories(INCOMES, audience.income, unknown),
            "age": pa.array(audience.age.astype(np.float32), mask=unknown),
        }
    )


def _items(catalogue: Catalogue, ids: np.ndarray) -> pa.Table:
    unknown = ~catalogue.has_attributes
    genres = [[GENRES[g] for g in np.flatnonzero(row)] for row in catalogue.genres]
    return pa.table(
        {
            ITEM_ID: ids,
            TITLE: catalogue.title,
            "content_type": _categories(CONTENT_TYPES, catalogue.content_type, unknown),
            "release_year": pa.array(catalogue.year.astype(np.float32), mask=unknown),
            "genres": _lists(genres, unknown),
            "countries": _lists(catalogue.countries, unknown),
            "actors": _lists(catalogue.actors, unknown),
        }
    )


def _categories(names: tuple[str, ...], codes: np.ndarray, unknown: np.ndarray) -> pa.Array:
    return pa.array(np.array(names, dtype=object)[codes], pa.string(), mask=unknown)


def _lists(values: list[list[str]], unknown: np.ndarray) -> pa.Array:
    known = [None if gone else row for row, gone in zip(values, unknown.tolist(), strict=True)]
    return pa.array(known, pa.list_(pa.string()))
