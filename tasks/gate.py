"""The gate of the day: publish the new list, the champion again, or the best single source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from evaluation.accuracy import accuracy
from evaluation.gate import Rule, decide
from models.base import ModelError
from models.ranker import Ranker
from tasks.champion import CHAMPION, age_days, champion_facts, champion_ranker
from tasks.evaluate import FINAL, ROOMS, WindowLists
from tasks.generators import dropped_sources
from tasks.ranker import load_ranker
from tasks.run import Ref, Run


@task(task_run_name="gate for {run.as_of}", cache_policy=NO_CACHE)
def decide_publication(run: Run, test: Ref, ranker: Ref, champion: Ref, fits: list[Ref]) -> Ref:
    """Compare the new list with the champion, the sources and popularity; write ``gate.json``.

    A source that was judged on the test window but could not be fitted for the day cannot go out,
    nor can a ranker whose trees ask for its scores: it would be given zeros.

    Args:
        run: the run.
        test: lists of all systems on the test window.
        ranker: the one just trained.
        champion: what :func:`tasks.registry.steps.find_champion` left.
        fits: the generators fitted before ``as_of``.

    Raises:
        ModelError: no source that proposes is left.
    """
    settings = run.settings.gate
    judged = set(dropped_sources(run, run.windows.test.cutoff))
    missing = [name for name in dropped_sources(run, run.as_of) if name not in judged]

    def make(folder: Path) -> None:
        tests = WindowLists.load(run.lake.local(*test.parts))
        systems = dict(zip(tests.systems, tests.lists, strict=True))
        facts = champion_facts(run, champion)
        lacks = _why_incomplete("the new ranker", load_ranker(run, ranker), missing)
        barred = _why_not_published(run, test, champion, missing)
        sources = [name for name in systems if name not in (FINAL, CHAMPION, *missing)]
        if not sources:
            raise ModelError(
                f"none of the sources {', '.join(missing)} could be fitted before {run.as_of}, so "
                "there is nothing to publish: dropped.json in the folder of each fit says why"
            )
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
            else lacks,
            promoted=ranker.digest in facts["promoted"] and not lacks,
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
        "missing": missing,
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


def _why_incomplete(who: str, ranker: Ranker, missing: list[str]) -> str:
    """Say which of the missing sources a ranker goes by; "" where it does without them."""
    used = {name.partition(":")[0] for name, share in ranker.importance().items() if share > 0}
    asked = [name for name in missing if name in used]
    return f"{who} goes by {' and '.join(asked)}, not fitted for this day" if asked else ""


def _why_not_published(run: Run, test: Ref, champion: Ref, missing: list[str]) -> str:
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
    old = champion_ranker(run, champion)
    return _why_incomplete("the champion", old, missing) if old is not None else ""
