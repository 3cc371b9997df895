"""Re-ranking: both ways against their definitions, edges, invariants."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from models.base import ModelError
from models.rerank import APART, ItemSpace, rerank
from models.topk import best_of

#                  drama comedy war
GENRES = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]], np.float32)
SPACE = ItemSpace.of(GENRES, 6)


def _likeness(values, n_items):
    """Similarity of all pairs as the docstring has it, ``(n_items, n_items)``."""
    full = np.zeros((n_items, values.shape[1]))
    full[: len(values)] = values
    length = np.linalg.norm(full, axis=1)
    known = length > 0
    unit = full / np.where(known, length, 1)[:, None]
    unit[~known] = unit.sum(axis=0) / max(known.sum(), 1)
    likeness = unit @ unit.T
    np.fill_diagonal(likeness, 1)
    return likeness


def _regret(listed, scores, item, likeness, options):
    """How much better the best candidate was than the one taken, at the worst place of a list.

    Every candidate is tried at every place, by the definitions of the module.
    """
    k, strength = options["k"], options["strength"]
    order = sorted(range(len(item)), key=lambda p: (-scores[p], p))[: max(options["pool"], k)]
    span = np.ptp(scores[order].astype(np.float64)) or 1
    relevance = (scores - scores[order].min()) / span
    alike = likeness[np.ix_(item, item)]
    kernel = (1 - APART) * alike + APART * np.eye(len(item))

    def gain(place, picked):
        if options["kind"] == "mmr":
            near = max((alike[place, q] for q in picked), default=0)
            return (1 - strength) * relevance[place] - strength * near
        chosen = [*picked, place]
        volume = np.linalg.slogdet(kernel[np.ix_(chosen, chosen)])[1]
        return (1 - strength) * relevance[chosen].sum() + strength * volume

    return max(
        max(gain(p, listed[:at]) for p in order if p not in listed[:at]) - gain(taken, listed[:at])
        for at, taken in enumerate(listed)
    )


def test_by_hand():
    scores = np.array([1.0, 0.9, 0.8, 0.4, 0.0], np.float32)
    item, indptr = np.arange(5, dtype=np.int32), np.array([0, 5])

    def listed(kind, strength, k=3):
        return rerank(scores, indptr, item, k, SPACE, kind, strength, pool=5)[0].tolist()

    # Item 1 repeats item 0 and item 2 half of it; the war film has nothing in common with them.
    for kind in ("mmr", "dpp"):
        assert listed(kind, 0.0) == [0, 1, 2]
        assert listed(kind, 0.6, 2) == [0, 3]
        assert set(listed(kind, 1.0, 5)) == {0, 1, 2, 3, 4}


def test_what_is_not_known_counts_as_average():
    # Of the four known items: to a drama 1, 1, .71 and 0; to one another .43 on the mean.
    assert SPACE.expected[[0, 1]] == pytest.approx([(2 + 0.5**0.5) / 4] * 2)
    assert SPACE.expected[3] == pytest.approx(1 / 4)
    assert SPACE.expected[[4, 5]] == pytest.approx([_likeness(GENRES, 6)[4, 5]] * 2)
    nothing = ItemSpace.of(np.zeros((0, 0)), 4)
    scores, item = np.arange(4, dtype=np.float32), np.arange(4, dtype=np.int32)
    for kind in ("mmr", "dpp"):
        assert rerank(scores, np.array([0, 4]), item, 4, nothing, kind, 0.9)[0].tolist() == [
            3,
            2,
            1,
            0,
        ]


def test_short_and_empty_users_keep_all_they_have():
    scores = np.array([0.5, 0.5, 2.0], np.float32)
    item, indptr = np.array([2, 3, 1], np.int32), np.array([0, 0, 2, 3])
    for kind in ("mmr", "dpp"):
        found = rerank(scores, indptr, item, 3, SPACE, kind, 0.5)
        assert found.tolist() == [[-1, -1, -1], [0, 1, -1], [2, -1, -1]]
        empty = rerank(scores[:0], np.zeros(3, np.int64), item[:0], 2, SPACE, kind, 0.5)
        assert empty.tolist() == [[-1, -1], [-1, -1]]


def test_sparse_and_dense_attributes_are_the_same_space():
    dense, sparse = ItemSpace.of(GENRES, 5), ItemSpace.of(sp.csr_matrix(GENRES), 5)
    assert dense.data.tolist() == sparse.data.tolist()
    assert dense.expected.tolist() == sparse.expected.tolist()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "greedy"}, "expected 'mmr' or 'dpp'"),
        ({"strength": 1.5}, "a number in 0..1"),
        ({"strength": float("nan")}, "a number in 0..1"),
        (
            {"item": np.array([0, 6], np.int32)},
            "item code 6, but the similarity of items ends at 5",
        ),
        ({"scores": np.array([1, np.nan], np.float32)}, "not finite"),
    ],
)
def test_what_does_not_fit_is_refused(change, words):
    given_ = {
        "scores": np.ones(2, np.float32),
        "indptr": np.array([0, 2]),
        "item": np.array([0, 1], np.int32),
        "k": 2,
        "space": SPACE,
        "kind": "mmr",
        "strength": 0.5,
    }
    with pytest.raises(ModelError, match=words):
        rerank(**{**given_, **change})


@pytest.mark.parametrize("values", [np.ones((3, 2)), np.array([[np.nan, 1]])])
def test_a_space_of_other_data_is_refused(values):
    with pytest.raises(ModelError, match="rows of finite numbers"):
        ItemSpace.of(values, 2)


@st.composite
def cases(draw):
    n_items, width = draw(st.integers(1, 9)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = (
        rng.integers(0, 2, (n_items, width))
        if draw(st.booleans())
        else rng.normal(size=(n_items, width))
    )
    sizes = [draw(st.integers(0, n_items)) for _ in range(draw(st.integers(1, 4)))]
    indptr = np.cumsum([0, *sizes])
    item = np.concatenate([np.sort(rng.permutation(n_items)[:size]) for size in sizes])
    scores = rng.integers(-6, 6, len(item)) / 4
    options = {
        "k": draw(st.integers(1, 6)),
        "kind": draw(st.sampled_from(["mmr", "dpp"])),
        "strength": draw(st.sampled_from([0.05, 0.3, 0.5, 0.8, 1.0])),
        "pool": draw(st.integers(2, 9)),
    }
    return (
        values.astype(np.float32),
        scores.astype(np.float32),
        indptr,
        item.astype(np.int32),
        options,
    )


@given(cases())
def test_every_pick_is_the_best_by_definition(case):
    values, scores, indptr, item, options = case
    space, likeness = ItemSpace.of(values, len(values)), _likeness(values, len(values))
    found = rerank(scores, indptr, item, space=space, **options)
    for row in np.flatnonzero(np.diff(indptr)):
        mine = slice(indptr[row], indptr[row + 1])
        listed = [int(p - indptr[row]) for p in found[row] if p >= 0]
        assert _regret(listed, scores[mine], item[mine], likeness, options) < 1e-4


@given(cases())
def test_invariants(case):
    values, scores, indptr, item, options = case
    space = ItemSpace.of(values, len(values))
    found = rerank(scores, indptr, item, space=space, **options)
    k = options["k"]
    assert found.shape == (len(indptr) - 1, k)
    assert ((found >= 0).sum(axis=1) == np.minimum(np.diff(indptr), k)).all()
    pooled = best_of(scores, indptr, max(options["pool"], k))
    for own, pool in zip(found, pooled, strict=True):
        listed = own[own >= 0]
        assert len(set(listed)) == len(listed)
        assert set(listed) <= set(pool)
        assert listed[:1].tolist() == pool[:1][pool[:1] >= 0].tolist()  # the best stays first
    off = rerank(scores, indptr, item, space=space, **{**options, "strength": 0})
    assert off.tolist() == best_of(scores, indptr, k).tolist()
    # A user's list does not depend on the chunk it is made in.
    for row in range(len(found)):
        mine = slice(indptr[row], indptr[row + 1])
        alone = np.array([0, indptr[row + 1] - indptr[row]])
        single = rerank(scores[mine], alone, item[mine], space=space, **options)[0]
        assert np.where(single < 0, -1, single + indptr[row]).tolist() == found[row].tolist()
