"""The page of the day: gather what the steps left in the lake, draw it, tell Prefect."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from data.lake import file_digest
from evaluation.page.report import draw
from evaluation.page.templates import TEMPLATES
from tasks.neural_views import neural_part
from tasks.page.artifacts import publish_artifacts
from tasks.page.day_parts import (
    data_part,
    dropped_part,
    importance_part,
    published_part,
    steps_part,
    windows_part,
)
from tasks.page.history import FILE, SHOWN_DAYS, days_with_figures, keep_figures, trend_part
from tasks.page.index import FROM_PAGE, SUMMARY, write_index
from tasks.page.items import items_part
from tasks.page.samples import samples_part
from tasks.page.stability import lists_before, stability_part
from tasks.run import Ref, Run

ROOMS = ("data", "evaluation", "tasks")


@task(task_run_name="report on {run.as_of}", cache_policy=NO_CACHE)
def make_report(run: Run, steps: list[Ref]) -> Ref:
    """Draw the page from what the steps left in the lake.

    Args:
        run: the run.
        steps: all steps of the day; the page depends on each of them.
    """

    def make(folder: Path) -> None:
        report = collect(run, steps)
        page, summary = draw(report)
        files = {"report.json": report, SUMMARY: summary}
        for name, content in files.items():
            text = json.dumps(content, indent=1, ensure_ascii=False, default=str)
            (folder / name).write_text(text, encoding="utf-8")
        (folder / "report.html").write_text(page, encoding="utf-8")

    inputs = {
        "steps": [step.digest for step in steps],
        "before": what_came_before(run),
        "templates": [file_digest(path) for path in TEMPLATES],
    }
    ref = run.step(*run.folder("report"), inputs=inputs, make=make, rooms=ROOMS)
    write_index(run)
    left = (run.lake.read_json(*ref.parts, name) for name in ("report.json", SUMMARY))
    publish_artifacts(run, *left)
    return ref


def what_came_before(run: Run) -> list[str]:
    """Name the earlier days that the page speaks of, as they are now."""
    lake = run.lake
    days = days_with_figures(lake, run.as_of)[-SHOWN_DAYS:]
    figures = [lake.read_bytes("runs", f"as_of={day}", FILE) for day in days if day < run.as_of]
    lists = [lake.digest_of("recommendations", f"as_of={day}") for day in lists_before(run)]
    return [hashlib.sha256(content).hexdigest() for content in figures] + lists


def left_by(step: str, name: str) -> Callable[[Run], Any]:
    """Give what reads a JSON that a step of the day left; None where the step did not run."""

    def part(run: Run) -> Any:
        place = run.folder(step, name)
        return run.lake.read_json(*place) if run.lake.exists(*place) else None

    return part


def judged(name: str) -> Callable[[Run], Any]:
    """Give what reads one of the figures of the test window."""
    return lambda run: run.lake.read_json(*run.folder("test"), "metrics.json").get(name)


PARTS: dict[str, Callable[[Run], Any]] = {
    "published": published_part,
    "data": data_part,
    "windows": windows_part,
    "candidates": judged("candidates"),
    "metrics": judged("metrics"),
    "trend": trend_part,
    "segments": judged("segments"),
    "importance": importance_part,
    "shap": left_by("shap", "shap.json"),
    "audit": left_by("audit", "audit.json"),
    "leaks": left_by("leaks", "leaks.json"),
    "neural": neural_part,
    "gate": left_by("gate", "gate.json"),
    "beyond": judged("beyond"),
    "diversity": judged("diversity"),
    "overlap": judged("overlap"),
    "rerank": judged("rerank"),
    "stability": stability_part,
    "samples": samples_part,
    "items": items_part,
}
"""Part of the page → what fetches it; its section is an entry of ``evaluation.page.sections``."""


def collect(run: Run, steps: list[Ref]) -> dict[str, Any]:
    """Gather the parts of :class:`evaluation.page.parts.Report`.

    One that cannot be had does not take the page down: it is ``{"error": what happened}``, and the
    page says so where it would stand and in its first lines.
    """
    lost = _try(keep_figures, run)
    report = {
        "name": run.settings.name,
        "as_of": run.as_of.isoformat(),
        "version": version("zavtra"),
        "index": FROM_PAGE,
        "problems": [f"The figures of the day were not kept: {lost['error']}"] if lost else [],
    }
    return (
        report
        | {key: _try(fetch, run) for key, fetch in PARTS.items()}
        | {"steps": steps_part(steps), "dropped": dropped_part(run, steps)}
    )


def _try(fetch: Callable[[Run], Any], run: Run) -> Any:
    try:
        return fetch(run)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
