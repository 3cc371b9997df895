"""What tests of the tasks share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prefect.logging import disable_run_logger
from small_trained import Trained, train_small


@pytest.fixture
def outside_a_run() -> Iterator[None]:
    """Let tasks that log be called as plain functions."""
    with disable_run_logger():
        yield


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train and publish a small day once; tests that change it train one of their own."""
    day = train_small(tmp_path_factory.mktemp("trained"))
    day.publish()
    return day
