"""One day of lists: what is known on it, what judges it, who gets a list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hand_made import hand_made

import tasks.day
from models.candidates import Source
from models.registry import make_generator
from tasks.catalogue import catalogue_as_of, external_ids, item_values, titles
from tasks.day import Day, liked_within, read_log
from tasks.features import features_as_of, update_features
from tasks.run import Run

FOURTH, FIFTH, SEVENTH = date(2026, 1, 4), date(2026, 1, 5), date(2026, 1, 7)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Run]:
    return lambda as_of, more="": hand_made(tmp_path, as_of, more)


def named(run: Run, entity: str, codes: np.ndarray) -> list[str]:
    ids = external_ids(run.lake, entity).to_pylist()
    return [ids[code] for code in codes]


def day_of(run: Run) -> Day:
    """Fit one source on everything before the day, and open the day."""
    model = make_generator("item_knn").fit(read_log(run.lake, run.as_of).positive(0.5))
    update_features.fn(run)
    return Day(run, run.as_of, [Source("knn", model, 2)], features_as_of(run, run.as_of))


def test_a_late_row_is_not_known_before_it_arrived(make: Callable[..., Run]) -> None:
    run = make(SEVENTH)
    on_the_fourth, on_the_fifth = read_log(run.lake, FOURTH), read_log(run.lake, FIFTH)
    assert named(run, "items", on_the_fourth.item) == ["x", "y", "z"]
    assert named(run, "items", on_the_fifth.item) == ["x", "y", "x", "z"]  # in its place by time
    assert (np.diff(on_the_fifth.ts) >= 0).all()


def test_a_list_is_judged_by_positives_inside_its_horizon(make: Callable[..., Run]) -> None:
    run = make(SEVENTH)
    liked = liked_within(run, date(2026, 1, 2), horizon_days=3)
    by_user = {
        named(run, "users", user)[0]: named(run, "items", liked.take(user).item)
        for user in np.flatnonzero(liked.lengths)[:, None]
    }
    # a's x lies before, a's y was not liked, a's z and d's y lie after; b's x came late, but in it.
    assert by_user == {"b": ["x", "z"]}


def test_everyone_of_the_table_and_of_the_log_gets_a_list(make: Callable[..., Run]) -> None:
    run = make(FIFTH)
    day = day_of(run)
    assert sorted(named(run, "users", day.all_users(run.lake))) == ["a", "b", "c"]  # d comes later


@pytest.mark.parametrize(
    ("seen", "left"),
    [("all", {"w"}), ("positive", {"w", "y"}), ("none", {"w", "x", "y", "z"})],
)
def test_what_is_not_shown_again(seen: str, left: set[str], make: Callable[..., Run]) -> None:
    run = make(date(2026, 1, 6), f"recommend: {{seen: {seen}}}\n")
    day = day_of(run)
    (a,) = np.flatnonzero(np.array(external_ids(run.lake, "users").to_pylist()) == "a")
    candidates = day.candidates(np.array([a], np.int32))
    assert {*named(run, "items", candidates.item)} == left


def test_chunks_come_in_the_order_of_the_users(
    make: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    day = day_of(make(FIFTH))
    monkeypatch.setattr(tasks.day, "MAX_CHUNK", 2)
    users, told = np.arange(11, dtype=np.int32), []
    parts = [*day.map_chunks(users, lambda chunk: chunk, lambda *seen: told.append(seen))]
    assert [len(part) for part in parts] == [2, 2, 2, 2, 2, 1]
    assert np.concatenate(parts).tolist() == users.tolist()
    assert told[-1] == (11, 11)


def test_an_error_in_a_chunk_comes_out(make: Callable[..., Run]) -> None:
    def fail(chunk: np.ndarray) -> None:
        raise ZeroDivisionError(len(chunk))

    day = day_of(make(FIFTH))
    with pytest.raises(ZeroDivisionError):
        [*day.map_chunks(np.arange(3, dtype=np.int32), fail, lambda *_: None)]


def test_features_have_a_row_a_name_and_a_column_a_pair(make: Callable[..., Run]) -> None:
    run = make(FIFTH)
    day = day_of(run)
    candidates = day.candidates(day.all_users(run.lake))
    features = day.features(candidates)
    assert features.shape == (len(day.names), len(candidates.item))
    assert len({*day.names}) == len(day.names)
    some = np.array([0, 2])
    np.testing.assert_array_equal(day.features(candidates, some), features[:, some])


# ------------------------------------------------------------------ the catalogue


def test_the_catalogue_counts_people_once(make: Callable[..., Run]) -> None:
    run = make(SEVENTH)
    catalogue = catalogue_as_of(run, FIFTH)
    met = dict(zip(named(run, "items", np.arange(4)), catalogue.item_users, strict=True))
    assert met == {"w": 0, "x": 2, "y": 1, "z": 1}
    assert catalogue.n_users == 2
    first = dict(zip(named(run, "items", np.arange(4)), catalogue.first_seen, strict=True))
    assert str(first["x"]) == "2026-01-01"
    assert np.isnat(first["w"])


def test_a_value_named_twice_counts_once(make: Callable[..., Run]) -> None:
    run = make(SEVENTH)
    values = item_values(run.lake, FIFTH, 4)
    assert values is not None
    rows = dict(zip(named(run, "items", np.arange(4)), values.toarray(), strict=True))
    assert {name: row.sum() for name, row in rows.items()} == {"w": 2, "x": 1, "y": 0, "z": 0}
    assert rows["x"] @ rows["w"] == 1  # both are big


def test_an_item_without_a_title_goes_by_its_id(make: Callable[..., Run]) -> None:
    run = make(SEVENTH)
    assert dict(zip(named(run, "items", np.arange(4)), titles(run.lake), strict=True)) == {
        "w": "Wind",
        "x": "x",
        "y": "y",
        "z": "Zoo",
    }
