"""Today's lists against those published before."""

from __future__ import annotations

from datetime import date
from typing import Any

from evaluation.stability import stability
from tasks.catalogue import titles
from tasks.page.published import published_days, published_lists
from tasks.run import Run


def lists_before(run: Run) -> list[date]:
    """Give the newest day before the run's that lists were published for; none where none were."""
    return [day for day in published_days(run.lake) if day < run.as_of][-1:]


def stability_part(run: Run) -> dict[str, Any]:
    """Compare the lists of the day with the newest published before it.

    Returns:
        :func:`evaluation.stability.stability` with titles, the day compared with as ``before`` and
        the days between as ``days_apart``; ``{"before": None}`` where nothing was published before.
    """
    lake, earlier = run.lake, lists_before(run)
    if not earlier:
        return {"before": None}
    today, before = (published_lists(lake, day) for day in (run.as_of, earlier[-1]))
    names = titles(lake)
    found = stability(today.lists, before.lists, len(names))
    for side in ("entered", "left"):
        found[side] = [row | {"title": names[row["item"]]} for row in found[side]]
    return {
        "before": earlier[-1].isoformat(),
        "days_apart": (run.as_of - earlier[-1]).days,
        "every": today.every,
        **found,
    }
