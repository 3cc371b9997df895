"""What goes out when something is wrong with the day: a ranker, a source, or the champion."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from small_day import SMALL, Ran

import tasks.evaluate
import tasks.ranker
from config import load_settings
from data.windows import midnight_us
from flows.recommend import recommend
from models.base import ModelError
from models.candidates import Source
from models.ease import EASE
from models.interactions import Histories, Interactions
from models.ranker import Rows
from tasks.page.day_parts import dropped_part
from tasks.run import Ref, Run

DAY = "2026-03-04"
"""Two days after the day whose ranker is the champion: its windows begin later."""


def gate_of(lake: Path, day: str = DAY) -> dict[str, Any]:
    return json.loads((lake / "runs" / f"as_of={day}" / "gate" / "gate.json").read_text())


def lists_of(lake: Path, day: str = DAY) -> pd.DataFrame:
    return pd.read_parquet(lake / "recommendations" / f"as_of={day}" / "part.parquet")


def run_day(ran: Ran, tmp_path: Path, **changes: str) -> Path:
    """Publish :data:`DAY` from a home in which the day before has a champion; give the lake."""
    home = ran.copy(tmp_path / "home").home
    text = SMALL
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    config = tmp_path / "small.yaml"
    config.write_text(text)
    recommend(config=str(config), as_of=DAY, home=str(home))
    return home / "small"


@pytest.fixture
def random_ranker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Train the ranker on labels that say nothing."""
    load = tasks.ranker.load_rows

    def shuffled(folder: Path) -> tuple[Rows, list[str]]:
        rows, names = load(folder)
        label = np.random.default_rng(1).permutation(rows.label)
        return Rows(rows.features, label, rows.group, rows.weight), names

    monkeypatch.setattr(tasks.ranker, "load_rows", shuffled)


class Reversed:
    """A source that puts last first."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.n_items, self.no_signal = model.n_items, model.no_signal
        self.refresh, self.space = model.refresh, model.space

    def score(self, histories: Histories, out: np.ndarray | None = None) -> np.ndarray:
        return self.no_signal + 1e-3 - self.model.score(histories)


@pytest.fixture
def reversed_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all sources but popularity put last first, from the test window on."""
    load = tasks.evaluate.load_sources

    def broken(run: Run, cutoff: Any) -> Sequence[Source]:
        return [
            s if s.name == "popularity" else replace(s, model=Reversed(s.model))
            for s in load(run, cutoff)
        ]

    monkeypatch.setattr(tasks.evaluate, "load_sources", broken)


def test_the_first_day_goes_out_against_its_sources(ran: Ran) -> None:
    gate = gate_of(ran.lake, "2026-03-02")
    assert (gate["verdict"], gate["publish"], gate["champion"]) == ("new", "final", None)
    assert {row["rival"] for row in gate["numbers"]} >= {"popularity"}
    assert gate["why"].startswith("The new list is published: it holds against")


def test_an_honest_day_is_compared_with_the_champion(ran: Ran, tmp_path: Path) -> None:
    gate = gate_of(run_day(ran, tmp_path))
    assert gate["champion"]["as_of"] == "2026-03-02"
    assert gate["numbers"][0]["rival"] == "champion"
    assert gate["verdict"] in ("new", "champion")


@pytest.mark.usefixtures("random_ranker")
def test_a_ranker_that_learnt_nothing_is_refused_and_the_champion_stays(
    ran: Ran, tmp_path: Path
) -> None:
    lake = run_day(ran, tmp_path)
    gate = gate_of(lake)
    assert (gate["verdict"], gate["publish"]) == ("champion", "champion")
    refused = gate["numbers"][0]
    assert (refused["candidate"], refused["rival"], refused["holds"]) == (
        "final",
        "champion",
        False,
    )
    assert f"{refused['value']:.4f}, below champion ({refused['rival_value']:.4f}" in gate["why"]
    summary = json.loads((lake / "recommendations" / f"as_of={DAY}" / "summary.json").read_text())
    assert (summary["published"], summary["why"]) == ("champion", gate["why"])
    assert len(lists_of(lake)) == summary["rows"] == 3000


