"""A few real users as the page shows them: what they had, what they get, and why."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data.contract import ITEM_ID, USER, USER_ID, DataError
from data.lake import Lake
from data.versions import entities_as_of
from tasks.catalogue import external_ids, titles
from tasks.day import Day, read_log
from tasks.explain import day_of, explain_user
from tasks.page.stability import lists_before
from tasks.run import Run

SAMPLE_USERS = 6
SHOWN_HISTORY = 8
REASONS = 2
"""Reasons told of an item, those that moved it most against the user's other candidates."""


def samples_part(run: Run) -> list[dict[str, Any]]:
    """Show a few users: one without history, where there is one, then from few events to many.

    Reasons are SHAP values of the ranker, made again from what the lake holds; where that cannot be
    done, ``note`` says why and the rest stands.
    """
    lake = run.lake
    log = read_log(lake, run.as_of).positive(run.settings.positive_min)
    codes = choose_users(np.bincount(log.user, minlength=log.n_users), _listed(run))
    user_ids, item_ids = (external_ids(lake, what) for what in ("users", "items"))
    names = dict(zip(item_ids.to_pylist(), titles(lake), strict=True))
    ids = user_ids.take(pa.array(codes)).to_pylist()
    today = _lists(lake, run.as_of, ids)
    before = {day: _lists(lake, day, ids) for day in lists_before(run)}
    day, samples = day_of(run), []
    for code, user_id in zip(codes, ids, strict=True):
        history = log.item[log.user == code][-SHOWN_HISTORY:]
        old = {row[ITEM_ID] for lists in before.values() for row in lists.get(user_id, [])}
        why, note = _reasons(run, str(user_id), day)
        samples.append(
            {
                "user": str(user_id),
                "segment": "warm" if len(history) else "cold",
                "history": [names[item] for item in item_ids.take(pa.array(history)).to_pylist()],
                "items": [
                    {
                        "title": names[row[ITEM_ID]],
                        "sources": row["sources"],
                        "score": row["score"],
                        "new": bool(old) and row[ITEM_ID] not in old,
                        "why": why.get(row[ITEM_ID], []),
                    }
                    for row in today.get(user_id, [])
                ],
                "note": note,
            }
        )
    return samples


def choose_users(positives: np.ndarray, listed: np.ndarray) -> np.ndarray:
    """Choose users to look at: a cold one, then warm ones evenly from few positives to many.

    Args:
        positives: ``(n_users,)`` of each user.
        listed: ``(n,)`` int32 codes of the users with a list, ascending.

    Returns:
        At most :data:`SAMPLE_USERS` codes.

    >>> choose_users(np.array([0, 5, 1, 9, 0]), np.array([0, 1, 2, 3])).tolist()
    [0, 2, 1, 3]
    """
    cold = listed[positives[listed] == 0][:1]
    warm = listed[positives[listed] > 0]
    warm = warm[np.argsort(positives[warm], kind="stable")]
    size = min(SAMPLE_USERS - len(cold), len(warm))
    places = np.linspace(0, len(warm) - 1, size).astype(int)
    return np.concatenate([cold, warm[places]])


def _listed(run: Run) -> np.ndarray:
    """Give the codes of the users of the users table and the log, who all have a list."""
    users = entities_as_of(run.lake, "users", run.as_of)[USER].to_numpy()
    return np.union1d(users, np.unique(read_log(run.lake, run.as_of).user)).astype(np.int32)


def _lists(lake: Lake, day: date, users: list[Any]) -> dict[Any, list[dict[str, Any]]]:
    """Read the published lists of some users, best first."""
    path = lake.path("recommendations", f"as_of={day}", "part.parquet")
    table = pq.read_table(path, filesystem=lake.fs, filters=[(USER_ID, "in", users)])
    lists: dict[Any, list[dict[str, Any]]] = {}
    for row in table.sort_by("rank").to_pylist():
        lists.setdefault(row[USER_ID], []).append(row)
    return lists


def _reasons(run: Run, user: str, day: Day) -> tuple[dict[Any, list[str]], str]:
    """Say in words what moved each item of a user's list; else why that cannot be said."""
    try:
        found = explain_user(run, user, day)
    except DataError as error:
        return {}, str(error)
    told = {}
    for item in found["items"]:
        moved = [*item.get("up", []), *item.get("down", [])]
        moved.sort(key=lambda reason: -abs(reason["effect"]))
        told[item["item"]] = [f"{r['effect']:+.2f} {r['about']}" for r in moved[:REASONS]]
    return told, found["note"]
