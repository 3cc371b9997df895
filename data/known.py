"""How many codes there were on a day: who or what came up later is no part of it.

A table without ``valid_from`` does not say since when a row stands in it. Codes are given in the
order in which ids come up, so it is enough to know how many there were: ``ids/known.json`` keeps
steps ``[day, n]`` for such a table: with the log up to that day, and no step before, ``n`` codes.
A day sees those of the last day of the log before it. What tomorrow adds to the tables therefore
leaves as it is what was made for today; with a day of the log that is written anew, all days after
it see what is there now.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import date, timedelta
from itertools import pairwise
from typing import TypeAlias

from data.ids import FOLDER
from data.lake import Lake

FILE = (FOLDER, "known.json")
Steps: TypeAlias = list[tuple[str, int]]
"""``(day, n)``, days in order."""


def codes_known(lake: Lake, side: str, day: date) -> int | None:
    """Give the number of codes of "users" or "items" known before ``day``; None: all there are."""
    days = lake.day_names()
    last = days[: bisect_left(days, f"day={day}")][-1:]
    return _count(_read(lake).get(side, []), last[0][4:] if last else "")


def note_known(lake: Lake, counts: dict[str, int], changed: date | None) -> None:
    """Keep how many codes there are, after an ingest.

    Args:
        lake: with the log as it is now.
        counts: table without versions → number of codes; what is kept of others is forgotten.
        changed: first day of the log that was written or removed; None: it is as it was.
    """
    days, steps = lake.days(), _read(lake)
    if counts and days:
        since = min(changed or days[-1], days[-1])
        noted = {
            side: _noted(steps.get(side, []), since, days[-1], n) for side, n in counts.items()
        }
        lake.write_json(noted, *FILE)
    else:
        lake.remove(*FILE)


def _read(lake: Lake) -> dict[str, Steps]:
    found: dict[str, Steps] = lake.read_json(*FILE) if lake.exists(*FILE) else {}
    return found


def _noted(steps: Steps, since: date, last: date, n: int) -> Steps:
    """Let ``n`` count from ``since`` on, and what counted so far before it."""
    kept = [(until, count) for until, count in steps if until < str(since)]
    eve = str(since - timedelta(days=1))
    before = _count(steps, eve)
    if before is not None:
        kept.append((eve, before))
    # Of neighbours that say the same the later one says it for both.
    return [a for a, b in pairwise([*kept, (str(last), n), ("", -1)]) if a[1] != b[1]]


def _count(steps: Steps, day: str) -> int | None:
    return next((n for until, n in steps if until >= day), None)
