"""A bundle: all that is needed to make a day's lists again, in files that are only data.

::

    generators/<name>/…   ranker/…   ids/users.parquet   ids/items.parquet   ids/…_values.parquet
    catalog.json   config.json   manifest.json

``manifest.json`` names every other file with its size and SHA-256, and carries a digest of itself,
so that a byte changed anywhere is noticed before anything is loaded. No file is code: suffixes
that could hold a pickle are refused unopened.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.base import ModelError

MANIFEST = "manifest.json"
FORMAT = 1
"""Version of the layout; a bundle of another one is refused."""

SUFFIXES = frozenset({".safetensors", ".npz", ".npy", ".cbm", ".json", ".parquet"})
"""Formats that hold data and no code."""


class BundleError(ModelError):
    """A bundle that is incomplete, changed or of another format; the message names the file."""


@dataclass(frozen=True)
class Bundle:
    """A bundle whose every byte was checked.

    Attributes:
        folder: where it lies.
        digest: SHA-256 of the manifest's contents, hence of the whole bundle.
        about: what was said of it when it was written (day, code version, …).
    """

    folder: Path
    digest: str
    about: Mapping[str, Any]

    def read_json(self, *parts: str) -> Any:
        """Read one of its JSON files."""
        return json.loads(self.folder.joinpath(*parts).read_text(encoding="utf-8"))


def write_manifest(folder: Path, about: Mapping[str, Any]) -> Bundle:
    """Write ``manifest.json`` over all files of a folder; same files, same bytes.

    Args:
        folder: a complete bundle but for its manifest.
        about: facts to keep with it, JSON-able.

    Raises:
        BundleError: a file is of a format that could hold code.
    """
    files = {
        name: {"bytes": path.stat().st_size, "sha256": _file_digest(path)}
        for name, path in sorted(_files(folder).items())
    }
    contents = {"about": dict(about), "files": files, "format": FORMAT}
    text = _sealed(contents)
    (folder / MANIFEST).write_bytes(text)
    return Bundle(folder, json.loads(text)["digest"], about)


def check_bundle(folder: Path) -> Bundle:
    """Compare every file with the manifest, to the byte.

    Raises:
        BundleError: a file is missing, was added, was changed, or could hold code; or the manifest
            itself is missing, was changed, or is of another format.
    """
    manifest = _read_manifest(folder)
    known, found = manifest["files"], _files(folder)
    for name in sorted(known.keys() - found.keys()):
        raise BundleError(f"{folder / name} is missing from the bundle; {_REMEDY}")
    for name in sorted(found.keys() - known.keys()):
        raise BundleError(f"{folder / name} does not belong to the bundle: it was added; {_REMEDY}")
    for name, path in sorted(found.items()):
        size = path.stat().st_size
        if size != known[name]["bytes"]:
            raise BundleError(
                f"{path} was changed: it has {size:,} bytes, the manifest says "
                f"{known[name]['bytes']:,}; {_REMEDY}"
            )
        if _file_digest(path) != known[name]["sha256"]:
            raise BundleError(
                f"{path} was changed: its SHA-256 is not that of the manifest; {_REMEDY}"
            )
    return Bundle(folder, manifest["digest"], manifest["about"])


_REMEDY = "nothing of it was loaded. Restore the file, or train that day again"


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        text = path.read_bytes()
    except OSError as error:
        raise BundleError(
            f"{path} cannot be read ({error.strerror}): {folder} is no complete bundle; {_REMEDY}"
        ) from error
    try:
        contents = json.loads(text)
        digest = contents.pop("digest")
        intact = _sealed(contents) == text and isinstance(digest, str)
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        intact = False
    if not intact:
        raise BundleError(f"{path} was changed: it does not match its own digest; {_REMEDY}")
    if contents.get("format") != FORMAT:
        raise BundleError(
            f"{path} is of bundle format {contents.get('format')!r}, this version reads {FORMAT}; "
            "train that day again"
        )
    return {**contents, "digest": digest}


def _sealed(contents: Mapping[str, Any]) -> bytes:
    """Spell a manifest with the digest of its own contents."""
    digest = hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()
    return (json.dumps({**contents, "digest": digest}, indent=1, sort_keys=True) + "\n").encode()


def _files(folder: Path) -> dict[str, Path]:
    """Find all files but the manifest, by their place; refuse formats that could hold code."""
    found = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }
    found.pop(MANIFEST, None)
    for path in found.values():
        if path.is_symlink() or path.suffix not in SUFFIXES:
            raise BundleError(
                f"{path} must not be in a bundle: only files of {', '.join(sorted(SUFFIXES))} are, "
                "since they hold data and no code; nothing was loaded"
            )
    return found


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
