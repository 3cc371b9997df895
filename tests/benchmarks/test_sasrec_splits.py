"""The splits that SASRec's protocols judge on, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import seminar_split
from benchmarks.ml1m_loo import leave_last_out
from benchmarks.ml1m_seminar import PUBLISHED, ROWS
from benchmarks.real import Ratings
from benchmarks.sasrec_speed import Clock, ndcg
from benchmarks.seminar_split import Judge, cut, samples
from models.neural.next_item import Network
from models.neural.randomness import generator
from models.neural.transformer import Architecture


def log(rows: list[tuple[int, int, int]]) -> Ratings:
    user, item, ts = (np.array(column) for column in zip(*rows, strict=True))
    ones = np.ones(len(rows), np.float32)
    return Ratings(user.astype(np.int32), item.astype(np.int32), ones, ts.astype(np.int64))


def ring(users: int = 4, events: int = 20) -> Ratings:
    """User u meets items u, u + 1, … (of 20) at times u, u + 4, …"""
    return log([(u, (u + n) % 20, n * users + u) for n in range(events) for u in range(users)])


def test_the_seminar_cuts_at_eight_and_nine_tenths_of_all_events() -> None:
    split = cut(ring())
    assert len(split.train.item) == 64  # times 0..63 of 80
    assert (len(split.validation), len(split.test)) == (8, 8)
    assert split.train.item[:16].tolist() == list(range(16))


def test_users_with_few_early_events_teach_nothing_but_are_asked() -> None:
    late = [(9, n, 70 + n) for n in range(10)]
    early = ring()
    rows = zip(early.user.tolist(), early.item.tolist(), early.ts.tolist(), strict=True)
    split = cut(log([*rows, *late]))
    assert len(split.train) == 4
    assert len(split.all) == 5


def test_every_target_with_a_history_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seminar_split, "CONTEXT", 8)
    monkeypatch.setattr(seminar_split, "HOP", 3)
    indptr = np.array([0, 30, 31, 40])
    target = np.zeros(40, bool)
    target[12:30] = target[30] = target[31:35] = True
    found = samples(indptr, target)
    asked = [
        place
        for start, size, count in zip(*found.windows, found.asked, strict=True)
        for place in range(start + size - count + 1, start + size + 1)
    ]
    assert sorted(asked) == [*range(12, 30), 32, 33, 34]  # 30 and 31 come first of their users
    seen = found.windows.size - found.asked + 1  # events before the first one asked
    assert (found.windows.size <= 8).all()
    assert (seen[:5] >= 8 - 3 + 1).all()


def test_ties_in_random_order_keep_the_counts() -> None:
    tied = log([(u, n, n // 4) for n in range(20) for u in range(4)])
    plain, mixed = cut(tied), cut(tied, tie_seed=1)
    assert plain.all.item.tolist() != mixed.all.item.tolist()
    assert sorted(plain.all.item.tolist()) == sorted(mixed.all.item.tolist())
    assert plain.thresholds == mixed.thresholds


def test_the_judge_computes_the_nine_metrics() -> None:
    split = cut(ring())
    network = Network(Architecture(200, 8, 2, 1), 20, generator(1)).eval()
    found = Judge(split.all, split.test)(network)
    assert set(found) == {f"{m}@{k}" for m in ("DCG", "HR", "Cov") for k in (5, 10, 20)}
    assert found["HR@20"] == found["Cov@20"] == 1.0  # 20 items, all of them listed
    assert 0 < found["DCG@20"] <= 1


def test_leaving_the_last_out() -> None:
    train, validation, test = leave_last_out(log([(1, 5, 1), (1, 6, 2), (1, 7, 3), (1, 8, 3)]))
    assert train.item.tolist() == [0, 1]
    assert validation.item.tolist() == [2]
    assert (test.asked.item.tolist(), test.item.tolist()) == ([0, 1, 2], [3])


def test_ndcg_of_one_relevant_item() -> None:
    lists = np.array([[3, 4], [5, 6], [7, 8]])
    assert ndcg(lists, np.array([3, 6, 9])) == pytest.approx((1 + 1 / np.log2(3)) / 3)


def test_the_clock_notes_whole_epochs() -> None:
    clock = Clock(epochs=3)
    for done in (2, 4, 6, 8, 9, 12):
        clock.tell(done, 12)
    assert len(clock.seconds) == 3


def test_every_published_row_can_be_asked_for() -> None:
    assert set(PUBLISHED) <= set(ROWS.values())
    assert all(len(figures) == 9 for figures in PUBLISHED.values())
