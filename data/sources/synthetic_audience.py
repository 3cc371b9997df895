"""The viewers of the embedded streaming service: who they are, what they like, how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.sources.synthetic_catalogue import GENRES, KIDS_GENRES, MOODS

AGE_GROUPS = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")
SEXES = ("F", "M")
INCOMES = ("low", "middle", "high")

_AGE_FROM = np.array([18, 25, 35, 45, 55, 65])
_AGE_SHARE = np.array([0.14, 0.28, 0.24, 0.17, 0.11, 0.06])
# Log odds by which a group watches a genre more (+) or less (-) than the average viewer.
_BY_SEX = {
    "F": {"romance": 0.9, "drama": 0.4, "family": 0.4, "music": 0.4, "action": -0.5, "sport": -0.8},
    "M": {"action": 0.7, "science fiction": 0.6, "sport": 0.9, "history": 0.3, "romance": -0.8},
}
_BY_AGE = {
    "18-24": {"horror": 0.9, "animation": 0.6, "fantasy": 0.6, "history": -0.7, "drama": -0.3},
    "25-34": {"thriller": 0.5, "science fiction": 0.5, "comedy": 0.3, "family": 0.2},
    "35-44": {"family": 0.9, "animation": 0.7, "adventure": 0.4},
    "45-54": {"crime": 0.7, "drama": 0.4, "animation": -0.5, "horror": -0.4},
    "55-64": {"history": 0.9, "documentary": 0.7, "crime": 0.4, "horror": -0.9, "fantasy": -0.5},
    "65+": {"history": 1.0, "documentary": 0.9, "music": 0.5, "horror": -1.3, "action": -0.5},
}


@dataclass(frozen=True)
class Audience:
    """Everything true of the users; row ``u`` of every array is user ``u``.

    Attributes:
        sex: ``(n,)`` index into :data:`SEXES`.
        age: ``(n,)`` years.
        age_group: ``(n,)`` index into :data:`AGE_GROUPS`.
        income: ``(n,)`` index into :data:`INCOMES`.
        genre_taste: ``(n, len(GENRES))`` float32, log odds.
        mood_taste: ``(n, MOODS)`` float32, log odds.
        has_kids: ``(n,)`` bool; kids' content at weekends.
        per_day: ``(n,)`` mean events a day, heavy-tailed; 0 for those who never come.
        first_day: ``(n,)`` day from which the user watches.
        has_attributes: ``(n,)`` False where the service knows nothing of the user.
    """

    sex: np.ndarray
    age: np.ndarray
    age_group: np.ndarray
    income: np.ndarray
    genre_taste: np.ndarray
    mood_taste: np.ndarray
    has_kids: np.ndarray
    per_day: np.ndarray
    first_day: np.ndarray
    has_attributes: np.ndarray

    def __len__(self) -> int:
        return len(self.age)


def make_audience(
    rng: np.random.Generator, n: int, days: int, interactions: int, most: float
) -> Audience:
    """Draw ``n`` users who make about ``interactions`` events in ``days`` days.

    Args:
        rng: source of all randomness.
        n: users.
        days: length of the log.
        interactions: events expected in all.
        most: events that one user makes at most, on average.
    """
    sex = (rng.random(n) < 0.48).astype(np.int64)
    age_group = rng.choice(len(AGE_GROUPS), size=n, p=_AGE_SHARE)
    has_kids = rng.random(n) < np.array([0.05, 0.3, 0.5, 0.25, 0.15, 0.1])[age_group]
    taste = _table(_BY_SEX, SEXES)[sex] + _table(_BY_AGE, AGE_GROUPS)[age_group]
    taste[:, KIDS_GENRES] += 0.8 * has_kids[:, None]
    taste += rng.normal(0, 0.9, taste.shape)
    # Most viewers care for a few of the hidden directions and are cool to the rest.
    mood = rng.gamma(0.35, 1.0, size=(n, MOODS))
    mood *= 5.5 / np.linalg.norm(mood, axis=1, keepdims=True)

    first_day = _arrivals(rng, n, days)
    wish = rng.lognormal(0, 1.05, n)
    wish[rng.random(n) < 0.05] = 0  # in the users table, never seen
    return Audience(
        sex=sex,
        age=_AGE_FROM[age_group] + rng.integers(0, np.array([7, 10, 10, 10, 10, 20])[age_group]),
        age_group=age_group,
        income=rng.choice(len(INCOMES), size=n, p=[0.35, 0.45, 0.2]),
        genre_taste=taste.astype(np.float32),
        mood_taste=mood.astype(np.float32),
        has_kids=has_kids,
        per_day=_rates(wish, days - first_day, interactions, most),
        first_day=first_day,
        has_attributes=rng.random(n) >= 0.04,
    )


def _table(effects: dict[str, dict[str, float]], groups: tuple[str, ...]) -> np.ndarray:
    return np.array([[effects[group].get(genre, 0.0) for genre in GENRES] for group in groups])


def _arrivals(rng: np.random.Generator, n: int, days: int) -> np.ndarray:
    """Two thirds are there from the first day, the others join evenly up to the last."""
    return np.where(rng.random(n) < 0.66, 0, rng.integers(0, days, n))


def _rates(wish: np.ndarray, present: np.ndarray, interactions: int, most: float) -> np.ndarray:
    """Scale the wishes to the wanted total with nobody above ``most`` events.

    The cap moves events to the others, so the scale is found by a few fixed-point steps.
    """
    scale = 1.0
    for _ in range(30):
        expected = np.minimum(wish * present * scale, most)
        scale *= interactions / max(expected.sum(), 1e-9)
    return np.minimum(wish * scale, most / present)
