"""Reading a YAML into :class:`config.settings.Settings`, with errors a person can act on."""

from __future__ import annotations

import difflib
import os
import re
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from config.settings import Settings

HERE = Path(__file__).parent
_MESSAGES = {
    "missing": "is required and missing",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "dict_type": "must be a mapping of keys to values",
    "list_type": "must be a list",
    "union_tag_not_found": "says no kind: synthetic, movielens, kion or tabular",
}
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names the field and the remedy."""


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML libraries take the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys: set[Any] = set()
        for key, _ in node.value:
            if key.value in keys:
                problem = f"the key {key.value!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            keys.add(key.value)
        return super().construct_mapping(node, deep=deep)


def available() -> list[str]:
    """Names of the data sets that come with the package."""
    return sorted(path.stem for path in HERE.glob("*.yaml"))


def load_settings(name_or_path: str, **overrides: Any) -> Settings:
    """Read the YAML of a data set.

    Args:
        name_or_path: one of :func:`available`, or the path of a YAML file.
        overrides: top-level sections that replace (mappings: update) those of the file.

    Raises:
        ConfigError: unknown name, missing file, bad YAML, unknown key, bad value, or an
            environment variable of a path that is not set.
    """
    path = _find(name_or_path)
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable as YAML: {error}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: expected a mapping of sections, found {type(raw).__name__}")
    for key, value in overrides.items():
        old = raw.get(key)
        raw[key] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value
    raw = _expand(raw, path)
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(_explain(error, path)) from error


def _find(name_or_path: str) -> Path:
    path = Path(name_or_path)
    if path.suffix in {".yaml", ".yml"} or path.parent != Path():
        if not path.is_file():
            raise ConfigError(f"no config file {path}; give its path, or one of {available()}")
        return path
    path = HERE / f"{name_or_path}.yaml"
    if not path.is_file():
        near = difflib.get_close_matches(name_or_path, available(), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(
            f"no data set named {name_or_path!r}: there are {available()}{hint} "
            "(or give the path of a YAML file of your own)"
        )
    return path


def _expand(value: Any, path: Path) -> Any:
    """Replace ``${NAME}`` and ``${NAME:-default}`` in every string by the environment's value."""
    if isinstance(value, dict):
        return {key: _expand(entry, path) for key, entry in value.items()}
    if isinstance(value, list):
        return [_expand(entry, path) for entry in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        name, default = match[1], match[2]
        found = os.environ.get(name) or default  # set to nothing is not set, as in a shell
        if found is None:
            raise ConfigError(
                f"{path}: {value!r} needs the environment variable {name}; set it, e.g. "
                f"{name}=/data zavtra …"
            )
        return found

    return _VARIABLE.sub(replace, value)


def _explain(error: ValidationError, path: Path) -> str:
    lines = [f"{path}: {error.error_count()} problem(s) in the configuration"]
    for problem in error.errors():
        where = [str(part) for part in problem["loc"]]
        field = ".".join(_keys_of(where))
        message = _MESSAGES.get(problem["type"], problem["msg"])
        message = message.removeprefix("Value error, ").replace("Input should be", "must be")
        if problem["type"] == "string_type" and isinstance(problem["input"], int | float | date):
            message = "must be text: put it in quotes"
        if problem["type"] == "extra_forbidden":
            known = _fields_at(where[:-1])
            near = difflib.get_close_matches(where[-1], known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            lines.append(f"  {field}: unknown key{hint}; allowed: {', '.join(known)}")
        elif problem["type"] == "union_tag_invalid":
            kinds = problem["ctx"]["expected_tags"]
            lines.append(
                f"  {field}.kind: must be one of {kinds} (found {problem['ctx']['tag']!r})"
            )
        else:
            found = "" if isinstance(problem["input"], dict) else f" (found {problem['input']!r})"
            lines.append("  " + (f"{field}: " if field else "") + message + found)
    return "\n".join(lines)


def _keys_of(where: list[str]) -> list[str]:
    """Leave out the kind that a choice of sections puts into a location: no key of the file."""
    return [part for at, part in enumerate(where) if not (at == 1 and where[0] == "source")]


def _fields_at(where: list[str]) -> list[str]:
    """Names of the fields allowed at a place of the configuration, for error messages."""
    models: list[type[BaseModel]] = [Settings]
    for part in where:
        inner: list[type[BaseModel]] = []
        for model in models:
            if part in model.model_fields:
                inner += _models_in(model.model_fields[part].annotation)
        # A list index or the kind of a union narrows, but names no field.
        kinds = [m for m in models if _kind_of(m) == part]
        models = inner or kinds or models
    return sorted({name for model in models for name in model.model_fields})


def _kind_of(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("kind")
    return field.default if field is not None and isinstance(field.default, str) else None


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    found: list[type[BaseModel]] = []
    for part in getattr(annotation, "__args__", ()):
        found += _models_in(part)
    return found
