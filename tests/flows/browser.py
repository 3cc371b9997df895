"""A headless Chromium that tests open pages in, over its DevTools protocol."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
WAIT = 60.0
"""Seconds for anything the browser has to do."""


def find_browser() -> str | None:
    """Give the path of a Chromium, None where the machine has none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Tab:
    """One tab of a running browser; remembers what the page asked for and complained of."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._session: str | None = None
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._loaded = False
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Do one command of the protocol and give its result."""
        number = next(self._ids)
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv(timeout=WAIT))
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return dict(answer["result"])
            self._hear(answer)

    def _hear(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        match event.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(params["exceptionDetails"]["text"])
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                self.complaints.append(str(params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                self.complaints.append(params["entry"]["text"])
            case "Page.loadEventFired":
                self._loaded = True

    def open(self, page: Path, width: int, height: int = 900, dark: bool = False) -> None:
        """Open a file in a window of this size (CSS pixels) and wait until it is drawn."""
        phone = width < 600
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media="", features=[scheme])
        self.requests.clear()
        self.complaints.clear()
        self._loaded = False
        self.call("Page.navigate", url=page.as_uri())
        until = time.monotonic() + WAIT
        while not self._loaded:
            self._hear(json.loads(self._socket.recv(timeout=until - time.monotonic())))
        self.run("document.fonts.ready.then(() => new Promise(requestAnimationFrame))")

    def run(self, script: str) -> Any:
        """Evaluate JavaScript in the page; a promise is awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def shoot(self, to: Path) -> None:
        """Save a picture of the whole page."""
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(base64.b64decode(picture["data"]))

    def print(self, to: Path) -> int:
        """Save the page as a printer gets it; give the number of its sheets."""
        answer = self.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
        document = base64.b64decode(answer["data"])
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(document)
        return document.count(b"/Type /Page\n") or document.count(b"/Type /Page ")


@contextmanager
def browser(binary: str, folder: Path) -> Iterator[Tab]:
    """Start a browser with an empty profile in ``folder``, give a tab, and stop it."""
    port_file = folder / "DevToolsActivePort"
    process = subprocess.Popen(
        [binary, *OPTIONS, f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + WAIT
        while not (port_file.exists() and port_file.read_text().count("\n")):
            assert process.poll() is None, f"{binary} ended with {process.returncode}"
            assert time.monotonic() < until, f"{binary} did not start within {WAIT:.0f} s"
            time.sleep(0.05)
        port, place = port_file.read_text().split()
        with connect(f"ws://127.0.0.1:{port}{place}", max_size=None, proxy=None) as socket:
            yield Tab(socket)
    finally:
        process.terminate()
        process.wait(timeout=WAIT)
