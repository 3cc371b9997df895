"""The clock of a run: which day it is for."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from prefect import runtime
from small_day import AS_OF, Ran

from config import Settings, load_settings
from flows.start import open_run, open_settings
from models.base import ModelError


@pytest.fixture
def scheduled(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a function that makes this a run of a deployment, scheduled for a moment."""

    def at(moment: datetime) -> None:
        monkeypatch.setattr(runtime.deployment, "id", "one", raising=False)
        monkeypatch.setattr(runtime.flow_run, "scheduled_start_time", moment, raising=False)

    return at


def settings_in(timezone: str, ran: Ran) -> Settings:
    return load_settings(str(ran.config), ingest={"timezone": timezone})


@pytest.mark.parametrize(
    ("timezone", "as_of"),
    [
        ("UTC", date(2026, 2, 27)),
        ("Europe/Moscow", date(2026, 2, 28)),  # there it is two in the morning
        ("America/New_York", date(2026, 2, 27)),
    ],
)
def test_a_scheduled_run_is_for_the_day_its_users_live_in(
    timezone: str, as_of: date, ran: Ran, scheduled: Any
) -> None:
    scheduled(datetime(2026, 2, 27, 23, tzinfo=UTC))
    assert open_run(settings_in(timezone, ran), str(ran.home), None).as_of == as_of


def test_a_day_that_is_given_goes_before_the_schedule(ran: Ran, scheduled: Any) -> None:
    scheduled(datetime(2026, 2, 27, 23, tzinfo=UTC))
    day = date(2026, 2, 25)
    assert open_run(settings_in("UTC", ran), str(ran.home), day).as_of == day
    latest = open_run(settings_in("UTC", ran), str(ran.home), "latest")
    assert latest.as_of == date.fromisoformat(AS_OF)


def test_by_hand_it_is_the_day_after_the_log(ran: Ran) -> None:
    assert str(open_run(settings_in("UTC", ran), str(ran.home), None).as_of) == AS_OF


def test_the_home_is_the_variable_or_var(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZAVTRA_HOME", raising=False)
    assert open_settings(str(ran.config), None)[1] == "var"
    monkeypatch.setenv("ZAVTRA_HOME", "memory://bucket/lakes")
    assert open_settings(str(ran.config), "here")[1] == "here"
    with pytest.raises(ModelError, match="cannot be embedded in memory://bucket/lakes/small"):
        open_settings(str(ran.config), None)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example")
    assert open_settings(str(ran.config), None)[1] == "memory://bucket/lakes"


def test_a_generator_that_there_is_not_is_refused_at_once(ran: Ran, tmp_path: Any) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(ran.config.read_text().replace("kind: ease", "kind: eese"))
    with pytest.raises(ModelError, match=r"generators: eese: no generator of kind 'eese'.*ease"):
        open_settings(str(path), None)
