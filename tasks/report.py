"""The page of the day, and its tables as Prefect artifacts."""

from __future__ import annotations

import json
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from prefect import task
from prefect.artifacts import create_link_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from data.contract import ITEM_ID, USER_ID
from evaluation.report import render
from features.catalog import Catalog
from tasks.catalogue import external_ids, titles
from tasks.day import read_log
from tasks.features import run_catalog
from tasks.run import Ref, Run

ROOMS = ("data", "evaluation", "tasks")
SAMPLE_USERS = 6
SHOWN_HISTORY = 8


@task(task_run_name="report on {run.as_of}", cache_policy=NO_CACHE)
def make_report(run: Run, steps: list[Ref]) -> Ref:
    """Draw the page from what the steps left in the lake.

    Args:
        run: the run.
        steps: all steps of the day; the page depends on each of them.
    """

    def make(folder: Path) -> None:
        report = collect(run, steps)
        text = json.dumps(report, indent=1, ensure_ascii=False, default=str)
        (folder / "report.json").write_text(text, encoding="utf-8")
        (folder / "report.html").write_text(render(report), encoding="utf-8")

    inputs = [step.digest for step in steps]
    ref = run.step(*run.folder("report"), inputs=inputs, make=make, rooms=ROOMS)
    _publish_artifacts(run, run.lake.read_json(*ref.parts, "report.json"))
    return ref


def collect(run: Run, steps: list[Ref]) -> dict[str, Any]:
    """Gather the parts of :class:`evaluation.report.Report`."""
    lake = run.lake
    figures = lake.read_json(*run.folder("test"), "metrics.json")
    summary = lake.read_json("recommendations", f"as_of={run.as_of}", "summary.json")
    ranker = lake.read_json(*run.folder("ranker"), "summary.json")
    return {
        "name": run.settings.name,
        "as_of": run.as_of.isoformat(),
        "version": version("zavtra"),
        "published": {
            "users": summary["users"],
            "items": summary["items"],
            "k": summary["k"],
            "short_lists": summary["short_lists"],
        },
        "data": _data(run),
        "windows": _windows(run),
        "candidates": figures["candidates"],
        "metrics": figures["metrics"],
        "segments": figures["segments"],
        "beyond": figures["beyond"],
        "importance": _importance(ranker["importance"], run_catalog(run)),
        "audit": lake.read_json(*run.folder("audit"), "audit.json"),
        "diversity": figures["diversity"],
        "samples": _samples(run),
        "steps": [
            {"step": "/".join(s.parts), "seconds": s.seconds or 0.0, "skipped": s.seconds is None}
            for s in steps
        ],
    }


def _data(run: Run) -> dict[str, Any]:
    state = run.lake.read_json("ingest.json")
    log = read_log(run.lake, run.as_of)
    counts = state["interactions"]
    days, per_day = np.unique(log.ts // 86_400_000_000, return_counts=True)
    first = date(1970, 1, 1)
    return {
        "rows_read": counts["rows"],
        "interactions": len(log),
        "positives": len(log.positive(run.settings.positive_min)),
        "users": len(np.unique(log.user)),
        "items": len(np.unique(log.item)),
        "first_day": str(first + timedelta(days=int(days[0]))),
        "last_day": str(first + timedelta(days=int(days[-1]))),
        "quarantine": [
            {"reason": reason, "rows": rows} for reason, rows in counts["quarantined"].items()
        ],
        "max_bad_share": run.settings.ingest.max_bad_share,
        "per_day": {
            str(first + timedelta(days=int(day))): int(count)
            for day, count in zip(days, per_day, strict=True)
        },
    }


def _windows(run: Run) -> list[dict[str, str]]:
    windows = run.windows
    first = run.lake.days()[0]
    bars = [("generators", "fit", first, windows.first_cutoff)]
    bars += [
        (w.name.replace("ranker", "ranker "), "ranker", w.start, w.end) for w in windows.ranker
    ]
    bars += [("test", "test", windows.test.start, windows.test.end)]
    return [
        {"name": name, "kind": kind, "start": start.isoformat(), "end": end.isoformat()}
        for name, kind, start, end in bars
    ]


def _importance(importance: dict[str, float], catalog: Catalog) -> list[dict[str, Any]]:
    described = {feature.name: feature.description for feature in catalog}
    return [
        {"feature": name, "importance": value, "description": described.get(name, "")}
        for name, value in importance.items()
    ]


def _samples(run: Run) -> list[dict[str, Any]]:
    """Show a few users, spread evenly over those with a list: what they had, what they get."""
    lake = run.lake
    path = lake.path("recommendations", f"as_of={run.as_of}", "part.parquet")
    published = pq.read_table(path, filesystem=lake.fs)
    user_ids = external_ids(lake, "users")
    chosen = pc.unique(published[USER_ID])
    places = np.linspace(0, len(chosen) - 1, min(SAMPLE_USERS, len(chosen))).astype(int)
    item_ids, names = external_ids(lake, "items"), titles(lake)
    log = read_log(lake, run.as_of).positive(run.settings.positive_min)
    samples = []
    for user_id in chosen.take(places).to_pylist():
        code = pc.index(user_ids, user_id).as_py()
        history = log.item[log.user == code][-SHOWN_HISTORY:]
        rows = published.filter(pc.equal(published[USER_ID], user_id))
        codes = pc.index_in(rows[ITEM_ID], item_ids.combine_chunks()).to_pylist()
        samples.append(
            {
                "user": str(user_id),
                "segment": "warm" if len(history) else "cold",
                "history": [names[item] for item in history],
                "items": [
                    {"title": names[item], "sources": sources, "score": score}
                    for item, sources, score in zip(
                        codes, rows["sources"].to_pylist(), rows["score"].to_pylist(), strict=True
                    )
                ],
            }
        )
    return samples


def _publish_artifacts(run: Run, report: dict[str, Any]) -> None:
    """Keep the tables of the day under stable keys, so that Prefect shows their history."""
    name = run.settings.name.replace("_", "-")
    metrics = [{"": row["name"], **row["values"]} for row in report["metrics"]["rows"]]
    create_table_artifact(key=f"{name}-metrics", table=metrics, description=f"as of {run.as_of}")
    create_table_artifact(
        key=f"{name}-candidates",
        table=report["candidates"]["rows"],
        description=f"recall of the candidate sources, as of {run.as_of}",
    )
    create_table_artifact(
        key=f"{name}-features",
        table=[{k: row[k] for k in ("feature", "importance")} for row in report["importance"][:20]],
        description=f"what the ranker goes by, as of {run.as_of}",
    )
    page = run.lake.path(*run.folder("report"), "report.html")
    create_link_artifact(key=f"{name}-report", link=page, description=f"as of {run.as_of}")
