"""Give files a second place without a second copy."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from fsspec.implementations.local import LocalFileSystem

from data.lake import Lake


def place_file(source: Path, target: Path) -> None:
    """Hard-link a file to ``target``, or copy it where the disk cannot (another one, or FAT).

    Files of the lake are replaced as a whole and never written to in place, so both names keep
    what they had.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def place_folder(source: Path, target: Path, leave: str = "") -> None:
    """Do so with all files of a folder, but for the one named ``leave``."""
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_file() and str(name) != leave:
            place_file(path, target / name)


def place_part(lake: Lake, parts: tuple[str, ...], target: Lake) -> None:
    """Give a file or folder of a lake its place in a local one; from a remote lake it is copied."""
    source, copy = lake.path(*parts), Path(target.path(*parts))
    if not isinstance(lake.fs, LocalFileSystem):
        copy.parent.mkdir(parents=True, exist_ok=True)
        lake.fs.get(source, str(copy), recursive=True)
    elif Path(source).is_dir():
        place_folder(Path(source), copy)
    else:
        place_file(Path(source), copy)
