"""The kinds of candidate generators a configuration can name."""

from __future__ import annotations

import inspect
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from models.als import ALS
from models.base import Generator, ModelError
from models.ease import EASE
from models.item_knn import ItemKNN
from models.popularity import Popularity

KINDS: dict[str, type[Generator]] = {
    model.kind: model for model in (Popularity, ALS, EASE, ItemKNN)
}


def make_generator(kind: str, **params: Any) -> Generator:
    """Make an unfitted generator.

    Raises:
        ModelError: there is no such kind, it has no such parameter, or a value is of the wrong
            type or out of range.
    """
    if kind not in KINDS:
        raise ModelError(f"no generator of kind {kind!r}; there are {sorted(KINDS)}")
    known = list(inspect.signature(KINDS[kind].__init__).parameters)[1:]
    unknown = sorted(set(params) - set(known))
    if unknown:
        raise ModelError(f"{kind} has no parameter {unknown[0]!r}; it has {known}")
    types = get_type_hints(KINDS[kind].__init__)
    for name, value in params.items():
        try:
            params[name] = TypeAdapter(types[name]).validate_python(value)
        except ValidationError as error:
            problem = error.errors()[0]["msg"].replace("Input should be", "it must be")
            raise ModelError(f"{kind}: {name} is {value!r}; {problem}") from error
    return KINDS[kind](**params)
