"""Two towers: cold paths, histories, losses by hand, files, a catalogue that changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from models.base import ModelError
from models.interactions import Interactions
from models.neural.fields import Fields
from models.neural.pair_losses import softmax, triplet
from models.neural.ragged import Past, Ragged
from models.neural.two_tower import TwoTower

SMALL = {"dim": 8, "epochs": 2, "batch": 64, "negatives": 2}
SIDES = pa.array([f"side {code % 2}" for code in range(62)])
USERS = pa.table({"user": pa.array(range(62), pa.int32()), "side": SIDES})
ITEMS = pa.table(
    {
        "item": pa.array(range(42), pa.int32()),
        "genres": [[f"genre {code // 20}", "all"] for code in range(40)] + [["genre 1"], ["new"]],
    }
)


@pytest.fixture(scope="module")
def trained(tastes: Interactions) -> TwoTower:
    model = TwoTower(dim=8, epochs=25, batch=64, learning_rate=0.02, id_dropout=0.3)
    model.attach(USERS, ITEMS)
    return model.fit(tastes)


def test_a_history_decides(tastes: Interactions, lists) -> None:
    model = TwoTower(dim=8, epochs=25, batch=64, learning_rate=0.02).fit(tastes)
    scores = model.score(lists([[1, 2, 3], [22, 25, 31]], 42))
    assert scores[0, :20].sum() > 0.8
    assert scores[1, 20:40].sum() > 0.8
    assert scores.sum(1) == pytest.approx(1, rel=1e-5)


def test_a_cold_user_is_known_by_attributes(trained: TwoTower, lists) -> None:
    scores = trained.score(lists([[]] * 62, 42))
    assert scores[60, :20].sum() > 0.7  # users 60 and 61 have no event
    assert scores[61, 20:40].sum() > 0.7


def test_a_cold_item_is_known_by_attributes(trained: TwoTower, lists) -> None:
    scores = trained.score(lists([[1, 2, 3], [22, 25, 31]], 42))
    assert scores[1, 40] > 4 * scores[0, 40] > 0  # nobody met item 40, of genre 1
    assert (scores[:, 41] == trained.no_signal).all()  # a genre that the fit never saw


def test_items_newer_than_the_fit_are_scored_by_attributes(
    trained: TwoTower, tastes: Interactions, lists, tmp_path: Path
) -> None:
    trained.save(tmp_path)
    model = TwoTower.load(tmp_path)
    new = pa.table({"item": pa.array([42, 43], pa.int32()), "genres": [["genre 0", "all"], None]})
    model.attach(USERS, pa.concat_tables([ITEMS, new]))
    model.refresh(Interactions(tastes.user, tastes.item, tastes.ts, tastes.value, 62, 44), 0)
    scores = model.score(lists([[1, 2, 3], [22, 25, 31]], 44))
    assert scores.shape == (2, 44)
    assert scores[0, 42] > 4 * scores[1, 42] > 0
    assert (scores[:, 43] == model.no_signal).all()
    # the catalogue shrank: rows of the table went, the ids stay
    model.attach(USERS, ITEMS.slice(0, 30))
    assert np.isfinite(model.score(lists([[1, 35]], 44))).all()


def test_a_stranger_without_anything_has_no_signal(trained: TwoTower, lists) -> None:
    histories = lists([[]] * 63, 42)
    assert (trained.score(histories)[62] == trained.no_signal).all()


@pytest.mark.parametrize("loss", ["softmax", "mixed", "bpr", "triplet"])
@pytest.mark.parametrize("history_encoder", ["bag", "gru", "transformer"])
def test_every_loss_and_history(
    loss: str, history_encoder: str, tastes: Interactions, tmp_path: Path
) -> None:
    model = TwoTower(**SMALL, loss=loss, history_encoder=history_encoder, encoder="transformer")
    model.attach(USERS, ITEMS)
    model.fit(tastes).save(tmp_path)
    losses = [epoch["loss"] for epoch in model.curves.epochs]
    assert losses[1] < losses[0]
    loaded = TwoTower.load(tmp_path)
    loaded.attach(USERS, ITEMS)
    histories = tastes.histories()
    whole = model.score(histories)
    assert loaded.score(histories).tobytes() == whole.tobytes()
    few = histories.take(np.arange(5, 8))
    assert model.score(few).tobytes() == whole[5:8].tobytes()


def test_vectors_give_the_order_of_the_scores(trained: TwoTower, tastes: Interactions) -> None:
    histories = tastes.histories()
    products = trained.encode(histories) @ trained.item_vectors().T
    known = trained.item_vectors().any(axis=1)
    shares = np.exp(products[:, known])
    shares /= shares.sum(1, keepdims=True)
    assert trained.score(histories)[:, known] == pytest.approx(shares, rel=1e-3)
    assert trained.space().unit.shape == (42, 8)


def test_the_softmax_by_hand() -> None:
    users = torch.tensor([[1.0, 0.0], [0.0, 2.0]], requires_grad=True)
    items = torch.tensor([[1.0, 1.0], [0.5, 1.0], [2.0, 0.0]], requires_grad=True)
    codes, log_q = torch.tensor([7, 8, 7]), torch.tensor([0.1, 0.2, 0.3])
    weight = torch.tensor([1.0, 3.0])
    # item 7 stands twice: for user 0 the second time is the positive itself
    first = 1.0 - np.log(np.exp(1.0) + np.exp(0.5 - 0.2))
    second = 2.0 - np.log(np.exp(2.0) + np.exp(2.0 - 0.1) + np.exp(0.0 - 0.3))
    loss = softmax(users, items, codes, log_q, weight)
    assert float(loss.detach()) == pytest.approx(-(first + 3 * second) / 2, rel=1e-6)

    def by_autograd() -> torch.Tensor:
        scores = users @ items.T - log_q
        own = (users * items[:2]).sum(1)
        scores = scores.masked_fill(codes == codes[:2, None], -torch.inf)
        scores = torch.cat([scores, own[:, None]], dim=1)
        return ((scores.logsumexp(1) - own) * weight).mean()

    wanted = torch.autograd.grad(by_autograd(), [users, items])
    found = torch.autograd.grad(loss, [users, items])
    for a, b in zip(found, wanted, strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_logq_makes_the_pool_stand_for_all_items() -> None:
    random = torch.Generator().manual_seed(1)
    scores = torch.randn(50, generator=random)
    share = torch.softmax(torch.randn(50, generator=random) / 2, 0)
    whole = float(scores.exp().sum())
    drawn = torch.multinomial(share, 200_000, replacement=True, generator=random)
    log_q = torch.log(len(drawn) * share[drawn])
    assert float((scores[drawn] - log_q).exp().sum()) == pytest.approx(whole, rel=0.02)


def test_the_triplet_by_hand() -> None:
    found = triplet(torch.tensor([2.0]), torch.tensor([[1.5, 0.0, 4.0]]), 1.0)
    assert float(found) == pytest.approx((0.5 + 0 + 3) / 3)


def test_histories_before_an_event_never_hold_it() -> None:
    past = Past(np.array([0, 3, 5]), np.array([10, 11, 12, 20, 21]), newest=2)
    position, user = torch.tensor([0, 2, 3, 4, 2]), torch.tensor([0, 0, 1, 1, 0])
    forgotten = torch.tensor([False, False, False, False, True])
    flat, offsets = past.before(position, user, forgotten)
    rows = [t.tolist() for t in torch.tensor_split(flat, offsets[1:])]
    assert rows == [[], [10, 11], [], [20], []]


def test_rows_past_the_last_are_empty() -> None:
    ragged = Ragged(np.array([0, 2, 2]), np.array([5, 6]), np.array([0.5, 2.0], np.float32))
    index, offsets, weight = ragged(torch.tensor([1, 9, 0]))
    assert (index.tolist(), offsets.tolist(), weight.tolist()) == ([5, 6], [0, 0, 0], [0.5, 2.0])


def test_values_are_those_of_the_training() -> None:
    table = pa.table(
        {
            "item": pa.array([3, 0, 1], pa.int32()),
            "title": ["One", "Two", "Three"],
            "genres": [["b", "a", "a"], ["b"], ["a", "c"]],
            "length": [90.0, None, 100.0],
        }
    )
    fields = Fields.learn("two_tower", "items", table, None, np.array([0, 1, 3]))
    assert {f.name: f.values for f in fields.fields} == {"genres": ("a", "b"), "length": ()}
    assert fields.size == 4
    encoded = fields.encode("two_tower", "items", table, 5)
    slots = np.split(encoded.index, encoded.indptr[1:-1])
    # items 0 to 4, genres then length each; two titles alike would be needed for a value
    assert [s.tolist() for s in slots] == [[1], [], [0], [3], [], [], [0, 1], [2], [], []]
    assert encoded.carried.tolist() == [True, True, False, True, False]
    assert Fields.from_json(fields.to_json()) == fields


def test_many_numbers_become_buckets_of_the_same_size() -> None:
    table = pa.table({"item": pa.array(range(1000), pa.int32()), "x": np.arange(1000.0) ** 2})
    fields = Fields.learn("two_tower", "items", table, None, np.arange(1000))
    counts = np.bincount(fields.encode("two_tower", "items", table, 1000).index)
    assert len(counts) == 16
    assert counts.min() >= 62


def test_a_loss_that_is_no_number_stops(tastes: Interactions) -> None:
    value = tastes.value.copy()
    value[:] = np.nan
    broken = Interactions(tastes.user, tastes.item, tastes.ts, value, 62, 42)
    with pytest.raises(ModelError, match=r"the loss is nan at epoch 0, step 0 of 15 \(a batch of"):
        TwoTower(**SMALL, weigh=True).fit(broken)


def test_an_earlier_fit_is_gone_on_from(trained: TwoTower, tastes: Interactions) -> None:
    warm, cold = (TwoTower(dim=8, epochs=1, batch=64, id_dropout=0.3) for _ in range(2))
    for model in (warm, cold):
        model.attach(USERS, ITEMS)
    warm.start = trained
    grown = Interactions(tastes.user, tastes.item, tastes.ts, tastes.value, 62, 45)
    warm.fit(grown)
    cold.fit(grown)
    assert warm.curves.epochs[0]["loss"] < cold.curves.epochs[0]["loss"] - 0.3
    other = TwoTower(dim=16, epochs=1)
    other.attach(USERS, ITEMS)
    other.start = trained
    with pytest.raises(ModelError, match=r"an earlier fit cannot be gone on from: ids\.weight"):
        other.fit(tastes)


def test_learning_from_the_newest_days_alone(log, lists) -> None:
    rows = [(u, i, 1) for u in range(8) for i in (0, 1)] + [(u, 2, 30) for u in range(8)]
    model = TwoTower(dim=4, epochs=40, batch=4, train_days=2, learning_rate=0.05)
    scores = model.fit(log(rows, 8, 4)).score(lists([[0, 1]], 4))
    assert scores[0, 2] > 0.7
    assert scores[0, 3] == model.no_signal


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"dim": 7}, "dim is 7; it must be even"),
        ({"dropout": 1.0}, "dropout is 1.0; it must be at least 0 and below 1"),
        ({"history": 0}, "history is 0; it must be above 0"),
    ],
)
def test_bad_parameters(params: dict, message: str) -> None:
    with pytest.raises(ModelError, match=f"two_tower: {message}"):
        TwoTower(**params)
