"""A day that is run again after the next one came in: nothing of it is made again."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
from own_data import LAST_DAY, events
from small_day import AS_OF, published

from flows.ingest import ingest
from flows.recommend import recommend

CONFIG = """
name: own
source:
  kind: tabular
  interactions: {{path: "{0}/log-*.csv", user_id: who, item_id: what, ts: at}}
  users: {{path: {0}/users.csv, id: who, categorical: [plan]}}
  items: {{path: {0}/items.csv, id: what, categorical: [colour], multi: [tags]}}
windows: {{test_days: 7, ranker_days: 7, ranker_windows: 1, horizon_days: 7, every_days: 7}}
generators:
  - {{kind: popularity, candidates: 20, params: {{segment_by: [plan]}}}}
  - {{kind: item_knn, candidates: 20}}
ranker: {{iterations: 10, hard_negatives: 20}}
shap: {{rows: 500, features: 3, dependence: 1, pairs: 1, pair_rows: 50, dots: 50}}
leaks: {{rows: 2000, users: 50}}
recommend: {{rerank: {{kind: mmr}}}}
"""
TODAY = date.fromisoformat(AS_OF)


def write_tables(folder: Path, users: int, items: int) -> None:
    plans, colours = (["free", "paid", None], ["red", "blue", "green"])
    who = pd.DataFrame({"who": range(users), "plan": [plans[n % 3] for n in range(users)]})
    what = pd.DataFrame({"what": range(items), "colour": [colours[n % 3] for n in range(items)]})
    what["tags"] = [f"t{n % 7}|t{n % 5}" if n % 4 else None for n in range(items)]
    who.to_csv(folder / "users.csv", index=False)
    what.to_csv(folder / "items.csv", index=False)


def test_what_comes_in_tomorrow_makes_nothing_of_today_again(
    prefect_api: str, tmp_path: Path
) -> None:
    config, home = tmp_path / "own.yaml", tmp_path / "home"
    config.write_text(CONFIG.format(tmp_path))
    log = events(users=120, items=60, rows=2500)
    log.to_csv(tmp_path / "log-1.csv", index=False)
    write_tables(tmp_path, 130, 64)
    day = {"config": str(config), "home": str(home)}
    ingest(**day)
    recommend(**day, as_of=TODAY)
    before = published(home / "own")

    morning = pd.Timestamp(LAST_DAY) + timedelta(days=1, hours=9)
    more = pd.DataFrame({"who": [3, 131, 140], "what": [5, 65, 70], "at": [morning] * 3})
    more.to_csv(tmp_path / "log-2.csv", index=False)
    write_tables(tmp_path, 135, 68)
    ingest(**day)
    again = recommend(**day, as_of=TODAY)
    assert [step.parts for step in again.steps if step.seconds is not None] == []
    assert published(home / "own") == before
