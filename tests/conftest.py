"""What all tests share: one BLAS thread, the real data sets, hypothesis without a deadline."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read once, when numpy is first imported

import pytest
from hypothesis import HealthCheck, settings

# A first example compiles kernels, and a busy machine is no bug: time is not what is tested.
settings.register_profile(
    "zavtra", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.load_profile("zavtra")


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
