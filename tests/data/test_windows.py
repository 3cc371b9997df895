"""The cut of time: nothing of one window reaches into the next."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from data.windows import Windows


@st.composite
def windows(draw: st.DrawFn) -> Windows:
    horizon = draw(st.integers(1, 20))
    return Windows(
        as_of=draw(st.dates(date(1990, 1, 1), date(2050, 1, 1))),
        test_days=horizon + draw(st.integers(0, 20)),
        ranker_days=horizon + draw(st.integers(0, 20)),
        ranker_windows=draw(st.integers(1, 5)),
        horizon_days=horizon,
        every_days=draw(st.integers(1, 10)),
    )


@given(windows())
def test_labels_never_leave_their_window(cut: Windows) -> None:
    for window in (*cut.ranker, cut.test):
        assert window.days, "a window at least as long as the horizon has a list"
        assert window.days[0] == window.start == window.cutoff
        for day in window.days:
            assert window.start <= day
            assert day + timedelta(cut.horizon_days) <= window.end


@given(windows())
def test_windows_are_adjacent_and_end_at_as_of(cut: Windows) -> None:
    every = (*cut.ranker, cut.test)
    assert len(cut.ranker) == cut.ranker_windows
    assert every[-1].end == cut.as_of
    for before, after in pairwise(every):
        assert before.end == after.start
    assert cut.first_cutoff == every[0].start
    lengths = {(window.end - window.start).days for window in cut.ranker}
    assert lengths == {cut.ranker_days}
    assert [window.name for window in cut.ranker] == [
        f"ranker{n}" for n in range(1, cut.ranker_windows + 1)
    ]


@given(windows())
def test_no_day_with_room_for_its_horizon_is_skipped(cut: Windows) -> None:
    for window in (*cut.ranker, cut.test):
        steps = {b - a for a, b in pairwise(window.days)}
        assert steps <= {timedelta(cut.every_days)}
        following = window.days[-1] + timedelta(cut.every_days)
        assert following + timedelta(cut.horizon_days) > window.end


def test_the_headline_protocol() -> None:
    cut = Windows(date(2001, 1, 25), 28, 28, 2, 28, 28)
    assert cut.test.days == (date(2000, 12, 28),)
    assert [window.start for window in cut.ranker] == [date(2000, 11, 2), date(2000, 11, 30)]


def test_window_shorter_than_the_horizon_has_no_list() -> None:
    assert Windows(date(2021, 1, 8), 3, 7, 1, 7, 1).test.days == ()
