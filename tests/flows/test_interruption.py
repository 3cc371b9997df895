"""A day that is killed half way: nothing half-written is seen, and the next run makes it whole."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from small_day import Ran, clean_environment, command, left_behind, published

from flows.daily import daily


@pytest.mark.parametrize(
    "moment", ["interactions/day=*", "recommendations/.writing-*/new/part.parquet"]
)
def test_a_killed_day_is_made_whole(
    moment: str, ran: Ran, prefect_api: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    lake = home / "small"
    running = subprocess.Popen(
        [command("zavtra"), "daily", "--config", str(ran.config), "--home", str(home)],
        env={**clean_environment(tmp_path), "PREFECT_API_URL": prefect_api},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 120
        while not any(lake.glob(moment)):
            assert running.poll() is None, "the day ended before it could be killed"
            assert time.monotonic() < end
            time.sleep(0.001)
    finally:
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    assert all(".writing-" in name for name in published(lake))

    daily(config=str(ran.config), home=str(home))
    assert published(lake) == published(ran.lake)
    assert not [*left_behind(lake)]
