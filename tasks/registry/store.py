"""The registry as MLflow keeps it: one run a training, one version a bundle, two aliases.

The one place that knows MLflow, which it imports late: 1.5 s of processor time. Embedded, database
and artifacts lie in the data set's lake (``mlflow.db``, ``mlartifacts``); to look at them, run
``mlflow ui --backend-store-uri sqlite:///…/mlflow.db``.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from data.files import place_file, place_folder
from models.base import ModelError
from tasks.registry.versions import TAGS, Version

P = ParamSpec("P")
T = TypeVar("T")

BUNDLE = "bundle"
"""Where in a run's artifacts the bundle lies."""
HISTORY = "champions"
"""Tag of the registered model: numbers of the versions that were champion, the newest last."""
IDENTITY = "zavtra.bundle"
"""Tag of a run: digest of its bundle. A run cut off half-way is found by it and completed."""
PARAMS_AT_ONCE, METRICS_AT_ONCE = 100, 1000
"""MLflow refuses more in one call."""

SILENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # MLflow's own seven retries wait four minutes for a server that went away.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
}
"""Defaults for MLflow's environment variables; what the environment says already stays."""


class RegistryError(ModelError):
    """The registry is away, or has not what was asked of it; the message says what to do."""


def _told(method: Callable[Concatenate[Store, P], T]) -> Callable[Concatenate[Store, P], T]:
    """Turn what MLflow, its database or the network raise into one :class:`RegistryError`."""

    @wraps(method)
    def call(store: Store, *args: P.args, **kwargs: P.kwargs) -> T:
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            return method(store, *args, **kwargs)
        except (MlflowException, SQLAlchemyError, OSError) as error:
            problem = str(error).strip().partition("\n")[0]
            raise RegistryError(f"the registry at {store.shown} failed: {problem}") from error

    return call


