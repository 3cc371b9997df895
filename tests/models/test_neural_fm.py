"""The factorization machine: against the double sum, its losses, folding in, attributes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from models.base import ModelError
from models.interactions import Interactions
from models.neural.fm import FactorizationMachine
from models.neural.pair_losses import bpr, logistic

USERS = pa.table({"user": pa.array([0, 1], pa.int32()), "sex": ["f", "m"]})
ITEMS = pa.table(
    {
        "item": pa.array([0, 1, 2, 3, 4], pa.int32()),
        "genres": [["drama", "war"], ["war"], ["drama"], None, ["war", "drama"]],
        "year": [1990.0, 1990.0, 2001.0, None, 2001.0],
    }
)
SMALL = {"factors": 4, "epochs": 1, "batch": 4, "pool": 4}


@pytest.fixture(scope="module")
def events(log) -> Interactions:
    rows = [(0, 0, 1), (1, 1, 1), (0, 2, 2, 0.5), (1, 3, 2), (0, 1, 3), (1, 2, 4, 0.5)]
    return log([*rows, *((u, 0, 5) for u in (2, 3)), (2, 1, 6), (3, 2, 6)], 5, 5)


def double_sum(model: FactorizationMachine, features: list[tuple[int, float]]) -> float:
    """Work the model out feature by feature, pair by pair."""
    network = model.network
    vectors, weights = network.vectors.weight, network.weights
    total = float(network.bias.detach()) + sum(float(weights[f].detach()) * x for f, x in features)
    for n, (f, x) in enumerate(features):
        for g, y in features[n + 1 :]:
            total += float(vectors[f] @ vectors[g]) * x * y
    return total


@pytest.mark.parametrize("loss", ["bpr", "logistic", "regression"])
def test_scores_are_the_double_sum(loss: str, events: Interactions, lists) -> None:
    model = FactorizationMachine(**SMALL, user_id=True, loss=loss)
    model.attach(USERS.append_column("age", [[20.0, 60.0]]), ITEMS)
    # a text that one user alone carries is left out, a number is not
    model.fit(events)
    assert [f.name for f in model.user_fields.fields] == ["age"]
    at = model.network.at
    found = model.score(lists([[0, 2], [1]], 5))
    for user, liked in ((0, [0, 2]), (1, [1])):
        features = [(at["user ids"] + user, 1.0), (at["user values"] + user, 1.0)]
        features += [(at["liked"] + item, len(liked) ** -0.5) for item in liked]
        # genres: drama 0, war 1; then year: 1990 2, 2001 3
        values = {0: [(0, 0.5), (1, 0.5), (2, 1)], 1: [(1, 1), (2, 1)], 2: [(0, 1), (3, 1)], 3: []}
        for item, carried in values.items():
            pair = [*features, (at["item ids"] + item, 1.0)]
            pair += [(at["item values"] + v, float(x)) for v, x in carried]
            score = 1 / (1 + np.exp(-double_sum(model, pair)))
            score *= 1.1 if loss == "regression" else 1
            assert found[user, item] == pytest.approx(score, rel=1e-5)
    # nobody met item 4: it is known by its attributes alone
    pair = [*features, *((at["item values"] + v, x) for v, x in ((0, 0.5), (1, 0.5), (3, 1.0)))]
    score = 1 / (1 + np.exp(-double_sum(model, pair)))
    assert found[1, 4] == pytest.approx(score * (1.1 if loss == "regression" else 1), rel=1e-5)


def test_the_training_sees_the_same_model(events: Interactions, lists) -> None:
    model = FactorizationMachine(
        **{**SMALL, "epochs": 3}, loss="regression", history=0, user_id=True
    )
    model.fit(events)
    value = model.score(events.histories())[events.user, events.item]
    error = np.mean((value - events.value) ** 2)
    losses = [epoch["loss"] for epoch in model.curves.epochs]
    assert losses[2] < losses[0]
    assert error == pytest.approx(losses[2], abs=0.03)


def test_regression_learns_who_likes_what(tastes: Interactions) -> None:
    fits = (tastes.item // 20 == tastes.user % 2).astype(np.float32)
    rng = np.random.default_rng(3)
    item = np.where(rng.random(len(tastes)) < 0.5, tastes.item, 39 - tastes.item).astype(np.int32)
    value = np.where(item == tastes.item, fits, 1 - fits).astype(np.float32)
    log = Interactions(tastes.user, item, tastes.ts, value, 62, 42)
    model = FactorizationMachine(
        factors=8,
        user_id=True,
        history=0,
        loss="regression",
        epochs=20,
        batch=64,
        learning_rate=0.05,
    )
    scores = model.fit(log).score(log.histories())
    assert np.mean((scores[log.user, log.item] - value) ** 2) < 0.05


def test_a_new_user_is_the_sum_of_what_they_like(events: Interactions, lists) -> None:
    model = FactorizationMachine(**SMALL, user_id=True, history=0, loss="bpr").fit(events)
    histories = lists([[], [], [], [], [0, 2]], 5)  # user 4 has no event in the fit
    network, at = model.network, model.network.at["item ids"]
    user = (network.vectors.weight[at] + network.vectors.weight[at + 2]).detach().numpy()
    product = network.vectors.weight[at : at + 5].detach().numpy() @ user
    product += network.weights[at : at + 5].detach().numpy() + float(network.bias)
    expected = 1 / (1 + np.exp(-product))
    expected[4] = 0  # an item nobody met, without attributes
    assert model.score(histories)[4] == pytest.approx(expected, rel=1e-5)
    assert model.score(lists([[], [], [], [], []], 5))[4].max() == model.no_signal


def test_losses_by_hand() -> None:
    positive, pool = torch.tensor([1.0]), torch.tensor([[0.0, 2.0]])
    softplus = lambda x: np.log1p(np.exp(x))  # noqa: E731
    assert float(bpr(positive, pool)) == pytest.approx((softplus(-1) + softplus(1)) / 2)
    by_hand = softplus(-1) + 3 * (softplus(0) + softplus(2)) / 2
    assert float(logistic(positive, pool, 3)) == pytest.approx(by_hand)


def test_similar_items_share_their_tastes(tastes: Interactions) -> None:
    model = FactorizationMachine(
        factors=8, epochs=30, batch=64, history=0, user_id=True, learning_rate=0.05
    ).fit(tastes)
    for item in (3, 25):
        found, cosine = model.similar(item, 10)
        assert (found // 20 == item // 20).mean() >= 0.8
        assert (np.diff(cosine) <= 0).all()
        assert item not in found
    with pytest.raises(ModelError, match="fm: nothing is known of item 41 at the time of the fit"):
        model.similar(41, 3)


@pytest.mark.parametrize("loss", ["bpr", "logistic"])
def test_it_finds_the_taste_of_a_history(loss: str, tastes: Interactions, lists) -> None:
    model = FactorizationMachine(
        factors=8, epochs=20, batch=64, pool=64, loss=loss, learning_rate=0.05
    ).fit(tastes)
    scores = model.score(lists([[1, 2, 3], [22, 25, 31]], 42))
    assert scores[0, :20].mean() > 1.5 * scores[0, 20:40].mean()
    assert scores[1, 20:40].mean() > 1.5 * scores[1, :20].mean()


def test_attributes_that_went_are_named(events: Interactions, lists, tmp_path: Path) -> None:
    model = FactorizationMachine(**SMALL)
    model.attach(USERS, ITEMS)
    model.fit(events).save(tmp_path)
    loaded = FactorizationMachine.load(tmp_path)
    loaded.attach(USERS, ITEMS.drop_columns(["year"]))
    with pytest.raises(ModelError, match=r"fitted with the attribute 'year' of the items, which"):
        loaded.score(lists([[0]], 5))
    unknown = FactorizationMachine(**SMALL, item_attributes=["studio"])
    unknown.attach(USERS, ITEMS)
    with pytest.raises(ModelError, match=r"fm: 'studio' is no attribute of the items; there are"):
        unknown.fit(events)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"factors": 0}, "factors is 0"),
        ({"history": -1}, "history is -1"),
        ({"std": 0}, "std is 0"),
    ],
)
def test_bad_parameters(params: dict, message: str) -> None:
    with pytest.raises(ModelError, match=f"fm: {message}"):
        FactorizationMachine(**params)
