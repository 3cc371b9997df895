"""A lake from which a day and all after it are removed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hand_made import hand_made
from snapshots import FIFTH, snapshots

import tasks.cut
from data.lake import Lake
from data.versions import entities_as_of
from features.audit import features_of
from tasks.cut import cut_run
from tasks.features import features_as_of, update_features
from tasks.generators import fit_generator, fitted_names
from tasks.leaks import cut_findings
from tasks.ranker import load_rows, make_rows
from tasks.run import Run

D = date(2026, 1, 4)
SOURCES = "generators: [{kind: popularity, candidates: 4}, {kind: item_knn, candidates: 4}]\n"


def files(run: Run) -> set[str]:
    found = run.lake.fs.find(run.lake.root)
    return {path.removeprefix(run.lake.root) for path in found if "/index.json" not in path}


def the_features(run: Run) -> np.ndarray:
    rows = np.array([[user, item] for user in range(3) for item in range(3)], np.int32)
    return features_of(features_as_of(run, D), rows)


def test_nothing_of_the_day_or_after_is_left(tmp_path: Path) -> None:
    run = hand_made(tmp_path, date(2026, 1, 7))
    update_features.fn(run)
    before = files(run)
    cut = cut_run(run, D, tmp_path / "cut")
    assert cut.lake.days() == [day for day in run.lake.days() if day < D]
    assert cut.lake.days()
    later = [str(day) for day in run.lake.days() if day >= D]
    assert later
    assert not [path for path in files(cut) for day in later if f"day={day}" in path]
    assert files(run) == before


def test_features_of_the_day_are_the_same_without_what_came_after(tmp_path: Path) -> None:
    run = hand_made(tmp_path, date(2026, 1, 7))
    update_features.fn(run)
    cut = cut_run(run, D, tmp_path / "cut")
    np.testing.assert_array_equal(the_features(cut), the_features(run))


@pytest.mark.parametrize("whole", [False, True])
def test_the_check_is_red_where_later_attributes_are_left_in(
    whole: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = snapshots(tmp_path, date(2026, 1, 7), SOURCES)
    window = run.windows.ranker[-1]
    fits = [fit_generator.fn(run, window.cutoff, name) for name in fitted_names(run)]
    made = make_rows.fn(run, window, fits, update_features.fn(run))
    if whole:
        monkeypatch.setattr(tasks.cut, "_cut_entities", newest_alone)
    found = cut_findings(run, window, *load_rows(run.lake.local(*made.parts)))
    assert {finding.verdict for finding in found} == {"red" if whole else "green"}


def newest_alone(lake: Lake, side: str, day: date, target: Lake) -> None:
    """Take the newest attributes over, as if each had been there for ever."""
    target.write_table(lake.read_table(f"{side}.parquet"), f"{side}.parquet")


def test_of_users_and_items_the_versions_before_are_left(tmp_path: Path) -> None:
    run = snapshots(tmp_path)
    cut = cut_run(run, FIFTH, tmp_path / "cut").lake
    for side in ("users", "items"):
        known = entities_as_of(run.lake, side, FIFTH)
        assert entities_as_of(cut, side, date.max).equals(known)
        assert cut.read_table(f"{side}.parquet").equals(known)


def test_a_remote_lake_is_copied(tmp_path: Path) -> None:
    local = hand_made(tmp_path, date(2026, 1, 7))
    update_features.fn(local)
    remote = replace(local, home="memory://zavtra-cut")
    try:
        remote.lake.fs.put(f"{local.lake.root}/", f"{remote.lake.root}/", recursive=True)
        cut = cut_run(remote, D, tmp_path / "cut")
        np.testing.assert_array_equal(the_features(cut), the_features(local))
    finally:
        remote.lake.fs.rm("/zavtra-cut", recursive=True)
