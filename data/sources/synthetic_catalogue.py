"""The items of the embedded streaming service: genres, cast, sequels, releases, titles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

GENRES = (
    "drama", "comedy", "thriller", "action", "romance", "crime", "fantasy", "science fiction",
    "adventure", "documentary", "history", "horror", "family", "animation", "sport", "music",
)  # fmt: skip
KIDS_GENRES = (GENRES.index("family"), GENRES.index("animation"))
CONTENT_TYPES = ("film", "series", "show")
MOODS = 24
"""Directions of taste that no attribute tells: only co-watching shows them."""

_GENRE_SHARE = np.array([9, 8, 6, 6, 6, 5, 3, 3, 4, 3, 2, 3, 4, 4, 2, 2], dtype=np.float64)
_COUNTRIES = (
    "Russia", "USA", "France", "United Kingdom", "Germany", "South Korea", "Spain", "Italy",
    "Turkey", "Japan", "India", "Canada", "Sweden", "Denmark", "China", "Poland",
)  # fmt: skip
_ADJECTIVES = (
    "Silent", "Crimson", "Distant", "Golden", "Hidden", "Broken", "Last", "Hollow", "Northern",
    "Velvet", "Restless", "Burning", "Forgotten", "Quiet", "Electric", "Pale", "Borrowed",
    "Frozen", "Second", "Wild", "Secret", "Paper", "Midnight", "Endless", "Lonely", "Bright",
    "Iron", "Summer", "Winter", "Invisible", "Honest", "Sunken", "Blue", "Crooked", "Perfect",
    "Gentle", "Savage", "Empty", "Sleeping", "Stolen",
)  # fmt: skip
_NOUNS = (
    "Harbour", "Orchard", "Signal", "Empire", "River", "Garden", "Detective", "Promise", "Tower",
    "Voyage", "Letter", "Witness", "Storm", "Island", "Kingdom", "Mirror", "Station", "Neighbour",
    "Symphony", "Desert", "Crown", "Circus", "Archive", "Stranger", "Forest", "Bridge", "Heir",
    "Summer", "Lighthouse", "Covenant", "Mountain", "Heart", "Machine", "Carnival", "Wedding",
    "Horizon", "Shadow", "Frontier", "Daughter", "Expedition", "Violin", "Clock", "Palace",
    "Recipe", "Tide", "Border", "Comet", "Fox", "Academy", "Confession",
)  # fmt: skip
_FIRST_NAMES = (
    "Anna", "Ivan", "Maria", "Pavel", "Elena", "Oleg", "Sofia", "Marc", "Julia", "David", "Nina",
    "Victor", "Clara", "Leon", "Irina", "Hugo", "Vera", "Tomas", "Alice", "Roman",
)  # fmt: skip
_LAST_NAMES = (
    "Orlik", "Keller", "Moreau", "Sokol", "Bennett", "Lind", "Costa", "Novak", "Hayes", "Petrenko",
    "Marsh", "Tanaka", "Weiss", "Laurent", "Belko", "Quinn", "Rossi", "Holm", "Varga", "Stone",
)  # fmt: skip


@dataclass(frozen=True)
class Catalogue:
    """Everything true of the items; row ``i`` of every array is item ``i``.

    Attributes:
        content_type: ``(n,)`` index into :data:`CONTENT_TYPES`.
        genres: ``(n, len(GENRES))`` 0/1 float32.
        mood: ``(n, MOODS)`` float32, hidden taste directions.
        countries: ``n`` lists of names.
        actors: ``n`` lists of names.
        year: ``(n,)`` year of release.
        released: ``(n,)`` day (0 is the first of the log) from which it can be watched.
        appeal: ``(n,)`` log popularity (Zipf), mean weight 1.
        length_s: ``(n,)`` seconds.
        sequel: ``(n,)`` item that follows, -1 for none.
        part: ``(n,)`` 1 for a first part or an item on its own, 2 for the first sequel …
        title: ``n`` names, all different.
        has_attributes: ``(n,)`` False where the service knows nothing but the title.
    """

    content_type: np.ndarray
    genres: np.ndarray
    mood: np.ndarray
    countries: list[list[str]]
    actors: list[list[str]]
    year: np.ndarray
    released: np.ndarray
    appeal: np.ndarray
    length_s: np.ndarray
    sequel: np.ndarray
    part: np.ndarray
    title: list[str]
    has_attributes: np.ndarray

    def __len__(self) -> int:
        return len(self.part)


def make_catalogue(rng: np.random.Generator, n: int, days: int, first_year: int) -> Catalogue:
    """Draw ``n`` items for a log of ``days`` days that begins in ``first_year``."""
    part, sequel, first = _franchises(rng, n)
    content_type = rng.choice(3, size=n, p=[0.6, 0.32, 0.08])[first]
    genres = _genres(rng, n)[first]
    mood = _moods(rng, n, first)
    released = _releases(rng, n, days, part)
    # A sequel is liked by fewer than its first part, but is never lost in the tail.
    appeal = -0.8 * np.log(1 + rng.permutation(n))
    appeal = np.where(part > 1, appeal[first] - 0.25 * (part - 1), appeal)
    appeal -= np.log(np.exp(appeal).mean())
    # New arrivals are mostly this year's; the rest of the shelf gets older with a long tail.
    age = np.where(released > 0, rng.integers(0, 2, n), 1 + rng.gamma(1.3, 7.0, n).astype(int))
    year = np.maximum(first_year - age, 1935)
    minutes = np.array([104.0, 48.0, 40.0])[content_type] * rng.lognormal(0, 0.16, n)
    casts = _names(rng, n)
    return Catalogue(
        content_type=content_type,
        genres=genres,
        mood=mood,
        countries=_countries(rng, n, first),
        actors=[casts[i] for i in first],
        year=_in_order(year, first),
        released=released,
        appeal=appeal.astype(np.float32),
        length_s=(minutes * 60).astype(np.int64),
        sequel=sequel,
        part=part,
        title=_titles(rng, first, part),
        has_attributes=rng.random(n) >= 0.02,
    )


def _franchises(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chains of 2 to 5 parts over about a third of the items: part, next item, first part."""
    part, sequel, first = np.ones(n, np.int64), np.full(n, -1), np.arange(n)
    order = rng.permutation(n)
    lengths = rng.choice([2, 3, 4, 5], size=n, p=[0.4, 0.3, 0.2, 0.1])
    start = 0
    for length in lengths:
        if start + length > 0.36 * n:
            break
        chain = order[start : start + length]
        part[chain], first[chain], sequel[chain[:-1]] = (
            np.arange(1, length + 1),
            chain[0],
            chain[1:],
        )
        start += length
    return part, sequel, first


