"""A copy of a run's lake from which a day and all after it are removed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from data.files import place_part
from data.lake import Lake
from data.versions import KEYS, entities_as_of, history_file, versions_before
from features.cut import before, day_of
from features.state import BLOCKS, DAYS
from tasks.run import Run

TIMELESS = (("attributes.json",), ("ids",))
"""Kept as they are, and so are users and items without versions: who and what there is."""
LOG = ("interactions",)


def cut_run(run: Run, day: date, home: Path) -> Run:
    """Give the same run on a lake that ends before ``day``.

    Nothing is hidden, it is not there: whoever reads past the day, by whatever path, finds no
    file. Files are linked, so the copy costs no space on the same disk.

    Args:
        run: the run; its lake stays as it is.
        day: the first day that is removed.
        home: an empty folder for the copy.
    """
    cut = replace(run, home=str(home))
    for parts in TIMELESS:
        if run.lake.exists(*parts):
            place_part(run.lake, parts, cut.lake)
    for side in KEYS:
        _cut_entities(run.lake, side, day, cut.lake)
    for folder in (LOG, DAYS):
        for name in run.lake.names(*folder):
            if name.startswith("day=") and before(day_of(name), day):
                place_part(run.lake, (*folder, name), cut.lake)
    for name in run.lake.names(*BLOCKS):
        if name.startswith("before=") and day_of(name) <= day:
            place_part(run.lake, (*BLOCKS, name), cut.lake)
    return cut


def _cut_entities(lake: Lake, side: str, day: date, target: Lake) -> None:
    """Keep the versions of users or items known before a day, and of these the newest."""
    if lake.exists(history_file(side)):
        versions = versions_before(lake, side, lambda known: before(known, day))
        target.write_table(versions, history_file(side))
        target.write_table(entities_as_of(target, side, day), f"{side}.parquet")
    else:
        place_part(lake, (f"{side}.parquet",), target)
