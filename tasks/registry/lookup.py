"""Find the champion a run may know, and see that its bundle is whole and fits the run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from data.contract import ID
from data.files import place_folder
from data.lake import Lake
from data.values import read_values, values_file
from models.bundle import MANIFEST, Bundle, BundleError, check_bundle
from tasks.catalogue import external_ids
from tasks.evaluate import FINAL
from tasks.registry.bundle import FOLDER, describe_features
from tasks.registry.place import last_known_versions, open_store, read_versions
from tasks.registry.store import RegistryError, Store
from tasks.registry.upload import pending_days, pending_trainings, send_pending
from tasks.registry.versions import (
    AS_OF,
    BUNDLE,
    CHAMPION,
    PROMOTED,
    PRUNED,
    RANKER,
    ROLLED_BACK,
    SINCE,
    Version,
    champion_before,
    with_alias,
)
from tasks.run import Run

KEPT = ("models", "champion")
"""The champion's bundle, where it was trained elsewhere and had to be downloaded."""


@dataclass
class Found:
    """What the registry says to a run.

    Attributes:
        version: the champion; None where there is none that can be used.
        why: a sentence for people.
        rolled_back: digests of rankers of this very day that a person took back.
        promoted: of those that a person put in place.
        notes: what a reader of the page should know.
    """

    version: Version | None
    why: str
    rolled_back: list[str] = field(default_factory=list)
    promoted: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def facts(self, registry: str) -> dict[str, Any]:
        """Give ``champion.json``."""
        version = self.version
        return {
            "champion": None
            if version is None
            else {
                "version": version.number or None,
                "as_of": version.as_of.isoformat(),
                "ranker_digest": version.ranker,
                "bundle_digest": version.bundle,
            },
            "why": self.why,
            "rolled_back": self.rolled_back,
            "promoted": self.promoted,
            "registry": registry,
            "notes": self.notes,
        }


def look_up(run: Run, folder: Path) -> tuple[Found, Bundle | None]:
    """Give the champion and its checked bundle.

    Neither a registry that is away nor a bundle that is broken stops a training: the answer then
    says so in ``why`` and ``notes``.

    Args:
        run: the run.
        folder: an empty one for a download.
    """
    if not run.settings.registry.enabled:
        return Found(None, "The registry is switched off (registry.enabled: false)."), None
    notes: list[str] = []
    versions, store = _ask(run, notes)
    today = [version for version in versions if version.as_of == run.as_of]
    back, promoted = (
        sorted({v.ranker for v in today if tag in v.tags}) for tag in (ROLLED_BACK, PROMOTED)
    )
    version = champion_before(versions, run.as_of)
    if version is None:
        why = f"No version was champion before {run.as_of}."
        return Found(None, why, back, promoted, notes), None
    name = str(version)[0].upper() + str(version)[1:]
    try:
        bundle = open_bundle(version, run.lake, store, folder, notes)
        foreign = why_foreign(run, bundle)
    except (BundleError, RegistryError) as error:
        foreign, bundle = str(error), None
    if bundle is None or foreign:
        why = f"{name} cannot be used: {foreign}."
        return Found(None, why, back, promoted, [*notes, why]), None
    return Found(version, f"{name} is the champion.", back, promoted, notes), bundle


def _ask(run: Run, notes: list[str]) -> tuple[list[Version], Store | None]:
    """Send what waits, then ask for all versions; a registry that is away is remembered."""
    try:
        if pending_days(run.lake):
            notes += send_pending(run.lake, open_store(run.settings, run.lake))[1]
        return read_versions(run.settings, run.lake)
    except RegistryError as error:
        notes.append(f"{error}. What was last known of the registry stands in.")
        return _remembered(run.lake), None


def _remembered(lake: Lake) -> list[Version]:
    """Give the versions last known, and as number 0 those that still wait to be registered."""
    versions = last_known_versions(lake)
    for day, training in pending_trainings(lake).items():
        tags = {key: training[key] for key in (AS_OF, BUNDLE, RANKER)}
        champion = with_alias(versions, CHAMPION)
        published = training["gate"]["publish"] == FINAL
        if published:
            tags[SINCE] = day
        newest = published and (champion is None or champion.as_of <= date.fromisoformat(day))
        if newest:
            versions = [replace(v, aliases=()) for v in versions]
        versions.append(Version(0, "", tags, (CHAMPION,) if newest else ()))
    return versions


