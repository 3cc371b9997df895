"""What old days leave behind is deleted, what the day needs is not."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hand_made import hand_made

from tasks.run import Run
from tasks.tidy import delete_old

DAY = date(2026, 1, 6)
FOLDERS = [
    *(("generators", f"cutoff=2026-01-0{day}", "ease") for day in (1, 2, 3, 4, 6)),
    *(("runs", f"as_of=2026-01-0{day}", "rows") for day in (2, 4, 6)),
    *(("checkpoints", f"cutoff=2026-01-0{day}", "sasrec") for day in (2, 4)),
    ("runs", "as_of=2026-01-02", "test"),
    ("recommendations", "as_of=2026-01-02"),
]


def left(run: Run) -> set[str]:
    for folder in FOLDERS:
        run.lake.write_bytes(b"x", *folder, "file")
    delete_old.fn(run)
    return {"/".join(folder) for folder in FOLDERS if run.lake.exists(*folder, "file")}


@pytest.mark.usefixtures("outside_a_run")
def test_fits_and_rows_go_and_what_was_published_stays(tmp_path: Path) -> None:
    run = hand_made(tmp_path, DAY, "\nkeep_days: 1\n")
    assert run.windows.first_cutoff == date(2026, 1, 4)  # needed, though older than a day
    assert left(run) == {
        *("generators/cutoff=2026-01-04/ease", "generators/cutoff=2026-01-06/ease"),
        *("runs/as_of=2026-01-04/rows", "runs/as_of=2026-01-06/rows"),
        "checkpoints/cutoff=2026-01-04/sasrec",
        *("runs/as_of=2026-01-02/test", "recommendations/as_of=2026-01-02"),
    }
    assert delete_old.fn(run) == []


@pytest.mark.usefixtures("outside_a_run")
def test_nothing_goes_before_its_time_or_where_all_is_kept(tmp_path: Path) -> None:
    for number, keep in enumerate(("keep_days: 60", "keep_days: null")):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert len(left(hand_made(folder, DAY, f"\n{keep}\n"))) == len(FOLDERS)
