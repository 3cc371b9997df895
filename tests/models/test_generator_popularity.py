"""Popularity, counted by hand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from models.base import ModelError
from models.interactions import EPOCH_DAY_US
from models.popularity import Popularity

NO_ITEMS = pa.table({"item": pa.array([], pa.int32())})


def users(**attributes: list) -> pa.Table:
    codes = pa.array(range(len(next(iter(attributes.values())))), pa.int32())
    return pa.table({"user": codes, **attributes})


def test_all_time_is_the_share_of_events(log, lists) -> None:
    model = Popularity().fit(log([(0, 2, 1), (1, 2, 5), (1, 0, 9), (2, 2, 9)], 3, 4))
    scores = model.score(lists([[], [2]], 4))
    np.testing.assert_array_equal(scores, [[0.25, 0, 0.75, 0]] * 2)
    assert scores.dtype == np.float32
    assert scores.strides[0] == 0  # all users share one row


def test_fit_counts_up_to_the_midnight_after_the_last_event(log) -> None:
    # The last event is at noon of day 9, so two days reach back to the midnight of day 8.
    model = Popularity(window_days=2).fit(log([(0, 0, 7.9), (0, 1, 8), (0, 2, 9.5)], 1, 3))
    assert model.share.tolist() == [[0, 0.5, 0.5]]


def test_a_window_may_be_a_fraction_of_a_day(log) -> None:
    events = log([(0, 0, 9.70), (0, 1, 9.75), (0, 1, 9.9)], 1, 2)
    assert Popularity(window_days=0.25).fit(events).share.tolist() == [[0, 1]]


def test_decay_halves_with_every_half_life(log) -> None:
    # Ages at the midnight of day 10: 4, 2 and 0.5 days, that is 2, 1 and 1/4 half-lives.
    events = log([(0, 0, 6), (0, 1, 8), (0, 2, 9.5)], 1, 3)
    weights = np.array([0.25, 0.5, 0.5**0.25])
    model = Popularity(half_life_days=2).fit(events)
    np.testing.assert_allclose(model.share[0], weights / weights.sum(), rtol=1e-6)


def test_weekday_counts_the_day_recommended_for_a_week_ago_and_before(log) -> None:
    model = Popularity(weekday=True)
    events = log([(0, 0, 6), (0, 1, 7), (0, 1, 7.99), (0, 2, 8), (0, 3, 14.5), (0, 2, 20)], 1, 4)
    model.refresh(events, until=21 * EPOCH_DAY_US)  # days 7 and 14
    np.testing.assert_allclose(model.share, [[0, 2 / 3, 0, 1 / 3]], rtol=1e-6)


def test_weekday_begins_at_the_midnight_of_the_users(log) -> None:
    # In Moscow (UTC+3) day 21 begins at 21:00 UTC of day 20: a week before, from 13.875 on.
    events = log([(0, 0, 13.8), (0, 1, 13.9), (0, 1, 14.8), (0, 2, 14.9)], 1, 3)
    model = Popularity(weekday=True)
    model.refresh(events, until=int(20.875 * EPOCH_DAY_US))
    assert model.share.tolist() == [[0, 1, 0]]


def test_refresh_takes_in_new_events_and_new_items(log, lists) -> None:
    model = Popularity(window_days=1).fit(log([(0, 0, 1)], 1, 1))
    model.refresh(log([(0, 0, 1), (0, 1, 2)], 1, 2), until=3 * EPOCH_DAY_US)
    assert model.score(lists([[]], 2)).tolist() == [[0, 1]]


def test_without_events_nothing_is_popular(log, lists) -> None:
    assert Popularity().fit(log([], 1, 3)).score(lists([[]], 3)).tolist() == [[0, 0, 0]]


class TestSegments:
    ROWS = ((0, 0, 1), (0, 0, 1), (1, 1, 1), (2, 1, 1))

    def fitted(self, log, **params) -> Popularity:
        model = Popularity(segment_by=["sex"], **params)
        model.attach(users(sex=["F", "M", None]), NO_ITEMS)
        return model.fit(log(self.ROWS, 4, 2))

    def test_a_group_is_blended_with_everybody(self, log, lists) -> None:
        model = self.fitted(log, smoothing=2)
        # Everybody: 1/2, 1/2. F has two events of item 0: (2 + 2/2) / 4 and (0 + 2/2) / 4.
        # M and the group without the attribute have one event of item 1 each.
        expected = [[3 / 4, 1 / 4], [1 / 3, 2 / 3], [1 / 3, 2 / 3]]
        np.testing.assert_allclose(model.score(lists([[]] * 3, 2)), expected, rtol=1e-6)

    def test_a_user_outside_the_table_is_everybody(self, log, lists) -> None:
        scores = self.fitted(log, smoothing=2).score(lists([[]] * 4, 2))
        np.testing.assert_allclose(scores[3], [0.5, 0.5], rtol=1e-6)

    def test_a_gap_in_the_table_is_everybody(self, log, lists) -> None:
        model = Popularity(segment_by=["sex"], smoothing=2)
        table = pa.table({"user": pa.array([0, 2], pa.int32()), "sex": ["F", "M"]})
        model.attach(table, NO_ITEMS)
        scores = model.fit(log(self.ROWS, 4, 2)).score(lists([[]] * 2, 2))
        np.testing.assert_allclose(scores, [[3 / 4, 1 / 4], [0.5, 0.5]], rtol=1e-6)

    def test_a_table_without_users_makes_everybody_everybody(self, log, lists) -> None:
        model = Popularity(segment_by=["sex"], smoothing=2)
        model.attach(users(sex=["F"]).slice(0, 0), NO_ITEMS)
        scores = model.fit(log(self.ROWS, 4, 2)).score(lists([[]], 2))
        np.testing.assert_allclose(scores, [[0.5, 0.5]], rtol=1e-6)

    def test_without_smoothing_a_group_has_its_own_counts_alone(self, log, lists) -> None:
        scores = self.fitted(log, smoothing=0).score(lists([[]] * 3, 2))
        assert scores.tolist() == [[1, 0], [0, 1], [0, 1]]

    def test_without_smoothing_a_group_without_events_knows_nothing(self, log, lists) -> None:
        model = Popularity(segment_by=["sex"], smoothing=0)
        model.attach(users(sex=["F", "M"]), NO_ITEMS)
        assert model.fit(log([(0, 0, 1)], 2, 2)).score(lists([[]] * 2, 2))[1].tolist() == [0, 0]

    def test_two_attributes_make_groups_of_their_pairs(self, log, lists) -> None:
        model = Popularity(segment_by=["a", "b"], smoothing=0)
        model.attach(users(a=["x", "x", "xy"], b=["yz", "z", "z"]), NO_ITEMS)
        scores = model.fit(log([(0, 0, 1), (1, 1, 1), (2, 2, 1)], 3, 3)).score(lists([[]] * 3, 3))
        np.testing.assert_array_equal(scores, np.eye(3))

    def test_numbers_are_categories_too(self, log, lists) -> None:
        model = Popularity(segment_by=["age"], smoothing=0)
        model.attach(users(age=[25, 35]), NO_ITEMS)
        scores = model.fit(log([(0, 0, 1), (1, 1, 1)], 2, 2)).score(lists([[]] * 2, 2))
        np.testing.assert_array_equal(scores, np.eye(2))

    def test_an_unknown_attribute_is_named(self) -> None:
        with pytest.raises(ModelError, match=r"'income'.*there are \['sex'\]"):
            Popularity(segment_by=["sex", "income"]).attach(users(sex=["F"]), NO_ITEMS)

    def test_an_attribute_of_many_values_is_refused(self) -> None:
        with pytest.raises(ModelError, match=r"'tags'.*list<.*categorical"):
            Popularity(segment_by=["tags"]).attach(users(tags=[["a", "b"], []]), NO_ITEMS)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"window_days": 0}, "window_days is 0; it must be above 0"),
        ({"half_life_days": -1.0}, "half_life_days is -1.0"),
        ({"half_life_days": float("nan")}, "half_life_days is nan"),
        ({"smoothing": -1.0}, "smoothing is -1.0; it must be at least 0"),
    ],
)
def test_impossible_parameters_are_refused(params: dict, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Popularity(**params)


def test_as_many_groups_as_users_are_refused(log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.popularity.MAX_COUNTS", 100)
    model = Popularity(segment_by=["city"])
    model.attach(users(city=[f"c{n}" for n in range(30)]), NO_ITEMS)
    with pytest.raises(ModelError, match="30 groups of users; 10 items allow 10"):
        model.fit(log([(0, 0, 1)], 30, 10))
