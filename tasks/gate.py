"""The gate of the day: publish the new list, the champion again, or the best single source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from evaluation.accuracy import accuracy
from evaluation.gate import Rule, decide
from tasks.champion import CHAMPION, age_days, champion_facts
from tasks.evaluate import FINAL, ROOMS, WindowLists
from tasks.run import Ref, Run


@task(task_run_name="gate for {run.as_of}", cache_policy=NO_CACHE)
def decide_publication(run: Run, test: Ref, ranker: Ref, champion: Ref) -> Ref:
    """Compare the new list with the champion, the sources and popularity; write ``gate.json``.

    Args:
        run: the run.
        test: lists of all systems on the test window.
        ranker: the one just trained.
        champion: what :func:`tasks.registry.steps.find_champion` left.
    """
    settings = run.settings.gate

    def make(folder: Path) -> None:
        tests = WindowLists.load(run.lake.local(*test.parts))
        systems = dict(zip(tests.systems, tests.lists, strict=True))
        facts = champion_facts(run, champion)
        barred = _why_not_published(run, test, champion)
        sources = [name for name in systems if name not in (FINAL, CHAMPION)]
        kinds = {g.name: g.kind for g in run.settings.generators}
        decision = decide(
            {name: accuracy(own, tests.relevant, [10]) for name, own in systems.items()},
            new=FINAL,
            champion=CHAMPION if CHAMPION in systems and not barred else None,
            sources=sources,
            popularity=[name for name in sources if kinds[name] == "popularity"],
            rule=Rule(settings.metric, settings.max_drop, settings.min_users),
            refused="this very ranker was rolled back"
            if ranker.digest in facts["rolled_back"]
            else "",
            promoted=ranker.digest in facts["promoted"],
        ).as_dict()
        decision["numbers"] = decision.pop("comparisons")
        notes = [*facts["notes"], *([barred] if barred else [])]
        report = {**decision, "champion": facts["champion"], "notes": notes}
        (folder / "gate.json").write_text(json.dumps(report, indent=1))

    inputs = {
        "test": test.digest,
        "ranker": ranker.digest,
        "champion": champion.digest,
        "kinds": [g.kind for g in run.settings.generators],
        "gate": settings.model_dump(),
    }
    ref = run.step(*run.folder("gate"), inputs=inputs, make=make, rooms=ROOMS)
    decision = decision_of(run, ref)
    tell = get_run_logger().info if decision["verdict"] == "new" else get_run_logger().warning
    tell(decision["why"])
    return ref


def decision_of(run: Run, gate: Ref) -> dict[str, Any]:
    """Give ``gate.json``: the fields of :class:`evaluation.gate.Decision`, its comparisons as
    ``numbers``, the champion's facts and what is to be noted."""
    return run.lake.read_json(*gate.parts, "gate.json")


def _why_not_published(run: Run, test: Ref, champion: Ref) -> str:
    """Say why a champion that there is cannot be published again; "" where it can."""
    if champion_facts(run, champion)["champion"] is None:
        return ""
    compared = run.lake.read_json(*test.parts, "champion.json")
    if not compared["compared"]:
        return str(compared["why"])
    age, limit = age_days(run, champion), run.settings.gate.champion_days
    if age > limit:
        return (
            f"the champion was trained {age} days ago, more than gate.champion_days ({limit}): "
            "it is not published again"
        )
    return ""
