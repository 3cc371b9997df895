"""The plain two-head model and NeuralCF: scores and loss by hand, strangers, learning."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.base import ModelError
from models.interactions import Interactions
from models.neural.matrix_factorization import Heads, HeadsLearner, TwoHead
from models.neural.neural_cf import NeuralCF, NeuralHeads

kinds = pytest.mark.parametrize("kind", [TwoHead, NeuralCF])


def test_the_loss_by_hand(log) -> None:
    network = Heads(1, 3, 2)
    with torch.no_grad():
        network.users.weight.copy_(torch.tensor([[1.0, 2.0]]))
        network.items.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 1.0]]))
    learner = HeadsLearner(network, log([(0, 0, 1)], 1, 3), negatives=2, batch=4)
    softplus = lambda x: np.log1p(np.exp(x))  # noqa: E731
    loss = learner(torch.tensor([0]), torch.tensor([[1, 2]]))
    assert float(loss) == pytest.approx((softplus(-1) + softplus(2) + softplus(1)) / 3)


def test_all_items_are_scored_as_pairs_are() -> None:
    network = NeuralHeads(3, 5, 4, [6, 3])
    torch.manual_seed(0)
    with torch.inference_mode():
        out = np.empty((2, 5), np.float32)
        network.all_items(torch.tensor([2, 0]), out)
        pairs = network.pairs(torch.tensor([2, 0]), torch.arange(5).expand(2, 5))
    assert out == pytest.approx(pairs.numpy(), abs=1e-6)


@kinds
def test_it_learns_who_likes_what(kind: type[TwoHead], tastes: Interactions) -> None:
    model = kind(dim=8, epochs=40, batch=64, learning_rate=0.02)
    scores = model.fit(tastes).score(tastes.histories())
    even = scores[0:60:2]
    assert even[:, :20].mean() > 2 * even[:, 20:40].mean()
    losses = [epoch["loss"] for epoch in model.curves.epochs]
    assert losses[-1] < losses[0]


@kinds
def test_strangers_have_no_signal(kind: type[TwoHead], tastes: Interactions, lists) -> None:
    model = kind(dim=4, epochs=1, batch=64).fit(tastes)
    scores = model.score(lists([[1]] * 70, 42))
    assert (scores[60:] == model.no_signal).all()  # 60, 61: no event; 62 on: newer than the fit
    assert (scores[:60, :40] > 0).all()


def test_items_like_each_other(tastes: Interactions) -> None:
    unit = TwoHead(dim=8, epochs=40, batch=64, learning_rate=0.02).fit(tastes).space().unit
    cosine = unit[:40] @ unit[:40].T
    assert cosine[:20, :20].mean() > cosine[:20, 20:].mean() + 0.2
    assert not unit[40:].any()


def test_bad_parameters() -> None:
    with pytest.raises(ModelError, match="two_head: negatives is 0; it must be above 0"):
        TwoHead(negatives=0)
    with pytest.raises(ModelError, match=r"neural_cf: hidden is \[\]; it must be widths of"):
        NeuralCF(hidden=[])
