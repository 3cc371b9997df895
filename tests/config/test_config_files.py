"""The configurations that come with the package can be used."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from config import available, load_settings
from config.load import HERE
from config.settings import Settings
from models.candidates import MAX_SOURCES
from models.registry import KINDS, make_generator

every_file = pytest.mark.parametrize("name", available())


@every_file
def test_it_loads_and_is_called_as_its_file(name: str) -> None:
    assert load_settings(name).name == name
    assert load_settings(str(HERE / f"{name}.yaml")).name == name


@every_file
def test_its_generators_can_be_made(name: str) -> None:
    for generator in load_settings(name).generators:
        assert make_generator(generator.kind, **generator.params).kind == generator.kind


@every_file
def test_its_data_is_looked_for_where_the_variable_says(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def paths() -> list[str]:
        return re.findall(r"'path': '([^']*)'", str(load_settings(name).source.model_dump()))

    monkeypatch.delenv("ZAVTRA_DATA", raising=False)
    assert all(path.startswith("var/data/") for path in paths())
    monkeypatch.setenv("ZAVTRA_DATA", "/elsewhere")
    assert all(path.startswith("/elsewhere/") for path in paths())
    assert bool(paths()) == (name not in ("demo", "demo-neural"))


@pytest.mark.real
@pytest.mark.parametrize("name", ["globo", "ml-100k", "ml-1m"])
def test_its_data_is_there(
    name: str, real_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZAVTRA_DATA", str(real_data(name).parent))
    source = load_settings(name).source
    path = source.interactions.path if source.kind == "tabular" else source.path
    assert Path(path).exists()


def test_the_default_generators_can_be_made() -> None:
    for generator in Settings.model_fields["generators"].default:
        make_generator(generator.kind, **generator.params)


def test_settings_name_every_kind_of_generator_and_allow_no_more_than_can_be_joined() -> None:
    field = next(
        model.model_fields["kind"] for model in sections() if "share_fit" in model.model_fields
    )
    assert sorted((field.description or "").split(", ")) == sorted(KINDS)
    limits = [
        m.max_length
        for m in Settings.model_fields["generators"].metadata
        if hasattr(m, "max_length")
    ]
    assert limits == [MAX_SOURCES]


def sections() -> list[type[BaseModel]]:
    from config import settings

    found = vars(settings).values()
    return [entry for entry in found if isinstance(entry, type) and issubclass(entry, BaseModel)]


def test_every_field_whose_name_says_too_little_is_described() -> None:
    plain = {
        "kind",
        "interactions",
        "users",
        "items",
        "source",
        "ingest",
        "windows",
        "features",
        "ranker",
        "recommend",
        "depth",
        "learning_rate",
        "l2_leaf_reg",
        "seed",
        "loss",
    }
    bare = [
        f"{model.__name__}.{name}"
        for model in sections()
        for name, field in model.model_fields.items()
        if name not in plain and not field.description
    ]
    assert bare == []
