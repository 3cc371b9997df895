"""Public data sets from their official places: downloaded, checked, unpacked, all or nothing."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from data.contract import DataError
from data.download import Progress, download, sha256
from data.unpack import unpack


@dataclass(frozen=True)
class Published:
    """A data set as its owners publish it.

    Attributes:
        url: of the zip file.
        page: where a person reads about it, and its licence.
        members: files that must be in it, with the number of their lines where that is published.
        most_bytes: unpacked size that is surely too large.
        size: of the zip file in bytes; None where not published.
        sha256: of the zip file; None where not published: then the zip's own checksums, the
            members and their lines are what is checked.
    """

    url: str
    page: str
    members: dict[str, int | None]
    most_bytes: int
    size: int | None = None
    sha256: str | None = field(default=None)


CATALOGUE = {
    # GroupLens publishes MD5 beside the files (c4d9eecf…, 0e33842e…); the SHA-256 of the same
    # files are pinned by several public projects (TensorFlow's examples among them).
    "ml-1m": Published(
        url="https://files.grouplens.org/datasets/movielens/ml-1m.zip",
        page="https://grouplens.org/datasets/movielens/1m/",
        members={"ratings.dat": 1_000_209, "users.dat": 6_040, "movies.dat": 3_883},
        most_bytes=100_000_000,
        sha256="a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
    ),
    "ml-100k": Published(
        url="https://files.grouplens.org/datasets/movielens/ml-100k.zip",
        page="https://grouplens.org/datasets/movielens/100k/",
        members={"u.data": 100_000, "u.user": 943, "u.item": 1_682},
        most_bytes=100_000_000,
        size=4_924_029,
        sha256="50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
    ),
    # No hash is published. The address names a commit, so the content behind it cannot change.
    "kion": Published(
        url="https://github.com/irsafilo/KION_DATASET/raw/"
        "f69775be31fa5779907cf0a92ddedb70037fb5ae/data_original.zip",
        page="https://github.com/irsafilo/KION_DATASET",
        members={"interactions.csv": 5_476_251 + 1, "users.csv": None, "items.csv": None},
        most_bytes=2_000_000_000,
    ),
}


def fetch(
    name: str,
    target: Path,
    *,
    base_url: str | None = None,
    progress: Progress | None = None,
) -> Path:
    """Bring a public data set to ``target / name``; nothing is loaded when it is there already.

    A download that broke off is continued by the next call. A zip file saved by hand as
    ``target / (name + ".zip")`` is taken in place of the download, and checked the same way.

    Args:
        name: one of :data:`CATALOGUE`.
        target: folder that holds data sets, such as ``$ZAVTRA_DATA``.
        base_url: a mirror: the folder under which the zip file has the same name.
        progress: called with bytes so far and in all (None where unknown).

    Returns:
        The folder with the files.

    Raises:
        DataError: unknown name, no connection, not what it should be, disk full; the message says
            what to do, and ``target / name`` is as it was.
    """
    published = _published(name)
    folder = target / name
    if folder.exists():
        _check_members(folder, published, count_lines=False)
        return folder
    archive = target / f"{name}.zip"
    by_hand = archive.exists()
    if not by_hand:
        target.mkdir(parents=True, exist_ok=True)
        address = published.url
        if base_url is not None:
            address = base_url.rstrip("/") + "/" + address.rpartition("/")[2]
        download(address, archive, progress=progress)
    try:
        _check_archive(archive, published)
        _unpack_whole(archive, folder, published)
    except DataError:
        # A bad download must not be found by the next call; what a person saved is theirs.
        if not by_hand:
            archive.unlink(missing_ok=True)
        raise
    if not by_hand:
        archive.unlink()
    return folder


def _published(name: str) -> Published:
    if name not in CATALOGUE:
        near = difflib.get_close_matches(name, CATALOGUE, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise DataError(f"no public data set {name!r}: there are {sorted(CATALOGUE)}{hint}")
    return CATALOGUE[name]


def _check_archive(archive: Path, published: Published) -> None:
    size = archive.stat().st_size
    if published.size is not None and size != published.size:
        raise DataError(
            f"{archive} has {size} bytes, expected {published.size}: {_wrong_file(published)}"
        )
    if published.sha256 is not None and (found := sha256(archive)) != published.sha256:
        raise DataError(
            f"{archive} has SHA-256 {found}, expected {published.sha256}: {_wrong_file(published)}"
        )


def _wrong_file(published: Published) -> str:
    return (
        "it was damaged on the way, or something else (a proxy, a mirror) answered. Run the same "
        f"command again; if this repeats, get the zip by hand, see {published.page}"
    )


def _unpack_whole(archive: Path, folder: Path, published: Published) -> None:
    """Unpack and check beside the final place, then rename: the folder appears whole."""
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        unpack(archive, beside, most_bytes=published.most_bytes)
        _check_members(beside, published, count_lines=True)
        beside.chmod(0o755)
        beside.rename(folder)
    except OSError as error:
        raise DataError(
            f"cannot unpack {archive} to {folder}: {error.strerror or error}. Free space or check "
            "the permissions there and run the same command again"
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _check_members(folder: Path, published: Published, *, count_lines: bool) -> None:
    for name, lines in published.members.items():
        path = folder / name
        if not path.is_file():
            raise DataError(
                f"{folder} lacks {name}; expected {sorted(published.members)}, see "
                f"{published.page}. Move the folder away and fetch again"
            )
        if count_lines and lines is not None and (found := _count_lines(path)) != lines:
            raise DataError(
                f"{name} has {found} lines, expected {lines}: this is not the published file, see "
                f"{published.page}"
            )


def _count_lines(path: Path) -> int:
    lines, last = 0, b"\n"
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            lines += chunk.count(b"\n")
            last = chunk[-1:]
    return lines + (last != b"\n")
