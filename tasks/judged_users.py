"""What is known of the users of the test window: their histories, and the parts they fall into."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from data.contract import USER
from data.lake import Lake
from data.versions import entities_as_of
from evaluation.relevance import UserItems
from evaluation.segments import segments_of
from models.candidates import Source
from models.similarity import Vectors
from tasks.day import read_log
from tasks.run import Run


class JudgedUsers(NamedTuple):
    """One row a (day, user) of the test window, as its lists have.

    Attributes:
        history: distinct positives before the row's day.
        segments: name → ``(n,)`` bool: warm and cold, quantiles of activity, attributes.
    """

    history: UserItems
    segments: dict[str, np.ndarray]


def judged_users(run: Run, user: np.ndarray, day: np.ndarray, days: Sequence[date]) -> JudgedUsers:
    """Look up the users of the test window, each as of its own day.

    Args:
        run: the run.
        user: ``(n,)`` int32 codes.
        day: ``(n,)`` index into ``days``, ascending.
        days: days of lists of the test window.
    """
    rows, items = [], []
    activity = np.zeros(len(user), np.int64)
    attributes: dict[str, list[str | None]] = {}
    for at, d in enumerate(days):
        here = np.flatnonzero(day == at)
        met = read_log(run.lake, d).positive(run.settings.positive_min).histories().take(user[here])
        activity[here] = met.lengths
        rows.append(np.repeat(here, met.lengths))
        items.append(met.item)
        for name, values in user_attributes(run.lake, d, user[here]).items():
            attributes.setdefault(name, []).extend(values)
    history = UserItems.from_pairs(np.concatenate(rows), np.concatenate(items), len(user))
    return JudgedUsers(history, segments_of(activity, attributes))


def user_attributes(lake: Lake, day: date, user: np.ndarray) -> dict[str, list[str | None]]:
    """Give the categorical attributes of users as they were known before a day.

    Args:
        lake: of the data set.
        day: the day of the users' lists.
        user: ``(n,)`` int32 codes; those the users table does not have are not known.

    Returns:
        Attribute → one value a user, None where it is not known.
    """
    names = lake.read_json("attributes.json")["users"]["categorical"]
    if not names:
        return {}
    table = entities_as_of(lake, "users", day)
    codes = table[USER].to_numpy()
    place = np.full(int(max(codes.max(initial=-1), user.max(initial=-1))) + 2, len(codes))
    place[codes] = np.arange(len(codes))
    found = place[user]
    return {
        name: [*np.array([*map(_text, table[name].to_pylist()), None], object)[found]]
        for name in names
    }


def vectors_of(sources: Sequence[Source], n_items: int) -> np.ndarray | None:
    """Give the item vectors of the first source that has some (ALS, a neural model).

    Returns:
        ``(n_items, d)`` float32, zeros for items it does not know; None: no source has vectors.
    """
    for source in sources:
        space = source.model.space()
        if isinstance(space, Vectors):
            vectors = np.zeros((n_items, space.unit.shape[1]), np.float32)
            vectors[: len(space.unit)] = space.unit
            return vectors
    return None


def _text(value: object) -> str | None:
    return None if value is None else str(value)
