"""Archives that come from outside: what is unpacked, and what is refused."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from data import unpack as unpacking
from data.contract import DataError
from data.unpack import unpack

Add = Callable[[zipfile.ZipFile], None]
LIMIT = 1_000_000


def _plain(name: str) -> Add:
    return lambda file: file.writestr(name, b"evil")


def _link(file: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("top/link")
    entry.create_system = 3  # Unix, where the mode says what the entry is
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    file.writestr(entry, "/etc/passwd")


def _bomb(file: zipfile.ZipFile) -> None:
    file.writestr("top/zeros", bytes(LIMIT + 1), zipfile.ZIP_DEFLATED)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "deep" / "folder"
    made.mkdir(parents=True)
    return made


def _archive(folder: Path, *adds: Add) -> Path:
    path = folder.parent / "given.zip"
    with zipfile.ZipFile(path, "w") as file:
        for add in adds:
            add(file)
    return path


def _files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["top/a.csv", "top/deep/b.csv"], {"a.csv", "deep/b.csv"}),  # one top folder: left out
        (["top/a.csv", "b.csv"], {"top/a.csv", "b.csv"}),
        (["top/a.csv", "__MACOSX/top/._a.csv", "top/.DS_Store"], {"a.csv"}),  # litter
        (["top/", "top/a.csv"], {"a.csv"}),
    ],
)
def test_files_land_without_the_top_folder_and_the_litter(
    folder: Path, names: list[str], expected: set[str]
) -> None:
    unpack(_archive(folder, *map(_plain, names)), folder, most_bytes=LIMIT)
    assert set(_files(folder)) == expected
    assert set(_files(folder).values()) == {b"evil"}


@pytest.mark.parametrize(
    ("add", "expected"),
    [
        (_plain("../evil.txt"), "points outside"),
        (_plain("top/../../evil.txt"), "points outside"),
        (_plain("/evil.txt"), "absolute"),
        (_plain("C:\\evil.txt"), "foreign path"),
        (_plain("top\\..\\evil.txt"), "foreign path"),
        (_link, "link"),
    ],
)
def test_an_entry_that_means_harm_stops_before_anything_is_written(
    folder: Path, add: Add, expected: str
) -> None:
    archive = _archive(folder, _plain("top/good.csv"), add)
    with pytest.raises(DataError, match=expected):
        unpack(archive, folder, most_bytes=LIMIT)
    assert _files(folder.parent.parent).keys() == {"deep/given.zip"}


def test_a_bomb_is_stopped_at_the_limit(folder: Path) -> None:
    with pytest.raises(DataError, match="zip bomb"):
        unpack(_archive(folder, _bomb), folder, most_bytes=LIMIT)
    assert sum(len(content) for content in _files(folder).values()) <= LIMIT


def test_the_limit_counts_all_files_together(folder: Path) -> None:
    halves = [_plain(f"top/{number}") for number in range(3)]  # 4 bytes each
    unpack(_archive(folder, *halves), folder, most_bytes=12)
    with pytest.raises(DataError, match="zip bomb"):
        unpack(_archive(folder, *map(_plain, "abcd")), folder, most_bytes=15)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_is_there_twice_is_refused(folder: Path) -> None:
    with pytest.raises(DataError, match="is there twice"):
        unpack(_archive(folder, _plain("top/a"), _plain("top/a")), folder, most_bytes=LIMIT)


def test_an_encrypted_entry_is_refused(folder: Path) -> None:
    archive = _archive(folder, _plain("a.csv"))
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag, in the central directory
    archive.write_bytes(content)
    with pytest.raises(DataError, match="is encrypted"):
        unpack(archive, folder, most_bytes=LIMIT)


def test_a_flood_of_entries_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MOST_ENTRIES", 2)
    with pytest.raises(DataError, match="has 3 entries, more than 2"):
        unpack(_archive(folder, *map(_plain, "abc")), folder, most_bytes=LIMIT)


@pytest.mark.parametrize("at", [0.0, 0.5])
def test_a_damaged_archive_is_refused(folder: Path, at: float) -> None:
    archive = _archive(folder, lambda file: file.writestr("top/a.csv", b"x" * 10_000))
    content = bytearray(archive.read_bytes())
    content[int(at * 10_000)] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(DataError, match="no intact zip file"):
        unpack(archive, folder, most_bytes=LIMIT)
