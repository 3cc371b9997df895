"""The one comparison that decides what is known on a day.

Rows carry two days: that of the event, and that on which it became known (the partition of the
log). A row is visible for day ``d`` when it was known before ``d``; its event is then before ``d``
too. Windows count by the event's day. Every reader of the state asks :func:`before`, so there is
one place to get wrong, and the tests plant ``<=`` there to see that the audit notices.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date, timedelta

EPOCH = date(1970, 1, 1)
BLOCK_DAYS = 28
"""Days of one block of the state; blocks end where the epoch day divides by it."""


def before(known: date, day: date) -> bool:
    """Whether something known on ``known`` may be used for ``day``."""
    return known < day


def names_before(names: Sequence[str], day: date) -> Sequence[str]:
    """Give the partitions (``day=YYYY-MM-DD``, in order) that may be used for ``day``.

    Only some of the names are read as dates: a new day must not cost a look at every old one.
    """
    return names[: bisect_left(names, True, key=lambda name: not before(day_of(name), day))]


def day_of(name: str) -> date:
    """The date in the name of a partition (``day=…``, ``before=…``)."""
    return date.fromisoformat(name.rpartition("=")[2])


def epoch_day(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def from_epoch_day(number: int) -> date:
    """Inverse of :func:`epoch_day`."""
    return EPOCH + timedelta(days=number)


def block_end(day: date) -> date:
    """The end (exclusive) of the block that ``day`` lies in."""
    return from_epoch_day((epoch_day(day) // BLOCK_DAYS + 1) * BLOCK_DAYS)
