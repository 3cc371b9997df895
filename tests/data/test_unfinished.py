"""Folders that are being written: whose process was killed, and whose lives."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

from data.lake import Lake
from data.unfinished import sweep, unfinished

KILLED = """
import os, signal, sys
from pathlib import Path
from data.unfinished import unfinished
with unfinished(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    root = Path(__file__).parents[2]
    ended = subprocess.run([sys.executable, "-c", KILLED, str(deep)], cwd=root, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert [*deep.glob(".writing-*/half")]
    sweep(tmp_path)
    assert [*deep.iterdir()] == []


def test_what_is_being_written_stays(tmp_path: Path) -> None:
    with unfinished(tmp_path) as folder:
        sweep(tmp_path)
        assert [*tmp_path.iterdir()] == [folder]
    assert [*tmp_path.iterdir()] == []


def test_a_lake_sweeps_under_its_root_alone(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / ".writing-left").mkdir(parents=True)
    Lake(tmp_path / "one").sweep()
    assert not (tmp_path / "one" / ".writing-left").exists()
    assert (tmp_path / "two" / ".writing-left").exists()
    Lake("memory://elsewhere").sweep()  # what is half-written for a remote lake lies in no lake
    Lake(tmp_path / "nowhere").sweep()


def test_a_sweep_beside_living_writers(tmp_path: Path) -> None:
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            with unfinished(tmp_path) as folder:
                (folder / "part" / "deep").mkdir(parents=True)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(500):
            sweep(tmp_path)
    finally:
        over.set()
        writer.join()
