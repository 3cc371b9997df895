"""The kinds of candidate generators a configuration can name."""

from __future__ import annotations

import inspect
from typing import Any

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
        ModelError: there is no such kind, or it has no such parameter.
    """
    if kind not in KINDS:
        raise ModelError(f"no generator of kind {kind!r}; there are {sorted(KINDS)}")
    known = list(inspect.signature(KINDS[kind].__init__).parameters)[1:]
    unknown = sorted(set(params) - set(known))
    if unknown:
        raise ModelError(f"{kind} has no parameter {unknown[0]!r}; it has {known}")
    return KINDS[kind](**params)
