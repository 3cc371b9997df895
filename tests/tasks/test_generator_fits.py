"""Fits of sources: what is dropped, what a budget ends, what goes on from earlier weights."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hand_made import hand_made

from config.settings import GeneratorSettings
from models.base import ModelError
from models.candidates import Source, make_candidates
from models.dropped import Dropped
from models.ease import EASE
from models.interactions import Histories, Interactions
from models.neural import training
from models.neural.sasrec import SASRec
from tasks import fitting
from tasks.fitting import fit_or_drop, make_unfitted
from tasks.generators import check_generators, fit_generator, forget_dropped, load_sources

SMALL = "{epochs: 2, width: 8, layers: 1, length: 4}"


def empty() -> Interactions:
    none = np.empty(0, np.int32)
    return Interactions(none, none, none.astype(np.int64), none.astype(np.float32), 3, 4)


def pairs() -> Interactions:
    user, item = np.array([0, 1, 0, 1], np.int32), np.array([0, 1, 1, 2], np.int32)
    return Interactions(user, item, np.arange(4, dtype=np.int64), np.ones(4, np.float32), 2, 4)


def test_a_source_that_fails_and_is_not_required_is_dropped_aloud(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    settings = GeneratorSettings(kind="ease", required=False)
    with caplog.at_level(logging.WARNING):
        model = fit_or_drop(settings, EASE(), empty(), None)
    assert isinstance(model, Dropped)
    assert "source ease is dropped, the day goes on without it: ModelError: ease: there" in (
        caplog.text
    )
    model.save(tmp_path)
    found = json.loads((tmp_path / "dropped.json").read_text())
    assert found["n_items"] == 4
    assert "no positive event" in found["reason"]


def test_a_required_source_that_fails_stops_the_day() -> None:
    with pytest.raises(ModelError, match="no positive event"):
        fit_or_drop(GeneratorSettings(kind="ease"), EASE(), empty(), None)


@pytest.mark.parametrize("kind", ["ease", "sasrec"])
def test_a_fit_past_its_budget_has_failed(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 61))
    monkeypatch.setattr(fitting, "monotonic", lambda: next(clock))
    model = EASE() if kind == "ease" else SASRec(epochs=3, width=8, layers=1)
    settings = GeneratorSettings(kind=kind, budget_minutes=1, required=False)
    dropped = fit_or_drop(settings, model, pairs(), None)
    assert isinstance(dropped, Dropped)
    assert f"{kind} took more than its budget of 1 minutes" in dropped.reason
    assert ("with 1 of 3 steps done" in dropped.reason) == (kind == "sasrec")


@pytest.mark.parametrize("where", ["gpu", "process"])
def test_waiting_for_a_turn_is_not_training(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]

    @contextmanager
    def an_hour(*_: object, **__: object) -> Iterator[None]:
        clock[0] += 3600
        yield

    class Quick(SASRec):
        def fit(self, train: Interactions) -> Quick:
            assert self.tell is not None
            self.tell(1, 2)
            return self

    monkeypatch.setattr(fitting, "monotonic", lambda: clock[0])
    if where == "gpu":
        monkeypatch.setattr("torch.cuda.is_available", lambda: True)
        monkeypatch.setattr(fitting, "concurrency", an_hour)
    else:
        monkeypatch.setattr(training, "ALONE", an_hour())
    settings = GeneratorSettings(kind="sasrec", budget_minutes=1)
    assert isinstance(fit_or_drop(settings, Quick(), pairs(), None), Quick)
    assert clock == [3600]


def test_a_dropped_source_proposes_nothing_in_the_union() -> None:
    dropped = Dropped("why").fit(pairs())
    histories = pairs().histories()
    sources = [Source("ease", EASE(l2=1).fit(pairs()), 3), Source("sasrec", dropped, 3)]
    found = make_candidates(sources, histories, None, np.arange(4, dtype=np.int32), 2)
    assert not found.scores[1].any()
    assert (found.lists[1] == -1).all()
    assert not (found.proposed & np.uint32(2)).any()
    assert isinstance(histories, Histories)


def test_warm_epochs_are_for_models_that_can() -> None:
    with pytest.raises(ModelError, match="ease cannot go on from earlier weights"):
        make_unfitted(GeneratorSettings(kind="ease", warm_epochs=1))
    settings = GeneratorSettings(kind="sasrec", params={"epochs": 9}, warm_epochs=2)
    assert make_unfitted(settings).params()["epochs"] == 9
    assert make_unfitted(settings, warm=True).params()["epochs"] == 2


def test_a_model_of_ratings_is_no_source() -> None:
    settings = GeneratorSettings(kind="fm", params={"loss": "regression"})
    with pytest.raises(ModelError, match="fitted on positives alone: take 'bpr' or 'logistic'"):
        make_unfitted(settings)


def test_a_fit_of_days_learns_from_the_newest_days_before_its_cut(tmp_path: Path) -> None:
    generators = """
generators:
  - {kind: ease}
  - {kind: ease, name: news, fit_days: 1}