class Store:
    """Runs and versions of one data set.

    Args:
        uri: MLflow's tracking URI.
        name: of the experiment and of the registered model.
        artifacts: folder of the artifacts where the registry is embedded; None: the tracking
            server keeps them.
        shown: the URI for messages, without a password.

    Raises:
        RegistryError: from every method, where the registry cannot be reached or refuses.
    """

    def __init__(self, uri: str, name: str, artifacts: Path | None, shown: str) -> None:
        for variable, value in SILENT.items():
            os.environ.setdefault(variable, value)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        self.name, self.artifacts, self.shown = name, artifacts, shown
        self._client = self._connect(uri)

    # ------------------------------------------------------------------ versions

    @_told
    def versions(self) -> list[Version]:
        """Give all versions, oldest first; none where nothing was registered yet.

        What somebody else registered under the same name lacks our tags and is left alone.
        """
        aliases: dict[int, list[str]] = {}
        model = self._model()
        if model is None:
            return []
        for alias, number in sorted(model.aliases.items()):
            aliases.setdefault(int(number), []).append(alias)
        found, page = [], None
        while page != "":
            part = self._client.search_model_versions(f"name='{self.name}'", page_token=page)
            found += part
            page = part.token or ""
        versions = (
            Version(int(v.version), v.run_id, dict(v.tags), tuple(aliases.get(int(v.version), ())))
            for v in found
            if v.tags.keys() >= TAGS
        )
        return sorted(versions, key=lambda version: version.number)

    @_told
    def add_version(self, run_id: str, tags: Mapping[str, str]) -> int:
        """Register the bundle of a run; give the version's number."""
        if self._model() is None:
            self._client.create_registered_model(self.name)
        source = f"{self._client.get_run(run_id).info.artifact_uri}/{BUNDLE}"
        made = self._client.create_model_version(
            self.name, source, run_id, tags=dict(tags), await_creation_for=0
        )
        return int(made.version)

    @_told
    def tag(self, number: int, key: str, value: str | None) -> None:
        """Set a tag of a version; None removes it."""
        if value is None:
            self._client.delete_model_version_tag(self.name, str(number), key)
        else:
            self._client.set_model_version_tag(self.name, str(number), key, value)

    @_told
    def point(self, alias: str, number: int | None) -> None:
        """Let an alias point to a version; None removes it."""
        if number is None:
            self._client.delete_registered_model_alias(self.name, alias)
        else:
            self._client.set_registered_model_alias(self.name, alias, str(number))

    @_told
    def champions(self) -> list[int]:
        """Give the versions that were made champion, each once, the newest last."""
        model = self._model()
        return [int(n) for n in model.tags.get(HISTORY, "").split()] if model else []

    @_told
    def set_champions(self, numbers: list[int]) -> None:
        """Keep that list."""
        value = " ".join(map(str, numbers))
        self._client.set_registered_model_tag(self.name, HISTORY, value)

    # ------------------------------------------------------------------ runs

    @_told
    def open_run(self, bundle: str, run_name: str, tags: Mapping[str, str]) -> str:
        """Begin the run of a bundle, or go on with the one that was cut off; give its id."""
        experiment = self._client.get_experiment_by_name(self.name)
        if experiment is None:
            place = None if self.artifacts is None else self.artifacts.as_uri()
            at = self._client.create_experiment(self.name, artifact_location=place)
        else:
            at = experiment.experiment_id
        begun = self._client.search_runs([at], f"tags.`{IDENTITY}` = '{bundle}'", max_results=1)
        if begun:
            return str(begun[0].info.run_id)
        made = self._client.create_run(at, tags={**tags, IDENTITY: bundle}, run_name=run_name)
        return str(made.info.run_id)

    @_told
    def log(self, run_id: str, params: Mapping[str, str], metrics: Mapping[str, float]) -> None:
        """Log parameters and metrics; names are those MLflow allows (see :func:`allowed`)."""
        from mlflow.entities import Metric, Param

        every = [Param(key, value) for key, value in params.items()]
        for at in range(0, len(every), PARAMS_AT_ONCE):
            self._client.log_batch(run_id, params=every[at : at + PARAMS_AT_ONCE])
        # At time 0, so that a run that is completed later does not log a figure twice.
        figures = [Metric(key, value, 0, 0) for key, value in metrics.items()]
        for at in range(0, len(figures), METRICS_AT_ONCE):
            self._client.log_batch(run_id, metrics=figures[at : at + METRICS_AT_ONCE])

    @_told
    def upload(self, run_id: str, source: Path, place: str) -> None:
        """Keep a file, or all files of a folder, under ``place`` of a run's artifacts."""
        if self.artifacts is None:
            send = self._client.log_artifacts if source.is_dir() else self._client.log_artifact
            send(run_id, str(source), place)
        elif source.is_dir():
            target = self._artifacts_of(run_id) / place
            shutil.rmtree(target, ignore_errors=True)
            place_folder(source, target)
        else:
            place_file(source, self._artifacts_of(run_id) / place / source.name)

    @_told
    def end_run(self, run_id: str) -> None:
        """Say that a run is finished."""
        self._client.set_terminated(run_id)

    @_told
    def fetch(self, version: Version, into: Path) -> Path:
        """Give the folder of a version's bundle, unchecked.

        Args:
            version: whose.
            into: an existing folder for what must be downloaded.
        """
        if self.artifacts is not None:
            return self._artifacts_of(version.run_id) / BUNDLE
        return Path(self._client.download_artifacts(version.run_id, BUNDLE, str(into)))

    # ------------------------------------------------------------------ inside

    @_told
    def _connect(self, uri: str) -> Any:
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.get_experiment_by_name(self.name)  # opens the connection: a bad one shows here
        return client

    def _model(self) -> Any:
        """Give the registered model; None before the first version."""
        from mlflow.exceptions import MlflowException

        try:
            return self._client.get_registered_model(self.name)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise

    def _artifacts_of(self, run_id: str) -> Path:
        """Give a run's folder as MLflow lays it out; a lake that was moved takes it along."""
        assert self.artifacts is not None
        return self.artifacts / run_id / "artifacts"


def allowed(name: str) -> str:
    """Spell a metric's or parameter's name as MLflow allows it: ``MAP@10`` is ``MAP_at_10``."""
    kept = name.replace("@", "_at_")
    return "".join(c if c.isalnum() or c in "_-. :/" else "_" for c in kept)
