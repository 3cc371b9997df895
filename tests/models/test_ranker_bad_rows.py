"""Rows that are strange but sound are learnt from; those that are not are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import models.ranker
from models.base import ModelError
from models.device import gpu_present
from models.ranker import Ranker, Rows

NAMES = ["signal", "noise", "other"]
LOSSES = ["Logloss", "YetiRank", "QuerySoftMax"]


def rows(seed: int, n: int = 400) -> Rows:
    """Make lists of ten; the first feature tells hits."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(3, n)).astype(np.float32)
    label = (features[0] + 0.5 * rng.normal(size=n) > 0.8).astype(np.float32)
    label[::10], label[1::10] = 1, 0
    return Rows(features, label, np.arange(n) // 10, np.ones(n, np.float32))


def small(**params) -> Ranker:
    return Ranker(**{"iterations": 20, "learning_rate": 0.2, "depth": 3, "threads": 1, **params})


def orders_hits_first(ranker: Ranker) -> bool:
    new = rows(9)
    scores = ranker.predict(new.features)
    return bool(scores[new.label == 1].mean() > scores[new.label == 0].mean() + 0.2)


@pytest.mark.parametrize("loss", LOSSES)
def test_lists_of_hits_alone_and_of_misses_alone_do_no_harm(loss: str) -> None:
    made = rows(1)
    label = made.label.copy()
    label[:10], label[10:20] = 0, 1
    assert orders_hits_first(small(loss=loss).fit([replace(made, label=label), rows(2)], NAMES))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("value", [np.nan, 5.0])
def test_a_feature_that_says_nothing_is_not_used(loss: str, value: float) -> None:
    made = [rows(1), rows(2)]
    for part in made:
        part.features[1] = value
    ranker = small(loss=loss).fit(made, NAMES)
    assert ranker.importance()["noise"] == 0
    assert orders_hits_first(ranker)


def test_a_feature_that_is_new_in_the_newest_window_is_learnt_from() -> None:
    made = [rows(1), rows(2)]
    made[0].features[0] = np.nan
    assert orders_hits_first(small(iterations=60).fit(made, NAMES))


@pytest.mark.parametrize("loss", ["YetiRank", "QuerySoftMax"])
def test_a_single_list_can_judge(loss: str) -> None:
    newest = rows(2, n=10)
    newest.label[:] = [1, 0] * 5
    assert small(loss=loss).fit([rows(1), newest], NAMES).trees >= 1


@pytest.mark.parametrize("weight", [np.nan, np.inf, -1.0])
def test_weights_that_are_none_are_refused(weight: float) -> None:
    made = rows(1)
    made.weight[7] = weight
    with pytest.raises(ModelError, match=r"window 1 of 2: weights must be finite"):
        small().fit([made, rows(2)], NAMES)


@pytest.mark.parametrize("loss", LOSSES)
def test_lists_in_pieces_are_refused(loss: str) -> None:
    made = rows(2)
    made.group[-1] = 0
    with pytest.raises(ModelError, match="window 2 of 2: rows of a list do not stand together"):
        small(loss=loss).fit([rows(1), made], NAMES)


def test_hits_that_weigh_more_raise_all_scores_and_keep_the_order() -> None:
    plain, heavy, balanced = (
        small(hit_weight=weight, early_stopping_rounds=None).fit([rows(1), rows(2)], NAMES)
        for weight in (1.0, 4.0, "balanced")
    )
    features = rows(9).features
    means = [ranker.predict(features).mean() for ranker in (plain, balanced, heavy)]
    assert means[0] + 0.3 < means[1] < means[2]
    assert orders_hits_first(heavy)
    # As many hits as misses, by weight: the mean score is that of a coin.
    assert abs(means[1]) < 0.6


@pytest.mark.parametrize("loss", ["YetiRank", "QuerySoftMax"])
@pytest.mark.parametrize("weight", [2.0, "balanced"])
def test_losses_that_compare_rows_know_no_classes(loss: str, weight: float | str) -> None:
    with pytest.raises(ModelError, match=f"{loss} compares the rows.*leave it at 1"):
        Ranker(loss=loss, hit_weight=weight)


def test_without_a_gpu_auto_is_the_cpu() -> None:
    if gpu_present():
        pytest.skip("this machine has a GPU")
    a, b = (small(device=device).fit([rows(1), rows(2)], NAMES) for device in ("auto", "cpu"))
    features = rows(9).features
    assert a.predict(features).tobytes() == b.predict(features).tobytes()


def test_a_gpu_that_is_not_there_is_told() -> None:
    if gpu_present():
        pytest.skip("this machine has a GPU")
    with pytest.raises(ModelError, match=r"ranker\.device is gpu: is there one"):
        small(device="gpu").fit([rows(1), rows(2)], NAMES)


@pytest.mark.parametrize(
    ("device", "present", "expected"),
    [
        ("auto", True, {"task_type": "GPU"}),
        ("auto", False, {"rsm": 0.5}),
        ("cpu", True, {"rsm": 0.5}),
        ("gpu", False, {"task_type": "GPU"}),
    ],
)
def test_a_gpu_is_used_where_there_is_one(
    device: str, present: bool, expected: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models.ranker, "gpu_present", lambda: present)
    assert small(device=device, feature_share=0.5)._on_device() == expected
