"""The command: help, figures as JSON, and what it says to bad input, in a process of its own."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.logging.handlers import PrefectConsoleHandler
from small_day import AS_OF, MODELS, ROOT, Ran, Zavtra
from typer.testing import CliRunner

import data.fetch
from config import load_settings
from flows.cli import app, main
from flows.summary import read_metrics

COMMANDS = [command.callback.__name__ for command in app.registered_commands if command.callback]


@pytest.fixture
def here(
    prefect_api: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Zavtra:
    """Give a function that runs the command in this process: a second cheaper than in its own."""
    for name in ("PREFECT_LOGGING_LEVEL", "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("ZAVTRA_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (prefect,) = (
        handler
        for handler in logging.getLogger().handlers
        if isinstance(handler, PrefectConsoleHandler)
    )
    monkeypatch.setattr(prefect.console, "file", sys.stderr)

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["zavtra", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        told = capfd.readouterr()
        return subprocess.CompletedProcess(sys.argv, int(end.value.code or 0), told.out, told.err)

    return run


def refused(run: subprocess.CompletedProcess[str], *said: str, code: int = 1) -> None:
    """Check that a command ended with a message that says all this, and no traceback."""
    told = run.stdout + run.stderr
    assert "Traceback" not in told, told
    assert "leaked" not in told, told
    assert run.stderr.count("Stopped:") == (code == 1), told
    assert run.returncode == code, told
    for words in said:
        assert words in " ".join(run.stderr.split()), run.stderr


# ------------------------------------------------------------------ help


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example(name: str) -> None:
    shown = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "120"})
    assert shown.exit_code == 0
    assert f"Example: zavtra {name} " in shown.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_described(name: str) -> None:
    shown = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"}).output
    for line in shown.splitlines():
        if line.startswith("│ --"):
            assert len(line.strip("│ ").split("  ")) > 1, line


def test_without_a_command_help_is_shown() -> None:
    assert "daily" in CliRunner().invoke(app, []).output


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        # What a person waits for before the help appears.
        ("import flows.cli", "prefect duckdb pandas pyarrow torch catboost implicit matplotlib"),
        # What a worker loads before a run begins.
        ("import flows.daily", "torch catboost implicit matplotlib plotly sklearn"),
    ],
)
def test_imports_stay_light(statement: str, absent: str) -> None:
    program = f"{statement}, sys; print(*(n for n in {absent.split()} if n in sys.modules))"
    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert shown.stdout.split() == []


# ------------------------------------------------------------------ figures


def test_metrics_are_one_json_object(ran: Ran, zavtra: Zavtra) -> None:
    run = zavtra("metrics", "--config", ran.config, "--home", ran.home, "--json")
    assert run.returncode == 0
    assert run.stderr == ""
    figures = json.loads(run.stdout)
    assert figures["as_of"] == AS_OF
    assert {"MAP@10", "NDCG@10", "Recall@10", "HitRate@10"} <= {*figures["systems"]["final"]}


def test_metrics_are_of_the_newest_day_that_was_judged(ran: Ran, tmp_path: Path) -> None:
    day = ran.copy(tmp_path / "home")
    (day.lake / "runs" / "as_of=2026-03-03" / "rows").mkdir(parents=True)  # cut off half way
    assert read_metrics(str(day.config), None, str(day.home))["as_of"] == AS_OF


def test_metrics_before_any_run(small: Path, here: Zavtra) -> None:
    refused(here("metrics", "--config", small, "--json"), "run `zavtra daily` first")


def test_metrics_of_a_day_that_was_not_run(ran: Ran, here: Zavtra) -> None:
    run = here("metrics", "--config", ran.config, "--home", ran.home, "--as-of", "2026-02-01")
    refused(run, "as_of=2026-02-01", "run `zavtra daily`")


# ------------------------------------------------------------------ downloads


@pytest.mark.parametrize(
    ("home", "target"), [(None, "var/data"), ("", "var/data"), ("/elsewhere", "/elsewhere")]
)
def test_a_data_set_is_put_where_its_configuration_reads_it(
    home: str | None, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fetch(name: str, target: Path, **_: object) -> Path:
        asked.append(target / name)
        return target / name

    monkeypatch.setattr(data.fetch, "fetch", fetch)
    done = CliRunner().invoke(app, ["fetch", "ml-1m"], env={"ZAVTRA_DATA": home})
    assert done.exit_code == 0, done.output
    assert asked == [Path(target) / "ml-1m"]
    with monkeypatch.context() as variables:
        variables.delenv("ZAVTRA_DATA", raising=False)
        if home is not None:
            variables.setenv("ZAVTRA_DATA", home)
        assert str(load_settings("ml-1m").source.path) == str(asked[0])


# ------------------------------------------------------------------ bad configurations


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("source: {kind: synthetic}", ["name: is required and missing"]),
        (
            "name: own\nsource: {kind: synthetic}\nwindow: {}",
            ["window: unknown key; did you mean 'windows'?"],
        ),
        (
            "name: own\nsource: {kind: synthetic, users: 3}",
            ["source.users", "greater than or equal to 10", "found 3"],
        ),
        ("name: [own", ["not readable as YAML", "line 1"]),
        ("name: own\nsource: {kind: kion, path: '${NOWHERE_SET}/x'}", ["variable NOWHERE_SET"]),
        (
            "name: own\nsource: {kind: synthetic}\ngenerators: [{kind: magic}]",
            ["magic", "popularity"],
        ),
        (
            "name: own\nsource: {kind: synthetic}\ngenerators: [{kind: als, params: {factor: 8}}]",
            ["factor", "factors"],
        ),
    ],
)
def test_bad_configuration(text: str, said: list[str], tmp_path: Path, here: Zavtra) -> None:
    (tmp_path / "own.yaml").write_text(text)
    refused(here("daily", "--config", "own.yaml"), *said)
    assert not (tmp_path / "home").exists()


def test_unknown_data_set(here: Zavtra) -> None:
    refused(here("daily", "--config", "ml1m"), "'ml1m'", "did you mean 'ml-1m'?")
    refused(here("daily", "--config", "none/own.yaml"), "no config file none/own.yaml")


@pytest.mark.parametrize(
    "words",
    [
        ["daily", "--as-of", "2026-13-01"],
        ["train", "--as-of", "yesterday"],
        ["backfill", "--since", "2026-03-02", "--until", "2026-03-01"],
        ["backfill", "--since", "latest", "--until", "2026-03-01"],
        ["dialy"],
        ["daily", "--konfig", "demo"],
    ],
)
def test_bad_usage(words: list[str], here: Zavtra) -> None:
    refused(here(*words), words[-1] if len(words) == 1 else words[1], code=2)


# ------------------------------------------------------------------ bad files

GOOD = "who,what,at\n" + "".join(f"u{n % 7},i{n % 5},2026-01-{n % 28 + 1:02}\n" for n in range(99))
OWN = f"""
name: own
source:
  kind: tabular
  interactions: {{path: events.csv, user_id: who, item_id: what, ts: at}}
{MODELS}
"""


@pytest.mark.parametrize(
    ("events", "said"),
    [
        (None, ["events.csv"]),
        ("", ["events.csv", "empty"]),
        ("who,what,at\n", ["events.csv", "no rows"]),
        (GOOD.replace("what", "item"), ["events.csv", "'what'", "who", "item", "at"]),
        (GOOD.replace("2026-01-", "January "), ["events.csv:2", "'at'", "January 01"]),
        (GOOD.replace("2026-", "2126-"), ["events.csv", "future"]),
        (GOOD.replace("u1,", ","), ["events.csv", "'who'", "missing"]),
    ],
    ids=["missing", "nothing", "header", "column", "timestamps", "future", "null-ids"],
)
def test_bad_files(events: str | None, said: list[str], tmp_path: Path, here: Zavtra) -> None:
    (tmp_path / "own.yaml").write_text(OWN)
    if events is not None:
        (tmp_path / "events.csv").write_text(events)
    refused(here("daily", "--config", "own.yaml"), *said)


def test_bad_file_in_a_process_of_its_own(tmp_path: Path, zavtra: Zavtra) -> None:
    (tmp_path / "own.yaml").write_text(OWN)
    (tmp_path / "events.csv").write_text(GOOD.replace("u1,", ","))
    run = zavtra("daily", "--config", "own.yaml")
    refused(run, "events.csv:3: user id is missing (column 'who')", "quarantine")
    # The message is all that is said: nothing of Prefect, of DuckDB or of threads beside it.
    assert run.stderr.startswith("Stopped: interactions: 14 of 99 rows are bad")
    assert run.stderr.endswith("the log is as it was.\n")
    assert run.stdout == ""


# ------------------------------------------------------------------ days that cannot be


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        ("2025-12-24", ["2025-12-24", "2026-01-01", "choose an as_of"]),
        ("2027-01-01", ["days after the last day of the log (2026-03-01)", "max_gap_days"]),
        ("2026-01-15", ["at least 22 days", "ranker_windows"]),
    ],
    ids=["before", "far-after", "short-history"],
)
def test_impossible_day(as_of: str, said: list[str], ran: Ran, here: Zavtra) -> None:
    run = here("train", "--config", ran.config, "--home", ran.home, "--as-of", as_of)
    refused(run, *said)


def test_nothing_ingested_yet(small: Path, here: Zavtra) -> None:
    refused(here("recommend", "--config", small), "run `zavtra ingest` first")
