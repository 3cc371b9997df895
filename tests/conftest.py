"""What all tests share: one thread for sums, the real data sets, hypothesis without a deadline."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read once, when numpy is first imported
if "PYTEST_XDIST_WORKER" in os.environ:  # one worker a core: torch's threads would wait spinning
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings
from mlflow_server import MlflowServer

# A first example compiles kernels, and a busy machine is no bug: time is not what is tested.
settings.register_profile(
    "zavtra", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("zavtra")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the flows go first: their files take longest."""
    items.sort(key=lambda item: "flows" not in item.path.parts)


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """Give the folder of a real data set, or skip aloud.

    Example: ``ratings = real_data("ml-1m") / "ratings.dat"``, in a test marked ``real``.
    """

    def folder(name: str) -> Path:
        home = os.environ.get("ZAVTRA_DATA")
        if not home:
            pytest.skip(f"no {name}: set ZAVTRA_DATA to the folder that holds {name}/")
        path = Path(home) / name
        if not path.is_dir():
            pytest.skip(f"no {name}: ZAVTRA_DATA is {home}, which holds no {name}/")
        return path

    return folder


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a database of MLflow's with all tables, which it takes seconds to make."""
    from tasks.registry.store import Store

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    Store(f"sqlite:///{path}", "zavtra-none", path.parent, str(path))
    return path


@pytest.fixture(scope="session")
def mlflow_server(
    empty_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MlflowServer]:
    """Give a real tracking server; who kills it starts it again."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copyfile(empty_database, folder / "mlflow.db")
    server = MlflowServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
