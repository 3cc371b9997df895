"""Of a step that fails, its own error is told, not that later ones never began."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from small_day import AS_OF, Ran

import tasks.features
from config import load_settings
from data.contract import DataError
from features.catalog import FeatureError
from flows.daily import daily
from flows.leaks import leaks
from flows.start import open_run
from flows.train import train
from flows.tune import tune


@pytest.mark.parametrize("flow", [train, tune, leaks, daily])
def test_the_first_step_that_failed_is_told(
    flow: Callable[..., object], ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = ran.copy(tmp_path / "home")

    def fail(*_: object, **__: object) -> str:
        raise DataError("the disk is full")

    monkeypatch.setattr(tasks.features, "update_state", fail)
    with pytest.raises(DataError, match="the disk is full"):
        flow(config=str(day.config), home=str(day.home))


@pytest.mark.parametrize(
    ("features", "said"),
    [({"exclude": ["user_evnts"]}, "user_evnts"), ({"windows_days": [7, 7]}, "a window twice")],
)
def test_features_that_cannot_be_are_refused_before_anything_is_fitted(
    features: dict[str, object], said: str, ran: Ran
) -> None:
    settings = load_settings(str(ran.config), features=features)
    with pytest.raises(FeatureError, match=said):
        open_run(settings, str(ran.home), date.fromisoformat(AS_OF))
