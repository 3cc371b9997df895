"""What a person does with the versions of a data set: look, promote, roll back."""

from __future__ import annotations

from config import Settings
from data.unfinished import unfinished
from models.bundle import BundleError
from tasks.registry.lookup import fetch_bundle
from tasks.registry.place import read_versions, remember_versions
from tasks.registry.store import RegistryError, Store
from tasks.registry.upload import crown
from tasks.registry.versions import AS_OF, CHAMPION, PROMOTED, ROLLED_BACK, Version, with_alias
from tasks.run import open_lake


def list_versions(settings: Settings, home: str) -> list[Version]:
    """Give all versions, oldest first.

    Raises:
        RegistryError: the registry is off or away, or nothing was registered yet.
    """
    return _open(settings, home)[0]


def promote(settings: Settings, home: str, number: int) -> tuple[Version, Version | None]:
    """Make a version the champion, once its bundle was checked to the byte.

    Returns:
        The new champion and the one before, as they were.

    Raises:
        RegistryError: there is no such version, its bundle is gone, or the registry is away.
        BundleError: its bundle was changed or is incomplete; the aliases stay as they are.
    """
    versions, store = _open(settings, home)
    version = next((v for v in versions if v.number == number), None)
    if version is None:
        there = ", ".join(str(v.number) for v in versions)
        raise RegistryError(f"there is no version {number} of {settings.name!r}; there are {there}")
    _check(version, store)
    before = with_alias(versions, CHAMPION)
    if version.rolled_back:
        store.tag(number, ROLLED_BACK, None)
    store.tag(number, PROMOTED, "true")
    crown(store, versions, version, since=max(v.tags[AS_OF] for v in versions))
    remember_versions(store, open_lake(settings, home))
    return version, before


def rollback(settings: Settings, home: str) -> tuple[Version, Version]:
    """Take the champion back: the one before it is the champion again.

    The version that was taken back is marked, so that another run of its day does not publish it.

    Returns:
        The version taken back and the champion now, as they were.

    Raises:
        RegistryError: there is no champion or none before it, or the registry is away.
        BundleError: the bundle of the one before was changed; the aliases stay as they are.
    """
    versions, store = _open(settings, home)
    champion = with_alias(versions, CHAMPION)
    if champion is None:
        raise RegistryError(
            f"no version of {settings.name!r} is champion: there is nothing to roll back. "
            "`zavtra models list` shows them, `zavtra models promote` makes one champion"
        )
    by_number = {v.number: v for v in versions}
    before = [
        by_number[number]
        for number in store.champions()
        if number != champion.number and number in by_number and not by_number[number].rolled_back
    ]
    if not before:
        raise RegistryError(
            f"version {champion.number} is the only champion {settings.name!r} ever had, or all "
            "others were rolled back: name another one with `zavtra models promote`"
        )
    _check(before[-1], store)
    store.tag(champion.number, ROLLED_BACK, "true")
    if PROMOTED in champion.tags:
        store.tag(champion.number, PROMOTED, None)
    store.point(CHAMPION, before[-1].number)
    remember_versions(store, open_lake(settings, home))
    return champion, before[-1]


def _open(settings: Settings, home: str) -> tuple[list[Version], Store]:
    if not settings.registry.enabled:
        raise RegistryError(f"{settings.name!r} has no registry: registry.enabled is false")
    versions, store = read_versions(settings, open_lake(settings, home))
    if store is None or not versions:
        raise RegistryError(
            f"nothing is registered for {settings.name!r} yet: run `zavtra daily` first"
        )
    return versions, store


def _check(version: Version, store: Store) -> None:
    """Refuse a version whose bundle is not whole."""
    with unfinished(None) as folder:
        try:
            fetch_bundle(version, store, folder)
        except BundleError as error:
            raise BundleError(
                f"version {version.number} cannot become champion: {error}"
            ) from error
