"""A data set of a few rows whose users and items come as snapshots, each known from a day on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from hand_made import LOG

from config import load_settings
from tasks.ingest import ingest_source
from tasks.run import Run

CONFIG = """
name: snapshots
source:
  kind: tabular
  interactions: {{path: {0}/log.csv, user_id: who, item_id: what, ts: at, value: share}}
  users: {{path: {0}/users-*.csv, id: id, categorical: [plan], valid_from: since}}
  items: {{path: {0}/items.csv, id: id, categorical: [colour], valid_from: since}}
windows: {{test_days: 1, ranker_days: 1, ranker_windows: 1, horizon_days: 1, every_days: 1}}
"""
FIFTH = date(2026, 1, 5)


def snapshots(folder: Path, as_of: date = FIFTH, more: str = "") -> Run:
    """Take the rows in: on the fifth ``a`` and ``x`` change, and ``e`` and ``w`` are new."""
    (folder / "log.csv").write_text(LOG)
    snapshot(folder, "2026-01-01", "a,free", "b,free")
    snapshot(folder, "2026-01-04", "a,paid", "b,free", "c,free")
    snapshot(folder, "2026-01-05", "a,none", "b,free", "c,paid", "e,paid")
    items = "id,colour,since\nx,red,2026-01-01\nx,blue,2026-01-05\nw,red,2026-01-05\n"
    (folder / "items.csv").write_text(items)
    (folder / "snapshots.yaml").write_text(CONFIG.format(folder) + more)
    return ingested(folder, as_of)


def snapshot(folder: Path, day: str, *rows: str) -> None:
    """Write what is known of users from a day on; a row is ``id,plan``."""
    lines = ["id,plan,since", *(f"{row},{day}" for row in rows)]
    (folder / f"users-{day}.csv").write_text("\n".join(lines) + "\n")


def ingested(folder: Path, as_of: date = FIFTH) -> Run:
    """Take in what is in the folder now."""
    settings = load_settings(str(folder / "snapshots.yaml"))
    ingest_source.fn(settings, str(folder / "home"), datetime(2026, 2, 1, tzinfo=UTC))
    return Run(settings, as_of, str(folder / "home"))
