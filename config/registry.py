"""Settings of the registry of trained models."""

from __future__ import annotations

from pydantic import Field

from config.section import Section


class RegistrySettings(Section):
    """Where every training is recorded and its bundle kept (MLflow)."""

    enabled: bool = Field(
        True, description="record trainings; off: there is no champion to compare with"
    )
    tracking_uri: str | None = Field(
        None,
        min_length=1,
        description="MLflow's tracking URI, such as http://mlflow:5000; none: $MLFLOW_TRACKING_URI "
        "where it is set, else a database and a folder in the data set's own lake",
    )
    keep: int = Field(
        5,
        ge=1,
        description="newest bundles kept in the lake, beside the champion's; older ones are "
        "deleted there, never on a tracking server",
    )
