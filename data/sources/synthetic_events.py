"""What the viewers watch, day by day: the only place where time passes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from data.sources.synthetic_audience import Audience
from data.sources.synthetic_catalogue import KIDS_GENRES, Catalogue

_WEEKDAY = np.array([0.86, 0.84, 0.88, 0.92, 1.12, 1.24, 1.14])  # Monday first
_MOST_A_DAY = 10
_HOUR_SHARE = np.array([2, 1, 1, 0, 0, 0, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 5, 7, 9, 11, 11, 8, 4.0])

# Log odds of picking an item, all of them.
_GENRE_WEIGHT = 1.1
_MOOD_WEIGHT = 1.0
_RECENT_STEP, _RECENT_MOST = np.float32(0.33), np.float32(2.5)
"""How much stronger one liked item, and any number of them, makes its genres pull."""
_RECENT_HALF_LIFE_DAYS = 4.0
_UNSEEN_FIRST_PART = -2.2
"""Few start a story at its second part."""
_NEXT_PART = 5.2
"""Those who liked a part come back for the next one."""
_SEEN = -6.0
"""Nobody watches the same again, or hardly anybody."""
_NOT_OUT = -60.0
_NEW_PEAK = 1.9
_NEW_HALF_LIFE_DAYS = 9.0


@dataclass(frozen=True)
class Events:
    """Columns of the log, sorted by time.

    Attributes:
        user: ``(n,)`` row of the audience.
        item: ``(n,)`` row of the catalogue.
        second: ``(n,)`` seconds since the first midnight.
        value: ``(n,)`` float32, watched share 0..1, hundredths.
        duration_s: ``(n,)`` float32, seconds watched.
    """

    user: np.ndarray
    item: np.ndarray
    second: np.ndarray
    value: np.ndarray
    duration_s: np.ndarray


def watch(
    rng: np.random.Generator, audience: Audience, catalogue: Catalogue, start: date, days: int
) -> Events:
    """Let every user watch for ``days`` days.

    A user picks one item at a time with probability proportional to ``exp`` of taste + popularity
    of the day + recent interest + what the story asks for. Taste and story live in one table
    ``(users, items)`` float32, so memory is ``4 * users * items`` bytes.
    """
    kinds = (catalogue.genres / catalogue.genres.sum(axis=1, keepdims=True)).T
    match = (
        _GENRE_WEIGHT * audience.genre_taste @ kinds
        + _MOOD_WEIGHT * audience.mood_taste @ catalogue.mood.T
    )
    match -= match.mean(axis=1, keepdims=True)
    pull = match + np.where(catalogue.part > 1, _UNSEEN_FIRST_PART, 0).astype(np.float32)
    spread = match.std()
    # What changes by the day, as one product: recent interest by genre, children, everybody.
    state = np.zeros((len(audience), len(kinds) + 2), np.float32)
    state[:, -2], state[:, -1] = audience.has_kids, 1
    recent = state[:, :-2]
    cooling = np.float32(0.5 ** (1 / _RECENT_HALF_LIFE_DAYS))
    trend = rng.normal(0, 0.35, len(catalogue))
    found: list[Events] = []
    for day in range(days):
        weekday = (start.weekday() + day) % 7
        trend = 0.9 * trend + rng.normal(0, 0.15, len(catalogue))
        today = catalogue.appeal + trend + _freshness(catalogue, day)
        today += np.where(catalogue.content_type == 1, 0.2 if weekday < 4 else -0.2, 0)
        effects = np.vstack([kinds, _kids_today(catalogue, weekday), today]).astype(np.float32)
        mean = audience.per_day * (audience.first_day <= day) * _WEEKDAY[weekday]
        wanted = np.minimum(_evening(rng, mean), _MOST_A_DAY)
        clock = _first_hour(rng, len(audience))
        for step in range(int(wanted.max(initial=0))):
            users = np.flatnonzero(wanted > step)
            logits = state[users] @ effects
            logits += pull[users]
            items = _pick(rng, logits)
            value = _watched_share(rng, match[users, items] / spread)
            length = catalogue.length_s[items]
            second = clock[users] + rng.integers(0, 600, len(users))
            clock[users] = second + (value * length).astype(np.int64)
            found.append(
                Events(users, items, day * 86_400 + second, value, np.round(value * length))
            )
            _remember(pull, recent, catalogue, users, items, value)
        recent *= cooling
    return _in_time_order(found, days)


def _freshness(catalogue: Catalogue, day: int) -> np.ndarray:
    """Release: impossible before, a peak on the day, half of it every few days after."""
    age = day - catalogue.released
    peak = _NEW_PEAK * 0.5 ** (np.maximum(age, 0) / _NEW_HALF_LIFE_DAYS)
    return np.where(age < 0, _NOT_OUT, peak)


def _kids_today(catalogue: Catalogue, weekday: int) -> np.ndarray:
    """Families watch kids' content at weekends, and less of it on working days."""
    is_kids = catalogue.genres[:, KIDS_GENRES].max(axis=1)
    return is_kids * (0.9 if weekday >= 5 else -0.3)


def _evening(rng: np.random.Generator, mean: np.ndarray) -> np.ndarray:
    """Events of the day: most days none, sometimes a row of them (negative binomial, r = 0.5)."""
    return rng.poisson(mean * rng.gamma(0.5, 2.0, len(mean)))


def _first_hour(rng: np.random.Generator, n: int) -> np.ndarray:
    """Second of the day at which each user's first item starts."""
    hour = rng.choice(24, size=n, p=_HOUR_SHARE / _HOUR_SHARE.sum())
    return hour * 3600 + rng.integers(0, 3600, n)


def _pick(rng: np.random.Generator, logits: np.ndarray) -> np.ndarray:
    """Draw one column a row with probability proportional to ``exp``; logits are overwritten.

    They stay far below 88 (see the constants), where float32 would need a shift by the largest.
    """
    cumulative = np.cumsum(np.exp(logits, out=logits), axis=1, out=logits)
    target = rng.random(len(logits), dtype=np.float32) * cumulative[:, -1]
    return (cumulative > target[:, None]).argmax(axis=1)


def _watched_share(rng: np.random.Generator, match: np.ndarray) -> np.ndarray:
    """A beta whose mean grows with the match (in standard deviations); hundredths."""
    mean = 1 / (1 + np.exp(0.1 - 0.55 * match))
    return np.round(rng.beta(2.2 * mean, 2.2 * (1 - mean)), 2).astype(np.float32)


def _remember(
    pull: np.ndarray,
    recent: np.ndarray,
    catalogue: Catalogue,
    users: np.ndarray,
    items: np.ndarray,
    value: np.ndarray,
) -> None:
    """What was just watched is not watched again; what was liked calls for more of its kind."""
    pull[users, items] += _SEEN
    liked = value >= 0.5
    fans, loved = users[liked], items[liked]
    # A step has at most one event a user, so no row is added to twice.
    recent[fans] = np.minimum(recent[fans] + _RECENT_STEP * catalogue.genres[loved], _RECENT_MOST)
    follows = catalogue.sequel[loved]
    pull[fans[follows >= 0], follows[follows >= 0]] += _NEXT_PART


def _in_time_order(found: list[Events], days: int) -> Events:
    """One log; what would start after the midnight that ends the last day is not in it."""
    user, item, second, value, duration = (
        np.concatenate([getattr(events, name) for events in found])
        for name in ("user", "item", "second", "value", "duration_s")
    )
    order = np.lexsort((item, user, second))
    order = order[second[order] < days * 86_400]
    return Events(
        user[order], item[order], second[order], value[order], duration[order].astype(np.float32)
    )
