"""Made-up logs in the shape of other people's files."""

from __future__ import annotations

import numpy as np
import pandas as pd

LAST_DAY = "2026-03-01"


def events(users: int, items: int, rows: int, days: int = 45, seed: int = 0) -> pd.DataFrame:
    """Make a log in which the even users meet mostly the even items, and the odd the odd.

    Returns:
        ``who`` and ``what`` (integers from 0) and ``at`` (naive times, oldest first, the last on
        :data:`LAST_DAY`); nobody meets an item twice.
    """
    rng = np.random.default_rng(seed)
    who = rng.integers(0, users, rows)
    what = np.minimum(rng.geometric(4 / items, rows) * 2 + who % 2, items - 1)
    stray = rng.random(rows) < 0.2
    what[stray] = rng.integers(0, items, stray.sum())
    seconds = np.sort(rng.integers(0, days * 86_400, rows))
    at = pd.Timestamp(LAST_DAY) + pd.Timedelta("1D") - pd.to_timedelta(seconds[::-1] + 1, unit="s")
    return pd.DataFrame({"who": who, "what": what, "at": at}).drop_duplicates(["who", "what"])
