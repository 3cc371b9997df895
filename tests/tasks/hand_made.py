"""A data set of a few rows, written by hand and taken in without Prefect."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from config import load_settings
from tasks.ingest import ingest_source
from tasks.run import Run

LOG = """who,what,at,share,known
a,x,2026-01-01 10:00,1.0,2026-01-01
a,y,2026-01-02 10:00,0.2,2026-01-02
b,x,2026-01-02 11:00,0.9,2026-01-04
b,z,2026-01-03 09:00,0.8,2026-01-03
a,z,2026-01-05 08:00,0.7,2026-01-05
d,y,2026-01-06 08:00,1.0,2026-01-06
"""
"""Users a, b and, on the last day, d; b's event of the second day arrived two days late."""

CONFIG = """
name: hand
source:
  kind: tabular
  interactions:
    {{path: {0}/log.csv, user_id: who, item_id: what, ts: at, value: share, known_at: known}}
  users: {{path: {0}/users.csv, id: id}}
  items: {{path: {0}/items.csv, id: id, categorical: [colour], multi: [tags], title: name}}
windows: {{test_days: 1, ranker_days: 1, ranker_windows: 1, horizon_days: 1, every_days: 1}}
"""


def hand_made(folder: Path, as_of: date, more: str = "") -> Run:
    """Take the rows in; ``c`` has no event, ``w`` was never met, ``y`` stands in no table."""
    (folder / "log.csv").write_text(LOG)
    (folder / "users.csv").write_text("id\nc\nb\n")
    (folder / "items.csv").write_text(
        "id,name,colour,tags\nw,Wind,red,big|old\nx,,blue,big|big\nz,Zoo,,\n"
    )
    (folder / "hand.yaml").write_text(CONFIG.format(folder) + more)
    settings = load_settings(str(folder / "hand.yaml"))
    ingest_source.fn(settings, str(folder / "home"), datetime(2026, 2, 1, tzinfo=UTC))
    return Run(settings, as_of, str(folder / "home"))
