"""One whole day of a small data set through Prefect, and the command as a user runs it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL
from prefect.testing.utilities import prefect_test_harness
from small_day import SMALL, Ran, Zavtra, clean_environment, command

from flows.daily import daily


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[str]:
    """Start the server of Prefect's test harness once; give its URL."""
    with prefect_test_harness(server_startup_timeout=120):
        yield str(PREFECT_API_URL.value())


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the configuration of the small data set."""
    path = tmp_path_factory.mktemp("config") / "small.yaml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="session")
def ran(prefect_api: str, small: Path, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run the whole day once; tests that change anything work on a :meth:`Ran.copy`."""
    home = tmp_path_factory.mktemp("home")
    return Ran(small, home, daily(config=str(small), home=str(home)))


@pytest.fixture
def zavtra(prefect_api: str, tmp_path: Path) -> Zavtra:
    """Give a function that runs the command in a process of its own, as a user does."""

    def run(*words: object, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **clean_environment(tmp_path),
            "PREFECT_API_URL": prefect_api,
            **variables,
        }
        return subprocess.run(
            [command("zavtra"), *map(str, words)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
        )

    return run
