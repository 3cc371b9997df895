"""The step that says what the neural sources of a day learned."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from hand_made import hand_made

from tasks.generators import fit_generator
from tasks.neural_views import neural_part, neural_views
from tasks.run import Run

DAY = date(2026, 1, 7)
NEURAL = """
generators:
  - {kind: popularity}
  - {kind: sasrec, params: {epochs: 2, width: 8, layers: 1, length: 4}}
  - {kind: two_head, params: {epochs: 1, dim: 4}}
  - {kind: two_tower, required: false, budget_minutes: 0.00001}
"""


def written(run: Run) -> dict[str, dict[str, object]] | None:
    names = [generator.name for generator in run.settings.generators]
    neural_views.fn(run, [fit_generator.fn(run, run.as_of, name) for name in names])
    part = neural_part(run)
    return None if part is None else part["sources"]


def test_every_neural_source_has_a_part_and_a_dropped_one_its_reason(tmp_path: Path) -> None:
    views = written(hand_made(tmp_path, DAY, NEURAL))
    assert views is not None
    assert list(views) == ["sasrec", "two_head", "two_tower"]
    assert views["sasrec"]["curves"]["epoch"] == [0, 1]
    shown = views["sasrec"]["map"]
    assert shown is not None
    assert set(shown["groups"]) <= {"big", "others"}  # the first tag; z has none, y no row
    assert set(views["two_tower"]) == {"dropped"}


def test_a_day_without_a_neural_source_has_no_part(tmp_path: Path) -> None:
    assert written(hand_made(tmp_path, DAY, "\ngenerators: [{kind: popularity}]\n")) is None


def test_the_step_is_up_to_date_until_a_fit_changes(tmp_path: Path) -> None:
    run = hand_made(tmp_path, DAY, NEURAL)
    fits = [fit_generator.fn(run, run.as_of, name) for name in ("sasrec", "two_head", "two_tower")]
    assert neural_views.fn(run, fits).seconds is not None
    assert neural_views.fn(run, fits).seconds is None
    changed = replace(fits[0], digest="another")
    assert neural_views.fn(run, [changed, *fits[1:]]).seconds is not None
