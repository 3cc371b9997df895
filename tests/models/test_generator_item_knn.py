"""Item-KNN against the library's own lists, and cosine by hand."""

from __future__ import annotations

import numpy as np
import pytest
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender

from models.base import ModelError
from models.interactions import Interactions
from models.item_knn import ItemKNN

LIBRARY = {
    "bm25": BM25Recommender(K=15, K1=1.2, B=0.75),
    "tfidf": TFIDFRecommender(K=15),
    "cosine": CosineRecommender(K=15),
}


@pytest.mark.filterwarnings("ignore:Method expects CSR")  # said by the library of its own matrix
@pytest.mark.parametrize("weighting", LIBRARY)
def test_scores_are_those_of_the_library(weighting: str, tastes: Interactions) -> None:
    library = LIBRARY[weighting]
    users, known = np.unique(tastes.user), np.unique(tastes.item)
    dense = tastes.matrix()[users][:, known].tocsr()  # codes without events are no users or items
    library.fit(dense, show_progress=False)
    model = ItemKNN(neighbours=15, weighting=weighting).fit(tastes)
    histories = tastes.histories()
    scores = model.score(histories)
    assert scores.dtype == np.float32
    for row, user in enumerate(users):
        found, expected = library.recommend(row, dense[row], N=10)  # without those met
        items, expected = known[found[expected > 0]], expected[expected > 0]
        assert len(items) > 0
        np.testing.assert_allclose(scores[user, items], expected, rtol=1e-4)
        rest = np.delete(scores[user], [*items, *histories.take(np.array([user])).item])
        assert len(items) < 10 or rest.max() <= expected.min() * (1 + 1e-4)


def test_codes_without_events_change_nothing(tastes: Interactions, lists) -> None:
    more = Interactions(
        tastes.user, tastes.item, tastes.ts, tastes.value, tastes.n_users + 50, tastes.n_items + 9
    )
    small, large = ItemKNN().fit(tastes), ItemKNN().fit(more)
    np.testing.assert_array_equal(small.data, large.data)


def test_cosine_by_hand(log, lists) -> None:
    # Users of the items: {0, 1}, {0, 1, 2, 3}, {2}; cosines 2/sqrt(8), 1/2 and 0.
    rows = [(0, 0, 1), (1, 0, 1), (0, 1, 1), (1, 1, 1), (2, 1, 1), (3, 1, 1), (2, 2, 1)]
    model = ItemKNN(weighting="cosine").fit(log(rows, 4, 3))
    scores = model.score(lists([[0], [1], [0, 2], []], 3))
    a, b = 2 / np.sqrt(8), 1 / 2
    np.testing.assert_allclose(scores, [[0, a, 0], [a, 0, b], [0, a + b, 0], [0, 0, 0]], rtol=1e-6)


def test_an_item_is_not_its_own_neighbour(tastes: Interactions, lists) -> None:
    scores = ItemKNN().fit(tastes).score(lists([[item] for item in range(42)], 42))
    np.testing.assert_array_equal(np.diag(scores), 0)


def test_each_item_keeps_its_nearest(tastes: Interactions) -> None:
    model = ItemKNN(neighbours=6).fit(tastes)
    assert np.diff(model.indptr).max() <= 6
    assert len(model.data) > 0


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"weighting": "bm26"}, r"weighting is 'bm26'; choose one of \('bm25', 'tfidf', 'cosine'"),
        ({"neighbours": 0}, "neighbours is 0; it must be above 0"),
        ({"b": 1.5}, "b is 1.5; it must be within 0..1"),
    ],
)
def test_impossible_parameters_are_refused(params: dict, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        ItemKNN(**params)


def test_a_user_who_met_all_but_one_leaves_no_gaps(log, lists) -> None:
    # log(3 items) - log(1 + 2 items) = 0: the user's weight, and the length of both items.
    model = ItemKNN(weighting="tfidf").fit(log([(0, 0, 1), (0, 1, 1), (1, 2, 1)], 2, 3))
    assert model.score(lists([[0, 1]], 3)).tolist() == [[0, 0, 0]]


def test_fitting_says_nothing(tastes: Interactions, recwarn: pytest.WarningsRecorder) -> None:
    for weighting in LIBRARY:
        ItemKNN(weighting=weighting).fit(tastes)
    assert not recwarn.list
