"""One file over HTTP: resumed where it broke off, refused when it is not what was announced."""

from __future__ import annotations

import errno
import hashlib
import http.client
import json
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from data.contract import DataError

Progress = Callable[[int, int | None], None]
"""Called with bytes so far and bytes in all (None where the server does not say)."""

CHUNK = 1 << 18
TIMEOUT_S = 30.0
WAITS_S = (1.0, 3.0, 10.0)
"""Pauses before another try; a try that brought bytes begins the list again."""


class _BrokenOffError(Exception):
    """The connection broke; what came is in the part file."""


class _OfflineError(_BrokenOffError):
    """There was no connection at all."""


def download(url: str, target: Path, *, progress: Progress | None = None) -> None:
    """Fetch ``url`` into ``target``; the file appears whole or not at all.

    What came of a broken download stays in ``target`` + ``.part`` and is continued by the next
    call (HTTP Range), provided the file at the server is still the same one (If-Range).

    Raises:
        DataError: offline, refused by the server, broken off too often, disk full; the message
            says what to do.
    """
    part = target.with_name(target.name + ".part")
    waits, began = iter(WAITS_S), _size(part)
    while True:
        before = _size(part)
        try:
            _attempt(url, part, progress)
            break
        except _BrokenOffError as broken:
            if _size(part) > before:
                waits = iter(WAITS_S)
            # Nobody wants to wait for a machine that was offline from the start.
            hopeless = isinstance(broken, _OfflineError) and before == began
            wait = None if hopeless else next(waits, None)
            if wait is None:
                raise DataError(
                    f"{url}: {broken}. {_size(part)} bytes are kept in {part}: run the same "
                    f"command again to continue, or save the file by hand as {target}"
                ) from broken
            time.sleep(wait)
        except OSError as error:
            raise _disk_error(error, part) from error
    part.replace(target)
    _note(part).unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _attempt(url: str, part: Path, progress: Progress | None) -> None:
    """Bring the part file to its full length, or raise."""
    have, validator = _size(part), _validator(part)
    headers = {"User-Agent": "zavtra", "Accept-Encoding": "identity"}
    if have and validator:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    try:
        request = urllib.request.Request(url, headers=headers)
        response = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                part.unlink()  # the file there is shorter now than what we have: start anew
                raise _BrokenOffError("the file at the server has changed") from error
            if error.code >= 500 or error.code == http.HTTPStatus.TOO_MANY_REQUESTS:
                raise _BrokenOffError(f"the server answers {error.code} {error.reason}") from error
            raise DataError(_refusal(url, part, error.code, error.reason)) from error
    except urllib.error.URLError as error:
        raise _OfflineError(f"no connection ({error.reason}); is this machine online?") from error
    except (http.client.HTTPException, OSError) as error:
        raise _BrokenOffError(f"the server does not answer ({error})") from error
    except ValueError as error:
        raise DataError(f"{url!r} is no web address ({error}); expected https://…") from error

    with response:
        resumed = response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        done = have if resumed else 0
        if response.status == http.HTTPStatus.PARTIAL_CONTENT and not resumed:
            part.unlink()  # another piece than the one asked for
            raise _BrokenOffError("the server sent another part of the file")
        total = _total(response, done)
        _remember(part, response)
        _check_room(part, done, total)
        with part.open("r+b" if part.exists() else "wb") as file:
            file.truncate(done)
            file.seek(done)
            while True:
                if progress is not None:
                    progress(done, total)
                try:
                    chunk = response.read(CHUNK)
                except (http.client.HTTPException, OSError) as error:
                    raise _BrokenOffError(f"the connection broke after {done} bytes") from error
                if not chunk:
                    break
                file.write(chunk)
                done += len(chunk)
    if total is not None and done != total:
        raise _BrokenOffError(f"the connection broke after {done} of {total} bytes")


def _total(response: http.client.HTTPResponse, done: int) -> int | None:
    length = response.headers.get("Content-Length")
    return None if length is None else done + int(length)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _validator(part: Path) -> str | None:
    """ETag or date of the file whose beginning is in the part file."""
    try:
        noted = json.loads(_note(part).read_text()).get("validator")
    except (OSError, ValueError, AttributeError):
        return None  # unknown origin: start anew, never splice two files
    return noted if isinstance(noted, str) else None


def _remember(part: Path, response: http.client.HTTPResponse) -> None:
    etag = response.headers.get("ETag")
    # A weak ETag must not be used in If-Range (RFC 9110, 13.1.5).
    strong = etag if etag and not etag.startswith("W/") else None
    part.parent.mkdir(parents=True, exist_ok=True)
    _note(part).write_text(
        json.dumps({"validator": strong or response.headers.get("Last-Modified")})
    )


def _check_room(part: Path, done: int, total: int | None) -> None:
    if total is not None and shutil.disk_usage(part.parent).free < total - done:
        raise OSError(errno.ENOSPC, "no space left on device")


def _refusal(url: str, part: Path, code: int, reason: str) -> str:
    archive = part.with_suffix("")
    hint = "it has moved or the name is wrong" if code in (404, 410) else "access is refused"
    return (
        f"{url}: the server answers {code} {reason}: {hint}. Look for the file's page, save it by "
        f"hand as {archive} and run the same command again, or name a mirror"
    )


def _disk_error(error: OSError, part: Path) -> DataError:
    if error.errno == errno.ENOSPC:
        free = shutil.disk_usage(part.parent).free // 1_000_000
        remedy = f"free some space ({free} MB are left there) or choose another folder"
    else:
        remedy = "check the folder and its permissions"
    return DataError(
        f"cannot write {part}: {error.strerror or error}; {remedy}, then run the same command "
        "again: it continues where it stopped"
    )
