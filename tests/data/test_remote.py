"""Folders on object storage: an upload that breaks off, copies that are read."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from data.contract import DataError
from data.lake import Lake
from data.remote import COPIES


class Breaking(MemoryFileSystem):
    """Keeps files in memory until the connection breaks."""

    protocol = ("breaking",)
    uploads_left: float = float("inf")

    def put_file(self, lpath: str, rpath: str, *args: object, **options: object) -> None:
        if Breaking.uploads_left <= 0:
            raise OSError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        Breaking.uploads_left -= 1
        super().put_file(lpath, rpath, *args, **options)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    fsspec.register_implementation("breaking", Breaking, clobber=True)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Breaking, "uploads_left", float("inf"))
    found = Lake("breaking://lake")
    yield found
    if found.exists():
        found.fs.rm(found.root, recursive=True)


def make(lake: Lake, text: str) -> None:
    with lake.writing("runs", "a", inputs=text) as folder:
        (folder / "deep").mkdir()
        for name in ("0", "deep/1", "z"):
            (folder / name).write_text(text)


@pytest.mark.parametrize("uploads", range(3))
def test_a_folder_whose_upload_broke_off_does_not_count(
    uploads: int, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(lake, "old")
    with monkeypatch.context() as patch:
        patch.setattr(Breaking, "uploads_left", uploads)
        with pytest.raises(DataError, match=r"reset by peer; what was there is gone.*run again"):
            make(lake, "new")
    assert lake.partitions("runs") == {}
    assert lake.complete("runs") == []
    assert not any(lake.is_current("runs", "a", inputs=text) for text in ("old", "new"))
    make(lake, "new")
    assert lake.is_current("runs", "a", inputs="new")
    assert lake.complete("runs") == ["a"]
    assert (lake.local("runs", "a") / "deep" / "1").read_text() == "new"


def test_a_step_without_files_is_there(lake: Lake) -> None:
    with lake.writing("runs", "b", inputs=1):
        pass
    assert lake.is_current("runs", "b", inputs=1)


def test_one_copy_of_a_folder_is_kept(lake: Lake, tmp_path: Path) -> None:
    with lake.writing("runs", "b", inputs=1) as folder:
        (folder / "x").write_text("another")
    other = lake.local("runs", "b")
    for text in ("one", "two", "three"):
        make(lake, text)
        copy = lake.local("runs", "a")
        assert (copy / "z").read_text() == text
        assert lake.local("runs", "a") == copy
    assert sorted((tmp_path / COPIES).glob("*/*")) == sorted([other, copy])
