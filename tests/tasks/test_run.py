"""A step of a run: made once, made again when it must be, never half."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hand_made import hand_made

import tasks.run
from data.contract import DataError, NotEnoughHistoryError
from tasks.run import Run, default_home


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return hand_made(tmp_path, date(2026, 1, 5))


def write(text: str) -> object:
    def make(folder: Path) -> None:
        (folder / "text").write_text(text)

    return make


def test_a_step_is_made_once(run: Run) -> None:
    first = run.step("runs", "x", inputs={"day": run.as_of}, make=write("one"))
    again = run.step("runs", "x", inputs={"day": run.as_of}, make=write("two"))
    assert first.seconds is not None
    assert again.seconds is None
    assert again.digest == first.digest
    assert (run.lake.local(*again.parts) / "text").read_text() == "one"


def test_other_inputs_make_it_again(run: Run) -> None:
    first = run.step("runs", "x", inputs=1, make=write("one"))
    again = run.step("runs", "x", inputs=2, make=write("two"))
    assert again.seconds is not None
    assert again.digest != first.digest


def test_other_code_makes_it_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.step("runs", "x", inputs=1, make=write("one"))
    monkeypatch.setattr(tasks.run, "code_version", lambda *rooms: "other")
    assert run.step("runs", "x", inputs=1, make=write("two")).seconds is not None


def test_a_failing_step_leaves_the_old_one(run: Run) -> None:
    def fail(folder: Path) -> None:
        (folder / "text").write_text("half")
        raise ZeroDivisionError

    old = run.step("runs", "x", inputs=1, make=write("one"))
    with pytest.raises(ZeroDivisionError):
        run.step("runs", "x", inputs=2, make=fail)
    assert run.step("runs", "x", inputs=1, make=fail) == type(old)(old.parts, old.digest, None)


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        (date(2026, 1, 1), "not after the first day of the log"),
        (date(2026, 1, 2), "windows need at least 3 days before as_of 2026-01-02, the log has 1"),
        (date(2026, 1, 15), r"8 days after the last day of the log \(2026-01-06\).*max_gap_days"),
    ],
)
def test_a_day_the_log_does_not_support(as_of: date, said: str, run: Run) -> None:
    with pytest.raises(NotEnoughHistoryError, match=said):
        Run(run.settings, as_of, run.home).check_history()


@pytest.mark.parametrize("as_of", [date(2026, 1, 4), date(2026, 1, 7), date(2026, 1, 14)])
def test_a_day_the_log_supports(as_of: date, run: Run) -> None:
    Run(run.settings, as_of, run.home).check_history()


def test_the_home_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZAVTRA_HOME", "elsewhere")
    assert default_home() == "elsewhere"


def test_an_ingest_that_was_cut_off_stops_the_run(run: Run) -> None:
    run.check_history()
    run.lake.write_json({**run.lake.read_json("ingest.json"), "complete": False}, "ingest.json")
    with pytest.raises(DataError, match=r"was cut off while it wrote.*run `zavtra ingest`"):
        run.check_history()