@pytest.mark.usefixtures("random_ranker")
def test_a_champion_that_is_too_old_does_not_go_out_again(ran: Ran, tmp_path: Path) -> None:
    lake = run_day(ran, tmp_path, **{"ranker: {": "gate: {champion_days: 1}\nranker: {"})
    gate = gate_of(lake)
    assert gate["verdict"] == "fallback"
    assert "trained 2 days ago, more than gate.champion_days (1)" in gate["notes"][0]
    assert lists_of(lake).groupby("user_id").size().eq(10).all()


def test_a_champion_with_other_sources_cannot_be_compared(ran: Ran, tmp_path: Path) -> None:
    gate = gate_of(run_day(ran, tmp_path, **{"  - {kind: item_knn, candidates: 20}\n": ""}))
    assert gate["champion"] is None
    assert "its candidate sources are not today's (it has 'item_knn')" in gate["notes"][0]
    assert {row["rival"] for row in gate["numbers"]} <= {"popularity", "als", "ease"}


@pytest.mark.usefixtures("reversed_sources")
def test_broken_sources_let_popularity_out(ran: Ran, tmp_path: Path) -> None:
    lake = run_day(ran, tmp_path)
    gate = gate_of(lake)
    assert (gate["verdict"], gate["publish"]) == ("fallback", "popularity")
    assert "the new list reaches" in gate["why"]
    assert "the champion reaches" in gate["why"]


def test_a_source_that_cannot_be_fitted_is_left_out_aloud(
    ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: EASE, train: Interactions) -> EASE:
        raise ModelError("there is no room for the items' products")

    monkeypatch.setattr(EASE, "fit", fail)
    old = "{kind: ease, candidates: 30}"
    lake = run_day(ran, tmp_path, **{old: "{kind: ease, candidates: 30, required: false}"})
    assert lists_of(lake).groupby("user_id").size().eq(10).all()
    folder = lake / "generators" / f"cutoff={DAY}" / "ease"
    assert "no room" in json.loads((folder / "dropped.json").read_text())["reason"]
    fit = Ref(("generators", f"cutoff={DAY}", "ease"), "")
    run = Run(
        load_settings(str(tmp_path / "small.yaml")), date.fromisoformat(DAY), str(tmp_path / "home")
    )
    (told,) = dropped_part(run, [fit])
    assert (told["source"], told["cutoff"]) == ("ease", DAY)


def test_a_source_missing_on_the_day_alone_takes_what_goes_by_it_along(
    ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit, last = EASE.fit, midnight_us(date(2026, 3, 1), "UTC")

    def fail(self: EASE, train: Interactions) -> EASE:
        if train.ts[-1] >= last:  # not before the windows that the lists are judged on
            raise ModelError("there is no room for the items' products")
        return fit(self, train)

    old = "{kind: ease, candidates: 30}"
    changes = {old: "{kind: ease, candidates: 30, required: false}"}
    with monkeypatch.context() as patch:
        patch.setattr(EASE, "fit", fail)
        lake = run_day(ran, tmp_path, **changes)
    gate = gate_of(lake)
    assert gate["publish"] in ("popularity", "als", "item_knn")
    assert "is published: the new ranker goes by ease, not fitted for this day" in gate["why"]
    assert gate["notes"] == ["the champion goes by ease, not fitted for this day"]
    assert lists_of(lake).groupby("user_id").size().eq(10).all()

    recommend(config=str(tmp_path / "small.yaml"), as_of=DAY, home=str(tmp_path / "home"))
    assert gate_of(lake)["publish"] in ("final", "champion")
    assert not (lake / "generators" / f"cutoff={DAY}" / "ease" / "dropped.json").exists()
