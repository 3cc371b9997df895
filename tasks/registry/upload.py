"""Record a training in the registry, now or, where that is away, with the next run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from data.contract import DataError
from data.lake import MANIFEST, Lake
from models.bundle import Bundle, BundleError, check_bundle
from tasks.evaluate import FINAL
from tasks.registry import store as mlflow_store
from tasks.registry.bundle import FOLDER
from tasks.registry.place import remember_versions
from tasks.registry.store import Store, allowed
from tasks.registry.versions import (
    AS_OF,
    BUNDLE,
    CHALLENGER,
    CHAMPION,
    COMPLETE,
    DECISION,
    RANKER,
    SINCE,
    Version,
    with_alias,
)

PENDING = ("models", "pending")
"""Trainings that are not registered yet, one file a day."""
SHOWN_METRIC = "MAP@10"
MAX_TEXT = 500
"""Characters of a parameter's value or of a reason that are kept."""


def add_pending(
    lake: Lake, as_of: str, bundle: Sequence[str], gate: Mapping[str, Any], page: Sequence[str]
) -> None:
    """Note a training before it is sent: what happens in between cannot lose it.

    Args:
        lake: of the data set.
        as_of: the day.
        bundle: folder of the lake that holds ``bundle/``.
        gate: facts of the decision.
        page: folder of the lake that holds the report.
    """
    sealed = check_bundle(lake.local(*bundle) / FOLDER)
    training = {
        AS_OF: as_of,
        BUNDLE: sealed.digest,
        RANKER: sealed.about["ranker"],
        "folder": bundle,
        "page": page,
        "gate": gate,
    }
    lake.write_json(training, *PENDING, f"as_of={as_of}.json")


def pending_days(lake: Lake) -> list[str]:
    """Give the days whose trainings wait, oldest first."""
    names = [name for name in lake.names(*PENDING) if name.endswith(".json")]
    return [name.removeprefix("as_of=").removesuffix(".json") for name in names]


def pending_trainings(lake: Lake) -> dict[str, dict[str, Any]]:
    """Give what waits, by day, oldest first."""
    return {day: lake.read_json(*PENDING, f"as_of={day}.json") for day in pending_days(lake)}


def send_pending(lake: Lake, store: Store) -> tuple[dict[str, int], list[str]]:
    """Register all trainings that wait, oldest first; each is struck off once it is complete.

    A training that was changed or deleted while it waited is refused for good, and must not stop
    the others.

    Returns:
        The number of the version of every day that was sent, and a sentence for each refused.

    Raises:
        RegistryError: the registry went away; what was not sent still waits.
    """
    sent: dict[str, int] = {}
    refused: list[str] = []
    for day, training in pending_trainings(lake).items():
        try:
            sent[day] = record(lake, store, training)
        except (BundleError, DataError) as error:
            refused.append(f"The training for {day} is not registered: {error}")
        lake.fs.rm(lake.path(*PENDING, f"as_of={day}.json"))
    return sent, refused


def record(lake: Lake, store: Store, training: Mapping[str, Any]) -> int:
    """Record one training; give the number of its version. What is there already is not repeated.

    Args:
        lake: of the data set.
        store: its registry.
        training: what :func:`add_pending` noted.

    Raises:
        BundleError: the bundle was changed since it was made.
    """
    bundle = check_bundle(lake.local(*training["folder"]) / FOLDER)
    gate = training["gate"]
    decision = str(gate["publish"])
    versions = store.versions()
    same = [v for v in versions if v.bundle == bundle.digest and v.tags[AS_OF] == training[AS_OF]]
    if same and same[0].tags.get(COMPLETE) == decision:
        return same[0].number
    if same:
        number = same[0].number
    else:
        number = _upload(lake, store, bundle, training)
        versions = store.versions()
    for key, value in _verdict(gate).items():
        store.tag(number, key, value)
    version = next(v for v in versions if v.number == number)
    _set_aliases(store, versions, version, decision)
    store.tag(number, COMPLETE, decision)  # last: without it, the next run does all this again
    remember_versions(store, lake)
    return number


def crown(store: Store, versions: list[Version], version: Version, since: str) -> None:
    """Make a version the champion; a challenger of the same day or older is none any more."""
    others = [number for number in store.champions() if number != version.number]
    store.set_champions([*others, version.number])
    store.tag(version.number, SINCE, since)
    store.point(CHAMPION, version.number)
    challenger = with_alias(versions, CHALLENGER)
    if challenger is not None and challenger.as_of <= version.as_of:
        store.point(CHALLENGER, None)


