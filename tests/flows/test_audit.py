"""The audit as a step of every run: its figures, what it compares, and what it stops."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from small_day import AS_OF, Ran

import tasks.skew
from config import load_settings
from features.catalog import FeatureError
from flows.recommend import recommend
from tasks import audit as step
from tasks.run import Run
from tasks.skew import LOGGED, compare_with_logged


def the_next_day(day: Ran) -> Run:
    settings = load_settings(str(day.config))
    return Run(settings, date.fromisoformat(AS_OF) + timedelta(days=1), str(day.home))


def rewrite_logged(day: Ran, off: float = 0, forget: tuple[str, ...] = ()) -> None:
    """Change the first number that was logged, and leave out some of what it was made from."""
    place = day.lake / "recommendations" / f"as_of={AS_OF}" / LOGGED
    with np.load(place) as found:
        arrays = dict(found)
    arrays["values"][0, 0] += off
    made_from = json.loads(str(arrays["made_from"]))
    kept = {name: value for name, value in made_from.items() if name not in forget}
    np.savez_compressed(place, **{**arrays, "made_from": np.array(json.dumps(kept))})


def test_every_run_leaves_the_figures_of_its_audit(ran: Ran) -> None:
    found = json.loads((ran.lake / "runs" / f"as_of={AS_OF}" / "audit" / "audit.json").read_text())
    test, tomorrow = found["days"]
    assert (test["rows"], tomorrow["rows"]) == (100, 100)
    assert test["poisoned_days"] >= 7
    assert tomorrow["day"] == AS_OF
    page = json.loads((ran.lake / "runs" / f"as_of={AS_OF}" / "report" / "report.json").read_text())
    assert page["audit"] == found


def test_what_was_served_is_what_is_computed_later(ran: Ran) -> None:
    found = compare_with_logged(the_next_day(ran))
    assert found is not None
    assert found["day"] == AS_OF
    assert found["rows"] >= 100
    assert found["changed"] == []


def test_what_changed_since_is_told_and_not_compared(ran: Ran, tmp_path: Path) -> None:
    day = ran.copy(tmp_path / "home")
    run = the_next_day(day)
    whole = compare_with_logged(run)
    users = run.lake.read_table("users.parquet")
    at = users.column_names.index("sex")
    run.lake.write_table(
        users.set_column(at, "sex", pa.nulls(len(users), pa.string())), "users.parquet"
    )
    found = compare_with_logged(run)
    assert found is not None
    assert whole is not None
    assert found["changed"] == ["users"]
    assert 0 < found["features"] < whole["features"]
    other = replace(
        run,
        settings=run.settings.model_copy(
            update={"features": run.settings.features.model_copy(update={"windows_days": [2]})}
        ),
    )
    again = compare_with_logged(other)
    assert again is not None
    assert (again["rows"], again["features"]) == (0, 0)
    assert again["changed"] == ["catalog", "users"]


@pytest.mark.parametrize(
    ("what", "changes"),
    [("positive_min", {"positive_min": 0.9}), ("timezone", {"ingest": {"timezone": "Asia/Tokyo"}})],
)
def test_a_setting_that_numbers_rest_on_explains_a_difference(
    what: str, changes: dict[str, object], ran: Ran
) -> None:
    run = the_next_day(ran)
    found = compare_with_logged(replace(run, settings=load_settings(str(ran.config), **changes)))
    assert found == {"day": AS_OF, "rows": 0, "features": 0, "changed": [what]}


def test_other_code_explains_a_difference(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.skew, "code_version", lambda *rooms: "other")
    found = compare_with_logged(the_next_day(ran))
    assert found == {"day": AS_OF, "rows": 0, "features": 0, "changed": ["code"]}


def test_what_was_logged_before_settings_were_noted_is_not_compared(
    ran: Ran, tmp_path: Path
) -> None:
    day = ran.copy(tmp_path / "home")
    rewrite_logged(day, forget=("code", "positive_min", "timezone"))
    found = compare_with_logged(the_next_day(day))
    assert found is not None
    assert (found["rows"], found["changed"]) == (0, ["code", "positive_min", "timezone"])


def test_a_served_number_that_nobody_can_explain_stops_the_next_run(
    ran: Ran, tmp_path: Path
) -> None:
    day = ran.copy(tmp_path / "home")
    rewrite_logged(day, off=1)
    with pytest.raises(FeatureError, match=rf"on {AS_OF}.*train/serve skew.*remove 'logged.npz'"):
        compare_with_logged(the_next_day(day))


def test_nothing_is_published_when_the_audit_fails(
    ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = ran.copy(tmp_path / "home")
    run = the_next_day(day)
    for parts in (("runs", f"as_of={AS_OF}", "audit"), ("recommendations", f"as_of={AS_OF}")):
        run.lake.fs.rm(run.lake.path(*parts), recursive=True)

    def finds(*args: object, **more: object) -> None:
        raise FeatureError(f"feature 'user_events' of user 3 on {AS_OF}: it leaks")

    monkeypatch.setattr(step, "audit", finds)
    with pytest.raises(FeatureError, match="it leaks"):
        recommend(config=str(day.config), as_of=date.fromisoformat(AS_OF), home=str(day.home))
    assert not run.lake.exists("recommendations", f"as_of={AS_OF}")
    assert not run.lake.exists("runs", f"as_of={AS_OF}", "audit")
