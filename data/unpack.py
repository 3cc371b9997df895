"""Unpacking an archive that came from outside, without trusting it."""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from data.contract import DataError

MOST_ENTRIES = 10_000
_CHUNK = 1 << 20
_LITTER = ("__MACOSX", ".DS_Store")


def unpack(archive: Path, folder: Path, *, most_bytes: int) -> None:
    """Unzip into an empty ``folder``, without the archive's own top folder where it has one.

    Every entry's checksum is verified while it is written.

    Args:
        archive: a zip file.
        folder: where its files go; exists and is empty.
        most_bytes: unpacked size past which the archive is taken for a zip bomb.

    Raises:
        DataError: no zip, damaged, encrypted, larger than allowed, or an entry that is a link or
            would land outside of the folder. What was unpacked so far is for the caller to remove.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            entries = _entries(archive, file)
            room = most_bytes
            for target, entry in _without_top(entries).items():
                room -= _write(file, entry, folder / target, room, archive)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(
            f"{archive} is no intact zip file ({error}): delete it and fetch it again"
        ) from error


def _entries(archive: Path, file: zipfile.ZipFile) -> dict[PurePosixPath, zipfile.ZipInfo]:
    listed = file.infolist()
    if len(listed) > MOST_ENTRIES:
        raise DataError(f"{archive} has {len(listed)} entries, more than {MOST_ENTRIES}: refused")
    found: dict[PurePosixPath, zipfile.ZipInfo] = {}
    for entry in listed:
        path = PurePosixPath(entry.filename)
        reason = _why_unsafe(entry, path)
        if path in found:
            reason = "is there twice"
        if reason:
            raise DataError(
                f"{archive}: entry {entry.filename!r} {reason}: nothing was unpacked; this is not "
                "the expected archive, delete it and check where it came from"
            )
        if not entry.is_dir() and not any(part in _LITTER for part in path.parts):
            found[path] = entry
    return found


def _why_unsafe(entry: zipfile.ZipInfo, path: PurePosixPath) -> str:
    if path.is_absolute() or "\\" in entry.filename or ":" in entry.filename:
        return "has an absolute or foreign path"
    if ".." in path.parts:
        return "points outside of its folder"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a special file"
    if entry.flag_bits & 0x1:
        return "is encrypted"
    return ""


def _without_top(
    entries: dict[PurePosixPath, zipfile.ZipInfo],
) -> dict[PurePosixPath, zipfile.ZipInfo]:
    tops = {path.parts[0] for path in entries}
    if len(tops) == 1 and all(len(path.parts) > 1 for path in entries):
        return {PurePosixPath(*path.parts[1:]): entry for path, entry in entries.items()}
    return entries


def _write(
    file: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, room: int, archive: Path
) -> int:
    """Write one entry; the real size counts, not the one that the archive claims."""
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with file.open(entry) as source, target.open("xb") as sink:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > room:
                raise DataError(
                    f"{archive} unpacks to more than is allowed for it (at {entry.filename!r}): "
                    "refused as a zip bomb; delete it and check where it came from"
                )
            sink.write(chunk)
    return written
