"""The project as a whole: names others script against, floors, and files that go together."""

from __future__ import annotations

import ast
import tomllib
from importlib import import_module
from importlib.metadata import version
from inspect import signature
from pathlib import Path

import pytest
import typer
import yaml

from config.load import available, load_settings
from flows.cli import app

ROOT = Path(__file__).parents[1]
ROOMS = ("flows", "tasks", "features", "models", "evaluation", "data", "config")
MAY_IMPORT = {
    "flows": {*ROOMS},
    "tasks": {*ROOMS} - {"flows"},
    "features": {"data"},
    "models": set(),
    "evaluation": set(),
    "data": set(),
    "config": set(),
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PREFECT = yaml.safe_load((ROOT / "prefect.yaml").read_text())
GPU = yaml.safe_load((ROOT / "prefect-gpu.yaml").read_text())


def imported(path: Path) -> set[str]:
    """Give the top names of all modules that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("room", ROOMS)
def test_imports_only_go_down(room: str) -> None:
    files = [*(ROOT / room).rglob("*.py")]
    assert files
    for path in files:
        above = imported(path) & {*ROOMS} - MAY_IMPORT[room] - {room}
        assert not above, f"{path.relative_to(ROOT)} imports {above}"
        if room not in ("flows", "tasks"):
            assert "prefect" not in imported(path), path.relative_to(ROOT)


@pytest.mark.parametrize("room", ["tasks", "features", "models", "evaluation", "data", "config"])
def test_nothing_below_the_flows_looks_at_the_clock_on_the_wall(room: str) -> None:
    wall = {"today", "now", "utcnow"}
    for path in (ROOT / room).rglob("*.py"):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        called = (node.func for node in nodes if isinstance(node, ast.Call))
        names = {func.attr for func in called if isinstance(func, ast.Attribute)}
        assert not names & wall, path.relative_to(ROOT)


@pytest.mark.parametrize("room", ROOMS)
def test_every_package_is_shipped(room: str) -> None:
    packages = {
        ".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / room).rglob("__init__.py")
    }
    assert packages <= {*PROJECT["tool"]["setuptools"]["packages"]}


def test_the_version_is_that_of_the_package() -> None:
    assert version("zavtra") == PROJECT["project"]["version"]


def test_the_commands_others_script_against_are_there() -> None:
    names = set(typer.main.get_group(app).commands)
    assert {"ingest", "train", "recommend", "report", "daily", "backfill", "metrics"} <= names


@pytest.mark.parametrize("name", ["demo", "demo-neural", "ml-1m", "ml-100k", "kion", "globo"])
def test_every_data_set_has_a_configuration_of_its_name(name: str) -> None:
    assert name in available()
    assert load_settings(name).name == name


# ------------------------------------------------------------------ prefect.yaml


@pytest.mark.parametrize(
    "deployment", PREFECT["deployments"] + GPU["deployments"], ids=lambda d: d["entrypoint"]
)
def test_a_deployment_calls_a_flow_with_parameters_it_has(deployment: dict[str, object]) -> None:
    path, _, name = str(deployment["entrypoint"]).partition(":")
    flow = getattr(import_module(path.removesuffix(".py").replace("/", ".")), name)
    assert deployment["parameters"].keys() <= signature(flow.fn).parameters.keys()
    assert deployment["parameters"]["config"] in available()
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "CANCEL_NEW"}


def test_deployments_name_no_place_of_this_machine() -> None:
    text = (ROOT / "prefect.yaml").read_text()
    assert str(ROOT) not in text
    (pull,) = PREFECT["pull"]
    (step,) = pull.values()
    assert step == {"directory": "{{ $ZAVTRA_HOME_CODE }}"}


def test_the_prefect_version_is_the_one_that_is_pinned() -> None:
    assert PREFECT["prefect-version"] == version("prefect")
