"""The global split in time and single sources judged on it."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.protocol import BenchmarkError
from benchmarks.real import Ratings
from benchmarks.sources import best_unseen, lists_of
from benchmarks.time_split import split_global_time
from models.interactions import Interactions
from models.popularity import Popularity

DAY = 86_400_000_000
FIRST = date(1970, 1, 11)  # day 10


def ratings(*rows: tuple[int, int, float]) -> Ratings:
    """(user, item, day), oldest first."""
    user, item, day = (np.array(column) for column in zip(*rows, strict=True))
    ts = (day * DAY).astype(np.int64)
    return Ratings(user.astype(np.int32), item.astype(np.int32), np.full(len(ts), 4.0, "f4"), ts)


LOG = ratings(
    (70, 100, 1),  # 0 train
    (70, 300, 2),  # 1 train
    (50, 300, 9.99),  # 2 train: the last moment
    (50, 100, 10),  # 3 test: the first moment
    (70, 200, 11),  # 4 test, but the item is not in train
    (90, 100, 11),  # 5 test, but the user is not in train
    (50, 100, 12),  # 6 test, again: counts once
    (50, 300, 13),  # 7 after the test
)


def test_cut_is_at_midnight_and_the_end_is_open():
    split = split_global_time(LOG, FIRST, test_days=3)
    assert len(split.train) == 3
    assert split.n_test == 4
    assert split.n_test_users == 3
    assert split.n_known_users == 3


def test_only_known_users_and_items_are_judged_and_codes_are_dense():
    split = split_global_time(LOG, FIRST, test_days=3)
    assert split.user_ids.tolist() == [50, 70]
    assert split.item_ids.tolist() == [100, 300]
    assert (split.train.n_users, split.train.n_items) == (2, 2)
    assert split.train.user.tolist() == [1, 1, 0]
    assert split.train.item.tolist() == [0, 1, 1]
    assert split.user_ids[split.targets].tolist() == [50]
    assert split.relevant.items.tolist() == [0]


def test_nothing_to_judge_names_the_days_of_the_log():
    for day in (date(1970, 1, 1), date(1980, 1, 1)):
        with pytest.raises(BenchmarkError, match=r"the log covers 1970-01-02\.\.1970-01-14"):
            split_global_time(LOG, day, test_days=3)


def test_lists_with_ids_are_aligned_and_unknown_items_keep_their_place():
    split = split_global_time(LOG, FIRST, test_days=3)
    user = np.array([70, 50])
    item = np.array([[300, -1, -1], [200, 100, -1]])
    aligned = split.align(user, item)
    assert aligned.tolist() == [[2, 0, -1]]  # 200 is no item of train: a miss at place 1
    assert split.judge(aligned, [2]).mean()["MAP@2"] == pytest.approx(1 / 2)


def test_missing_list_names_the_user():
    split = split_global_time(LOG, FIRST, test_days=3)
    with pytest.raises(BenchmarkError, match="user 50"):
        split.align(np.array([70, 90]), np.zeros((2, 1), np.int64))
    with pytest.raises(BenchmarkError, match="user 50"):
        split.align(np.empty(0, np.int64), np.empty((0, 1), np.int64))


def test_best_unseen_leaves_out_seen_items_and_worthless_ones():
    scores = np.array([[0.5, 0.0, 0.9, 0.5], [0.0, 0.0, 0.0, 0.1]], np.float32)
    user, item = np.array([0, 1]), np.array([2, 3])
    seen = Interactions(user, item, user, np.ones(2), n_users=2, n_items=4).histories()
    lists = best_unseen(scores, seen, k=3, no_signal=0.0)
    assert lists.tolist() == [[0, 3, -1], [-1, -1, -1]]
    assert scores[0, 2] == np.float32(0.9), "the scores were written to"


def test_popularity_counts_back_from_the_cut():
    log = ratings(
        (1, 10, 1),  # old: outside two days before the cut
        (2, 10, 1),
        (2, 20, 8.5),
        (3, 30, 1),
        (3, 20, 10.5),  # test
    )
    split = split_global_time(log, FIRST, test_days=3)
    recent = split.item_ids[lists_of(Popularity(window_days=2), split, k=1)]
    ever = split.item_ids[lists_of(Popularity(), split, k=1)]
    assert recent.tolist() == [[20]]
    assert ever.tolist() == [[10]]


@given(
    st.lists(
        st.tuples(st.integers(1, 6), st.integers(1, 8), st.integers(0, 29)), min_size=1, max_size=60
    ),
    st.integers(1, 28),
    st.integers(1, 10),
)
def test_split_invariants(rows, first, days):
    log = ratings(*sorted(rows, key=lambda row: row[2]))
    as_of = date(1970, 1, 1 + first)
    try:
        split = split_global_time(log, as_of, days)
    except BenchmarkError:
        before = {(r[0]) for r in rows if r[2] < first}, {r[1] for r in rows if r[2] < first}
        assert not any(
            r[0] in before[0] and r[1] in before[1] for r in rows if first <= r[2] < first + days
        )
        return
    assert split.train.ts.max() < first * DAY
    judged = {
        (split.user_ids[user], split.item_ids[item])
        for row, user in enumerate(split.targets)
        for item in split.relevant.items[
            split.relevant.indptr[row] : split.relevant.indptr[row + 1]
        ]
    }
    assert (np.diff(split.targets) > 0).all()
    assert (split.relevant.counts > 0).all()
    assert judged <= {(r[0], r[1]) for r in rows if first <= r[2] < first + days}
