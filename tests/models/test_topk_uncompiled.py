"""Compiled kernels read past an array without a word; run as Python they raise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def test_the_kernels_stay_within_their_arrays() -> None:
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_topk_kernels.py"],
        cwd=here,
        env={**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(here.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
