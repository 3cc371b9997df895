"""Arrays to a peer's script in another python and back."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import peers_run
from benchmarks.peers.exchange import to_lists
from benchmarks.peers_run import PeerError, run_peer

ECHO = """
import os, sys
from exchange import Report, read_request
arrays, options = read_request(sys.argv[1])
assert "PYTHONPATH" not in os.environ
print("this must not reach the stdout of the benchmark")
report = Report()
with report.timed("reversed, k first"):
    report.lists["reversed, k first"] = arrays["item"][::-1][: options["k"]].reshape(1, -1)
report.write(sys.argv[2])
"""


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """A folder of scripts in place of the real one, with the real exchange module in it."""
    exchange = (peers_run.SCRIPTS / "exchange.py").read_text()
    (tmp_path / "exchange.py").write_text(exchange)
    # Stands in for the library whose version the report names.
    (tmp_path / "rectools.py").write_text("__version__ = '0'")
    monkeypatch.setattr(peers_run, "SCRIPTS", tmp_path)
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    return tmp_path


def test_arrays_and_options_arrive_and_lists_come_back(scripts, capfd):
    (scripts / "echo.py").write_text(ECHO)
    items = np.array([5, 6, 7], np.int32)
    done = run_peer(Path(sys.executable), "echo.py", {"item": items}, {"k": 2})
    assert done.lists["reversed, k first"].tolist() == [[7, 6]]
    assert done.figures["reversed, k first"]["seconds"] >= 0
    assert done.peak_rss_gb > 0
    assert done.library == "RecTools 0"
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "this must not reach" in captured.err


def test_script_that_fails_names_itself_and_the_remedy(scripts, capfd):
    (scripts / "bad.py").write_text("import no_such_package")
    with pytest.raises(PeerError, match=r"bad\.py ended with code 1.*requirements\.txt"):
        run_peer(Path(sys.executable), "bad.py", {}, {})
    assert "no_such_package" in capfd.readouterr().err


def test_script_that_writes_nothing_is_a_failure(scripts):
    (scripts / "silent.py").write_text("")
    with pytest.raises(PeerError, match="ended with code 0"):
        run_peer(Path(sys.executable), "silent.py", {}, {})


@pytest.mark.parametrize("name", ["missing/python", ""])
def test_no_such_python_says_how_to_make_one(name, tmp_path):
    with pytest.raises(PeerError, match="venv"):
        run_peer(tmp_path / name, "echo.py", {}, {})


def test_lists_follow_the_targets_and_are_padded():
    user = np.array([3, 1, 3, 2, 3])  # user 2 is no target, user 4 has no rows
    item = np.array([30, 10, 31, 20, 32])
    lists = to_lists(user, item, np.array([1, 3, 4]), k=2)
    assert lists.tolist() == [[10, -1], [30, 31], [-1, -1]]
    assert lists.dtype == np.int32
