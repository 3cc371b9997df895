"""A real Prefect server and process worker on loopback: deploy, run, look at what is there."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from small_day import AS_OF, ROOT, Ran, clean_environment, command, published

pytestmark = pytest.mark.server
DEADLINE = 200.0
"""Seconds for anything to happen; only a broken run takes so long, on a busy machine."""
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@dataclass(frozen=True)
class Server:
    """A server with a worker, and the environment that commands find it by."""

    url: str
    environment: dict[str, str]
    folder: Path

    def ask(self, path: str, question: dict[str, Any] | None = None) -> Any:
        """Ask the HTTP API: GET, or POST with a question."""
        body = None if question is None else json.dumps(question).encode()
        request = urllib.request.Request(
            f"{self.url}{path}", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def prefect(self, *words: str) -> str:
        """Run the command ``prefect`` in the repository, without a terminal to ask at."""
        run = subprocess.run(
            [command("prefect"), "--no-prompt", *words],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    def run(self, deployment: str, *words: str) -> dict[str, Any]:
        """Run a deployment and wait for its end; give the flow run."""
        told = self.prefect("deployment", "run", deployment, *words)
        (run_id,) = set(re.findall(r"UUID: (\S+)", told))

        def ended() -> dict[str, Any] | None:
            run = self.ask(f"/flow_runs/{run_id}")
            return run if run["state_type"] in ENDED else None

        return await_(ended, f"the end of {deployment}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a server and a worker; stop both, whatever happens."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    environment = {
        **clean_environment(folder),
        "COLUMNS": "200",
        "DO_NOT_TRACK": "1",
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_WORKER_HEARTBEAT_SECONDS": "5",
    }
    server = Server(url, environment, folder)
    start = ["server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with process(start, environment, folder, "server"):

        def healthy() -> bool:
            try:
                return bool(server.ask("/health"))
            except (URLError, ConnectionError, TimeoutError):
                return False

        await_(healthy, "the server")
        server.prefect("work-pool", "create", "zavtra", "--type", "process")
        server.prefect("deploy", "--all")
        # Where the code is, only the worker knows; it stands elsewhere itself.
        with process(
            ["worker", "start", "--pool", "zavtra"],
            {**environment, "ZAVTRA_HOME_CODE": str(ROOT)},
            folder,
            "worker",
        ):
            yield server


@contextmanager
def process(
    words: list[str], environment: dict[str, str], folder: Path, name: str
) -> Iterator[None]:
    """Run a Prefect command beside the test; stop it and all it started in the end."""
    with (folder / f"{name}.log").open("w") as log:
        running = subprocess.Popen(
            [command("prefect"), *words],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield
        finally:
            os.killpg(running.pid, signal.SIGTERM)
            try:
                running.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)
                running.wait()


def await_(found: Callable[[], Any], what: str) -> Any:
    """Ask until there is an answer."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        answer = found()
        if answer:
            return answer
        time.sleep(0.3)
    raise AssertionError(f"{what} did not come within {DEADLINE:.0f} s")


def test_every_flow_is_deployed(server: Server) -> None:
    deployments = server.ask("/deployments/filter", {})
    flows = {flow["id"]: flow["name"] for flow in server.ask("/flows/filter", {})}
    named = {f"{flows[found['flow_id']]}/{found['name']}" for found in deployments}
    flows_of_demo = ("daily", "ingest", "train", "recommend", "report")
    assert named == {*(f"{flow}/demo" for flow in flows_of_demo)}
    # No absolute path was written: the checkout may lie elsewhere for every worker.
    assert str(ROOT) not in json.dumps([found["pull_steps"] for found in deployments])


def test_the_day_runs_in_a_worker(server: Server, small: Path) -> None:
    home = server.folder / "lakes"
    parameters = ("--param", f"config={small}", "--param", f"home={home}")
    run = server.run("daily/demo", *parameters)
    assert run["state_type"] == "COMPLETED", (server.folder / "worker.log").read_text()
    assert run["name"] == f"daily-small-{AS_OF}"
    assert f"as_of={AS_OF}/part.parquet" in published(home / "small")
    kept = server.ask("/artifacts/filter", {"limit": 200})
    keys = {artifact["key"] for artifact in kept if artifact["flow_run_id"] == run["id"]}
    assert {"small-metrics", "small-candidates", "small-features", "small-report"} <= keys

    # Without as_of a deployment runs for its scheduled day: a start in the past is a backfill.
    past = ("--param", "as_of=null", "--start-at", "2026-02-23 05:00:00+00:00")
    run = server.run("daily/demo", *parameters, *past)
    assert run["state_type"] == "COMPLETED", (server.folder / "worker.log").read_text()
    assert run["name"] == "daily-small-2026-02-23"
    assert "as_of=2026-02-23/part.parquet" in published(home / "small")
    assert published(home / "small")["LATEST"] == f"as_of={AS_OF}\n".encode()


def test_the_module_runs_the_day_without_a_server(ran: Ran, tmp_path: Path) -> None:
    """``python -m flows.daily`` starts a server of its own for as long as it takes."""
    run = subprocess.run(
        [sys.executable, "-m", "flows.daily", "--config", str(ran.config), "--as-of", AS_OF],
        cwd=ROOT,
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    lake = tmp_path / "home" / "small"
    assert f"recommendations: {lake / 'recommendations' / f'as_of={AS_OF}'}\n" in run.stdout
    assert published(lake, manifests=False) == published(ran.lake, manifests=False)