"""
    run = hand_made(tmp_path, date(2026, 1, 6), generators)
    learnt = {}
    for name in ("ease", "news"):
        fits = Path(run.lake.path(*fit_generator.fn(run, run.as_of, name).parts))
        learnt[name] = EASE.load(fits).kept.tolist()
    assert len(learnt["ease"]) == 2  # x and z
    assert len(learnt["news"]) == 1  # the 5th: a met z at 8:00
    assert set(learnt["news"]) < set(learnt["ease"])


def test_a_fit_goes_on_from_the_cut_before_and_never_from_a_later_one(tmp_path: Path) -> None:
    generators = f"""
generators:
  - {{kind: popularity}}
  - {{kind: sasrec, warm_epochs: 1, params: {SMALL}}}
"""
    run = hand_made(tmp_path, date(2026, 1, 6), generators)
    check_generators(run.settings)
    last = fit_generator.fn(run, run.as_of, "sasrec")
    fits = Path(run.lake.path("generators"))
    cutoffs = sorted(folder.name for folder in fits.iterdir())
    wanted = [run.windows.first_cutoff, run.windows.test.cutoff, run.as_of]
    assert cutoffs == [f"cutoff={day}" for day in wanted]
    epochs = [
        json.loads((fits / cutoff / "sasrec" / "model.json").read_text())["params"]["epochs"]
        for cutoff in cutoffs
    ]
    assert epochs == [2, 1, 1]
    assert fit_generator.fn(run, run.as_of, "sasrec").seconds is None  # up to date
    assert last.seconds is not None
    assert not Path(run.lake.path("checkpoints", cutoffs[0], "sasrec")).exists() or not list(
        Path(run.lake.path("checkpoints")).rglob("*.safetensors")
    )


def test_a_fit_of_another_shape_is_not_gone_on_from_and_all_epochs_are_trained(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    generators = "\ngenerators: [{{kind: sasrec, warm_epochs: 1, params: {}}}]\n"
    run = hand_made(tmp_path, date(2026, 1, 6), generators.format(SMALL))
    fit_generator.fn(run, run.windows.first_cutoff, "sasrec")
    place = ("generators", f"cutoff={run.windows.first_cutoff}", "sasrec")
    other = SASRec(epochs=2, width=12, layers=1, length=4)
    other.fit(pairs()).save(run.lake.local(*place))
    fit_generator.fn(run, run.windows.test.cutoff, "sasrec")
    fits = Path(run.lake.path("generators", f"cutoff={run.windows.test.cutoff}", "sasrec"))
    assert json.loads((fits / "model.json").read_text())["params"]["epochs"] == 2
    assert "source sasrec starts anew: sasrec: an earlier fit cannot be gone on" in caplog.text


def test_the_day_goes_on_without_a_source_that_failed(tmp_path: Path) -> None:
    generators = """
generators:
  - {kind: popularity}
  - {kind: sasrec, required: false, params: {accelerator: gpu, devices: 64}}
"""
    run = hand_made(tmp_path, date(2026, 1, 6), generators)
    for name in ("popularity", "sasrec"):
        fit_generator.fn(run, run.as_of, name)
    sources = load_sources(run, run.as_of)
    dropped = sources[1].model
    assert isinstance(dropped, Dropped)
    assert "this machine has" in dropped.reason
    assert dropped.n_items == sources[0].model.n_items


def test_a_fit_that_was_given_up_is_tried_once_more_in_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generators = f"""
generators: [{{kind: sasrec, required: false, budget_minutes: 1, params: {SMALL}}}]
"""
    run = hand_made(tmp_path, date(2026, 1, 6), generators)
    epochs: list[int] = []
    do = training._Loop._epoch
    monkeypatch.setattr(
        training._Loop, "_epoch", lambda self, epoch: (epochs.append(epoch), do(self, epoch))
    )
    with monkeypatch.context() as patch:
        clock = iter([0, 0, 3600])  # the second epoch takes an hour
        patch.setattr(fitting, "monotonic", lambda: next(clock))
        given_up = fit_generator.fn(run, run.as_of, "sasrec")
    assert isinstance(load_sources(run, run.as_of)[0].model, Dropped)
    assert fit_generator.fn(run, run.as_of, "sasrec") == replace(given_up, seconds=None)
    assert epochs == [0, 1]

    forget_dropped(run, run.as_of)
    assert isinstance(load_sources(run, run.as_of)[0].model, Dropped)  # until it is there
    fit_generator.fn(run, run.as_of, "sasrec")
    assert isinstance(load_sources(run, run.as_of)[0].model, SASRec)
    assert epochs == [0, 1, 1]  # the first was kept
    forget_dropped(run, run.as_of)
    assert fit_generator.fn(run, run.as_of, "sasrec").seconds is None


def test_a_required_source_is_never_one_that_was_given_up(tmp_path: Path) -> None:
    generators = """
generators: [{{kind: sasrec, required: {}, params: {{accelerator: gpu, devices: 64}}}}]
"""
    run = hand_made(tmp_path, date(2026, 1, 6), generators.format("false"))
    fit_generator.fn(run, run.as_of, "sasrec")
    strict = hand_made(tmp_path, date(2026, 1, 6), generators.format("true"))
    with pytest.raises(ModelError, match=r"sasrec is required, but.*this machine has.*train"):
        load_sources(strict, run.as_of)
    forget_dropped(strict, run.as_of)
    with pytest.raises(ModelError, match="this machine has"):
        fit_generator.fn(strict, run.as_of, "sasrec")
