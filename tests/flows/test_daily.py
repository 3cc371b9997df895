"""The whole day through Prefect: what it publishes, and that doing it again changes nothing."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from prefect.client.orchestration import get_client
from small_day import AS_OF, MODELS, Ran, left_behind, published

import tasks.recommend
from flows.daily import daily
from flows.ingest import ingest
from flows.train import train
from models.base import ModelError

K = 10


@pytest.fixture(scope="module")
def lists(ran: Ran) -> pd.DataFrame:
    return pd.read_parquet(ran.lake / "recommendations" / f"as_of={AS_OF}" / "part.parquet")


@pytest.fixture(scope="module")
def log(ran: Ran) -> pd.DataFrame:
    """The log with the ids of the source."""
    files = sorted((ran.lake / "interactions").glob("day=*/part.parquet"))
    events = pd.concat(pd.read_parquet(file, columns=["user", "item"]) for file in files)
    for entity in ("user", "item"):
        ids = pd.read_parquet(ran.lake / "ids" / f"{entity}s.parquet").set_index("code")["id"]
        events[f"{entity}_id"] = events[entity].map(ids)
    return events


# ------------------------------------------------------------------ what is published


def test_every_user_has_exactly_k_items(ran: Ran, lists: pd.DataFrame, log: pd.DataFrame) -> None:
    users = pd.read_parquet(ran.lake / "users.parquet")["user"]
    ids = pd.read_parquet(ran.lake / "ids" / "users.parquet").set_index("code")["id"]
    expected = {*ids.loc[users], *log["user_id"]}
    assert len(expected) == 300
    assert {*lists["user_id"]} == expected
    ranks = lists.groupby("user_id")["rank"].apply(list)
    assert all(own == [*range(1, K + 1)] for own in ranks)


def test_there_are_users_without_history_among_them(lists: pd.DataFrame, log: pd.DataFrame) -> None:
    assert {*lists["user_id"]} - {*log["user_id"]}


def test_no_item_stands_twice_in_a_list(lists: pd.DataFrame) -> None:
    assert not lists.duplicated(["user_id", "item_id"]).any()


def test_nothing_met_before_is_listed(lists: pd.DataFrame, log: pd.DataFrame) -> None:
    met = {*zip(log["user_id"], log["item_id"], strict=True)}
    assert not met & {*zip(lists["user_id"], lists["item_id"], strict=True)}


def test_scores_fall_with_the_rank(lists: pd.DataFrame) -> None:
    steps = lists.sort_values(["user_id", "rank"]).groupby("user_id")["score"].diff().dropna()
    assert (steps <= 0).all()


def test_columns_have_the_types_of_the_contract(ran: Ran) -> None:
    path = ran.lake / "recommendations" / f"as_of={AS_OF}" / "part.parquet"
    ids = pq.read_schema(ran.lake / "ids" / "users.parquet").field("id").type
    assert pq.read_schema(path).remove_metadata() == pa.schema(
        {
            "user_id": ids,
            "item_id": pq.read_schema(ran.lake / "ids" / "items.parquet").field("id").type,
            "rank": pa.int16(),
            "score": pa.float32(),
            "sources": pa.list_(pa.string()),
        }
    )


def test_sources_say_who_proposed_an_item(lists: pd.DataFrame) -> None:
    named = {name for sources in lists["sources"] for name in sources}
    assert named == {"popularity", "als", "ease", "item_knn"}


def test_latest_points_to_the_day(ran: Ran) -> None:
    assert published(ran.lake)["LATEST"] == f"as_of={AS_OF}\n".encode()
    assert ran.outcome.as_of == date.fromisoformat(AS_OF)


# ------------------------------------------------------------------ what is said of it


def test_the_page_stands_alone(ran: Ran) -> None:
    page = (ran.lake / "runs" / f"as_of={AS_OF}" / "report" / "report.html").read_text()
    for word in ("popularity", "item_knn", "MAP@10", AS_OF):
        assert word in page
    for outside in ('src="http', 'href="http', "url(http", "@import"):
        assert outside not in page


def test_the_report_agrees_with_what_was_published(ran: Ran) -> None:
    report = json.loads(
        (ran.lake / "runs" / f"as_of={AS_OF}" / "report" / "report.json").read_text()
    )
    assert report["published"] == {
        "users": 300,
        "items": report["published"]["items"],
        "k": K,
        "short_lists": 0,
    }
    assert report["data"]["last_day"] == "2026-03-01"


def test_the_figures_are_strict_json_within_bounds(ran: Ran) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    text = (ran.lake / "runs" / f"as_of={AS_OF}" / "test" / "metrics.json").read_text()
    systems = json.loads(text, parse_constant=refuse)["systems"]
    assert [*systems] == ["popularity", "als", "ease", "item_knn", "final"]
    for row in systems.values():
        assert all(0 <= value <= 1 for value in row.values())
    # 6,000 events with latent tastes: a list without any hit would be a broken pipeline.
    assert systems["final"]["HitRate@10"] > 0.3


def test_prefect_keeps_the_tables(ran: Ran, prefect_api: str) -> None:
    with get_client(sync_client=True) as client:
        kept = {artifact.key: artifact for artifact in client.read_artifacts(limit=200)}
    tables = ("headline", "metrics", "candidates", "features", "gate", "leaks", "report")
    assert {f"small-{table}" for table in tables} <= {*kept}
    assert "final" in str(kept["small-metrics"].data)
    assert "verdict" in str(kept["small-gate"].data)
    assert "users of the test window" in str(kept["small-headline"].data)


def test_the_figures_of_the_day_are_kept_and_the_index_leads_to_its_page(ran: Ran) -> None:
    figures = pd.read_parquet(ran.lake / "runs" / f"as_of={AS_OF}" / "metrics.parquet")
    final = figures.query("system == 'final' and segment == 'all' and metric == 'MAP' and k == 10")
    text = (ran.lake / "runs" / f"as_of={AS_OF}" / "test" / "metrics.json").read_text()
    assert final["value"].item() == json.loads(text)["systems"]["final"]["MAP@10"]
    assert f'href="runs/as_of={AS_OF}/report/report.html"' in (ran.lake / "index.html").read_text()


# ------------------------------------------------------------------ again


def test_the_same_day_again_is_up_to_date(ran: Ran, tmp_path: Path) -> None:
    again = ran.copy(tmp_path / "home")
    before = {path: path.read_bytes() for path in again.lake.rglob("*") if path.is_file()}
    outcome = daily(config=str(again.config), home=str(again.home))
    assert [step.seconds for step in outcome.steps] == [None] * len(ran.outcome.steps)
    assert {path: path.read_bytes() for path in again.lake.rglob("*") if path.is_file()} == before


def test_from_nothing_the_same_bytes(ran: Ran, tmp_path: Path) -> None:
    daily(config=str(ran.config), home=str(tmp_path), as_of=date.fromisoformat(AS_OF))
    assert published(tmp_path / "small") == published(ran.lake)


@pytest.fixture
def stingy(ran: Ran, tmp_path: Path) -> Path:
    """Give a configuration of the same data set that publishes fewer items."""
    path = tmp_path / "small.yaml"
    path.write_text(ran.config.read_text() + "recommend: {k: 5}\n")
    return path


def test_a_failing_step_leaves_what_was_published(
    ran: Ran, stingy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = ran.copy(tmp_path / "home")

    def fail(*_: object) -> None:
        raise ModelError("the last step stopped half way")

    monkeypatch.setattr(tasks.recommend, "_source_names", fail)
    with pytest.raises(ModelError, match="half way"):
        daily(config=str(stingy), home=str(again.home))
    assert published(again.lake) == published(ran.lake)
    assert not [*left_behind(again.lake)]


def test_a_failing_ingest_leaves_what_was_published(ran: Ran, tmp_path: Path) -> None:
    again = ran.copy(tmp_path / "home")
    broken = tmp_path / "small.yaml"
    broken.write_text(
        f"name: small\nsource: {{kind: movielens, path: {tmp_path / 'nowhere'}}}\n{MODELS}"
    )
    with pytest.raises(ValueError, match="nowhere"):
        daily(config=str(broken), home=str(again.home))
    assert published(again.lake) == published(ran.lake)


def test_an_older_day_does_not_move_latest_back(ran: Ran, tmp_path: Path) -> None:
    again = ran.copy(tmp_path / "home")
    older = date(2026, 2, 23)
    assert daily(config=str(again.config), home=str(again.home), as_of=older).as_of == older
    files = published(again.lake)
    assert files["LATEST"] == f"as_of={AS_OF}\n".encode()
    assert f"as_of={older}/part.parquet" in files
    untouched = {name: content for name, content in files.items() if str(older) not in name}
    assert untouched == published(ran.lake)


def test_steps_by_hand_find_what_the_day_made(ran: Ran, tmp_path: Path) -> None:
    again = ran.copy(tmp_path / "home")
    assert ingest(config=str(again.config), home=str(again.home))["up_to_date"]
    outcome = train(config=str(again.config), home=str(again.home))
    assert {step.seconds for step in outcome.steps} == {None}
