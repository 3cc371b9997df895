"""The leak suite as a step of the day: what it leaves, what it stops, and how that is allowed."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from small_day import AS_OF, SMALL, Ran, Zavtra

from evaluation.leaks.suite import CHECKS, LeakError
from flows.recommend import recommend
from flows.terminal import is_known

STRICT = "leaks: {alone_yellow: 0.5, alone_red: 0.5}"
"""Every feature that says anything at all is red."""


def run_with(day: Ran, folder: Path, leaks: str) -> Path:
    """Publish the day again under other settings of the suite."""
    config = folder / "small.yaml"
    config.write_text(f"{SMALL}\n{leaks}\n")
    published = day.lake / "recommendations" / f"as_of={AS_OF}" / "manifest.json"
    published.unlink(missing_ok=True)  # so that it would be written again
    recommend(config=str(config), as_of=date.fromisoformat(AS_OF), home=str(day.home))
    return config


def found_on(day: Ran) -> dict[str, object]:
    path = day.lake / "runs" / f"as_of={AS_OF}" / "leaks" / "leaks.json"
    found: dict[str, object] = json.loads(path.read_text())
    return found


def test_every_day_is_checked_before_it_is_published(ran: Ran) -> None:
    found = found_on(ran)
    assert [f["check"] for f in found["findings"]] == list(CHECKS)  # type: ignore[attr-defined]
    assert found["verdict"] != "red"
    drift = found["drift"]
    assert set(drift["mean"]) == {"score", "rank", "percentile"}  # type: ignore[index]


def test_a_red_verdict_stops_publication_and_is_kept(
    ran: Ran, tmp_path: Path, zavtra: Zavtra
) -> None:
    day = ran.copy(tmp_path / "home")
    with pytest.raises(LeakError, match=r"alone of .* red from 0\.5") as error:
        run_with(day, tmp_path, STRICT)
    assert is_known(error.value)
    assert not (day.lake / "recommendations" / f"as_of={AS_OF}" / "manifest.json").exists()
    assert found_on(day)["verdict"] == "red"
    shown = zavtra("leaks", "--config", tmp_path / "small.yaml", "--home", day.home)
    assert shown.returncode == 1
    assert "verdict: red" in shown.stdout
    assert "Traceback" not in shown.stderr


def test_what_is_allowed_is_published_with_its_reason(
    ran: Ran, tmp_path: Path, zavtra: Zavtra
) -> None:
    day = ran.copy(tmp_path / "home")
    reason = "this data set has honest features only"
    allowed = f"{STRICT[:-1]}, allow: [{{check: alone, reason: {reason}}}]}}"
    config = run_with(day, tmp_path, allowed)
    assert (day.lake / "recommendations" / f"as_of={AS_OF}" / "manifest.json").exists()
    assert found_on(day)["verdict"] == "yellow"
    shown = zavtra("leaks", "--config", config, "--home", day.home, "--as-of", AS_OF, "--json")
    assert shown.returncode == 0, shown.stderr
    reasons = {finding["allowed"] for finding in json.loads(shown.stdout)["findings"]}
    assert reason in reasons
