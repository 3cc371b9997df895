"""Files of a source: found by path or glob on any file system, opened, told apart."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass
from typing import IO, Any

import fsspec

from data.contract import DataError

_BLOCK = 1 << 20
_PARQUET = b"PAR1"
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz"}


@dataclass(frozen=True)
class File:
    """One file of any fsspec file system."""

    fs: Any
    path: str

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.rpartition("/")[2]

    def stamp(self) -> dict[str, Any]:
        """Give name, size in bytes and SHA-256: the place and age of a file say nothing."""
        with self._raw() as file:
            checksum, size = hashlib.sha256(), 0
            while block := file.read(_BLOCK):
                checksum.update(block)
                size += len(block)
        return {"file": self.name, "size": size, "sha256": checksum.hexdigest()}

    def open(self) -> IO[bytes]:
        """Open for reading; gzip, bz2 and xz are unpacked on the way."""
        with self._raw() as file:
            start = file.read(8)
        packed = next(
            (kind for magic, kind in _COMPRESSED.items() if start.startswith(magic)), None
        )
        opened: IO[bytes] = fsspec.core.OpenFile(
            self.fs, self.path, mode="rb", compression=packed
        ).open()
        return opened

    def _raw(self) -> IO[bytes]:
        try:
            opened: IO[bytes] = self.fs.open(self.path, "rb")
        except OSError as error:
            raise DataError(
                f"{self.path} cannot be opened: {error.strerror or error}. Check that it is there "
                "and that you may read it"
            ) from error
        return opened

    def is_parquet(self) -> bool:
        """Whether this is a Parquet file.

        Raises:
            DataError: the file is empty, cut short, or neither text nor Parquet.
        """
        with self.open() as file:
            start = file.read(_BLOCK)
        if not start.strip():
            raise DataError(f"{self.path} is empty: expected a CSV or Parquet file with rows")
        if start.startswith(_PARQUET):
            return True
        if self.name.endswith((".parquet", ".pq")):
            raise DataError(
                f"{self.path} is no Parquet file (it does not begin with {_PARQUET.decode()}): "
                "write it again, or rename it if it is a CSV"
            )
        if b"\x00" in start:
            raise DataError(
                f"{self.path} is neither CSV nor Parquet (it has binary content): give a text "
                "file in UTF-8 or a Parquet file"
            )
        return False


def find(path: str) -> tuple[File, ...]:
    """Give the files of a path, URL or glob, sorted by path.

    Raises:
        DataError: there is no such file, the glob matches none, or it is a folder.
    """
    try:
        fs, inner = fsspec.url_to_fs(path)
    except (ImportError, ValueError) as error:
        raise DataError(
            f"{path}: {error}. Install what this kind of URL needs (for s3: zavtra[s3])"
        ) from error
    if any(mark in inner for mark in "*?["):
        found = [entry for entry in sorted(fs.glob(inner)) if not fs.isdir(entry)]
        if not found:
            raise DataError(f"no file matches {path}: correct the glob, or put the files there")
        return tuple(File(fs, entry) for entry in found)
    if not fs.exists(inner):
        raise DataError(f"there is no file {path}{_neighbour(fs, inner)}")
    if fs.isdir(inner):
        raise DataError(f"{path} is a folder: give a file or a glob such as {path}/*.parquet")
    return (File(fs, inner),)


def _neighbour(fs: Any, path: str) -> str:
    folder, _, name = path.rpartition("/")
    if not folder or not fs.isdir(folder):
        return f" (nor the folder {folder or path}): correct the path"
    names = [entry.rpartition("/")[2] for entry in fs.ls(folder, detail=False)]
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    shown = ", ".join(sorted(names)[:10]) or "nothing"
    return f": the folder holds {shown}{hint}"
