"""The bundle of a day: everything its lists were made with, in one folder of the lake."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from data.files import place_folder
from data.lake import MANIFEST, code_version
from data.values import values_file
from models.bundle import write_manifest
from tasks.features import run_catalog
from tasks.generators import fitted_names
from tasks.run import Ref, Run

FOLDER = "bundle"
"""Name of the bundle within its step's folder, which has a manifest of its own."""
LEARNT_BY = ("data", "features", "models")
"""Rooms whose code decides what a bundle's files mean."""


@task(task_run_name="bundle of {run.as_of}", cache_policy=NO_CACHE)
def make_bundle(run: Run, fits: list[Ref], ranker: Ref) -> Ref:
    """Gather the generators, the ranker, the ids, the catalog and the settings of the day.

    Weights are not copied but linked, where the disk can: they may be large.

    Args:
        run: the run.
        fits: the generators fitted on all days before ``as_of``.
        ranker: the trained ranker.

    Returns:
        The folder ``models/as_of=…``, which holds ``bundle/``.
    """

    def make(folder: Path) -> None:
        bundle = folder / FOLDER
        for name, ref in named:
            place_folder(run.lake.local(*ref.parts), bundle / "generators" / name, leave=MANIFEST)
        place_folder(run.lake.local(*ranker.parts), bundle / "ranker", leave=MANIFEST)
        (bundle / "ids").mkdir()
        for entity in ("users", "items"):
            for name in (f"{entity}.parquet", values_file(entity)):
                (bundle / "ids" / name).write_bytes(run.lake.read_bytes("ids", name))
        _write_json(bundle / "catalog.json", describe_features(run))
        _write_json(bundle / "config.json", run.settings.model_dump(mode="json"))
        about = {
            "as_of": run.as_of.isoformat(),
            "code": code_version(*LEARNT_BY),
            "name": run.settings.name,
            "ranker": ranker.digest,
        }
        write_manifest(bundle, about)

    named = list(zip(fitted_names(run), fits, strict=True))
    inputs = {
        "fits": {name: ref.digest for name, ref in named},
        "ranker": ranker.digest,
        # Not the ids: codes are given for ever, so a table that grew since says nothing else.
        "features": describe_features(run),
        "settings": run.settings.model_dump(mode="json"),
    }
    return run.step("models", f"as_of={run.as_of}", inputs=inputs, make=make)


def describe_features(run: Run) -> dict[str, Any]:
    """Say which columns the ranker of a run has, and what each of them means.

    Two runs whose descriptions are equal can use each other's rankers.
    """
    catalog = run_catalog(run)
    return {
        "sources": [{"name": g.name, "kind": g.kind} for g in run.settings.generators],
        "similarity": run.settings.features.similarity,
        "features": [
            {key: value for key, value in asdict(feature).items() if key != "description"}
            for feature in catalog
        ],
    }


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