def open_bundle(
    version: Version, lake: Lake, store: Store | None, folder: Path, notes: list[str]
) -> Bundle:
    """Give a version's bundle, every byte checked: from the lake if it is there, else downloaded.

    Args:
        version: whose.
        lake: of the data set.
        store: the registry; None where it is away.
        folder: an empty one for a download.
        notes: gains a line for every copy that turned out to be broken.

    Raises:
        BundleError: every copy there is was changed or is incomplete.
        RegistryError: there is none, and the registry is away or has lost it.
    """
    for parts in (("models", f"as_of={version.as_of}"), KEPT):
        if not lake.exists(*parts, FOLDER, MANIFEST):
            continue
        try:
            bundle = check_bundle(lake.local(*parts) / FOLDER)
        except BundleError as error:
            notes.append(f"A copy of {version} is not used: {error}")
            continue
        if bundle.digest == version.bundle:
            return bundle
    if store is None:
        broken = f" ({notes[-1]})" if notes else ""
        raise RegistryError(
            f"the lake has no sound copy of its bundle and the registry cannot be asked{broken}"
        )
    bundle = fetch_bundle(version, store, folder)
    if store.artifacts is None:
        with lake.writing(*KEPT, inputs=bundle.digest) as kept:
            place_folder(bundle.folder, kept / FOLDER)
    return bundle


def fetch_bundle(version: Version, store: Store, folder: Path) -> Bundle:
    """Give a version's bundle as the registry has it, every byte checked.

    Raises:
        BundleError: it was changed, is incomplete, or is another one than was registered.
        RegistryError: the registry is away or has lost it.
    """
    if PRUNED in version.tags:
        raise RegistryError(
            f"the bundle of version {version.number} was deleted: of old ones only the newest "
            "registry.keep stay. Train that day again"
        )
    bundle = check_bundle(store.fetch(version, folder))
    if bundle.digest != version.bundle:
        raise BundleError(
            f"{bundle.folder / MANIFEST} is of another bundle ({bundle.digest[:12]}…) than the one "
            f"registered ({version.bundle[:12]}…); nothing of it was loaded. Train that day again"
        )
    return bundle


def why_foreign(run: Run, bundle: Bundle) -> str:
    """Say why a bundle's ranker cannot rank this run's candidates; "" where it can."""
    known, own = bundle.read_json("catalog.json"), describe_features(run)
    for part, what in (
        ("sources", "its candidate sources are not today's"),
        ("similarity", "it knows similarity features where today has none, or the reverse"),
        ("features", "its feature catalog is not today's"),
    ):
        if known.get(part) != own[part]:
            return what + _example(known.get(part), own[part])
    for entity in ("users", "items"):
        codes = pq.read_table(bundle.folder / "ids" / f"{entity}.parquet", columns=[ID])[ID]
        today = external_ids(run.lake, entity)
        same_type = codes.type == today.type
        if not same_type or not today.slice(0, len(codes)).equals(codes):
            return f"its codes of {entity} belong to other ids than today's"
        if not (bundle.folder / "ids" / values_file(entity)).exists():
            return f"it does not say what its codes of the values of {entity} mean"
        coded = read_values(run.lake, entity)
        for name, values in read_values(Lake(bundle.folder), entity).items():
            if not coded.get(name, values[:0]).slice(0, len(values)).equals(values):
                return f"its codes of {entity}' {name!r} belong to other values than today's"
    return ""


def _example(known: Any, own: Any) -> str:
    """Name one thing that only one of two lists has."""
    if not isinstance(known, list):
        return ""
    names = [{found["name"] for found in side} for side in (known, own)]
    for there, verb in ((names[0] - names[1], "it has"), (names[1] - names[0], "it lacks")):
        if there:
            return f" ({verb} {min(there)!r})"
    changed = [a["name"] for a, b in zip(known, own, strict=False) if a != b]
    return f" ({changed[0]!r} was declared otherwise)" if changed else ""