def _set_aliases(store: Store, versions: list[Version], version: Version, decision: str) -> None:
    """Let the aliases follow the gate; those of newer days stay where they are."""
    if version.rolled_back:
        return
    champion = with_alias(versions, CHAMPION)
    if decision == FINAL:
        if champion is None or champion.as_of <= version.as_of:
            crown(store, versions, version, version.tags[AS_OF])
        else:  # a backfill: it was champion of its day, for backfills of the days after it
            store.tag(version.number, SINCE, version.tags[AS_OF])
        return
    challenger = with_alias(versions, CHALLENGER)
    newer = [v for v in (champion, challenger) if v is not None and v.as_of > version.as_of]
    if not newer and CHAMPION not in version.aliases:
        store.point(CHALLENGER, version.number)


def _upload(lake: Lake, store: Store, bundle: Bundle, training: Mapping[str, Any]) -> int:
    """Write the run and the version of a training."""
    as_of = training[AS_OF]
    figures = lake.read_json("runs", f"as_of={as_of}", "test", "metrics.json")
    run_id = store.open_run(bundle.digest, f"as_of={as_of}", {AS_OF: as_of})
    metrics = {**_metrics(figures), **_numbers("gate", training["gate"])}
    store.log(run_id, _params(bundle.read_json("config.json")), metrics)
    store.upload(run_id, bundle.folder, mlflow_store.BUNDLE)
    page = lake.local(*training["page"])
    for path in sorted(page.iterdir()):
        if path.is_file() and path.name != MANIFEST:
            store.upload(run_id, path, "report")
    store.end_run(run_id)
    tags = {AS_OF: as_of, BUNDLE: bundle.digest, RANKER: bundle.about["ranker"]}
    return store.add_version(run_id, {**tags, **_headline(figures)})


def _verdict(gate: Mapping[str, Any]) -> dict[str, str]:
    return {
        DECISION: str(gate["publish"]),
        "verdict": str(gate.get("verdict", "")),
        "why": str(gate.get("why", ""))[:MAX_TEXT],
    }


def _headline(figures: Mapping[str, Any]) -> dict[str, str]:
    """Give what a list of versions shows: the final list beside the best single source."""
    values = {name: row[SHOWN_METRIC] for name, row in figures["systems"].items()}
    sources = {name: v for name, v in values.items() if name not in (FINAL, CHAMPION)}
    best = max(sources, key=sources.__getitem__)
    return {
        "final": f"{values[FINAL]:.6f}",
        "best_source": best,
        "best_source_value": f"{sources[best]:.6f}",
    }


def _metrics(figures: Mapping[str, Any]) -> dict[str, float]:
    """Name the figures of every system, and the gain over the best source, as MLflow allows."""
    headline = _headline(figures)
    gain = float(headline["final"]) - float(headline["best_source_value"])
    found = {
        name: value
        for system, row in figures["systems"].items()
        for name, value in _numbers(system, row).items()
    }
    return {**found, allowed(f"gain/{SHOWN_METRIC}"): gain}


def _numbers(prefix: str, value: Any) -> dict[str, float]:
    """Find all numbers in JSON, by their place."""
    return {
        allowed(name): float(leaf)
        for name, leaf in _leaves(prefix, value, "/")
        if isinstance(leaf, int | float)
    }


def _params(settings: Mapping[str, Any]) -> dict[str, str]:
    """Flatten the settings: ``generators.als.params.factors`` and so on."""
    sources = {g["name"]: g for g in settings["generators"]}
    flat = {**settings, "generators": sources}
    return {
        allowed(name): (leaf if isinstance(leaf, str) else json.dumps(leaf))[:MAX_TEXT]
        for key, value in flat.items()
        for name, leaf in _leaves(key, value, ".", lists=False)
    }


def _leaves(name: str, value: Any, dot: str, lists: bool = True) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _leaves(f"{name}{dot}{key}", below, dot, lists)
    elif lists and isinstance(value, list):
        for at, below in enumerate(value):
            yield from _leaves(f"{name}{dot}{at}", below, dot, lists)
    else:
        yield name, value
