"""Parts of the page that read the lake: lists, figures of past days, the index, what is missing."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hand_made import hand_made

import tasks.page.report
from tasks.page.day_parts import steps_part
from tasks.page.history import days_with_figures, keep_figures, read_figures, trend_part
from tasks.page.index import write_index
from tasks.page.items import items_part
from tasks.page.published import published_days, published_lists
from tasks.page.report import collect, what_came_before
from tasks.page.samples import choose_users
from tasks.page.stability import stability_part
from tasks.recommend import _point_to_newest
from tasks.run import Ref, Run
from tasks.skew import LOGGED, last_logged

TODAY, BEFORE = date(2026, 1, 7), date(2026, 1, 5)
SECONDS = (1.5, None, 2.0)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return hand_made(tmp_path, TODAY, "generators: [{kind: popularity}]\n")


def publish(run: Run, day: date, lists: dict[str, list[str]]) -> None:
    """Publish lists of external ids, as the step does."""
    rows = [(u, i, r) for u, items in lists.items() for r, i in enumerate(items, 1)]
    columns = list(zip(*rows, strict=True))
    table = pa.table(
        {
            "user_id": pa.array(columns[0]),
            "item_id": pa.array(columns[1]),
            "rank": pa.array(columns[2], pa.int16()),
            "score": pa.array(np.zeros(len(rows), np.float32)),
            "sources": pa.array([["popularity"]] * len(rows)),
        }
    )
    with run.lake.writing("recommendations", f"as_of={day}") as folder:
        pq.write_table(table, folder / "part.parquet")


def judged(run: Run, day: date, value: float) -> None:
    """Leave the figures of a day, as the step does, and keep them."""
    figures = {
        "systems": {"final": {"MAP@10": value}},
        "beyond": {"final": {"coverage": 0.5}},
        "metrics": {
            "main": "MAP@10",
            "final": "final",
            "users": 1,
            "excluded": 0,
            "comparisons": [],
            "rows": [{"name": "final", "values": {"MAP@10": value}}],
        },
    }
    own = replace(run, as_of=day)
    with run.lake.writing(*own.folder("test")) as folder:
        (folder / "metrics.json").write_text(json.dumps(figures))
    keep_figures(own)


def codes(run: Run, what: str) -> dict[str, int]:
    table = run.lake.read_table("ids", f"{what}.parquet")
    return dict(zip(table["id"].to_pylist(), table["code"].to_pylist(), strict=True))


# ------------------------------------------------------------------ lists


def test_published_lists_come_back_as_codes(run: Run) -> None:
    publish(run, TODAY, {"b": ["z", "x"], "a": ["y"]})
    user, item = codes(run, "users"), codes(run, "items")
    found = published_lists(run.lake, TODAY)
    assert found.every == 1
    assert found.lists.shape == (len(user), 2)
    assert found.lists[user["b"]].tolist() == [item["z"], item["x"]]
    assert found.lists[user["a"]].tolist() == [item["y"], -1]
    assert (found.lists[user["c"]] == -1).all()


def test_ids_the_lake_has_forgotten_are_left_out(run: Run) -> None:
    publish(run, TODAY, {"b": ["z", "gone"], "nobody": ["y"]})
    assert (published_lists(run.lake, TODAY).lists >= 0).sum() == 1


def test_of_many_users_every_nth_is_read(run: Run) -> None:
    publish(run, TODAY, {user: ["x"] for user in codes(run, "users")})
    whole, some = (published_lists(run.lake, TODAY, most) for most in (10, 2))
    assert some.every == 2
    assert some.users.tolist() == whole.users[::2].tolist()
    assert some.lists.tolist() == whole.lists[::2].tolist()


def test_today_is_compared_with_the_newest_lists_before(run: Run) -> None:
    publish(run, date(2026, 1, 3), {"a": ["z"]})
    publish(run, BEFORE, {"a": ["x", "y"], "b": ["z"]})
    publish(run, TODAY, {"a": ["x", "z"], "b": ["z"]})
    publish(run, date(2026, 1, 8), {"a": ["y"]})  # later than the run: not looked at
    found = stability_part(run)
    assert (found["before"], found["days_apart"], found["users"]) == ("2026-01-05", 2, 2)
    assert found["unchanged"] == 0.5
    assert [row["title"] for row in found["entered"]] == ["Zoo"]
    assert [row["title"] for row in found["left"]] == ["y"]


def test_no_lists_before(run: Run) -> None:
    publish(run, TODAY, {"a": ["x"]})
    assert stability_part(run) == {"before": None}


def test_items_have_titles_and_ages(run: Run) -> None:
    publish(run, TODAY, {"a": ["z", "w"], "b": ["z"]})
    top = items_part(run)["top"]
    assert [(row["title"], row["lists"], row["age_days"]) for row in top] == [
        ("Zoo", 2, 4),
        ("Wind", 1, None),
    ]


# ------------------------------------------------------------------ figures of past days


def test_figures_are_kept_and_a_day_does_not_see_later_ones(run: Run) -> None:
    for day, value in ((5, 0.1), (6, 0.2), (7, 0.3), (8, 0.4)):
        judged(run, date(2026, 1, day), value)
    assert trend_part(run)["days"] == ["2026-01-05", "2026-01-06", "2026-01-07"]
    assert trend_part(run)["series"]["final"]["MAP@10"] == [0.1, 0.2, 0.3]
    assert days_with_figures(run.lake, TODAY, date(2026, 1, 6)) == [date(2026, 1, 6), TODAY]
    assert read_figures(run.lake, []).num_rows == 0


def test_the_same_figures_are_the_same_bytes(run: Run) -> None:
    judged(run, TODAY, 0.1)
    first = run.lake.read_bytes(*run.folder("metrics.parquet"))
    keep_figures(run)
    assert run.lake.read_bytes(*run.folder("metrics.parquet")) == first


def test_a_page_depends_on_the_days_before_it_alone(run: Run) -> None:
    judged(run, BEFORE, 0.1)
    publish(run, BEFORE, {"a": ["x"]})
    first = what_came_before(run)
    judged(run, TODAY, 0.2)
    judged(run, date(2026, 1, 8), 0.3)
    publish(run, date(2026, 1, 8), {"a": ["z"]})
    assert what_came_before(run) == first
    judged(run, BEFORE, 0.15)
    assert what_came_before(run) != first


# ------------------------------------------------------------------ what is missing or fails


def test_a_part_that_fails_says_so_and_the_rest_is_there(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(run: Run) -> dict[str, int]:
        raise OSError("no space left")

    monkeypatch.setitem(tasks.page.report.PARTS, "items", broken)
    publish(run, TODAY, {"a": ["x"]})
    judged(run, TODAY, 0.1)
    report = collect(run, [])
    assert report["items"] == {"error": "OSError: no space left"}
    assert report["stability"] == {"before": None}
    assert report["metrics"]["rows"][0]["values"] == {"MAP@10": 0.1}
    assert report["problems"] == []
    assert report["gate"] is None


def test_figures_that_cannot_be_kept_are_a_problem(run: Run) -> None:
    with run.lake.writing(*run.folder("test")) as folder:
        (folder / "metrics.json").write_text('{"systems": {"final": {"MAP@10": NaN}}}')
    (problem,) = collect(run, [])["problems"]
    assert problem.startswith("The figures of the day were not kept: EvaluationError: MAP of final")


# ------------------------------------------------------------------ users and the index


def test_users_looked_at_go_from_none_to_many_events() -> None:
    positives = np.arange(100) % 50
    chosen = choose_users(positives, np.arange(100, dtype=np.int32))
    assert positives[chosen].tolist() == [0, 1, 13, 25, 37, 49]


@pytest.mark.parametrize(
    ("positives", "listed", "expected"), [([0], [0], [0]), ([3], [0], [0]), ([1, 2], [], [])]
)
def test_one_user_or_none(positives: list[int], listed: list[int], expected: list[int]) -> None:
    assert choose_users(np.array(positives), np.array(listed, np.int32)).tolist() == expected


def test_the_index_names_all_days_with_a_page(run: Run) -> None:
    line = {
        "status": "Nothing is wrong",
        "level": "green",
        "headline": [],
        "findings": [],
        "published": "final",
        "figures": {"MAP@10": 0.1},
        "best": None,
    }
    for day in ("2026-01-05", "2026-01-07"):
        with run.lake.writing("runs", f"as_of={day}", "report") as folder:
            (folder / "summary.json").write_text(json.dumps(line | {"as_of": day}))
    with run.lake.writing("runs", "as_of=2026-01-06", "test"):
        pass  # a day that was not reported on
    write_index(run)
    page = run.lake.read_bytes("index.html").decode()
    assert page.count("report.html") == 2
    assert page.index("2026-01-07") < page.index("2026-01-05")


def test_steps_are_named_by_what_they_made() -> None:
    places = [
        ("generators", "cutoff=2026-01-05", "als"),
        ("runs", "as_of=2026-01-07", "rows", "ranker1"),
        ("recommendations", "as_of=2026-01-07"),
    ]
    found = steps_part(
        [Ref(place, "", seconds) for place, seconds in zip(places, SECONDS, strict=True)]
    )
    assert [row["step"] for row in found] == [
        "fit als before 2026-01-05",
        "rows ranker1",
        "recommendations",
    ]
    assert [row["skipped"] for row in found] == [False, True, False]


def test_days_with_lists(run: Run) -> None:
    assert published_days(run.lake) == []
    publish(run, TODAY, {"a": ["x"]})
    run.lake.write_bytes(b"as_of=2026-01-07\n", "recommendations", "LATEST")
    assert published_days(run.lake) == [TODAY]


def test_a_day_whose_upload_broke_off_was_not_published(run: Run) -> None:
    publish(run, TODAY, {"a": ["x"]})
    for name in ("part.parquet", LOGGED):
        run.lake.write_bytes(b"half", "recommendations", "as_of=2026-01-08", name)
    assert published_days(run.lake) == [TODAY]
    assert last_logged(replace(run, as_of=date(2026, 1, 9))) is None
    _point_to_newest(run)
    assert run.lake.read_bytes("recommendations", "LATEST") == f"as_of={TODAY}\n".encode()
