"""The kinds of candidate generators a configuration can name."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from models.base import Generator, ModelError

PLACES = {
    "als": "models.als:ALS",
    "ease": "models.ease:EASE",
    "item_knn": "models.item_knn:ItemKNN",
    "popularity": "models.popularity:Popularity",
    "sasrec": "models.neural.sasrec:SASRec",
    "fm": "models.neural.fm:FactorizationMachine",
    "neural_cf": "models.neural.neural_cf:NeuralCF",
    "two_head": "models.neural.matrix_factorization:TwoHead",
    "two_tower": "models.neural.two_tower:TwoTower",
}
"""Kind → module and class; those in models/neural import torch, which takes seconds."""


class _Kinds(Mapping[str, type[Generator]]):
    """The classes by kind, each imported when it is asked for."""

    def __getitem__(self, kind: str) -> type[Generator]:
        module, name = PLACES[kind].split(":")
        found: type[Generator] = getattr(import_module(module), name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(PLACES)

    def __len__(self) -> int:
        return len(PLACES)

    def __contains__(self, kind: object) -> bool:
        return kind in PLACES


KINDS: Mapping[str, type[Generator]] = _Kinds()


def is_neural(kind: str) -> bool:
    """Say whether a kind is trained by gradients: it can use a GPU, checkpoints, a warm start."""
    return PLACES.get(kind, "").startswith("models.neural.")


def make_generator(kind: str, **params: Any) -> Generator:
    """Make an unfitted generator.

    Raises:
        ModelError: there is no such kind, it has no such parameter, or a value is of the wrong
            type or out of range.
    """
    if kind not in KINDS:
        raise ModelError(f"no generator of kind {kind!r}; there are {sorted(KINDS)}")
    model = KINDS[kind]
    known = list(inspect.signature(model.__init__).parameters)[1:]
    unknown = sorted(set(params) - set(known))
    if unknown:
        raise ModelError(f"{kind} has no parameter {unknown[0]!r}; it has {known}")
    types = get_type_hints(model.__init__)
    for name, value in params.items():
        try:
            params[name] = TypeAdapter(types[name]).validate_python(value)
        except ValidationError as error:
            problem = error.errors()[0]["msg"].replace("Input should be", "it must be")
            raise ModelError(f"{kind}: {name} is {value!r}; {problem}") from error
    return model(**params)
