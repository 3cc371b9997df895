"""Folders that are being written: each belongs to a living process, or is swept away."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = ".writing-"


@contextmanager
def unfinished(parent: Path | None) -> Iterator[Path]:
    """Give an empty folder that is gone in the end, and that :func:`sweep` leaves alone until then.

    Args:
        parent: where it is made; None: in the folder for temporary files.
    """
    folder, lock = _claim(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep(root: Path) -> None:
    """Remove, anywhere under ``root``, the folders of processes that were killed."""
    for folder in _left(root):
        try:
            lock = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:  # finished meanwhile
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:  # its process lives
            pass
        finally:
            os.close(lock)


def _left(root: Path) -> Iterator[Path]:
    """Give the folders being written or left behind; others may vanish during the walk."""
    for parent, names, _ in os.walk(root):  # passes over folders that are gone
        yield from (Path(parent, name) for name in names if name.startswith(PREFIX))
        names[:] = [name for name in names if not name.startswith(PREFIX)]


def _claim(parent: Path | None) -> tuple[Path, int]:
    """Make a folder and lock it; the kernel drops the lock with the process, however it ends."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        try:
            lock = os.open(folder, os.O_RDONLY)
        except FileNotFoundError:  # swept before it was locked
            continue
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder, lock
        os.close(lock)
