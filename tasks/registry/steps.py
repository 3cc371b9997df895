"""The registry in a day's run: find the champion before training, record the training after it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from data.files import place_folder
from data.unfinished import unfinished
from tasks.registry.lookup import look_up
from tasks.registry.place import locate, open_store
from tasks.registry.prune import prune
from tasks.registry.store import RegistryError
from tasks.registry.upload import PENDING, add_pending, pending_days, send_pending
from tasks.run import Ref, Run


@task(task_run_name="find the champion before {run.as_of}", cache_policy=NO_CACHE)
def find_champion(run: Run) -> Ref:
    """Give the champion as of the day: never one that was trained for this day or a later one.

    Returns:
        A folder with ``champion.json`` and, where there is a champion, its ``ranker/``.
        ``champion.json`` holds ``champion`` (``version``, ``as_of``, ``ranker_digest`` and
        ``bundle_digest``; null where there is none; the version is null while it waits to be
        registered), ``why`` (a sentence), ``rolled_back`` and ``promoted`` (digests of rankers of
        this day that a person took back or put in place), ``registry`` (where it is), ``notes``.
    """
    with unfinished(None) as download:
        found, bundle = look_up(run, download)
        facts = found.facts(_where(run))

        def make(folder: Path) -> None:
            _write_json(folder / "champion.json", facts)
            if bundle is not None:
                place_folder(bundle.folder / "ranker", folder / "ranker")

        for note in found.notes:
            get_run_logger().warning(note)
        return run.step(*run.folder("champion"), inputs=facts, make=make, rooms=("models",))


@task(task_run_name="register {run.as_of}", cache_policy=NO_CACHE)
def register(run: Run, bundle: Ref, gate: Ref, page: Ref) -> Ref:
    """Record the training: parameters, figures, page and bundle; then let the aliases follow.

    ``champion`` moves to the new version where the gate publishes its list, unless the champion is
    of a newer day; otherwise ``challenger`` does. The same training is recorded once. Where the
    registry is away nothing is lost: the training waits in the lake, and the next run sends it.

    Args:
        run: the run.
        bundle: of :func:`tasks.registry.bundle.make_bundle`.
        gate: folder with ``gate.json``: ``publish``, ``why``, numbers.
        page: folder of the report.

    Returns:
        A folder with ``registered.json``: ``version``, ``aliases``, ``registry``, ``pending`` (days
        that wait), ``why`` they do, and what was ``deleted``.
    """
    if not run.settings.registry.enabled:
        return _registered(run, {"why": "the registry is switched off (registry.enabled: false)"})
    start, lake, day = perf_counter(), run.lake, run.as_of.isoformat()
    decision = lake.read_json(*gate.parts, "gate.json")
    add_pending(lake, day, bundle.parts, decision, page.parts)
    facts: dict[str, Any] = {}
    try:
        store = open_store(run.settings, lake)
        sent, refused = send_pending(lake, store)
        versions = store.versions()
        own = [v for v in versions if v.number == sent.get(day)]
        facts["version"] = own[0].number if own else None
        facts["aliases"] = list(own[0].aliases) if own else []
        facts["why"] = " ".join(refused)
        for problem in refused:
            get_run_logger().warning(problem)
        facts["deleted"] = prune(run, store, versions)
    except RegistryError as error:
        facts["why"] = str(error)
        get_run_logger().warning(
            f"{error}. Nothing is lost: the next run sends what waits in "
            f"{lake.path(*PENDING)} ({', '.join(pending_days(lake))})"
        )
    ref = _registered(run, facts)
    return ref if ref.seconds is None else replace(ref, seconds=round(perf_counter() - start, 3))


def _registered(run: Run, facts: dict[str, Any]) -> Ref:
    none: dict[str, Any] = {"version": None, "aliases": [], "why": "", "deleted": []}
    whole = {**none, **facts, "registry": _where(run), "pending": pending_days(run.lake)}

    def make(folder: Path) -> None:
        _write_json(folder / "registered.json", whole)

    return run.step(*run.folder("registered"), inputs=whole, make=make, rooms=())


def _where(run: Run) -> str:
    """Name the registry in files; their bytes must not depend on where an embedded one lies."""
    if not run.settings.registry.enabled:
        return "off"
    place = locate(run.settings, run.lake)
    return "embedded" if place.artifacts is not None else place.shown


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
