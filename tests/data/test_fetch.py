"""Fetching against a real HTTP server on loopback that breaks, lies and refuses on demand."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from data import download, fetch
from data.contract import DataError

RATINGS = b"1::10::5::978300760\n" * 40_000
MEMBERS = {"ratings.dat": RATINGS, "users.dat": b"1::F::1::10::48067\n"}


def _zip(files: dict[str, bytes], top: str = "small/") -> bytes:
    """A zip that stores its files, so that it is as long as they are."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as file:
        for name, content in files.items():
            file.writestr(top + name, content)
    return sink.getvalue()


@dataclass
class Site:
    """What the server does; tests change it."""

    content: bytes = b""
    ranges: bool = True
    etag: str | None = '"one"'
    break_after: int | None = None
    """Bytes of the body after which the connection is cut, once."""
    shift: int = 0
    """Bytes by which a resumed answer begins too late."""
    status: int = 200
    asked: list[str | None] = field(default_factory=list)
    """The Range header of every request."""
    url: str = ""


class _Handler(BaseHTTPRequestHandler):
    site: ClassVar[Site]

    def do_GET(self) -> None:
        site = self.site
        wanted = self.headers.get("Range")
        site.asked.append(wanted)
        if site.status != 200 or not self.path.endswith("/small.zip"):
            self.send_error(site.status if site.status != 200 else 404)
            return
        start = 0
        if wanted and site.ranges and self.headers.get("If-Range") == site.etag:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(site.content):
                self.send_error(416)
                return
        body = site.content[start:]
        self.send_response(206 if start else 200)
        if start:
            at = start + site.shift
            self.send_header("Content-Range", f"bytes {at}-{len(site.content)}/{len(site.content)}")
        self.send_header("Content-Length", str(len(body)))
        if site.etag:
            self.send_header("ETag", site.etag)
        self.end_headers()
        if site.break_after is not None:
            body, site.break_after = body[: site.break_after], None
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A server with one archive, registered as the data set ``small``."""
    made = Site(content=_zip(MEMBERS))
    handler = type("Handler", (_Handler,), {"site": made})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/files"
    monkeypatch.setattr(download, "WAITS_S", (0.0, 0.0))
    _register(monkeypatch, made)
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


def _register(patch: pytest.MonkeyPatch, site: Site, **changes: object) -> None:
    known = {
        "url": f"{site.url}/small.zip",
        "page": "https://example.org/small",
        "members": {"ratings.dat": 40_000, "users.dat": None},
        "most_bytes": 10_000_000,
        "size": len(site.content),
        "sha256": hashlib.sha256(site.content).hexdigest(),
    }
    patch.setitem(fetch.CATALOGUE, "small", fetch.Published(**{**known, **changes}))  # type: ignore[arg-type]


def _is_whole(folder: Path) -> bool:
    return {path.name: path.read_bytes() for path in folder.iterdir()} == MEMBERS


def test_files_appear_whole_with_progress_and_nothing_else_is_left(
    site: Site, tmp_path: Path
) -> None:
    seen: list[tuple[int, int | None]] = []
    folder = fetch.fetch("small", tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert folder == tmp_path / "small"
    assert _is_whole(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["small"]
    assert seen[0] == (0, len(site.content))
    assert seen[-1] == (len(site.content), len(site.content))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_what_is_there_is_not_loaded_again(site: Site, tmp_path: Path) -> None:
    fetch.fetch("small", tmp_path)
    fetch.fetch("small", tmp_path)
    assert len(site.asked) == 1


def test_a_broken_download_goes_on_where_it_stopped(site: Site, tmp_path: Path) -> None:
    site.break_after = 300_000
    assert _is_whole(fetch.fetch("small", tmp_path))
    assert site.asked == [None, "bytes=300000-"]


def test_a_later_call_goes_on_where_an_earlier_one_died(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(done: int, _: int | None) -> None:
        if done > 300_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch.fetch("small", tmp_path, progress=die)
    kept = (tmp_path / "small.zip.part").stat().st_size
    assert 0 < kept < len(site.content)
    assert not (tmp_path / "small").exists()
    assert _is_whole(fetch.fetch("small", tmp_path))
    assert site.asked == [None, f"bytes={kept}-"]


def test_a_server_without_ranges_starts_anew(site: Site, tmp_path: Path) -> None:
    site.ranges, site.break_after = False, 300_000
    assert _is_whole(fetch.fetch("small", tmp_path))
    assert site.asked == [None, "bytes=300000-"]


def test_a_server_that_names_no_version_is_never_spliced(site: Site, tmp_path: Path) -> None:
    site.etag, site.break_after = None, 300_000
    assert _is_whole(fetch.fetch("small", tmp_path))
    assert site.asked == [None, None]


def test_a_file_that_changed_meanwhile_starts_anew(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.content, site.etag = _zip({**MEMBERS, "users.dat": b"2::M\n"}), '"two"'
    _register(monkeypatch, site)
    (tmp_path / "small.zip.part").write_bytes(b"PK of yesterday")
    (tmp_path / "small.zip.part.json").write_text('{"validator": "\\"one\\""}')
    folder = fetch.fetch("small", tmp_path)
    assert (folder / "users.dat").read_bytes() == b"2::M\n"


def test_another_piece_than_asked_for_is_not_spliced(site: Site, tmp_path: Path) -> None:
    site.shift, site.break_after = 7, 300_000
    assert _is_whole(fetch.fetch("small", tmp_path))
    assert site.asked == [None, "bytes=300000-", None]


def test_a_part_longer_than_the_file_starts_anew(site: Site, tmp_path: Path) -> None:
    (tmp_path / "small.zip.part").write_bytes(b"x" * (len(site.content) + 5))
    (tmp_path / "small.zip.part.json").write_text('{"validator": "\\"one\\""}')
    assert _is_whole(fetch.fetch("small", tmp_path))


def test_another_file_than_the_published_one_is_refused_and_not_kept(
    site: Site, tmp_path: Path
) -> None:
    middle = len(site.content) // 2
    site.content = site.content[:middle] + b"X" + site.content[middle + 1 :]
    with pytest.raises(DataError, match=r"has SHA-256 .*expected .*Run the same command again"):
        fetch.fetch("small", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_zip_is_refused_where_no_hash_is_published(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    middle = len(site.content) // 2
    site.content = site.content[:middle] + b"X" + site.content[middle + 1 :]
    _register(monkeypatch, site, sha256=None, size=None)
    with pytest.raises(DataError, match=r"no intact zip file \(Bad CRC-32"):
        fetch.fetch("small", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_login_page_in_place_of_the_zip_is_refused(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.content = b"<html>please log in</html>"
    _register(monkeypatch, site, sha256=None, size=None)
    with pytest.raises(DataError, match="no intact zip file"):
        fetch.fetch("small", tmp_path)


def test_a_harmful_archive_leaves_nothing_behind(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.content = _zip({**MEMBERS, "../../evil.txt": b"evil"})
    _register(monkeypatch, site)
    target = tmp_path / "inner" / "data"
    with pytest.raises(DataError, match="points outside"):
        fetch.fetch("small", target)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"ratings.dat": RATINGS}, r"lacks users\.dat"),
        ({**MEMBERS, "ratings.dat": RATINGS[:-20]}, "has 39999 lines, expected 40000"),
    ],
)
def test_an_archive_without_the_published_files_is_refused(
    site: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, bytes],
    expected: str,
) -> None:
    site.content = _zip(files)
    _register(monkeypatch, site, sha256=None, size=None)
    with pytest.raises(DataError, match=expected):
        fetch.fetch("small", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_says_so_at_once(site: Site, tmp_path: Path) -> None:
    site.status = 404
    with pytest.raises(DataError, match=r"404 .*has moved.*save it by hand as .*small\.zip "):
        fetch.fetch("small", tmp_path)
    assert len(site.asked) == 1


def test_a_server_in_trouble_is_asked_again_and_then_reported(site: Site, tmp_path: Path) -> None:
    site.status = 503
    with pytest.raises(DataError, match=r"503 .*run the same command again"):
        fetch.fetch("small", tmp_path)
    assert len(site.asked) == 3


def test_offline_is_said_at_once_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no connection .*online.*by hand as .*ml-1m\.zip"):
        fetch.fetch("ml-1m", tmp_path, base_url="http://127.0.0.1:9/nobody")  # discard port


def test_a_mirror_has_the_same_file_name(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _register(monkeypatch, site, url="https://example.org/elsewhere/small.zip")
    assert _is_whole(fetch.fetch("small", tmp_path, base_url=site.url + "/mirror/"))


def test_a_zip_saved_by_hand_is_used_and_checked(site: Site, tmp_path: Path) -> None:
    by_hand = tmp_path / "small.zip"
    by_hand.write_bytes(b"wrong")
    with pytest.raises(DataError, match=r"has 5 bytes, expected"):
        fetch.fetch("small", tmp_path)
    by_hand.write_bytes(site.content)
    assert _is_whole(fetch.fetch("small", tmp_path))
    assert by_hand.exists()
    assert site.asked == []


def test_a_full_disk_is_said_before_anything_is_written(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        download.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 2_000_000 - 1_999_990})
    )
    with pytest.raises(DataError, match=r"[Nn]o space left.*free some space"):
        fetch.fetch("small", tmp_path)
    assert not (tmp_path / "small").exists()


def test_a_folder_that_lacks_files_is_not_taken_for_the_data(tmp_path: Path) -> None:
    (tmp_path / "ml-1m").mkdir()
    with pytest.raises(DataError, match=r"ml-1m lacks ratings\.dat.*Move the folder away"):
        fetch.fetch("ml-1m", tmp_path)


@pytest.mark.real
@pytest.mark.parametrize("name", ["ml-1m", "ml-100k"])
def test_the_catalogue_describes_the_real_files(name: str) -> None:
    home = os.environ.get("ZAVTRA_DATA")
    if home is None or not (Path(home) / name).is_dir():
        pytest.skip(f"no {name}: set ZAVTRA_DATA to a folder that holds it")
    folder = fetch.fetch(name, Path(home))  # there already: nothing is loaded
    for member, lines in fetch.CATALOGUE[name].members.items():
        assert (folder / member).read_bytes().count(b"\n") == lines


def test_an_unknown_name_gets_the_list_and_a_guess(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there are \['kion', 'ml-100k', 'ml-1m'.*'ml-1m'\?"):
        fetch.fetch("ml1m", tmp_path)


def test_an_address_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no web address"):
        fetch.fetch("ml-1m", tmp_path, base_url="mirror")
