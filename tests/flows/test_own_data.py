"""Bring your own data: files the project has never seen, and a few lines of configuration."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from own_data import events
from small_day import AS_OF, MODELS, Zavtra

from data.lake import Lake
from flows.daily import daily


@pytest.fixture
def own(tmp_path: Path, prefect_api: str) -> Any:
    """Give a function that runs a day on ``own.yaml`` and reads what it published."""

    def run(config: str) -> tuple[pd.DataFrame, dict[str, Any]]:
        (tmp_path / "own.yaml").write_text(config + MODELS)
        outcome = daily(config=str(tmp_path / "own.yaml"), home=str(tmp_path / "home"))
        assert outcome.as_of == date.fromisoformat(AS_OF)
        lake = Lake(tmp_path / "home" / "own")
        lists = lake.read_table("recommendations", f"as_of={AS_OF}", "part.parquet").to_pandas()
        return lists, lake.read_json("recommendations", f"as_of={AS_OF}", "summary.json")

    return run


def met(log: pd.DataFrame) -> set[tuple[object, object]]:
    return {*zip(log.iloc[:, 0], log.iloc[:, 1], strict=True)}


def shown(lists: pd.DataFrame) -> set[tuple[object, object]]:
    return {*zip(lists["user_id"], lists["item_id"], strict=True)}


README = """
name: shop
source:
  kind: tabular
  interactions:
    path: orders.csv
    user_id: customer
    item_id: article
    ts: bought_at
    ts_format: "%d.%m.%Y %H:%M"
    delimiter: ";"
"""


def test_a_csv_with_its_own_names_and_few_lines_of_configuration(
    tmp_path: Path, zavtra: Zavtra
) -> None:
    log = events(users=150, items=60, rows=3000)
    log["who"] = "Käufer " + log["who"].astype(str)
    log["what"] = "№" + log["what"].astype(str).str.zfill(4)
    log["at"] = log["at"].dt.strftime("%d.%m.%Y %H:%M")
    log.columns = pd.Index(["customer", "article", "bought_at"])
    log.to_csv(tmp_path / "orders.csv", sep=";", index=False)
    with (tmp_path / "orders.csv").open("a") as file:
        file.write(f"{log['customer'][0]};{log['article'][0]};soon\n")
    (tmp_path / "shop.yaml").write_text(README)
    assert len(README.strip().splitlines()) <= 15

    run = zavtra("daily", "--config", "shop.yaml")
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    folder = tmp_path / "home" / "shop" / "recommendations" / f"as_of={AS_OF}"
    assert f"recommendations: {folder}\n" in run.stdout
    assert "interactions: 1 in quarantine, time cannot be read (column 'bought_at')" in run.stdout
    lists = pd.read_parquet(folder / "part.parquet")
    assert {*lists["user_id"]} == {*log["customer"]}
    assert {*lists["item_id"]} <= {*log["article"]}
    assert (lists.groupby("user_id").size() == 10).all()
    assert not met(log) & shown(lists)


def test_attributes_of_users_and_items(tmp_path: Path, own: Any) -> None:
    log = events(users=120, items=50, rows=2500)
    log.to_csv(tmp_path / "log.csv", index=False)
    people = pd.DataFrame({"id": range(5, 125), "town": ["Omsk", "Perm", None] * 40})
    people.to_csv(tmp_path / "people.csv", index=False)  # 0-4 have no row, 120-124 no history
    things = pd.DataFrame(
        {
            "id": range(3, 55),  # 0-2 have no row, 50-54 were never met
            "name": [f"Thing {n}" for n in range(3, 55)],
            "price": [None, 1.5, 20.0, 300.0] * 13,
            "tags": ["red|round", "red", "", "square"] * 13,
        }
    )
    things.to_csv(tmp_path / "things.csv", index=False)
    lists, summary = own(
        f"""
name: own
source:
  kind: tabular
  interactions: {{path: {tmp_path}/log.csv, user_id: who, item_id: what, ts: at}}
  users: {{path: {tmp_path}/people.csv, id: id, categorical: [town]}}
  items: {{path: {tmp_path}/things.csv, id: id, numeric: [price], multi: [tags], title: name}}
