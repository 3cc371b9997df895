"""The cost of variety: chosen on the earlier window, shown on the later one."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from benchmarks import diversity
from evaluation.tradeoff import bargain


def curve(losses: list[float], varied: list[float]) -> dict[str, Any]:
    points = [
        {
            "strength": strength,
            "ndcg": 0.1 * (1 - loss),
            "ndcg_loss": loss,
            "difference": -0.1 * loss,
            "low": -0.2 * loss,
            "high": 0.0,
            "map": 0.1,
            "recall": 0.1,
            "diversity": found,
            "coverage": 0.2,
        }
        for strength, loss, found in zip((0.0, 0.1, 0.5), losses, varied, strict=True)
    ]
    deals = [bargain(points, loss) for loss in (0.01, 0.05)]
    return {"k": 10, "users": 7, "chosen": 0.0, "points": points, "bargains": deals}


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    (tmp_path / "ml-1m").mkdir()
    for name in ("ratings.dat", "movies.dat"):
        (tmp_path / "ml-1m" / name).touch()
    monkeypatch.setenv("ZAVTRA_DATA", str(tmp_path))
    return argparse.Namespace(as_of=diversity.AS_OF, by="attributes", pool=50)


def measured(
    monkeypatch: pytest.MonkeyPatch, earlier: dict[str, Any], later: dict[str, Any], same: bool
) -> list[date]:
    """Put two windows in the place of two trained days; give the days asked for."""
    days: list[date] = []

    @contextmanager
    def trained(settings: object, as_of: date) -> Iterator[date]:
        days.append(as_of)
        yield as_of

    def measure(as_of: date, by: str, pool: int) -> diversity.Window:
        part = later if as_of == diversity.AS_OF else earlier
        return diversity.Window(as_of, dict.fromkeys(diversity.KINDS, part), same)

    monkeypatch.setattr(diversity, "trained", trained)
    monkeypatch.setattr(diversity, "measure", measure)
    return days


def test_the_strength_is_chosen_on_the_earlier_window(
    options: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On the later window 0.5 would do; the earlier one allows 0.1.
    earlier = curve([0, 0.005, 0.2], [0.5, 0.6, 0.8])
    later = curve([0, 0.03, 0.0], [0.5, 0.55, 0.7])
    days = measured(monkeypatch, earlier, later, True)
    result = diversity.run(options)
    assert days == [date(2000, 11, 30), diversity.AS_OF]
    assert result.payload["chosen"] == {"mmr": 0.1, "dpp": 0.1}
    assert [row.model for row in result.rows if "chosen" in row.model] == [
        "mmr 0.10 (chosen)",
        "dpp 0.10 (chosen)",
    ]
    assert not result.failed
    assert any("for 1% of NDCG diversity rises by 40.0%" in fact for fact in result.facts)


@pytest.mark.parametrize(
    ("varied", "same", "words"),
    [
        ([0.5, 0.55, 0.7], False, "strength 0 leaves"),
        ([0.5, 0.55, 0.4], True, "the stronger, the more diverse"),
        ([0.5, 0.499, 0.7], True, "the chosen strength gives more"),
    ],
)
def test_what_does_not_hold_fails(
    options: argparse.Namespace,
    monkeypatch: pytest.MonkeyPatch,
    varied: list[float],
    same: bool,
    words: str,
) -> None:
    measured(monkeypatch, curve([0, 0.0, 0.2], [0.5, 0.6, 0.8]), curve([0, 0, 0], varied), same)
    failed = diversity.run(options).failed
    assert failed
    assert all(words in check.name for check in failed)
