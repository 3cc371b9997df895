"""The commands `explain` and `tune` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from small_day import AS_OF, Ran, Zavtra
from typer.testing import CliRunner

from data.contract import DataError
from flows.cli import app

RUNNER = CliRunner()


def explain(ran: Ran, *words: str):
    return RUNNER.invoke(
        app, ["explain", "--config", str(ran.config), "--home", str(ran.home), *words]
    )


def some_users(ran: Ran) -> tuple[str, str]:
    """Give a user whom a source proposed something to, and one whom popularity alone did."""
    rows = pq.read_table(ran.lake / f"recommendations/as_of={AS_OF}/part.parquet").to_pylist()
    personal = {row["user_id"] for row in rows if {"als", "ease"} & set(row["sources"])}
    everyone = dict.fromkeys(row["user_id"] for row in rows)
    return str(min(personal)), str(next(user for user in everyone if user not in personal))


@pytest.mark.parametrize("segment", ["warm", "cold"])
def test_a_list_is_explained_in_words(segment: str, ran: Ran) -> None:
    user = some_users(ran)[segment == "cold"]
    result = explain(ran, "--user", user)
    assert result.exit_code == 0, result.output
    assert f"User {user}, lists of {AS_OF}" in result.output
    assert f"{segment}: " in result.output
    assert "reproduces the published scores" in result.output
    assert "proposed by popularity" in result.output
    assert "before ranking at best in place" in result.output
    assert " 1. " in result.output
    assert "10. " in result.output


def test_a_list_is_explained_as_json(ran: Ran) -> None:
    found = json.loads(explain(ran, "--user", some_users(ran)[0], "--json").stdout)
    assert (found["as_of"], found["segment"], found["reproduced"]) == (AS_OF, "warm", True)
    assert len(found["items"]) == 10
    reason = found["items"][0]["up"][0]
    assert {"about", "effect", "shap", "words", "features"} == set(reason)


def test_an_unknown_user_ends_with_one_message(ran: Ran, zavtra: Zavtra) -> None:
    done = zavtra("explain", "--config", ran.config, "--home", ran.home, "--user", "nobody")
    assert done.returncode == 1
    assert "Stopped: user 'nobody' is unknown to 'small'" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_day_that_was_not_published_is_told(ran: Ran) -> None:
    result = explain(ran, "--user", "1", "--as-of", "2026-02-01")
    assert isinstance(result.exception, DataError)
    assert "no lists were published for 2026-02-01" in str(result.exception)


def test_parameters_are_searched_and_printed_to_paste(ran: Ran, tmp_path: Path) -> None:
    own = ran.copy(tmp_path / "home")
    command = ["tune", "--config", str(own.config), "--home", str(own.home), "--minutes", "5"]
    first = RUNNER.invoke(app, [*command, "--trials", "2", "--json"])
    assert first.exit_code == 0, first.output
    found = json.loads(first.stdout.splitlines()[-1])
    assert (len(found["trials"]), found["resumed"]) == (2, 0)
    again = RUNNER.invoke(app, [*command, "--trials", "3"])
    assert again.exit_code == 0, again.output
    assert "3 trials (1 now, 2 from before)" in again.output
    if "put this into the configuration" in again.output:
        pasted = yaml.safe_load(again.output[again.output.index("ranker:") :])
        assert set(pasted["ranker"]) == {
            "depth", "learning_rate", "l2_leaf_reg", "feature_share",
        }  # fmt: skip
