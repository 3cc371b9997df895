"""Fit candidate generators on the days before a cut, and load them again."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from config import Settings
from config.settings import GeneratorSettings
from models.base import ModelError
from models.candidates import Source
from models.registry import KINDS, make_generator
from tasks.day import read_log
from tasks.run import Ref, Run


@task(task_run_name="fit {name} before {cutoff}", cache_policy=NO_CACHE)
def fit_generator(run: Run, cutoff: date, name: str) -> Ref:
    """Fit one source on the positives of all days before ``cutoff``.

    The result belongs to the cut, not to the run: tomorrow's windows find yesterday's fits.
    """
    settings = _named(run, name)

    def make(folder: Path) -> None:
        model = make_generator(settings.kind, **settings.params)
        model.attach(*_attributes(run))
        model.fit(read_log(run.lake, cutoff).positive(run.settings.positive_min))
        model.save(folder)

    place, inputs = _place(cutoff, settings), _inputs(run, cutoff, settings)
    return run.step(*place, inputs=inputs, make=make, rooms=("data", "models"))


def check_generators(settings: Settings) -> None:
    """Refuse a source that no model can be, before anything is read or fitted.

    Raises:
        ModelError: of which source the kind or a parameter is wrong, and what there is.
    """
    for generator in settings.generators:
        try:
            make_generator(generator.kind, **generator.params)
        except ModelError as error:
            raise ModelError(f"generators: {generator.name}: {error}") from error


def fitted_names(run: Run) -> list[str]:
    """Give the sources that have weights of their own."""
    return [g.name for g in run.settings.generators if g.share_fit is None]


def load_sources(run: Run, cutoff: date) -> list[Source]:
    """Load all sources fitted before ``cutoff``, in the order of the settings."""
    attributes = _attributes(run)
    models = {}
    for name in fitted_names(run):
        owner = _named(run, name)
        models[name] = KINDS[owner.kind].load(run.lake.local(*_place(cutoff, owner)))
        models[name].attach(*attributes)
    return [
        Source(g.name, models[g.share_fit or g.name], g.candidates, g.history)
        for g in run.settings.generators
    ]


def _named(run: Run, name: str) -> GeneratorSettings:
    return next(g for g in run.settings.generators if g.name == name)


def _place(cutoff: date, settings: GeneratorSettings) -> tuple[str, ...]:
    return ("generators", f"cutoff={cutoff}", settings.name)


def _inputs(run: Run, cutoff: date, settings: GeneratorSettings) -> dict[str, Any]:
    return {
        "log": run.lake.log_digest(cutoff),
        "positive_min": run.settings.positive_min,
        "kind": settings.kind,
        "params": settings.params,
    }


def _attributes(run: Run) -> tuple[Any, Any]:
    return run.lake.read_table("users.parquet"), run.lake.read_table("items.parquet")
