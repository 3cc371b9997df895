"""Seconds and memory."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from benchmarks.measure import PeakMemory, Steps, lifetime_peak_gb, machine

HALF_GB = 2**29


def test_peak_sees_memory_that_is_given_back():
    with PeakMemory() as peak:
        before = peak.gb
        block = np.ones(HALF_GB, np.uint8)
        # The watcher reads every 20 ms: wait for its reading, not for time.
        while peak.gb < before + 0.45:
            block[0] += 1
        del block
    assert 0.45 < peak.gb - before < 1.0


def test_peak_counts_children():
    code = "import sys; b = bytearray(b'x' * 2**28); print('ready', flush=True); sys.stdin.read()"
    with PeakMemory() as peak:
        before = peak.gb
        with subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout.readline() == "ready\n"
            while peak.gb < before + 0.24:
                pass
            child.stdin.close()
    assert peak.gb >= before + 0.24


def test_lifetime_peak_is_at_least_what_was_held():
    block = np.ones(HALF_GB, np.uint8)
    assert lifetime_peak_gb() > 0.5
    del block
    assert lifetime_peak_gb() > 0.5


def test_steps_add_up_and_keep_their_order():
    steps = Steps(quiet=True)
    for name in ("read", "fit", "read"):
        with steps(name):
            pass
    assert list(steps.seconds) == ["read", "fit"]
    assert steps.total == pytest.approx(sum(steps.seconds.values()))
    assert set(steps.rounded()) == {"read", "fit"}


def test_a_step_that_raises_is_not_counted(capsys):
    steps = Steps()
    with pytest.raises(KeyError), steps("broken"):
        raise KeyError
    with steps("whole"):
        pass
    assert list(steps.seconds) == ["whole"]
    assert capsys.readouterr().err.startswith("whole: 0.0 s")


def test_machine_names_what_it_is():
    found = machine()
    assert found.cores >= 1
    assert found.memory_gb > 0
    assert f"{found.cores} cores of {found.processor}" in str(found)