def _genres(rng: np.random.Generator, n: int) -> np.ndarray:
    """One to three genres each; exponential races draw without replacement by share."""
    races = rng.exponential(size=(n, len(GENRES))) / _GENRE_SHARE
    count = rng.choice([1, 2, 3], size=n, p=[0.35, 0.45, 0.2])
    return (races.argsort(axis=1).argsort(axis=1) < count[:, None]).astype(np.float32)


def _moods(rng: np.random.Generator, n: int, first: np.ndarray) -> np.ndarray:
    """Each item leans to one or two of the hidden directions; sequels lean as their first part."""
    lean = rng.gamma(0.12, 1.0, size=(n, MOODS)) + 1e-3
    lean /= np.linalg.norm(lean, axis=1, keepdims=True)
    return lean[first].astype(np.float32)


def _releases(rng: np.random.Generator, n: int, days: int, part: np.ndarray) -> np.ndarray:
    """A quarter of the items arrive during the log, 2 % are announced and not out yet.

    What was there before has a negative day, up to two years back.
    """
    released = -rng.integers(1, 730, n)
    arrives = rng.random(n) < np.where(part > 1, 0.3, 0.16)
    released = np.where(arrives, rng.integers(0, days, n), released)
    return np.where(rng.random(n) < 0.02, days + rng.integers(1, 60, n), released)


def _in_order(year: np.ndarray, first: np.ndarray) -> np.ndarray:
    """No sequel older than its first part."""
    return np.maximum(year, year[first])


def _countries(rng: np.random.Generator, n: int, first: np.ndarray) -> list[list[str]]:
    share = 1 / np.arange(1, len(_COUNTRIES) + 1)
    main = rng.choice(len(_COUNTRIES), size=n, p=share / share.sum())
    other = rng.choice(len(_COUNTRIES), size=n, p=share / share.sum())
    joint = rng.random(n) < 0.2
    names = [
        [_COUNTRIES[a]] + ([_COUNTRIES[b]] if both and a != b else [])
        for a, b, both in zip(main.tolist(), other.tolist(), joint.tolist(), strict=True)
    ]
    return [names[i] for i in first]


def _names(rng: np.random.Generator, n: int) -> list[list[str]]:
    """Two or three actors an item; the famous ones play in many (Zipf)."""
    stars = [f"{a} {b}" for a in _FIRST_NAMES for b in _LAST_NAMES]
    stars = [stars[i] for i in rng.permutation(len(stars))]
    share = 1 / np.arange(5, len(stars) + 5)
    drawn = rng.choice(len(stars), size=(n, 3), p=share / share.sum())
    size = rng.integers(2, 4, n)
    return [
        list(dict.fromkeys(stars[star] for star in row[:keep]))
        for row, keep in zip(drawn.tolist(), size.tolist(), strict=True)
    ]


def _titles(rng: np.random.Generator, first: np.ndarray, part: np.ndarray) -> list[str]:
    """Names put together from word lists; sequels carry the number of the part."""
    plain = [f"The {a} {b}" for a in _ADJECTIVES for b in _NOUNS if a != b]
    plain += [f"{a} of the {b}" for a in _NOUNS for b in _NOUNS if a != b]
    order = rng.permutation(len(plain)).tolist()
    names = []
    for i in range(len(first)):
        again, at = divmod(i, len(plain))
        # More items than combinations: a subtitle tells them apart.
        names.append(plain[order[at]] + (f": Story {again + 1}" if again else ""))
    return [
        names[i] + (f" {number}" if number > 1 else "")
        for i, number in zip(first.tolist(), part.tolist(), strict=True)
    ]
