"""Folders on object storage: put there so that half of one never counts, copied here to be read."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from fsspec import AbstractFileSystem

from data.contract import DataError
from data.unfinished import PREFIX, sweep, unfinished

COPIES = "zavtra"
"""Folder for copies, within that for temporary files."""


def upload(fs: AbstractFileSystem, folder: Path, target: str, last: str) -> None:
    """Put a local folder in the place of a remote one.

    Object storage cannot rename a folder, and uploads its files in any order. So the file that
    says that a folder is whole goes first and comes last.

    Args:
        fs: the remote system.
        folder: local; ``last`` is taken out of it.
        target: path on the remote system.
        last: name of that file.

    Raises:
        DataError: the upload broke off; what is at ``target`` does not count as a folder.
    """
    seal = folder / last
    content = seal.read_bytes()
    seal.unlink()
    try:
        if fs.exists(f"{target}/{last}"):
            fs.rm(f"{target}/{last}")
        if fs.exists(target):
            fs.rm(target, recursive=True)
        fs.put(f"{folder}/", f"{target}/", recursive=True)
        fs.makedirs(target, exist_ok=True)
        fs.pipe_file(f"{target}/{last}", content)
    except OSError as error:
        raise DataError(
            f"cannot write {target}: {error.strerror or error}; what was there is gone, and what "
            f"was written does not count, for it has no {last}. See that the storage can be "
            "written to and run again: the step is made anew"
        ) from error


def download(fs: AbstractFileSystem, source: str, place: str, stamp: str) -> Path:
    """Give a local copy of a remote folder; copies of what it held before are deleted.

    Args:
        fs: the remote system.
        source: path of the folder there.
        place: digest of where it is; one folder has one.
        stamp: digest of what it holds.
    """
    copies = Path(tempfile.gettempdir()) / COPIES / place
    copy = copies / stamp
    if not copy.exists():
        copies.mkdir(parents=True, exist_ok=True)
        with unfinished(copies) as partial:
            fs.get(source, str(partial / "new"), recursive=True)
            try:
                (partial / "new").rename(copy)
            except OSError:
                if not copy.exists():  # else another thread had the same need
                    raise
        for old in copies.iterdir():
            if old.name != stamp and not old.name.startswith(PREFIX):
                shutil.rmtree(old, ignore_errors=True)
        sweep(copies)
    return copy
