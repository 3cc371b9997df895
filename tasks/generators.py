"""Fit candidate generators on the days before a cut, and load them again."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from pathlib import Path
from threading import Lock
from typing import Any

from fsspec.implementations.local import LocalFileSystem
from prefect import task
from prefect.cache_policies import NO_CACHE

from config import Settings
from config.settings import GeneratorSettings
from data.lake import MANIFEST, digest
from data.versions import attributes_digest, entities_as_of
from data.windows import midnight_us
from models.base import Generator, ModelError, OtherShapeError
from models.candidates import Source
from models.dropped import DROPPED, Dropped, is_dropped
from models.interactions import EPOCH_DAY_US, Interactions
from models.registry import KINDS, is_neural
from tasks.day import read_log
from tasks.fitting import LOG, fit_or_drop, make_unfitted
from tasks.run import Ref, Run

_MAKING: defaultdict[tuple[str, ...], Lock] = defaultdict(Lock)
"""A fit that others start from is waited for, not made twice."""


@task(task_run_name="fit {name} before {cutoff}", cache_policy=NO_CACHE)
def fit_generator(run: Run, cutoff: date, name: str) -> Ref:
    """Fit one source on the positives of all days before ``cutoff``.

    The result belongs to the cut, not to the run: tomorrow's windows find yesterday's fits. A
    source with ``warm_epochs`` starts from its own fit before the cut before, which is made first
    if it is not there.
    """
    return _fit(run, cutoff, _named(run, name))


def _fit(run: Run, cutoff: date, settings: GeneratorSettings) -> Ref:
    earlier = _cutoff_before(run, cutoff) if settings.warm_epochs is not None else None
    start = None if earlier is None else _fit(run, earlier, settings)
    place, inputs = _place(cutoff, settings), _inputs(run, cutoff, settings, start)

    def make(folder: Path) -> None:
        began = None if start is None else _load(run.lake.local(*start.parts), settings.kind)
        began = None if isinstance(began, Dropped) else began
        log = _log_to_learn(run, cutoff, settings)
        checkpoint = None
        if is_neural(settings.kind) and isinstance(run.lake.fs, LocalFileSystem):
            own = run.lake.path("checkpoints", *place[1:], digest(inputs))
            checkpoint = Path(own) / "training.safetensors"

        def fit(began: Generator | None) -> Generator:
            model = make_unfitted(settings, warm=began is not None)
            model.attach(*_attributes(run, cutoff))
            return fit_or_drop(settings, model, log, checkpoint, began)

        try:
            model = fit(began)
        except OtherShapeError as error:  # an attribute got its first value, say
            LOG.warning("source %s starts anew: %s", settings.name, error)
            model = fit(None)
        model.save(folder)

    with _MAKING[run.lake.url, *place]:
        return run.step(*place, inputs=inputs, make=make, rooms=("data", "models"))


def forget_dropped(run: Run, cutoff: date) -> None:
    """Let the fits before a cut that earlier runs gave up be tried once more in this one.

    Nothing in their inputs changes with a GPU that has room again, a larger budget or a source
    that is required now. A checkpoint that was kept is gone on from.
    """
    for name in fitted_names(run):
        place = _place(cutoff, _named(run, name))
        if run.lake.exists(*place, DROPPED):
            run.lake.remove(*place, MANIFEST)  # who reads the folder now still finds the rest


def dropped_sources(run: Run, cutoff: date) -> list[str]:
    """Name the sources whose fits before a cut were given up."""
    owners = {name: _place(cutoff, _named(run, name)) for name in fitted_names(run)}
    lost = {name for name, place in owners.items() if run.lake.exists(*place, DROPPED)}
    return [g.name for g in run.settings.generators if (g.share_fit or g.name) in lost]


def check_generators(settings: Settings) -> None:
    """Refuse a source that no model can be, before anything is read or fitted.

    Raises:
        ModelError: of which source the kind or a parameter is wrong, and what there is.
    """
    for generator in settings.generators:
        try:
            make_unfitted(generator)
        except ModelError as error:
            raise ModelError(f"generators: {generator.name}: {error}") from error


def fitted_names(run: Run) -> list[str]:
    """Give the sources that have weights of their own."""
    return [g.name for g in run.settings.generators if g.share_fit is None]


def load_sources(run: Run, cutoff: date) -> list[Source]:
    """Load all sources fitted before ``cutoff``, in the order of the settings.

    Raises:
        ModelError: a required source was given up in a run that did not require it.
    """
    attributes = _attributes(run, cutoff)
    models = {}
    for name in fitted_names(run):
        owner = _named(run, name)
        model = _load(run.lake.local(*_place(cutoff, owner)), owner.kind)
        if owner.required and isinstance(model, Dropped):
            raise ModelError(
                f"{name} is required, but there is no fit of it before {cutoff}: one was given up "
                f"while it was not ({model.reason}). Run `zavtra train` for this day to try again"
            )
        model.attach(*attributes)
        models[name] = model
    return [
        Source(g.name, models[g.share_fit or g.name], g.candidates, g.history)
        for g in run.settings.generators
    ]


def _load(folder: Path, kind: str) -> Generator:
    return Dropped.load(folder) if is_dropped(folder) else KINDS[kind].load(folder)


def _cutoff_before(run: Run, cutoff: date) -> date | None:
    """Give the newest cut of this run before another; None: it is the first."""
    windows = run.windows
    cutoffs = [*(window.cutoff for window in windows.ranker), windows.test.cutoff, run.as_of]
    return max((c for c in cutoffs if c < cutoff), default=None)


def _named(run: Run, name: str) -> GeneratorSettings:
    return next(g for g in run.settings.generators if g.name == name)


def _place(cutoff: date, settings: GeneratorSettings) -> tuple[str, ...]:
    return ("generators", f"cutoff={cutoff}", settings.name)


def _inputs(
    run: Run, cutoff: date, settings: GeneratorSettings, start: Ref | None
) -> dict[str, Any]:
    inputs = {
        "log": run.lake.log_digest(cutoff),
        "positive_min": run.settings.positive_min,
        "kind": settings.kind,
        "params": settings.params,
    }
    if settings.fit_days is not None:
        inputs["fit_days"] = settings.fit_days
    if KINDS[settings.kind].attach is not Generator.attach:  # else attributes do not matter to it
        sides = ("users", "items")
        inputs["attributes"] = [attributes_digest(run.lake, side, cutoff) for side in sides]
    if start is not None:
        inputs |= {"start": start.digest, "warm_epochs": settings.warm_epochs}
    return inputs


def _log_to_learn(run: Run, cutoff: date, settings: GeneratorSettings) -> Interactions:
    """Read the positives that a source learns from."""
    log = read_log(run.lake, cutoff).positive(run.settings.positive_min)
    if settings.fit_days is None:
        return log
    end = midnight_us(cutoff, run.settings.ingest.timezone)
    return log.since(end - int(settings.fit_days * EPOCH_DAY_US))


def _attributes(run: Run, cutoff: date) -> tuple[Any, Any]:
    """Users and items as they were known before the cutoff."""
    return entities_as_of(run.lake, "users", cutoff), entities_as_of(run.lake, "items", cutoff)
