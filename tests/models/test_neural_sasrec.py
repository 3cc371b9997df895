"""SASRec as a generator: what it learns, its files, its bad inputs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from models.base import ModelError
from models.ease import EASE
from models.interactions import EPOCH_DAY_US, Interactions
from models.neural.attributes import Bags
from models.neural.sasrec import SASRec
from models.neural.validation import hold_out

SMALL = {"width": 8, "layers": 1, "length": 12, "batch_tokens": 200, "precision": "32"}
N_ITEMS = 12


def circle(users: int = 40, events: int = 9, n_items: int = N_ITEMS) -> Interactions:
    """After item i comes item i + 1; 12 items in a ring."""
    first = np.arange(users)[:, None]
    item = ((first + np.arange(events)) % N_ITEMS).astype(np.int32).ravel()
    user = np.repeat(np.arange(users, dtype=np.int32), events)
    ts = np.tile(np.arange(events, dtype=np.int64), users) * EPOCH_DAY_US
    order = np.argsort(ts, kind="stable")
    ones = np.ones(len(item), np.float32)
    return Interactions(user[order], item[order], ts[order], ones, users, n_items)


@pytest.fixture(scope="module")
def fitted() -> SASRec:
    return SASRec(epochs=25, learning_rate=0.02, **SMALL).fit(circle())


def test_it_learns_the_order(fitted: SASRec, lists) -> None:
    scores = fitted.score(lists([[3, 4, 5], [11], [8, 9]], N_ITEMS))
    assert scores.argmax(1).tolist() == [6, 0, 10]
    assert scores.sum(1) == pytest.approx([1, 1, 1], abs=1e-5)


@pytest.mark.parametrize("loss", ["in_batch", "in_batch_logq", "bce", "gbce", "sampled"])
def test_every_loss_learns_the_order(loss: str, lists) -> None:
    model = SASRec(epochs=70, learning_rate=0.03, loss=loss, negatives=8, **SMALL)  # type: ignore[arg-type]
    scores = model.fit(circle()).score(lists([[3, 4, 5], [8, 9]], N_ITEMS))
    assert scores.argmax(1).tolist() == [6, 10]


def test_encode_gives_vectors_whose_products_order_the_items(fitted: SASRec, lists) -> None:
    histories = lists([[3, 4, 5], [], [8, 9]], N_ITEMS)
    users = fitted.encode(histories)
    assert users.dtype == np.float32
    assert not users[1].any()
    products, scores = users @ fitted.item_vectors().T, fitted.score(histories)
    assert (products[[0, 2]].argsort(1) == scores[[0, 2]].argsort(1)).all()


def test_histories_longer_than_the_limit_count_from_the_newest(fitted: SASRec, lists) -> None:
    long = [*range(8), *range(12), *range(12)]
    a, b = fitted.score(lists([long, long[-12:]], N_ITEMS))
    assert a.tobytes() == b.tobytes()


def test_who_else_is_scored_and_earlier_padding_change_no_byte(fitted: SASRec, lists) -> None:
    rows = [list(range(n % 12 + 1)) for n in range(50)]
    whole = fitted.score(lists(rows, N_ITEMS))
    for at in (0, 17, 49):
        assert fitted.score(lists([rows[at]], N_ITEMS)).tobytes() == whole[at].tobytes()


def test_a_catalogue_that_grew_or_shrank(fitted: SASRec, lists) -> None:
    grown = fitted.score(lists([[3, 40, 4, 99]], 100))
    assert grown.shape == (1, N_ITEMS)
    assert grown.tobytes() == fitted.score(lists([[3, 4]], N_ITEMS)).tobytes()
    assert fitted.score(lists([[3, 4]], 5)).shape == (1, N_ITEMS)  # the union refuses such a source
    assert not fitted.score(lists([[40], []], 100)).any()


def test_items_the_fit_never_met_have_no_signal(lists) -> None:
    model = SASRec(epochs=1, **SMALL).fit(circle(n_items=20))
    scores = model.score(lists([[3, 15]], 20))
    assert (scores[0, 12:] == model.no_signal).all()
    assert (scores[0, :12] > model.no_signal).all()


def test_users_with_one_event_teach_nothing_and_say_so(log, lists) -> None:
    model = SASRec(epochs=1, **SMALL).fit(log([(0, 0, 1), (1, 1, 2)], 2, 2))
    assert model.curves is not None
    assert model.curves.notes == ["no user has two events: nothing was learned"]
    assert not model.score(lists([[0]], 2)).any()


def test_early_stopping_holds_out_the_newest_events(lists) -> None:
    held = hold_out(circle().histories(), 2000, seed=1)
    assert len(held.item) == 4  # a tenth of the users
    assert held.histories.lengths.sum() == 40 * 9 - 4
    assert (held.item == (held.asked.user + 8) % N_ITEMS).all()
    model = SASRec(epochs=60, patience=2, learning_rate=0.05, **SMALL).fit(circle())
    assert model.curves is not None
    assert model.curves.best == pytest.approx(1.0)
    assert len(model.curves.epochs) < 60


def test_time_gaps_and_attributes_are_part_of_the_model(tmp_path: Path, lists) -> None:
    items = pa.table(
        {
            "item": pa.array(range(N_ITEMS), pa.int32()),
            "parity": ["even", "odd"] * 6,
            "tags": pa.array([["a", "b"], None, []] + [["b"]] * 9),
        }
    )
    model = SASRec(epochs=3, time_gaps=True, attributes=["parity", "tags"], **SMALL)
    with pytest.raises(ModelError, match=r"attributes \['parity', 'tags'\] need the items table"):
        model.fit(circle())
    model.attach(items, items)
    model.fit(circle()).save(tmp_path)
    histories = lists([[3, 4, 5]], N_ITEMS)
    assert SASRec.load(tmp_path).score(histories).tobytes() == model.score(histories).tobytes()
    unknown = SASRec(attributes=["director"], **SMALL)
    unknown.attach(items, items)
    with pytest.raises(ModelError, match=r"'director' is no column of the items; .*'parity'"):
        unknown.fit(circle())


def test_bags_average_values_and_pass_over_what_is_missing() -> None:
    items = pa.table({"item": pa.array([2, 0], pa.int32()), "tags": [["x", "y"], ["y", None]]})
    bags = Bags.of(items, ["tags"], 3)
    vectors = torch.tensor([[1.0], [5.0]])  # x, y
    assert bags(vectors).flatten().tolist() == [5.0, 0.0, 3.0]


def test_a_warm_start_takes_what_it_knows_and_learns_new_items(fitted: SASRec, lists) -> None:
    warm = SASRec(epochs=1, learning_rate=1e-5, **SMALL)
    warm.assist(start=fitted)
    warm.fit(circle(n_items=15))
    cold = SASRec(epochs=1, learning_rate=1e-5, **SMALL).fit(circle(n_items=15))
    histories = lists([[3, 4, 5], [8, 9]], 15)
    assert warm.score(histories).argmax(1).tolist() == [6, 10]
    assert cold.score(histories).argmax(1).tolist() != [6, 10]
    other = SASRec(epochs=1, **{**SMALL, "width": 16})
    other.assist(start=fitted)
    with pytest.raises(ModelError, match="items has another shape there"):
        other.fit(circle())
    other.assist(start=EASE())
    with pytest.raises(ModelError, match="a fitted ease cannot be gone on from"):
        other.fit(circle())


def test_values_numbered_anew_do_not_get_the_vectors_of_others() -> None:
    def model(kinds: list[str], start: SASRec | None) -> SASRec:
        made = SASRec(epochs=1, learning_rate=1e-9, attributes=["kind"], **SMALL)
        table = pa.table({"item": pa.array(range(N_ITEMS), pa.int32()), "kind": kinds})
        made.attach(table, table)
        made.assist(start=start)
        return made.fit(circle())

    def values(fitted: SASRec) -> torch.Tensor:
        return dict(fitted._fitted().named_parameters())["values"].detach()

    kinds = ["film", "series"] * 6
    earlier = model(kinds, None)
    with torch.no_grad():
        dict(earlier._fitted().named_parameters())["values"].fill_(7.0)
    assert values(model(kinds, earlier)).mean() == pytest.approx(7)
    assert values(model(["series", *kinds[1:]], earlier)).abs().max() < 1


def test_files_are_safetensors_and_json_with_curves(fitted: SASRec, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "model.json",
        "training.json",
        "weights.safetensors",
    ]
    curves = json.loads((tmp_path / "training.json").read_text())
    assert len(curves["epochs"]) == 25
    assert set(curves["epochs"][0]) == {"epoch", "loss", "learning_rate"}
    description = json.loads((tmp_path / "model.json").read_text())
    description["params"]["width"] = 16
    (tmp_path / "model.json").write_text(json.dumps(description))
    with pytest.raises(ModelError, match=r"another model: items is \(12, 8\) there and \(12, 16\)"):
        SASRec.load(tmp_path)
    (tmp_path / "weights.safetensors").write_bytes(b"half")
    with pytest.raises(ModelError, match="is no complete model"):
        SASRec.load(tmp_path)


def test_an_interrupted_fit_goes_on(tmp_path: Path, lists) -> None:
    path = tmp_path / "training.safetensors"

    class StopError(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done > total / 2:
            raise StopError

    whole = SASRec(epochs=4, **SMALL).fit(circle())
    model = SASRec(epochs=4, **SMALL)
    model.assist(checkpoint=path, tell=stop)
    with pytest.raises(StopError):
        model.fit(circle())
    again = SASRec(epochs=4, **SMALL)
    again.assist(checkpoint=path)
    histories = lists([[3, 4, 5]], N_ITEMS)
    assert again.fit(circle()).score(histories).tobytes() == whole.score(histories).tobytes()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"width": 10, "heads": 3}, "width is 10; it must be a multiple of 2 x heads"),
        ({"dropout": 1.0}, r"dropout is 1.0; it must be in \[0, 1\)"),
        ({"epochs": 0}, "epochs is 0; it must be above 0"),
    ],
)
def test_bad_parameters_are_named(params: dict, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        SASRec(**params)


def test_a_required_gpu_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match="accelerator is 'gpu'"):
        SASRec(accelerator="gpu", **SMALL).fit(circle())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cpu_and_gpu_agree(lists) -> None:
    params = {**SMALL, "dropout": 0.0, "epochs": 3}
    histories = lists([[3, 4, 5], [8, 9]], N_ITEMS)
    cpu, gpu = (
        SASRec(accelerator=where, **params).fit(circle()).score(histories)  # type: ignore[arg-type]
        for where in ("cpu", "gpu")
    )
    assert np.allclose(cpu, gpu, atol=1e-3)
