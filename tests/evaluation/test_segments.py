"""Parts of the users: quantiles and attributes by hand, and that parts part."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.relevance import EvaluationError
from evaluation.segments import activity_segments, attribute_segments, segments_of


def _members(found):
    return {name: np.flatnonzero(mask).tolist() for name, mask in found.items()}


def test_by_hand():
    activity = np.array([0, 1, 1, 2, 5, 0, 30])
    assert _members(activity_segments(activity, 2)) == {
        "activity 1 of 2": [1, 2, 3],
        "activity 2 of 2": [4, 6],
    }
    # Equal activity stays together: there is no third part.
    assert list(activity_segments(np.array([1, 1, 1, 1]), 3)) == ["activity 1 of 3"]
    assert activity_segments(np.zeros(3, int)) == {}
    ages = ["18-24", None, "25-34", "18-24", "", "50+", "25-34"]
    assert _members(attribute_segments("age", ages, max_values=2)) == {
        "age: 18-24": [0, 3],
        "age: 25-34": [2, 6],
        "age: others": [5],
        "age: not known": [1, 4],
    }
    assert _members(attribute_segments("age", [None])) == {"age: not known": [0]}
    found = segments_of(activity, {"age": ages})
    assert _members(found)["cold"] == [0, 5]
    assert list(found)[:2] == ["warm", "cold"]
    assert _members(segments_of(np.array([], int))) == {"warm": [], "cold": []}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: segments_of(np.ones(2), {"age": ["a"]}), "age: 1 values for 2 users"),
        (lambda: activity_segments(np.ones(2), 0), "parts must be at least 1"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(EvaluationError, match=words):
        call()


USERS = st.tuples(st.integers(0, 9), st.sampled_from(["a", "b", "others", None]))


@given(st.lists(USERS, min_size=1), st.data())
def test_the_parts_of_a_kind_hold_everyone_once(users, data):
    activity = np.array([n for n, _ in users], np.int64)
    parts, most = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 3))
    found = segments_of(activity, {"x": [v for _, v in users]}, parts, most)
    kinds = {
        "warm and cold": [found["warm"], found["cold"]],
        "x": [mask for name, mask in found.items() if name.startswith("x: ")],
        "activity": [found["cold"], *(m for n, m in found.items() if n.startswith("activity"))],
    }
    for kind, masks in kinds.items():
        assert (np.sum(masks, axis=0) == 1).all(), kind
    levels = [activity[mask] for name, mask in found.items() if name.startswith("activity")]
    for lower, higher in pairwise(levels):
        assert lower.max() < higher.min()
