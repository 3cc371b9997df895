"""Who gets which item: the places of tomorrow's lists seen from the side of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from evaluation.beyond import Catalogue, item_frequency
from evaluation.relevance import as_lists

TOP = 15
"""Items shown one by one."""
AGES = ((7, "up to 7 days"), (28, "8 to 28 days"), (90, "29 to 90 days"), (None, "older"))
"""Age groups of items: last day included, name; then those never met."""
NEVER = "never met before"
SHARES = (0.01, 0.1, 0.5)
"""Parts of the catalogue, the most exposed items first, whose places are summed."""
CROWDED = 0.5
"""An item that more than this share of the users gets is worth a look."""
MIN_LISTS = 30
"""A group is named as typical of an item's receivers only where so many of them are of it."""


def exposure(
    lists: np.ndarray,
    catalogue: Catalogue,
    history: np.ndarray,
    groups: Mapping[str, np.ndarray],
) -> dict[str, Any]:
    """Compare the places items get tomorrow with what they had in the history.

    Args:
        lists: ``(n_users, k)`` item codes, best first, padded with -1.
        catalogue: what is known of the items; ``first_seen`` must be there.
        history: ``(n_items,)`` positives of each item before the day.
        groups: name → ``(n_users,)`` bool, parts of the users; they may overlap.

    Returns:
        ``users`` with a list, ``items`` of the catalogue, ``shown`` of them in any list; ``top``:
        items in most lists, with ``item``, ``lists``, the shares of users, places and history,
        ``age_days`` (None: never met) and the group that is most over-represented among those who
        get it (``group``, ``lift``; None where no group of :data:`MIN_LISTS` stands out); ``ages``:
        shares of places and of history by age; ``concentration``: shares of places and of history
        that the most exposed (most met) part of the catalogue holds. Shares are 0 where nothing is
        listed or nothing was met.
    """
    lists = as_lists(lists)
    has = (lists >= 0).any(axis=1)
    n_items, users = len(history), int(has.sum())
    counts = item_frequency(lists, n_items)
    places, events = _shares(counts), _shares(history)
    age = _age_days(catalogue)
    top = np.argsort(-counts, kind="stable")[:TOP]
    sizes = {name: int((mask & has).sum()) for name, mask in groups.items()}
    rows = []
    for item in top[counts[top] > 0]:
        receivers = (lists == item).any(axis=1)
        group, lift = _typical(receivers, groups, sizes, users)
        rows.append(
            {
                "item": int(item),
                "lists": int(counts[item]),
                "of_users": counts[item] / users,
                "of_places": float(places[item]),
                "of_history": float(events[item]),
                "age_days": None if age[item] < 0 else int(age[item]),
                "group": group,
                "lift": lift,
            }
        )
    return {
        "users": users,
        "items": n_items,
        "shown": int(np.count_nonzero(counts)),
        "top": rows,
        "ages": _by_age(age, places, events),
        "concentration": [
            {
                "catalogue": share,
                "places": _held_by(places, share),
                "history": _held_by(events, share),
            }
            for share in SHARES
        ],
    }


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts / max(int(counts.sum()), 1)


def _held_by(shares: np.ndarray, part: float) -> float:
    """Sum the largest shares of a part of the catalogue, at least one item."""
    size = max(round(part * len(shares)), 1)
    return float(np.sort(shares)[::-1][:size].sum())


def _age_days(catalogue: Catalogue) -> np.ndarray:
    """Days since an item was first met, ``(n_items,)`` int64; -1: never."""
    assert catalogue.first_seen is not None
    age = (np.datetime64(catalogue.as_of, "D") - catalogue.first_seen).astype(np.int64)
    return np.where(np.isnat(catalogue.first_seen), -1, age)


def _by_age(age: np.ndarray, places: np.ndarray, events: np.ndarray) -> list[dict[str, Any]]:
    rows, first = [], 0
    for last, name in AGES:
        inside = (age >= first) & (age <= (np.inf if last is None else last))
        rows.append((name, inside))
        first = 0 if last is None else last + 1
    return [
        {
            "age": name,
            "items": int(inside.sum()),
            "places": float(places[inside].sum()),
            "history": float(events[inside].sum()),
        }
        for name, inside in [*rows, (NEVER, age < 0)]
    ]


def _typical(
    receivers: np.ndarray, groups: Mapping[str, np.ndarray], sizes: Mapping[str, int], users: int
) -> tuple[str | None, float | None]:
    """Give the group that is more frequent among the receivers than among all, and how much."""
    found: tuple[str | None, float | None] = (None, None)
    best = 1.25
    for name, mask in groups.items():
        of_group = int((receivers & mask).sum())
        if of_group < MIN_LISTS:
            continue
        lift = of_group / int(receivers.sum()) / (sizes[name] / users)
        if lift > best:
            best, found = lift, (name, round(lift, 3))
    return found
