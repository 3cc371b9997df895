"""Which lists are learnt from where there are too many, and features of the pairs kept alone."""

from __future__ import annotations

import numpy as np

from models.candidates import Candidates
from models.ranker import source_features
from models.rows import draw_lists

USERS = np.arange(5, 2005, dtype=np.int32)


def test_few_lists_all_stay() -> None:
    assert draw_lists(USERS, 1, len(USERS), seed=1) is USERS


def test_of_many_lists_as_many_as_allowed_are_drawn() -> None:
    drawn = draw_lists(USERS, 1, 500, seed=1)
    assert len(np.unique(drawn)) == 500
    assert np.isin(drawn, USERS).all()
    assert (np.diff(drawn) > 0).all()
    assert 900 < drawn.mean() < 1100  # from all over the codes


def test_the_draw_depends_on_seed_and_day() -> None:
    drawn = [draw_lists(USERS, day, 500, seed) for day, seed in ((1, 1), (1, 1), (2, 1), (1, 2))]
    assert np.array_equal(drawn[0], drawn[1])
    for other in drawn[2:]:
        # Independent draws of a quarter share a quarter.
        assert 80 < np.isin(drawn[0], other).sum() < 180


def test_a_smaller_limit_draws_among_the_same() -> None:
    assert np.isin(draw_lists(USERS, 1, 100, seed=1), draw_lists(USERS, 1, 500, seed=1)).all()


def test_features_of_some_pairs_are_those_of_all() -> None:
    rng = np.random.default_rng(0)
    indptr = np.array([0, 3, 3, 7, 12])
    made = Candidates(
        user=np.arange(4, dtype=np.int32),
        indptr=indptr,
        item=np.arange(12, dtype=np.int32),
        scores=rng.random((2, 12), np.float32),
        ranks=rng.random((2, 12), np.float32),
        proposed=rng.integers(1, 4, 12).astype(np.uint32),
        lists=np.empty((2, 4, 0), np.int32),
    )
    every = np.empty((7, 12), np.float32)
    source_features(made, every)
    pairs = np.array([0, 2, 5, 11])
    some = np.empty((7, 4), np.float32)
    source_features(made, some, pairs)
    assert np.array_equal(some, every[:, pairs])
