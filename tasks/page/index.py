"""The page over all days, at the root of the data set's lake; made anew with every day's page."""

from __future__ import annotations

from evaluation.page.index import render_index
from tasks.run import Run

INDEX = "index.html"
SUMMARY = "summary.json"
"""Beside each day's page: its line of the index."""
FROM_PAGE = f"../../../{INDEX}"
"""Where the index lies as a day's page sees it."""


def write_index(run: Run) -> None:
    """Write ``index.html`` over all days that have a page; unchanged, it stays as it is."""
    lake = run.lake
    places = [("runs", name, "report", SUMMARY) for name in lake.names("runs") if "as_of=" in name]
    days = [lake.read_json(*place) for place in places if lake.exists(*place)]
    page = render_index(run.settings.name, days).encode()
    if not lake.exists(INDEX) or lake.read_bytes(INDEX) != page:
        lake.write_bytes(page, INDEX)
