"""The command line: what is printed where, and the exit codes."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import pytest

from benchmarks.__main__ import main
from benchmarks.protocol import PROTOCOLS, Check, Entry, Result, Row


@pytest.fixture
def protocol(monkeypatch):
    """A protocol of two rows, registered as `fake`; its check holds unless --limit is above .3."""
    module = ModuleType("fake_protocol")

    def add_options(parser):
        parser.add_argument("--limit", type=float, default=0.2)

    def run(options):
        rows = [
            Row("ease", "Zavtra", {"MAP@10": 0.3}),
            Row("ease", "peer", {}, "RecTools"),
        ]
        check = Check("MAP@10 reaches the limit", options.limit <= 0.3, f"0.3 of {options.limit}")
        payload = {"zavtra": {"MAP@10": 0.3}, "peers": None}
        return Result("fake", ("MAP@10",), ("MAP: by hand.",), rows, [check], [], payload)

    module.add_options = add_options
    module.run = run
    monkeypatch.setitem(sys.modules, "fake_protocol", module)
    monkeypatch.setitem(PROTOCOLS, "fake", Entry("fake_protocol", "nothing real"))


def test_without_a_name_all_protocols_are_listed_a_line_each(capsys):
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, entry in PROTOCOLS.items():
        assert [line for line in lines if line.startswith(name)] == [
            f"{name:{max(map(len, PROTOCOLS))}}  {entry.line}"
        ]


def test_every_registered_protocol_has_the_two_functions():
    from benchmarks.protocol import load_protocol

    for name in PROTOCOLS:
        module = load_protocol(name)
        assert callable(module.add_options)
        assert callable(module.run)


def test_unknown_protocol_is_a_usage_error_that_names_the_known_ones(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["ml1m-gts29"])
    assert stop.value.code == 2
    assert "ml1m-gts28" in capsys.readouterr().err


def test_json_is_the_last_line_and_one_object(protocol, capsys):
    assert main(["fake", "--json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    last = json.loads(lines[-1])
    assert last["zavtra"] == {"MAP@10": 0.3}
    assert last["checks"][0]["passed"] is True
    assert any("not run" in line for line in lines[:-1])
    assert any("MAP: by hand." in line for line in lines[:-1])


def test_without_json_no_object_is_printed(protocol, capsys):
    main(["fake"])
    assert "{" not in capsys.readouterr().out


def test_failed_check_gives_code_1_and_says_which(protocol, capsys):
    assert main(["fake", "--limit", "0.5", "--json"]) == 1
    captured = capsys.readouterr()
    assert "MAP@10 reaches the limit" in captured.err
    assert json.loads(captured.out.splitlines()[-1])["checks"][0]["passed"] is False


@pytest.mark.parametrize("folder", [None, "empty"])
def test_missing_data_gives_code_2_and_says_what_to_set(folder, monkeypatch, tmp_path, capsys):
    if folder is None:
        monkeypatch.delenv("ZAVTRA_DATA", raising=False)
    else:
        monkeypatch.setenv("ZAVTRA_DATA", str(tmp_path))
    assert main(["ml1m-gts28"]) == 2
    captured = capsys.readouterr()
    assert "ZAVTRA_DATA" in captured.err
    assert "ml-1m" in captured.err
    assert captured.out == ""


def test_bad_date_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["ml1m-gts28", "--as-of", "yesterday"])
    assert stop.value.code == 2
    assert "--as-of" in capsys.readouterr().err
