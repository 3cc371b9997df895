"""The lake: every file the pipeline reads or writes, under one root (a folder or fsspec URL).

::

    interactions/day=YYYY-MM-DD/part.parquet   users.parquet  items.parquet  ids/…  quarantine/…
    interactions/index.json
    features/…   generators/cutoff=…/…   runs/as_of=…/…   recommendations/as_of=…/…   LATEST

Every write lands under a temporary name and is renamed, so a reader never sees half a file. A
folder made by one step carries ``manifest.json``: what it was made from and what it holds. A step
whose inputs still match is not run again (:meth:`Lake.is_current`). Object storage cannot rename a
folder: there the manifest is written last, and without it a folder is not there.

A folder with many partitions may carry ``index.json``, its manifests in one file, so that a new day
costs no look at every old one. Whoever writes a partition drops the index first and writes it anew
at the end; where it is missing the manifests themselves are read (:meth:`Lake.partitions`).
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import fsspec
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from data.contract import INTERACTIONS, DataError, NotEnoughHistoryError
from data.remote import download, upload
from data.unfinished import sweep, unfinished

MANIFEST = "manifest.json"
INDEX = "index.json"
_CANONICAL = json.JSONEncoder(sort_keys=True, default=str, ensure_ascii=False)


class Partition(NamedTuple):
    """What a partition's manifest says.

    Attributes:
        inputs: digest of what it was made from.
        content: digest of what it holds, that is of the manifest.
    """

    inputs: str
    content: str


class Lake:
    """Files of one data set.

    Args:
        root: folder or fsspec URL (``s3://bucket/prefix``); created on the first write.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.fs, path = fsspec.url_to_fs(os.fspath(root))
        self.root: str = path.rstrip("/")
        self.url = os.fspath(root)

    def path(self, *parts: str) -> str:
        """Full path of a file or folder, as the file system knows it."""
        return "/".join([self.root, *parts])

    def exists(self, *parts: str) -> bool:
        """Whether there is such a file or folder."""
        return bool(self.fs.exists(self.path(*parts)))

    def names(self, *folder: str) -> list[str]:
        """Names of what lies in a folder, in order; nothing where there is no folder."""
        path = self.path(*folder)
        if self._is_local:  # a tenth of the time that fsspec takes over each name
            return sorted(os.listdir(path)) if os.path.isdir(path) else []
        if not self.fs.exists(path):
            return []
        return sorted(found.rpartition("/")[2] for found in self.fs.ls(path, detail=False))

    def complete(self, *folder: str) -> list[str]:
        """Names of what steps made in a folder, in order: what is half uploaded is not among it."""
        base = self.path(*folder)
        paths = (path.removeprefix(f"{base}/").split("/") for path in self.fs.find(base))
        return sorted(path[0] for path in paths if path[1:] == [MANIFEST])

    # ------------------------------------------------------------------ small files

    def write_bytes(self, content: bytes, *parts: str) -> None:
        """Write a small file, whole or not at all.

        Raises:
            DataError: the disk is full or not writable; nothing is left behind.
        """
        target = self.path(*parts)
        # Not ".parquet": a reader with a glob must not take it for data.
        temporary = f"{target}.{uuid.uuid4().hex}.tmp"
        try:
            self.fs.makedirs(target.rpartition("/")[0], exist_ok=True)
            with self.fs.open(temporary, "wb") as file:
                file.write(content)
            self.fs.mv(temporary, target) if not self._is_local else os.replace(temporary, target)
        except OSError as error:
            if self.fs.exists(temporary):
                self.fs.rm(temporary)
            raise DataError(
                f"cannot write {target}: {error.strerror or error}; what was there is unchanged. "
                "Free space or point ZAVTRA_HOME to a place with room and run again"
            ) from error

    def write_json(self, value: Any, *parts: str) -> None:
        """Write JSON with sorted keys: the same value gives the same bytes."""
        text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)
        self.write_bytes(text.encode() + b"\n", *parts)

    def read_json(self, *parts: str) -> Any:
        """Read JSON; raises DataError where it is missing or broken."""
        content = self.read_bytes(*parts)
        try:
            return json.loads(content)
        except ValueError as error:
            raise DataError(
                f"{self.path(*parts)} is no JSON ({error}): delete it, then {_remedy(parts)}"
            ) from error

    def read_bytes(self, *parts: str) -> bytes:
        """Read a file whole; raises DataError where it is missing."""
        try:
            return bytes(self.fs.cat_file(self.path(*parts)))
        except FileNotFoundError as error:
            raise DataError(f"{self.path(*parts)} is missing: {_remedy(parts)}") from error

    def remove(self, *parts: str) -> None:
        """Remove a file if it is there."""
        if self.exists(*parts):
            self.fs.rm(self.path(*parts))

    def write_table(self, table: pa.Table, *parts: str) -> None:
        """Write one Parquet file, whole or not at all; same table, same bytes."""
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        self.write_bytes(sink.getvalue().to_pybytes(), *parts)

    def read_table(self, *parts: str, columns: list[str] | None = None) -> pa.Table:
        """Read one Parquet file; raises DataError where it is missing."""
        if not self.exists(*parts):
            raise DataError(f"{self.path(*parts)} is missing: {_remedy(parts)}")
        return pq.read_table(self.path(*parts), columns=columns, filesystem=self.fs)

    # ------------------------------------------------------------------ folders of a step

    @contextmanager
    def writing(self, *parts: str, inputs: Any = None) -> Iterator[Path]:
        """Give a local folder to fill; on success it replaces ``parts`` in one rename.

        A ``manifest.json`` with the digest of ``inputs`` and of every file is added. When the
        block raises, the old folder stays as it was. On a remote system that holds until the
        upload begins (see :func:`data.remote.upload`).
        """
        target = self.path(*parts)
        parent = target.rpartition("/")[0]
        if self._is_local:
            os.makedirs(parent, exist_ok=True)
        try:
            with unfinished(Path(parent) if self._is_local else None) as place:
                folder = place / "new"
                folder.mkdir()
                yield folder
                files = sorted(p for p in folder.rglob("*") if p.is_file())
                manifest = {
                    "inputs": digest(inputs),
                    "files": {str(p.relative_to(folder)): file_digest(p) for p in files},
                }
                text = json.dumps(manifest, indent=1, sort_keys=True)
                (folder / MANIFEST).write_text(text + "\n")
                # Before it is wrong: a crash must not leave an outdated index behind.
                self.remove(*parts[:-1], INDEX)
                if self._is_local:
                    _swap(folder, Path(target), place / "old")
                else:
                    upload(self.fs, folder, target, last=MANIFEST)
        except OSError as error:
            raise DataError(
                f"cannot write {target}: {error.strerror or error}; what was there is unchanged. "
                "Free space or point ZAVTRA_HOME to a place with room and run again"
            ) from error

    def sweep(self) -> None:
        """Remove what killed processes left half-written; what is being written now stays."""
        if self._is_local:
            sweep(Path(self.root))

    def local(self, *parts: str) -> Path:
        """Give a local path of a file or folder; a remote one is copied to the temporary folder."""
        if not self.exists(*parts):
            raise DataError(f"{self.path(*parts)} is missing: {_remedy(parts)}")
        if self._is_local:
            return Path(self.path(*parts))
        place = digest([self.url, *parts])
        return download(self.fs, self.path(*parts), place, stamp=self.digest_of(*parts))

    def is_current(self, *parts: str, inputs: Any) -> bool:
        """Whether a step's folder was made from just these inputs."""
        if not self.exists(*parts, MANIFEST):
            return False
        return bool(self.read_json(*parts, MANIFEST)["inputs"] == digest(inputs))

    def digest_of(self, *parts: str) -> str:
        """Digest of what a step's folder holds (of its manifest)."""
        return hashlib.sha256(self.read_bytes(*parts, MANIFEST)).hexdigest()

    # ------------------------------------------------------------------ partitions

    def partition(self, *parts: str) -> Partition:
        """Read one partition's manifest; raises DataError where it is missing or broken."""
        manifest = self.read_bytes(*parts, MANIFEST)
        return Partition(json.loads(manifest)["inputs"], hashlib.sha256(manifest).hexdigest())

    def partitions(self, *folder: str, names: Sequence[str] | None = None) -> dict[str, Partition]:
        """Give the complete partitions of a folder by name (``day=…``), in order.

        One file is read where there is an index; what it does not name is read one by one.

        Args:
            folder: where they lie.
            names: those asked for, out of a listing of the folder; None: all.
        """
        if names is None:
            names = [name for name in self.names(*folder) if "=" in name]
        index = self.read_json(*folder, INDEX) if self.exists(*folder, INDEX) else {}
        return {
            name: Partition._make(index[name]) if name in index else self.partition(*folder, name)
            for name in names
            if name in index or self.exists(*folder, name, MANIFEST)
        }

    def write_index(self, *folder: str, partitions: Mapping[str, Partition]) -> None:
        """Write the index of a folder, after the last of its partitions."""
        text = json.dumps(partitions, sort_keys=True, separators=(",", ":"))
        self.write_bytes(text.encode() + b"\n", *folder, INDEX)

    # ------------------------------------------------------------------ history

    def days(self) -> list[date]:
        """Days of the log that have a partition, in order."""
        return [date.fromisoformat(name[4:]) for name in self.day_names()]

    def day_names(self) -> list[str]:
        """Names of the log's partitions (``day=YYYY-MM-DD``), in order, which is that of days."""
        return [name for name in self.names("interactions") if name.startswith("day=")]

    def interaction_files(self, as_of: date, since: date | None = None) -> list[str]:
        """Give the files of all partitions with ``since <= day < as_of``, in order of days.

        This is the one door to history: whoever reads the log passes here and needs ``as_of``.

        Raises:
            NotEnoughHistoryError: the log is empty or has no day before ``as_of``.
        """
        names = self.day_names()
        if not names:
            raise NotEnoughHistoryError(
                f"{self.url} holds no interactions: run `zavtra ingest` for this data set first"
            )
        first, last = (date.fromisoformat(names[at][4:]) for at in (0, -1))
        if first >= as_of:
            raise NotEnoughHistoryError(
                f"as_of {as_of} is not after the first day of the log ({first}): there is "
                f"nothing to learn from; choose an as_of in {first + timedelta(1)}.."
                f"{last + timedelta(1)}"
            )
        start = 0 if since is None else bisect_left(names, f"day={since}")
        chosen = names[start : bisect_left(names, f"day={as_of}")]
        return [self.path("interactions", name, "part.parquet") for name in chosen]

    def interactions(
        self, as_of: date, since: date | None = None, columns: list[str] | None = None
    ) -> pa.Table:
        """Read the log with ``since <= day < as_of``, sorted by (ts, row) within each day."""
        files = self.interaction_files(as_of, since)
        if not files:
            return INTERACTIONS.empty_table().select(columns or INTERACTIONS.names)
        dataset = ds.dataset(files, schema=INTERACTIONS, filesystem=self.fs, format="parquet")
        return dataset.to_table(columns=columns)

    def log_digest(self, as_of: date, since: date | None = None) -> str:
        """Digest of all partitions that :meth:`interaction_files` gives."""
        known = self.partitions("interactions")
        names = [path.split("/")[-2] for path in self.interaction_files(as_of, since)]
        # A partition without a manifest is not known: reading it says so.
        return digest(
            [(known.get(name) or self.partition("interactions", name)).content for name in names]
        )

    @property
    def _is_local(self) -> bool:
        return isinstance(self.fs, LocalFileSystem)


def _swap(new: Path, target: Path, old: Path) -> None:
    """Put ``new`` in the place of ``target``; where that fails, the old folder is back."""
    if target.exists():
        target.rename(old)
    try:
        new.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise


def digest(value: Any) -> str:
    """SHA-256 of a value's canonical JSON (dates and paths as text)."""
    return hashlib.sha256(_CANONICAL.encode(value).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def code_version(*rooms: str) -> str:
    """Digest of the sources of some rooms: a step made by other code is made again."""
    root = Path(__file__).parent.parent
    files = sorted(path for room in rooms for path in (root / room).rglob("*.py"))
    return digest([(str(p.relative_to(root)), file_digest(p)) for p in files])


def _remedy(parts: tuple[str, ...]) -> str:
    step = parts[0] if parts else ""
    commands = {
        "interactions": "zavtra ingest",
        "users.parquet": "zavtra ingest",
        "items.parquet": "zavtra ingest",
        "ids": "zavtra ingest",
        "recommendations": "zavtra recommend",
    }
    return f"run `{commands.get(step, 'zavtra daily')}` for this data set and day first"
