"""What holds for every kind of generator: the protocol, files, growing catalogues."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from models.base import Generator, ModelError
from models.ease import EASE
from models.interactions import EPOCH_DAY_US, Interactions
from models.popularity import Popularity
from models.registry import KINDS, make_generator

PARAMS = {
    "popularity": {"window_days": 20, "half_life_days": 5},
    "als": {"factors": 8},
    "ease": {"l2": 5, "max_items": 30},
    "item_knn": {"neighbours": 7, "weighting": "tfidf"},
    "sasrec": {"width": 8, "layers": 1, "length": 10, "epochs": 1},
    "two_tower": {"dim": 8, "epochs": 2, "batch": 64},
    "fm": {"factors": 8, "epochs": 2, "batch": 64, "pool": 32},
    "two_head": {"dim": 4, "epochs": 2, "batch": 64},
    "neural_cf": {"dim": 4, "epochs": 2, "batch": 64},
}
every_kind = pytest.mark.parametrize("kind", sorted(KINDS))


def fitted(kind: str, train: Interactions) -> Generator:
    return make_generator(kind, **PARAMS[kind]).fit(train)


def test_every_kind_is_tried_here() -> None:
    assert sorted(PARAMS) == sorted(KINDS)


@every_kind
def test_a_saved_model_is_the_same_model(kind: str, tastes: Interactions, tmp_path: Path) -> None:
    model = fitted(kind, tastes)
    model.save(tmp_path / "model")
    loaded = KINDS[kind].load(tmp_path / "model")
    histories = tastes.histories()
    assert loaded.params() == model.params()
    assert loaded.params().items() >= PARAMS[kind].items()
    assert loaded.n_items == 42
    assert loaded.score(histories).tobytes() == model.score(histories).tobytes()


@every_kind
def test_same_log_same_bytes(kind: str, tastes: Interactions, tmp_path: Path) -> None:
    for name in ("a", "b"):
        fitted(kind, tastes).save(tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(files) >= 2
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@every_kind
def test_an_unfitted_model_stays_unfitted(kind: str, tmp_path: Path) -> None:
    make_generator(kind).save(tmp_path)
    loaded = KINDS[kind].load(tmp_path)
    assert all(getattr(loaded, name) is None for name in loaded.learned)


@every_kind
def test_another_kind_is_refused(kind: str, tastes: Interactions, tmp_path: Path) -> None:
    fitted(kind, tastes).save(tmp_path)
    other = next(cls for name, cls in sorted(KINDS.items()) if name != kind)
    with pytest.raises(ModelError, match=f"holds a '{kind}' model, not '{other.kind}'; refit it"):
        other.load(tmp_path)


def _drop(key: str, folder: Path) -> None:
    description = json.loads((folder / "model.json").read_text())
    del description[key]
    (folder / "model.json").write_text(json.dumps(description))


BREAKAGES = {
    "no folder": lambda f: [path.unlink() for path in f.iterdir()],
    "no arrays": lambda f: (f / "arrays.npz").unlink(),
    "no description": lambda f: (f / "model.json").unlink(),
    "half the arrays": lambda f: (f / "arrays.npz").write_bytes(
        (f / "arrays.npz").read_bytes()[:200]
    ),
    "empty arrays": lambda f: (f / "arrays.npz").write_bytes(b""),
    "arrays of another making": lambda f: np.savez(f / "arrays.npz", x=np.ones(2)),
    "a pickle": lambda f: np.savez(f / "arrays.npz", weights=np.array([{}]), kept=np.ones(1)),
    "half a description": lambda f: (f / "model.json").write_text('{"kind": "ea'),
    "a list": lambda f: (f / "model.json").write_text("[]"),
    "no text": lambda f: (f / "model.json").write_bytes(b"\xff\xfe\x00"),
    "no kind": lambda f: _drop("kind", f),
    "no size": lambda f: _drop("n_items", f),
    "a parameter of another version": lambda f: (f / "model.json").write_text(
        (f / "model.json").read_text().replace('"l2"', '"lambda"')
    ),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_broken_model_is_refused(breakage: str, tastes: Interactions, tmp_path: Path) -> None:
    fitted("ease", tastes).save(tmp_path)
    BREAKAGES[breakage](tmp_path)
    with pytest.raises(ModelError, match=r"is no complete model \(.*\); refit it"):
        EASE.load(tmp_path)


def test_a_value_that_is_no_longer_allowed_is_named(tastes: Interactions, tmp_path: Path) -> None:
    fitted("ease", tastes).save(tmp_path)
    path = tmp_path / "model.json"
    path.write_text(path.read_text().replace('"l2": 5', '"l2": -5'))
    with pytest.raises(ModelError, match="ease: l2 is -5"):
        EASE.load(tmp_path)


@every_kind
def test_items_newer_than_the_fit_change_nothing(kind: str, tastes: Interactions, lists) -> None:
    model = fitted(kind, tastes)
    known = model.score(lists([[3, 4], []], 42))
    grown = model.score(lists([[3, 50, 4], [49]], 51))
    assert known.shape == grown.shape == (2, 42)
    assert known.tobytes() == grown.tobytes()


@every_kind
def test_scores_are_float32_and_nobody_gives_none(kind: str, tastes: Interactions, lists) -> None:
    model = fitted(kind, tastes)
    assert model.score(lists([[1]], 42)).dtype == np.float32
    assert model.score(lists([], 42)).shape == (0, 42)


@every_kind
def test_an_empty_history_has_no_signal_but_popularity(
    kind: str, tastes: Interactions, lists
) -> None:
    scores = fitted(kind, tastes).score(lists([[]], 42))
    assert scores.any() == (kind == "popularity")


@every_kind
def test_items_never_met_have_no_signal(kind: str, tastes: Interactions, lists) -> None:
    model = fitted(kind, tastes)
    scores = model.score(lists([[0, 1, 2]], 42))
    assert (scores[:, 40:] == model.no_signal).all()
    assert (scores > model.no_signal).any()


@every_kind
def test_one_user_and_one_item_are_enough(kind: str, log, lists) -> None:
    model = make_generator(kind).fit(log([(0, 0, 1)], 1, 1))
    scores = model.score(lists([[0]], 1))
    assert scores.shape == (1, 1)
    assert np.isfinite(scores).all()


@every_kind
def test_an_empty_log_is_refused_but_by_popularity(kind: str, log) -> None:
    model = make_generator(kind)
    if kind == "popularity":
        assert not model.fit(log([], 2, 3)).share.any()
        return
    with pytest.raises(ModelError, match=f"{kind}: there is no positive event to learn from"):
        model.fit(log([], 2, 3))


@every_kind
def test_chunks_change_no_score(kind: str, tastes: Interactions) -> None:
    model = fitted(kind, tastes)
    histories = tastes.histories()
    whole = np.ascontiguousarray(model.score(histories))
    for size in (1, 5, 61):
        parts = [
            model.score(histories.take(np.arange(at, min(at + size, 62))))
            for at in range(0, 62, size)
        ]
        assert np.concatenate(parts).tobytes() == whole.tobytes()


@every_kind
def test_only_popularity_counts_anew_for_a_later_day(kind: str, tastes: Interactions) -> None:
    model = fitted(kind, tastes)
    histories = tastes.histories()
    before = model.score(histories).copy()
    model.refresh(tastes, until=40 * EPOCH_DAY_US)
    assert np.array_equal(before, model.score(histories)) == (kind != "popularity")


@pytest.mark.parametrize(
    ("kind", "params", "message"),
    [
        ("svd", {}, r"no generator of kind 'svd'; there are \['als', 'ease', 'fm', 'item_knn'"),
        ("ease", {"lambda": 3}, r"ease has no parameter 'lambda'; it has \['l2', 'max_items'\]"),
        ("als", {"factors": "many"}, "als: factors is 'many'; it must be a valid integer"),
        ("als", {"factors": 3.5}, "als: factors is 3.5; it must be a valid integer"),
        ("popularity", {"segment_by": "age"}, "segment_by is 'age'; it must be a valid list"),
        ("popularity", {"window_days": -1}, "window_days is -1.0; it must be above 0"),
    ],
)
def test_a_bad_declaration_is_explained(kind: str, params: dict, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        make_generator(kind, **params)


def test_parameters_arrive_in_their_type() -> None:
    model = make_generator("popularity", window_days=7, segment_by=["age", "sex"])
    assert isinstance(model, Popularity)
    assert model.params() == {
        "window_days": 7.0,
        "half_life_days": None,
        "weekday": False,
        "segment_by": ["age", "sex"],
        "smoothing": 100.0,
    }


@every_kind
def test_attributes_may_always_be_attached(kind: str, tastes: Interactions) -> None:
    plain = fitted(kind, tastes)
    model = make_generator(kind, **PARAMS[kind])
    table = pa.table({"code": pa.array([0], pa.int32()), "age": ["young"]})
    model.attach(table, table)
    histories = tastes.histories()
    assert model.fit(tastes).score(histories).tobytes() == plain.score(histories).tobytes()
