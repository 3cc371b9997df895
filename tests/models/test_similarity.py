"""Similarity to single items of the history, worked out by hand and against plain Python."""

from __future__ import annotations

import numpy as np
import pytest

from models.interactions import Histories, Interactions
from models.registry import make_generator
from models.similarity import FEW, HALF_LIFE, MEASURES, NEWEST, Neighbours, Space, Vectors, Weights

MATRIX = np.array(
    # to 0  1     2     3
    [
        [0.0, 0.5, -0.2, 0.0],
        [0.4, 0.0, 0.3, 0.0],
        [-0.1, 0.6, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0],
    ],
    np.float32,
)


def histories(*users: list[int], n_items: int = 5) -> Histories:
    indptr = np.cumsum([0, *map(len, users)]).astype(np.int64)
    item = np.array([item for items in users for item in items], np.int32)
    codes = np.arange(len(users), dtype=np.int32)
    return Histories(codes, indptr, item, np.zeros(len(item), np.int64), n_items)


def compare(space: Space, history: Histories, *lists: list[int]) -> dict[str, list[float]]:
    indptr = np.cumsum([0, *map(len, lists)]).astype(np.int64)
    item = np.array([item for items in lists for item in items], np.int32)
    out = np.full((len(MEASURES), len(item)), -7, np.float32)
    space.compare(history.last(NEWEST), indptr, item, out)
    return dict(zip(MEASURES, out.tolist(), strict=True))


def test_by_hand() -> None:
    space = Weights(MATRIX, np.arange(4, dtype=np.int32), 4)
    # user 0 met 0, then 2: candidate 1 is .6 like the newest and .5 like the one before
    found = compare(space, histories([0, 2], []), [1, 3], [1])
    assert found[f"sim_max_last{FEW}"][:2] == pytest.approx([0.6, 0])
    assert found[f"sim_max_last{NEWEST}"][:2] == pytest.approx([0.6, 0])
    assert found["sim_mean"][:2] == pytest.approx([0.55, 0])
    assert found["sim_recent"][:2] == pytest.approx([0.6 + 0.5 * 0.5 ** (1 / HALF_LIFE), 0])
    assert np.isnan([values[2] for values in found.values()]).all()  # no history


def test_what_lies_further_back_than_the_shortest_look_back() -> None:
    space = Weights(MATRIX, np.arange(4, dtype=np.int32), 4)
    found = compare(space, histories([1] + [3] * FEW), [0])
    assert found[f"sim_max_last{FEW}"] == [0]
    assert found[f"sim_max_last{NEWEST}"] == pytest.approx([0.4])
    assert compare(space, histories([1] + [3] * NEWEST), [0])[f"sim_max_last{NEWEST}"] == [0]


def test_items_a_source_does_not_know_are_undefined_on_either_side() -> None:
    kept = np.array([0, 2], np.int32)
    space = Weights(np.array([[0, 0.7], [0.2, 0]], np.float32), kept, 4)
    found = compare(space, histories([4, 0, 1]), [1, 2, 4])
    assert found["sim_mean"][1] == pytest.approx(0.7)
    assert np.isnan([found["sim_mean"][0], found["sim_mean"][2]]).all()


def plain(matrix: np.ndarray, met: list[int], candidate: int) -> list[float]:
    newest = [matrix[item, candidate] for item in met[::-1][:NEWEST]]
    weights = 0.5 ** (np.arange(len(newest)) / HALF_LIFE)
    return [max(newest[:FEW]), max(newest), float(np.mean(newest)), float(weights @ newest)]


@pytest.mark.parametrize("kind", ["ease", "item_knn", "als"])
def test_every_space_says_what_plain_python_says(kind: str, tastes: Interactions) -> None:
    model = make_generator(kind).fit(tastes)
    space = model.space()
    assert space is not None
    n = tastes.n_items
    if isinstance(space, Weights):
        matrix = np.zeros((n, n), np.float32)
        matrix[np.ix_(space.kept, space.kept)] = space.weights
        known = np.isin(np.arange(n), space.kept)
    elif isinstance(space, Neighbours):
        matrix, known = np.zeros((n, n), np.float32), np.ones(n, bool)
        for item in range(n):
            at = slice(space.indptr[item], space.indptr[item + 1])
            matrix[item, space.indices[at]] = space.data[at]
    else:
        assert isinstance(space, Vectors)
        matrix, known = space.unit @ space.unit.T, np.ones(n, bool)
    some = tastes.histories().take(np.arange(6))
    items = np.flatnonzero(known)[:20].astype(np.int32)
    indptr = np.arange(7, dtype=np.int64) * len(items)
    out = np.empty((len(MEASURES), 6 * len(items)), np.float32)
    space.compare(some.last(NEWEST), indptr, np.tile(items, 6), out)
    for user in range(6):
        met = [i for i in some.item[some.indptr[user] : some.indptr[user + 1]].tolist() if known[i]]
        for at, item in enumerate(items.tolist()):
            expected = plain(matrix, met, item)
            np.testing.assert_allclose(
                out[:, user * len(items) + at], expected, rtol=1e-4, atol=1e-6
            )


def test_a_source_without_items_of_its_own_has_no_space(tastes: Interactions) -> None:
    assert make_generator("popularity").fit(tastes).space() is None
