"""What tests of the tasks share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.logging import disable_run_logger

from tasks.mlflow_store import Store


@pytest.fixture
def outside_a_run() -> Iterator[None]:
    """Let tasks that log be called as plain functions."""
    with disable_run_logger():
        yield


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a database of MLflow's with all tables, which take it seconds to make."""
    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    Store(f"sqlite:///{path}", "zavtra-none", path.parent, str(path))
    return path
