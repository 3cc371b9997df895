"""Where a data set's registry is, and what was last known of it when it cannot be reached."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from fsspec.implementations.local import LocalFileSystem

from config import Settings
from data.lake import Lake
from tasks.registry.store import RegistryError, Store
from tasks.registry.versions import Version
from tasks.run import open_lake

URI_VARIABLE = "MLFLOW_TRACKING_URI"
DATABASE, ARTIFACTS = "mlflow.db", "mlartifacts"
KNOWN = ("models", "versions.json")
"""What the registry said when it was last reached."""
ANSWER_SECONDS = 10.0
"""A server that is silent for so long is away."""


@dataclass(frozen=True)
class Place:
    """Where a registry is.

    Attributes:
        uri: MLflow's tracking URI.
        artifacts: folder of the artifacts of an embedded one; None: a tracking server's.
    """

    uri: str
    artifacts: Path | None

    @property
    def shown(self) -> str:
        """The URI without user and password."""
        parts = urlsplit(self.uri)
        if "@" not in parts.netloc:
            return self.uri
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def locate(settings: Settings, lake: Lake) -> Place:
    """Say where the registry of a data set is.

    ``registry.tracking_uri`` comes first, then ``$MLFLOW_TRACKING_URI``, then the lake itself.

    Raises:
        RegistryError: it would be embedded in a lake that is not on a local disk.
    """
    uri = settings.registry.tracking_uri or os.environ.get(URI_VARIABLE)
    if uri:
        return Place(uri, None)
    if not isinstance(lake.fs, LocalFileSystem):
        raise RegistryError(
            f"the registry cannot be embedded in {lake.url}: its database needs a local disk. Set "
            f"registry.tracking_uri or ${URI_VARIABLE} to an MLflow tracking server, or "
            "registry.enabled: false"
        )
    return Place(f"sqlite:///{lake.path(DATABASE)}", Path(lake.path(ARTIFACTS)))


def check_registry(settings: Settings, home: str) -> None:
    """Refuse, before anything is read or fitted, a registry that can be nowhere.

    Raises:
        RegistryError: see :func:`locate`.
    """
    if settings.registry.enabled:
        locate(settings, open_lake(settings, home))


def open_store(settings: Settings, lake: Lake) -> Store:
    """Open the registry of a data set.

    Raises:
        RegistryError: it is away; a server is not waited for longer than a few seconds.
    """
    place = locate(settings, lake)
    if place.artifacts is not None:
        place.artifacts.parent.mkdir(parents=True, exist_ok=True)
    elif place.uri.startswith(("http://", "https://")):
        _knock(place)
    return Store(place.uri, f"zavtra-{settings.name}", place.artifacts, place.shown)


def read_versions(settings: Settings, lake: Lake) -> tuple[list[Version], Store | None]:
    """Ask for all versions, and keep the answer in the lake for a day without the registry.

    Returns:
        The versions, and the store they came from; None where nothing was registered yet and the
        embedded registry was not even opened.

    Raises:
        RegistryError: it is away.
    """
    place = locate(settings, lake)
    if place.artifacts is not None and not lake.exists(DATABASE):
        return [], None
    store = open_store(settings, lake)
    return remember_versions(store, lake), store


def remember_versions(store: Store, lake: Lake) -> list[Version]:
    """Ask for all versions and keep the answer in the lake."""
    versions = store.versions()
    lake.write_json([version.as_dict() for version in versions], *KNOWN)
    return versions


def last_known_versions(lake: Lake) -> list[Version]:
    """Give what the registry said when it was last reached from this lake."""
    if not lake.exists(*KNOWN):
        return []
    return [Version.from_dict(fields) for fields in lake.read_json(*KNOWN)]


def _knock(place: Place) -> None:
    """See whether a server answers at all; any answer counts."""
    request = urllib.request.Request(f"{place.shown.rstrip('/')}/health")
    try:
        urllib.request.urlopen(request, timeout=ANSWER_SECONDS).close()
    except urllib.error.HTTPError:
        return
    except (OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise RegistryError(
            f"the registry at {place.shown} is away ({reason}): start the server, or correct "
            f"registry.tracking_uri (or ${URI_VARIABLE})"
        ) from error
