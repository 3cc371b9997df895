"""A bundle is refused when anything in it is not what was sealed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import ModelError
from models.bundle import MANIFEST, BundleError, check_bundle, write_manifest

FILES = {
    "generators/ease/arrays.npz": b"PK\x03\x04 weights",
    "generators/ease/model.json": b'{"kind": "ease"}',
    "ranker/ranker.cbm": b"CBM1 trees",
    "ids/users.parquet": b"PAR1",
    "catalog.json": b"{}",
}
ABOUT = {"as_of": "2026-03-02", "code": "abc", "ranker": "def"}


def seal(folder: Path) -> Path:
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    write_manifest(folder, ABOUT)
    return folder


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seal(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def copy(sealed: Path, tmp_path: Path) -> Path:
    """Give a bundle that a test may spoil."""
    return Path(shutil.copytree(sealed, tmp_path / "bundle"))


def test_what_was_sealed_is_given_back(sealed: Path, tmp_path: Path) -> None:
    bundle = check_bundle(sealed)
    assert dict(bundle.about) == ABOUT
    assert bundle.read_json("generators", "ease", "model.json") == {"kind": "ease"}
    again = seal(tmp_path / "again")
    assert (again / MANIFEST).read_bytes() == (sealed / MANIFEST).read_bytes()
    assert check_bundle(again).digest == bundle.digest
    files = json.loads((sealed / MANIFEST).read_text())["files"]
    assert {name: facts["bytes"] for name, facts in files.items()} == {
        name: len(content) for name, content in FILES.items()
    }


@given(st.data())
def test_a_byte_changed_anywhere_is_refused(sealed: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*FILES, MANIFEST]))
    path = sealed / name
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    flip = data.draw(st.integers(1, 255))
    path.write_bytes(whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :])
    try:
        with pytest.raises(BundleError) as caught:
            check_bundle(sealed)
        assert str(path) in str(caught.value)
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(BundleError, match=f"{name} (is missing|cannot be read)"):
        check_bundle(copy)


def test_an_added_or_longer_file_is_named(copy: Path) -> None:
    (copy / "ranker" / "other.json").write_text("{}")
    with pytest.raises(BundleError, match=r"other\.json does not belong to the bundle"):
        check_bundle(copy)
    (copy / "ranker" / "other.json").unlink()
    with (copy / "catalog.json").open("ab") as file:
        file.write(b" ")
    with pytest.raises(BundleError, match=r"catalog\.json was changed: it has 3 bytes"):
        check_bundle(copy)


@pytest.mark.parametrize("name", ["ranker/model.pkl", "generators/ease/weights.pt", "run", "a.py"])
def test_a_format_that_could_hold_code_is_refused(tmp_path: Path, name: str) -> None:
    folder = seal(tmp_path / "bundle")
    (folder / name).write_bytes(b"\x80\x04.")
    for act in (check_bundle, lambda place: write_manifest(place, ABOUT)):
        with pytest.raises(BundleError, match="hold data and no code"):
            act(folder)


def test_a_link_out_of_the_bundle_is_refused(copy: Path, tmp_path: Path) -> None:
    outside = tmp_path / "catalog.json"
    shutil.move(copy / "catalog.json", outside)
    (copy / "catalog.json").symlink_to(outside)
    with pytest.raises(BundleError, match=r"catalog\.json must not be in a bundle"):
        check_bundle(copy)


def test_a_manifest_written_anew_is_another_bundle(copy: Path, sealed: Path) -> None:
    """Who reseals a changed bundle cannot pass it off as the registered one."""
    (copy / "ranker" / "ranker.cbm").write_bytes(b"CBM1 tress")
    assert write_manifest(copy, ABOUT).digest == check_bundle(copy).digest
    assert check_bundle(copy).digest != check_bundle(sealed).digest


def test_a_bundle_of_another_format_says_so(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.bundle.FORMAT", 2)
    write_manifest(copy, ABOUT)
    monkeypatch.undo()
    with pytest.raises(ModelError, match="bundle format 2, this version reads 1"):
        check_bundle(copy)
