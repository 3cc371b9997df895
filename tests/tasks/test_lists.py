"""Lists on their way to the figures and to the reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evaluation.relevance import Relevant
from models.ranker import Ranker
from tasks.evaluate import WindowLists, _bits_of, _stack, _why_not_compared
from tasks.recommend import _source_names


def lists_of_day(
    users: list[int], items: list[list[int]], relevant: list[list[int]]
) -> WindowLists:
    rows = np.repeat(np.arange(len(users)), [len(own) for own in relevant])
    found = np.array([item for own in relevant for item in own], np.int32)
    return WindowLists(
        systems=[],
        lists=np.array(items, np.int32).reshape(1, len(users), 2),
        user=np.array(users, np.int32),
        day=np.zeros(len(users), np.int32),
        relevant=Relevant.from_pairs(rows, found, len(users)),
        warm=np.ones(len(users), bool),
        known=np.ones(9, bool),
    )


def test_days_are_stacked_with_their_own_relevant_items(tmp_path: Path) -> None:
    days = [
        lists_of_day([3, 5], [[1, 2], [3, 4]], [[1], [7, 8]]),
        lists_of_day([], [], []),
        lists_of_day([3], [[5, 6]], [[6]]),
    ]
    whole = _stack(days, ["popularity"])
    assert whole.user.tolist() == [3, 5, 3]
    assert whole.day.tolist() == [0, 0, 2]
    assert whole.lists.tolist() == [[[1, 2], [3, 4], [5, 6]]]
    assert whole.relevant.indptr.tolist() == [0, 1, 3, 4]
    assert whole.relevant.items.tolist() == [1, 7, 8, 6]

    whole.save(tmp_path)
    again = WindowLists.load(tmp_path)
    assert again.systems == ["popularity"]
    for name in ("lists", "user", "day", "warm", "known"):
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))
    np.testing.assert_array_equal(again.relevant.items, whole.relevant.items)


@given(st.lists(st.integers(0, 15), min_size=1, max_size=20))
def test_names_of_sources_are_the_bits_of_the_mask(masks: list[int]) -> None:
    names = ["a", "b", "c", "d"]
    spelled = _source_names(np.array(masks, np.uint32), names).to_pylist()
    assert [sum(1 << names.index(name) for name in own) for own in spelled] == masks


def test_bits_are_renumbered_where_a_source_proposes_nothing() -> None:
    # Of sources 0, 1, 2 only 0 and 2 propose.
    mask = np.array([0b101, 0b100, 0b001], np.uint32)
    assert _bits_of(mask, [0, 2]).tolist() == [0b11, 0b10, 0b01]


def test_a_champion_with_other_features_is_not_compared_and_it_is_said_why() -> None:
    new, old = Ranker(), Ranker()
    new.names, old.names = ["als:score", "ease:score"], ["als:score", "knn:score"]
    why = _why_not_compared(new, old)
    assert "1 that there are no more, 1 that are new; for example knn:score" in why
    assert _why_not_compared(new, new) == _why_not_compared(new, None) == ""
