"""The protocol every candidate generator follows, and how one is saved."""

from __future__ import annotations

import inspect
import json
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa

from models.interactions import Histories, Interactions
from models.similarity import Space


class ModelError(ValueError):
    """A model that cannot be fitted, used or loaded; the message says why and what to do."""


class OtherShapeError(ModelError):
    """An earlier fit cannot be gone on from: its weights are of another shape."""


def require_above_zero(kind: str, **values: float | None) -> None:
    """Refuse parameters that are not above 0; None is one that is switched off.

    Raises:
        ModelError: it names the kind of model, the parameter and the value.
    """
    for name, value in values.items():
        if value is not None and not value > 0:
            raise ModelError(f"{kind}: {name} is {value}; it must be above 0")


class Generator(ABC):
    """A source of candidates: fitted once, then scores any histories.

    A subclass is a class with a ``kind``, keyword parameters stored under their own names, the
    attributes it learns listed in ``learned`` (numpy arrays), :meth:`fit` and :meth:`score`.
    """

    kind: ClassVar[str]
    learned: ClassVar[tuple[str, ...]]
    """Attributes that :meth:`fit` sets, numpy arrays or None; all that is saved beside params."""

    no_signal: ClassVar[float] = 0.0
    """Declared default: the score of an item this source knows nothing about for this user. Items
    at or below it are not proposed."""

    can_start_warm: ClassVar[bool] = False
    """:meth:`fit` can go on from the weights of an earlier fit (see :meth:`assist`)."""

    @property
    def rates(self) -> bool:
        """Whether it learns ratings, low ones too; a source is fitted on positives alone."""
        return False

    n_items: int = 0
    """Items known at the time of fitting; newer ones score :attr:`no_signal`."""

    def attach(self, users: pa.Table, items: pa.Table) -> None:
        """Take the attribute tables of the lake, before :meth:`fit` or after :meth:`load`.

        Most models live on events alone and ignore them.
        """
        del users, items

    def assist(
        self,
        *,
        checkpoint: Path | None = None,
        tell: Callable[[int, int], None] | None = None,
        start: Generator | None = None,
    ) -> None:
        """Take what a long fit can use, before :meth:`fit`; most models ignore it.

        Args:
            checkpoint: file to keep the state of the fit in, and to go on from if it is there.
            tell: told of how many steps how many are done; what it raises ends the fit.
            start: of the same kind, fitted on an earlier cut.
        """
        del checkpoint, tell, start

    def space(self) -> Space | None:
        """Give the similarities between items that this model learned, if it has any."""
        return None

    @abstractmethod
    def fit(self, train: Interactions) -> Self:
        """Learn from positives before a cut."""

    def refresh(self, log: Interactions, until: int) -> None:
        """Take in what happened since the fit, without a refit (cheap; most need nothing).

        Args:
            log: positives before ``until``.
            until: microseconds since 1970: midnight of the day recommended for.
        """
        del log, until

    @abstractmethod
    def score(self, histories: Histories, out: np.ndarray | None = None) -> np.ndarray:
        """Score all items for a batch of users from their histories alone.

        Args:
            histories: of the users.
            out: memory of the result's shape, float32 in C order, that may be used for it: fresh
                memory for every chunk of users costs as much time as some models.

        Returns:
            ``(len(histories), self.n_items)`` float32. It may be a broadcast view (all rows the
            same memory), so callers do not write into it.
        """

    def block(self, histories: Histories, out: np.ndarray | None) -> np.ndarray:
        """Give memory for the scores of these users: ``out`` if there is any."""
        return np.empty((len(histories), self.n_items), np.float32) if out is None else out

    # ------------------------------------------------------------------ files

    def params(self) -> dict[str, Any]:
        """Give the keyword parameters this model was made with."""
        names = list(inspect.signature(type(self).__init__).parameters)[1:]
        return {name: getattr(self, name) for name in names}

    def save(self, folder: Path) -> None:
        """Write ``model.json`` and ``arrays.npz``; nothing in them is code."""
        folder.mkdir(parents=True, exist_ok=True)
        arrays = {name: getattr(self, name) for name in self.learned}
        description = {
            "kind": self.kind,
            "params": self.params(),
            "n_items": self.n_items,
            "missing": [name for name, array in arrays.items() if array is None],
        }
        (folder / "model.json").write_text(json.dumps(description, indent=1, sort_keys=True))
        present = {name: array for name, array in arrays.items() if array is not None}
        with (folder / "arrays.npz").open("wb") as file:
            np.savez(file, **present)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises:
            ModelError: the folder holds another kind of model, or is incomplete.
        """
        try:
            description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            if description["kind"] != cls.kind:
                raise ModelError(
                    f"{folder} holds a {description['kind']!r} model, not {cls.kind!r}; refit it"
                )
            model = cls(**description["params"])
            model.n_items = description["n_items"]
            with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
                for name in cls.learned:
                    missing = name in description["missing"]
                    setattr(model, name, None if missing else arrays[name])
        except ModelError:
            raise
        except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
            raise ModelError(f"{folder} is no complete model ({error}); refit it") from error
        return model
