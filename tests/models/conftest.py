"""Tiny logs written by hand, and a small one with something to learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from models.interactions import EPOCH_DAY_US, Histories, Interactions

Log = Callable[..., Interactions]
Lists = Callable[..., Histories]


@pytest.fixture(scope="session")
def log() -> Log:
    """Make a log of ``(user, item, day)`` or ``(user, item, day, value)``; 0.5 is half a day."""

    def make(rows: Sequence[tuple], n_users: int, n_items: int) -> Interactions:
        full = [row if len(row) == 4 else (*row, 1.0) for row in rows]
        user, item, day, value = zip(*full, strict=True) if full else ((), (), (), ())
        return Interactions(
            np.array(user, np.int32),
            np.array(item, np.int32),
            (np.array(day, np.float64) * EPOCH_DAY_US).astype(np.int64),
            np.array(value, np.float32),
            n_users,
            n_items,
        )

    return make


@pytest.fixture(scope="session")
def lists() -> Lists:
    """Make the histories of users 0, 1, … from their items, oldest first."""

    def make(items: Sequence[Sequence[int]], n_items: int) -> Histories:
        indptr = np.cumsum([0] + [len(row) for row in items])
        flat = np.array([item for row in items for item in row], np.int32)
        users = np.arange(len(items), dtype=np.int32)
        return Histories(users, indptr, flat, np.arange(len(flat), dtype=np.int64), n_items)

    return make


@pytest.fixture(scope="session")
def tastes() -> Interactions:
    """60 users of two tastes: those of one like items 0..19, of the other 20..39; 40, 41 unmet."""
    rng = np.random.default_rng(5)
    n = 900
    user = rng.integers(0, 60, n).astype(np.int32)
    item = (rng.integers(0, 20, n) + 20 * (user % 2)).astype(np.int32)
    ts = np.sort(rng.integers(0, 30 * EPOCH_DAY_US, n))
    return Interactions(user, item, ts, np.ones(n, np.float32), 62, 42)