"""
    )
    assert {*lists["user_id"]} == {*range(125)}
    assert (lists.groupby("user_id").size() == 10).all()
    assert lists["user_id"].dtype == "int64"
    assert {*lists["item_id"]} <= {*range(55)}
    assert summary["short_lists"] == 0
    page = tmp_path / "home" / "own" / "runs" / f"as_of={AS_OF}" / "report" / "report.html"
    assert "Thing " in page.read_text()


def test_a_glob_of_parquet_files(tmp_path: Path, own: Any) -> None:
    log = events(users=100, items=40, rows=2000)
    log["who"] += 5_000_000_000  # does not fit 32 bits
    for month, part in log.groupby(log["at"].dt.month):
        (tmp_path / f"month={month}").mkdir()
        part.to_parquet(tmp_path / f"month={month}" / "part.parquet", index=False)
    lists, summary = own(
        f"""
name: own
source:
  kind: tabular
  interactions: {{path: {tmp_path}/month=*/*.parquet, user_id: who, item_id: what, ts: at}}
"""
    )
    assert {*lists["user_id"]} == {*log["who"]}
    assert not met(log) & shown(lists)
    assert summary["rows"] == len(lists) == 1000


SMALL_CATALOGUE = """
name: own
source:
  kind: tabular
  interactions: {{path: {path}/log.csv, user_id: who, item_id: what, ts: at}}
ingest: {{keep_duplicates: true}}
"""


def test_a_catalogue_smaller_than_k(tmp_path: Path, own: Any) -> None:
    log = events(users=100, items=8, rows=420)
    log.to_csv(tmp_path / "log.csv", index=False)
    lists, summary = own(SMALL_CATALOGUE.format(path=tmp_path))
    items = set(log["what"])
    rest = {user: items - set(own["what"]) for user, own in log.groupby("who")}
    assert {user: set(own["item_id"]) for user, own in lists.groupby("user_id")} == {
        user: left for user, left in rest.items() if left
    }
    assert summary["short_lists"] == len(rest) == summary["users"]
    assert f"{len(rest)} users have fewer than 10 items" in summary["short_lists_reason"]
    assert f"{len(items)} items" in summary["short_lists_reason"]


def test_where_purchases_repeat_nothing_is_held_back(tmp_path: Path, own: Any) -> None:
    log = events(users=100, items=12, rows=600)
    log.to_csv(tmp_path / "log.csv", index=False)
    lists, summary = own(SMALL_CATALOGUE.format(path=tmp_path) + "recommend: {seen: none}\n")
    assert (lists.groupby("user_id").size() == 10).all()
    assert summary["short_lists"] == 0
    assert met(log) & shown(lists)


def test_a_new_user_or_item_is_noticed_though_the_log_is_the_same(tmp_path: Path, own: Any) -> None:
    log = events(users=60, items=30, rows=1200)
    log.to_csv(tmp_path / "log.csv", index=False)
    config = f"""
name: own
source:
  kind: tabular
  interactions: {{path: {tmp_path}/log.csv, user_id: who, item_id: what, ts: at}}
  users: {{path: {tmp_path}/people.csv, id: id, categorical: [town]}}
  items: {{path: {tmp_path}/things.csv, id: id, categorical: [colour]}}
"""

    def write(users: int, items: int) -> None:
        people = pd.DataFrame({"id": range(users), "town": "Omsk"})
        people.to_csv(tmp_path / "people.csv", index=False)
        things = pd.DataFrame({"id": range(items), "colour": "red"})
        things.to_csv(tmp_path / "things.csv", index=False)

    write(users=60, items=30)
    assert own(config)[1]["users"] == 60
    write(users=61, items=30)
    lists, summary = own(config)
    assert summary["users"] == 61
    assert {*lists["user_id"]} == {*range(61)}
    write(users=61, items=33)
    assert own(config)[1]["items"] == 33
