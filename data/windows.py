"""How the days before ``as_of`` are cut into fitting, ranker and test windows.

::

    |------- generators fit -------|-- ranker window 1 --|-- ranker window 2 --|-- test --| as_of

A list made for day ``d`` is judged by the interactions in ``[d, d + horizon)``, and that horizon
never leaves the window of ``d``: labels of one window are never seen by the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Window:
    """Days ``[start, end)``. Generators used inside it are fitted on days before ``start``."""

    name: str
    start: date
    end: date
    days: tuple[date, ...]
    """The days ``d`` for which lists are made."""

    @property
    def cutoff(self) -> date:
        """First day that the generators of this window have not seen."""
        return self.start


@dataclass(frozen=True)
class Windows:
    """The cut of all days before ``as_of``, newest last.

    Attributes:
        as_of: the day recommended for; everything read lies before it.
        test_days: length of the test window, days.
        ranker_days: length of one ranker window, days.
        ranker_windows: number of ranker windows.
        horizon_days: a list for ``d`` is judged by ``[d, d + horizon_days)``.
        every_days: a list is made every so many days of a window.
    """

    as_of: date
    test_days: int
    ranker_days: int
    ranker_windows: int
    horizon_days: int
    every_days: int

    @property
    def test(self) -> Window:
        """The window that judges and that nothing is chosen on."""
        return self._window("test", self.as_of, self.test_days)

    @property
    def ranker(self) -> tuple[Window, ...]:
        """The windows the ranker learns from, oldest first; the newest stops it early."""
        ends = [
            self.test.start - timedelta(days=self.ranker_days * back)
            for back in range(self.ranker_windows)
        ]
        return tuple(
            self._window(f"ranker{number}", end, self.ranker_days)
            for number, end in enumerate(reversed(ends), start=1)
        )

    @property
    def first_cutoff(self) -> date:
        """Start of the oldest window: the generators' shortest history ends here."""
        return self.ranker[0].start

    def _window(self, name: str, end: date, length: int) -> Window:
        start = end - timedelta(days=length)
        made = (start + timedelta(days=step) for step in range(0, length, self.every_days))
        judged = takewhile(lambda d: d + timedelta(days=self.horizon_days) <= end, made)
        return Window(name, start, end, tuple(judged))


def midnight_us(day: date, timezone: str) -> int:
    """Give the moment ``day`` begins in a zone, microseconds since 1970 (UTC)."""
    return int(datetime.combine(day, time(), ZoneInfo(timezone)).timestamp()) * 1_000_000
