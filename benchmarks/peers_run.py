"""Running a peer's script in its own environment, on the very arrays this project is judged on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.protocol import BenchmarkError

SCRIPTS = Path(__file__).parent / "peers"


class PeerError(BenchmarkError):
    """The peers' environment is not there or their script failed."""


@dataclass(frozen=True)
class PeerRun:
    """What a script handed back (see ``peers/exchange.py``).

    Attributes:
        lists: model → ``(n_targets, k)`` int32 items, best first, padded with -1.
        figures: model → what the script measured, ``seconds`` (fit and recommendation) at least.
        peak_rss_gb: peak memory of the script, GB (2**30 bytes).
        library: name and version.
    """

    lists: dict[str, np.ndarray]
    figures: dict[str, dict[str, float]]
    peak_rss_gb: float
    library: str


def run_peer(
    python: Path, script: str, arrays: Mapping[str, np.ndarray], options: Mapping[str, Any]
) -> PeerRun:
    """Run a script of ``benchmarks/peers`` and wait for it.

    Args:
        python: interpreter of the peers' environment.
        script: file name in ``benchmarks/peers``.
        arrays: what the script may know; nothing from after the cut belongs here.
        options: further settings, JSON values.

    Raises:
        PeerError: no such interpreter, a package is missing there, or the script failed.
    """
    # Not resolved: a virtual environment's python is a link, and where it lies is what counts.
    if not os.access(python, os.X_OK) or not python.is_file():
        raise PeerError(
            f"--peers {python} is no python that can be run; make one with `python3.11 -m venv "
            ".venv-peers && .venv-peers/bin/pip install -r benchmarks/peers/requirements.txt` "
            "and give --peers .venv-peers/bin/python"
        )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environment |= {"PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore"}
    with tempfile.TemporaryDirectory(prefix="zavtra-peers-") as folder:
        request, answer = Path(folder, "request.npz"), Path(folder, "answer.npz")
        np.savez(request, options=np.array(json.dumps(dict(options))), **arrays)  # type: ignore[arg-type]
        command = [os.fspath(python), os.fspath(SCRIPTS / script), str(request), str(answer)]
        # Its progress goes to our stderr: stdout belongs to the table and the JSON object.
        done = subprocess.run(command, stdout=sys.stderr.fileno(), env=environment, check=False)
        if done.returncode != 0 or not answer.exists():
            raise PeerError(
                f"the peers' script {script} ended with code {done.returncode}; its messages stand "
                f"above. If a package is missing: {python} -m pip install -r "
                f"{SCRIPTS / 'requirements.txt'}"
            )
        return _read(answer)


def _read(answer: Path) -> PeerRun:
    with np.load(answer, allow_pickle=False) as file:
        report = json.loads(str(file["report"]))
        lists = {name: file[f"lists_{n}"] for n, name in enumerate(report["models"])}
    return PeerRun(lists, report["figures"], report["peak_rss_gb"], report["library"])
