"""A source that could not be fitted: it knows nothing and proposes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from models.base import Generator
from models.interactions import Histories, Interactions

DROPPED = "dropped.json"


class Dropped(Generator):
    """Stands where a fitted source would; every score is :attr:`no_signal`.

    Args:
        reason: why the source is not there, for the report.
    """

    kind: ClassVar[str] = "dropped"
    learned: ClassVar[tuple[str, ...]] = ()

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def fit(self, train: Interactions) -> Self:
        """Learn the number of items alone."""
        self.n_items = train.n_items
        return self

    def score(self, histories: Histories, out: np.ndarray | None = None) -> np.ndarray:
        """Give no signal, a view of one number."""
        del out
        return np.broadcast_to(np.float32(self.no_signal), (len(histories), self.n_items))

    def save(self, folder: Path) -> None:
        """Write ``dropped.json``: the reason and the number of items."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"reason": self.reason, "n_items": self.n_items}, indent=1)
        (folder / DROPPED).write_text(text)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote."""
        found = json.loads((folder / DROPPED).read_text(encoding="utf-8"))
        model = cls(found["reason"])
        model.n_items = found["n_items"]
        return model


def is_dropped(folder: Path) -> bool:
    """Say whether a fit's folder holds a reason instead of a model."""
    return (folder / DROPPED).exists()
