"""The union of sources for a chunk of users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pytest

from models.als import ALS
from models.base import Generator, ModelError
from models.candidates import Candidates, Source, make_candidates
from models.ease import EASE
from models.interactions import Histories, Interactions
from models.item_knn import ItemKNN
from models.popularity import Popularity

N_USERS, N_ITEMS = 62, 42
FILL = np.arange(N_ITEMS, dtype=np.int32)[::-1].copy()


@pytest.fixture(scope="module")
def sources(tastes: Interactions) -> list[Source]:
    ease = EASE(l2=5).fit(tastes)
    return [
        Source("popularity", Popularity().fit(tastes), 6),
        Source("als", ALS(factors=8).fit(tastes), 8),
        Source("ease", ease, 4),
        Source("ease_recent", ease, 3, history=2),
        Source("item_knn", ItemKNN(neighbours=5).fit(tastes), 0),
    ]


@pytest.fixture(scope="module")
def made(sources: list[Source], tastes: Interactions) -> Candidates:
    histories = tastes.histories()
    return make_candidates(sources, histories, histories, FILL, minimum=10)


def items_of(candidates: Candidates, row: int) -> list[int]:
    return candidates.item[candidates.indptr[row] : candidates.indptr[row + 1]].tolist()


def test_every_pair_has_the_real_score_of_every_source(
    sources: list[Source], made: Candidates, tastes: Interactions
) -> None:
    histories = tastes.histories()
    for at, source in enumerate(sources):
        seen = histories.last(2) if source.name == "ease_recent" else histories
        expected = source.model.score(seen)[made.row, made.item]
        np.testing.assert_array_equal(made.scores[at], expected)
    assert not np.array_equal(made.scores[2], made.scores[3])


def test_lists_are_the_sources_own(
    sources: list[Source], made: Candidates, tastes: Interactions
) -> None:
    histories = tastes.histories()
    for at, source in enumerate(sources):
        scores = source.score(histories)
        for row in range(N_USERS):
            met = set(histories.take(np.array([row])).item.tolist())
            order = np.argsort(-scores[row], kind="stable").tolist()
            own = [item for item in order if item not in met and scores[row, item] > 0]
            got = made.lists[at, row]
            assert got[got >= 0].tolist() == own[: source.candidates]


def test_the_union_is_what_was_proposed_and_the_mask_says_by_whom(made: Candidates) -> None:
    for row in range(N_USERS):
        by = dict.fromkeys(items_of(made, row), 0)
        for source, lists in enumerate(made.lists):
            for item in lists[row][lists[row] >= 0]:
                by[int(item)] |= 1 << source
        start, end = made.indptr[row], made.indptr[row + 1]
        assert made.proposed[start:end].tolist() == list(by.values())
        assert list(by) == sorted(by)


def test_the_rank_of_what_a_source_proposed_is_its_own(made: Candidates) -> None:
    checked = 0
    for source, lists in enumerate(made.lists):
        for row in range(N_USERS):
            items = items_of(made, row)
            for place, item in enumerate(lists[row][lists[row] >= 0], start=1):
                at = made.indptr[row] + items.index(item)
                assert made.ranks[source, at] == place
                checked += 1
    assert checked > 500


def test_what_a_source_knows_nothing_about_ranks_behind_all_others(made: Candidates) -> None:
    row = 60  # without a history only popularity knows anything
    ranks = made.ranks[:, made.indptr[row] : made.indptr[row + 1]]
    assert sorted(ranks[0])[:6] == [1, 2, 3, 4, 5, 6]
    assert set(ranks[1:].ravel()) == {1}  # none is known: all share the first rank


def test_hidden_items_never_appear(made: Candidates, tastes: Interactions) -> None:
    met = tastes.matrix()
    assert not np.asarray(met[made.row, made.item]).any()


def test_without_hidden_items_users_are_shown_what_they_met(
    sources: list[Source], tastes: Interactions
) -> None:
    made = make_candidates(sources, tastes.histories(), None, FILL, minimum=0)
    assert np.asarray(tastes.matrix()[made.row, made.item]).any()


def test_the_minimum_is_honoured_and_only_then_filled(made: Candidates) -> None:
    sizes = np.diff(made.indptr)
    assert sizes.min() == 10
    filled = made.proposed == 0
    assert filled.any()
    assert sizes[np.unique(made.row[filled])].max() == 10  # nobody gets more than the minimum
    # User 61 has no history: six popular items, then the fill from its front.
    popular = made.lists[0, 61, :6].tolist()
    rest = [item for item in FILL.tolist() if item not in popular][:4]
    assert items_of(made, 61) == sorted(popular + rest)


def test_a_catalogue_smaller_than_k(tastes: Interactions, lists) -> None:
    few = tastes.where(tastes.item < 3)
    few = Interactions(few.user, few.item, few.ts, few.value, N_USERS, 3)
    source = Source("popularity", Popularity().fit(few), 50)
    fill = np.arange(3, dtype=np.int32)
    made = make_candidates([source], lists([[], [1]], 3), lists([[], [1]], 3), fill, 10)
    assert [items_of(made, row) for row in range(2)] == [[0, 1, 2], [0, 2]]
    assert made.lists.shape == (1, 2, 50)


def test_only_the_fill_where_no_source_proposes(sources: list[Source], lists) -> None:
    made = make_candidates([sources[-1]], lists([[1]], N_ITEMS), None, FILL, minimum=2)
    assert items_of(made, 0) == [40, 41]
    assert made.proposed.tolist() == [0, 0]


def test_items_newer_than_the_fit_have_no_signal(sources: list[Source], lists) -> None:
    histories = lists([[1, N_ITEMS + 1]], N_ITEMS + 2)
    fill = np.array([N_ITEMS, N_ITEMS + 1], np.int32)
    made = make_candidates(sources, histories, histories, fill, minimum=N_ITEMS)
    new = made.item >= N_ITEMS
    assert made.item[new].tolist() == [N_ITEMS]  # the other new one was met
    assert not made.scores[:, new].any()


@pytest.mark.parametrize("size", [1, 2, 7, 61])
def test_chunks_change_nothing(
    size: int, sources: list[Source], made: Candidates, tastes: Interactions
) -> None:
    histories = tastes.histories()
    users = np.arange(N_USERS)
    parts = []
    for at in range(0, N_USERS, size):
        chunk = histories.take(users[at : at + size])
        parts.append(make_candidates(sources, chunk, chunk, FILL, minimum=10))
    for name in ("user", "item", "scores", "ranks", "proposed", "lists"):
        axis = {"scores": 1, "ranks": 1, "lists": 1}.get(name, 0)
        joined = np.concatenate([getattr(part, name) for part in parts], axis=axis)
        assert joined.tobytes() == np.ascontiguousarray(getattr(made, name)).tobytes(), name
    sizes = np.concatenate([np.diff(part.indptr) for part in parts])
    assert sizes.tolist() == np.diff(made.indptr).tolist()
    assert {field.name for field in fields(Candidates)} == {
        "user", "indptr", "item", "scores", "ranks", "proposed", "lists"
    }  # fmt: skip


def test_nobody_gives_nothing(sources: list[Source], lists) -> None:
    nobody: Histories = lists([], N_ITEMS)
    made = make_candidates(sources, nobody, nobody, FILL, minimum=10)
    assert (len(made.item), made.indptr.tolist(), made.lists.shape) == (0, [0], (5, 0, 8))


class _Constant(Generator):
    kind, learned = "constant", ()

    def __init__(self, n_items: int) -> None:
        self.n_items = n_items

    def fit(self, train: Interactions) -> _Constant:
        return self

    def score(self, histories: Histories, out: np.ndarray | None = None) -> np.ndarray:
        return np.ones((len(histories), self.n_items), np.float32)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ([], "0 sources; 1 to 31 can be joined"),
        ([Source("c", _Constant(3), 1)] * 32, "32 sources"),
        ([Source("c", _Constant(4), 1)], "'c' was fitted on 4 items, the log knows 3.*refit"),
    ],
)
def test_impossible_sources_are_refused(sources: Sequence[Source], message: str, lists) -> None:
    with pytest.raises(ModelError, match=message):
        make_candidates(sources, lists([[0]], 3), None, FILL[:0], 0)


def test_as_many_sources_as_the_mask_has_bits(lists) -> None:
    sources = [Source(f"c{n}", _Constant(3), 1) for n in range(31)]
    hidden = lists([[0]], 3)
    made = make_candidates(sources, lists([[0]], 3), hidden, np.array([0, 2], np.int32), 2)
    assert made.item.tolist() == [1, 2]
    assert made.proposed.tolist() == [2**31 - 1, 0]
