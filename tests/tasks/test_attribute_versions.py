"""Snapshots of users and items: what a day of lists, its sources and the skew check see of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hand_made import LOG

from config import load_settings
from data.versions import attributes_digest
from models.candidates import Source
from models.registry import make_generator
from tasks.catalogue import external_ids
from tasks.day import Day, read_log
from tasks.features import features_as_of, update_features
from tasks.generators import _attributes
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


def snapshot(folder: Path, day: str, *rows: str) -> None:
    lines = ["id,plan,since", *(f"{row},{day}" for row in rows)]
    (folder / f"users-{day}.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "log.csv").write_text(LOG)
    snapshot(tmp_path, "2026-01-01", "a,free", "b,free")
    snapshot(tmp_path, "2026-01-04", "a,paid", "b,free", "c,free")
    snapshot(tmp_path, "2026-01-05", "a,none", "b,free", "c,paid", "e,paid")
    items = "id,colour,since\nx,red,2026-01-01\nx,blue,2026-01-05\nw,red,2026-01-05\n"
    (tmp_path / "items.csv").write_text(items)
    (tmp_path / "snapshots.yaml").write_text(CONFIG.format(tmp_path))
    return ingested(tmp_path)


def ingested(folder: Path) -> Run:
    settings = load_settings(str(folder / "snapshots.yaml"))
    ingest_source.fn(settings, str(folder / "home"), datetime(2026, 2, 1, tzinfo=UTC))
    return Run(settings, FIFTH, str(folder / "home"))


def test_a_day_sees_the_snapshots_before_it(run: Run) -> None:
    update_features.fn(run)
    model = make_generator("item_knn").fit(read_log(run.lake, FIFTH).positive(0.5))
    day = Day(run, FIFTH, [Source("knn", model, 2)], features_as_of(run, FIFTH))
    users, items = (external_ids(run.lake, what).to_pylist() for what in ("users", "items"))
    assert sorted(users[code] for code in day.all_users(run.lake)) == ["a", "b", "c"]  # no e
    assert sorted(items[code] for code in day.fill) == ["x", "y", "z"]  # no w
    of_users, of_items = _attributes(run, FIFTH)
    plans = zip(of_users["user"].to_pylist(), of_users["plan"].to_pylist(), strict=True)
    assert {users[code]: plan for code, plan in plans} == {"a": "paid", "b": "free", "c": "free"}
    assert of_items["colour"].to_pylist() == ["red"]


def test_a_new_snapshot_explains_no_skew_of_an_earlier_day(run: Run, tmp_path: Path) -> None:
    state = update_features.fn(run)

    def digests() -> list[str]:
        return [attributes_digest(run.lake, "users", day, 3) for day in (FIFTH, date(2026, 1, 6))]

    before = digests()
    assert before[0] != before[1]
    snapshot(tmp_path, "2026-01-06", "a,gold", "b,gold", "c,gold")
    ingested(tmp_path)
    assert digests() == before
    assert update_features.fn(run) != state  # but whatever is made from the tables is made again
    snapshot(tmp_path, "2026-01-04", "a,gold", "b,free", "c,free")
    ingested(tmp_path)
    assert digests()[0] != before[0]
