"""The champion of a day, as the registry left it in the lake (see :mod:`tasks.registry.steps`)."""

from __future__ import annotations

from datetime import date
from typing import Any

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
