"""A day beside the days before it: series of the main figures, and what is out of the ordinary.

A figure is *unusual* where it lies outside the band of the days before it: their mean plus or minus
three standard deviations (at least a hundredth of the mean), over at least :data:`MIN_DAYS` of the
last :data:`BAND_DAYS` days. Days whose test windows overlap vary less than independent ones would,
so the band is narrow rather than wide: it asks for a look, it does not stop a day.
"""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from evaluation.history import ALL

FINAL, CHAMPION = "final", "champion"
MAIN = ("MAP@10", "NDCG@10", "Recall@10", "HitRate@10")
"""Accuracy that is followed, for every system."""
BEYOND = ("coverage", "gini", "personalisation", "novelty_bits", "intra_list_diversity")
"""What else is followed, for the final list."""
BAND_DAYS = 28
MIN_DAYS = 5
SIGMAS = 3.0
MIN_REACH = 0.01
"""The band reaches at least this share of the mean to both sides."""


class Band(NamedTuple):
    """What a figure of the day is compared with.

    Attributes:
        low: mean of the days before minus three standard deviations.
        high: plus three.
        days: how many days those were.
    """

    low: float
    high: float
    days: int


def trend(figures: pa.Table, as_of: date) -> dict[str, Any]:
    """Make the part ``trend`` of the report.

    Args:
        figures: rows of :mod:`evaluation.history`; those after ``as_of`` are left out.
        as_of: the day of the report.

    Returns:
        ``main``, the figure the headline speaks of; ``days`` (ISO, ascending); ``series``: system →
        figure → one value a day, None where the day has none; ``intervals``: figure → ``low`` and
        ``high`` of the final list, likewise; and ``unusual``: ``figure``, ``value``, ``low``,
        ``high``, ``days`` of each figure of the final list outside its band.
    """
    figures = figures.filter(
        pc.and_(pc.equal(figures["segment"], ALL), pc.less_equal(figures["as_of"], as_of))
    )
    days = sorted(set(figures["as_of"].to_pylist()))
    at = {day: place for place, day in enumerate(days)}
    series: dict[str, dict[str, list[float | None]]] = {}
    intervals: dict[str, dict[str, list[float | None]]] = {}
    for row in figures.to_pylist():
        name = row["metric"] if row["metric"] in BEYOND else f"{row['metric']}@{row['k']}"
        if name not in MAIN and not (name in BEYOND and row["system"] == FINAL):
            continue
        empty: list[float | None] = [None] * len(days)
        of_system = series.setdefault(row["system"], {})
        of_system.setdefault(name, [*empty])[at[row["as_of"]]] = row["value"]
        if row["system"] == FINAL and row["low"] is not None:
            span = intervals.setdefault(name, {"low": [*empty], "high": [*empty]})
            for side in ("low", "high"):
                span[side][at[row["as_of"]]] = row[side]
    return {
        "main": MAIN[0],
        "days": [day.isoformat() for day in days],
        "series": series,
        "intervals": intervals,
        "unusual": _unusual(series.get(FINAL, {})) if as_of in at else [],
    }


def band(before: list[float | None]) -> Band | None:
    """Give the band of the days before; None with too few of them.

    >>> low, high, days = band([0.1, 0.2, None, 0.1, 0.2, 0.15])
    >>> round(low, 6), round(high, 6), days
    (0.0, 0.3, 5)
    >>> band([0.1, 0.2]) is None
    True
    """
    known = np.array([value for value in before[-BAND_DAYS:] if value is not None])
    if len(known) < MIN_DAYS:
        return None
    mean = float(known.mean())
    reach = max(SIGMAS * float(known.std(ddof=1)), MIN_REACH * abs(mean))
    return Band(mean - reach, mean + reach, len(known))


def _unusual(series: dict[str, list[float | None]]) -> list[dict[str, Any]]:
    """Give the figures whose newest value lies outside the band of those before."""
    found = []
    for name, (*before, value) in series.items():
        span = band(before)
        if span is not None and value is not None and not span.low <= value <= span.high:
            found.append({"figure": name, "value": value, **span._asdict()})
    return found
