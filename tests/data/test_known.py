"""How many codes a day knows of: what comes up later changes nothing for it."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake import run, write

from data.known import codes_known, note_known
from data.lake import Lake
from data.sources import make_source
from data.sources.base import Source
from data.versions import attributes_digest, entities_as_of

FIRST = date(2021, 1, 4)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def shop(tmp_path: Path, **users: Any) -> Source:
    """A log in files of its own days, and users that anybody may be added to."""
    return make_source(
        "tabular",
        interactions={"path": str(tmp_path / "log" / "*.csv")},
        users={
            "path": str(tmp_path / "users.csv"),
            "id": "id",
            **{"categorical": ["plan"], "numeric": ["age"], "multi": ["tags"], **users},
        },
    )


def events(tmp_path: Path, number: int, *who: str, first: int = 0) -> None:
    rows = [f"{name},{n + first},{day(number)} 10:00" for n, name in enumerate(who)]
    write(tmp_path / "log" / f"{number}.csv", "user_id,item_id,ts", *rows)


def users(tmp_path: Path, *rows: str) -> None:
    write(tmp_path / "users.csv", "id,plan,age,tags", *rows)


def listed(lake: Lake, number: int) -> list[str]:
    ids = lake.read_table("ids", "users.parquet")["id"].to_pylist()
    return [ids[code] for code in entities_as_of(lake, "users", day(number))["user"].to_pylist()]


OLD = ("a,free,20,x|y", "b,,,")


def test_who_comes_up_tomorrow_is_no_part_of_today(tmp_path: Path, lake: Lake) -> None:
    events(tmp_path, 0, "a", "b")
    events(tmp_path, 1, "b", "c")
    users(tmp_path, *OLD)
    run(shop(tmp_path), lake)
    today = [attributes_digest(lake, "users", day(n)) for n in (1, 2)]
    assert listed(lake, 2) == ["a", "b"]

    events(tmp_path, 2, "d")
    users(tmp_path, *OLD, "e,paid,30,x|z", "f,,,")
    run(shop(tmp_path), lake)
    assert [attributes_digest(lake, "users", day(n)) for n in (1, 2)] == today
    assert [listed(lake, n) for n in (1, 2)] == [["a", "b"], ["a", "b"]]
    assert listed(lake, 3) == ["a", "b", "e", "f"]
    assert attributes_digest(lake, "users", day(3)) not in today

    users(tmp_path, "a,paid,20,x|y", *OLD[1:], "e,paid,30,x|z", "f,,,")  # a correction
    run(shop(tmp_path), lake)
    assert attributes_digest(lake, "users", day(2)) != today[1]


def test_before_the_next_day_is_there_who_comes_up_belongs_to_it(
    tmp_path: Path, lake: Lake
) -> None:
    events(tmp_path, 0, "a")
    users(tmp_path, "a,free,20,")
    run(shop(tmp_path), lake)
    users(tmp_path, "a,free,20,", "e,paid,30,")
    run(shop(tmp_path), lake)
    assert listed(lake, 1) == ["a", "e"]


def test_a_day_written_anew_is_known_anew(tmp_path: Path, lake: Lake) -> None:
    for number in (0, 1, 2):
        events(tmp_path, number, "a")
        users(tmp_path, "a,free,20,", *(f"u{n},free,20," for n in range(number)))
        run(shop(tmp_path), lake)
    before = ["a"], ["a", "u0"], ["a", "u0", "u1"]
    assert tuple(listed(lake, n) for n in (1, 2, 3)) == before
    events(tmp_path, 1, "a", "late")
    users(tmp_path, *(f"{name},free,20," for name in ("a", "u0", "u1", "late")))
    run(shop(tmp_path), lake)
    assert listed(lake, 1) == ["a"]
    assert [sorted(listed(lake, n)) for n in (2, 3)] == [["a", "late", "u0", "u1"]] * 2


def test_tables_that_say_since_when_need_no_count(tmp_path: Path, lake: Lake) -> None:
    events(tmp_path, 0, "a")
    users(tmp_path, "a,free,20,")
    run(shop(tmp_path), lake)
    assert codes_known(lake, "users", day(1)) == 1
    assert codes_known(lake, "items", day(1)) is None  # there is no table
    write(tmp_path / "users.csv", "id,plan,age,tags,since", "a,free,20,,2021-01-01")
    run(shop(tmp_path, valid_from="since"), lake)
    assert codes_known(lake, "users", day(1)) is None


INGEST = st.tuples(st.integers(0, 3), st.integers(0, 3), st.none() | st.integers(0, 9))
"""Days that come in, codes that come up, and a day that is written anew if it is there."""


@given(st.lists(INGEST))
def test_a_count_stays_as_long_as_the_log_before_the_day(
    tmp_path_factory: pytest.TempPathFactory, ingests: list[tuple[int, int, int | None]]
) -> None:
    lake, days, n = Lake(tmp_path_factory.mktemp("known")), 0, 0
    for more_days, more_codes, again in [(1, 1, None), *ingests]:
        before = {d: codes_known(lake, "users", day(d)) for d in range(1, days + 1)}
        touched = [*range(days, days + more_days)]
        if again is not None and again < days:
            touched = [again, *touched]
        days, n = days + more_days, n + more_codes
        for d in touched:
            Path(lake.path("interactions", f"day={day(d)}")).mkdir(parents=True, exist_ok=True)
        note_known(lake, {"users": n}, day(touched[0]) if touched else None)
        for d in range(1, days):
            changed = any(written < d for written in touched)
            assert codes_known(lake, "users", day(d)) == (n if changed else before[d])
        assert codes_known(lake, "users", day(days)) == n
