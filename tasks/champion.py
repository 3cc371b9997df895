"""The champion of a day, as the registry left it in the lake (see :mod:`tasks.registry`)."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from models.ranker import Ranker
from tasks.run import Ref, Run

CHAMPION = "champion"


def champion_facts(run: Run, champion: Ref) -> dict[str, Any]:
    """Give ``champion.json``: which version it is or why there is none, what was rolled back."""
    return run.lake.read_json(*champion.parts, "champion.json")


def champion_ranker(run: Run, champion: Ref) -> Ranker | None:
    """Load the champion's ranker; None where there is none."""
    if champion_facts(run, champion)["champion"] is None:
        return None
    return Ranker.load(run.lake.local(*champion.parts) / "ranker")


def age_days(run: Run, champion: Ref) -> int:
    """Days between the day the champion was trained for and the run's; 0 without a champion."""
    found = champion_facts(run, champion)["champion"]
    return (run.as_of - date.fromisoformat(found["as_of"])).days if found else 0


@task(task_run_name="no champion", cache_policy=NO_CACHE)
def no_champion(run: Run) -> Ref:
    """Leave a folder that says that there is no champion to compare with."""
    facts: dict[str, Any] = {
        "champion": None,
        "why": "there is no registry",
        "rolled_back": [],
        "notes": [],
    }

    def make(folder: Path) -> None:
        (folder / "champion.json").write_text(json.dumps(facts))

    return run.step(*run.folder("champion"), inputs=facts, make=make)
