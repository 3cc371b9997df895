"""What the neural generators have in common: their files, and what a fit can be given."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from models.base import Generator, ModelError, OtherShapeError
from models.neural.checkpoint import load_weights
from models.neural.learner import Curves, Learner, Tell, TrainingSettings
from models.neural.training import train

WEIGHTS, CURVES = "weights.safetensors", "training.json"


class NeuralGenerator(Generator):
    """A generator whose scores come from a network.

    A subclass gives :meth:`build`, sets :attr:`network`, :attr:`shape`, :attr:`curves` and
    ``n_items`` in :meth:`fit`, and scores. Saved are ``model.json``, ``weights.safetensors`` and
    ``training.json`` (loss, learning rate and validation of every epoch).
    """

    learned: ClassVar[tuple[str, ...]] = ()

    network: nn.Module | None = None
    shape: dict[str, Any]
    """What the data add to the parameters to decide the network's shape, JSON values."""
    curves: Curves | None = None

    checkpoint: Path | None = None
    tell: Tell | None = None
    start: Generator | None = None
    """See :meth:`assist`; ``start`` counts only where :attr:`can_start_warm`."""

    def assist(
        self,
        *,
        checkpoint: Path | None = None,
        tell: Tell | None = None,
        start: Generator | None = None,
    ) -> None:
        """Keep them for the fit."""
        self.checkpoint, self.tell, self.start = checkpoint, tell, start

    def train(self, learner: Learner, settings: TrainingSettings) -> Curves:
        """Train with what :meth:`assist` gave."""
        return train(learner, settings, checkpoint=self.checkpoint, tell=self.tell)

    def take_over(
        self,
        network: nn.Module,
        skip: Collection[str] = (),
        rows: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        """Give a network the weights of the earlier fit that :meth:`assist` got, if it got one.

        Rows that a table did not have there stay as drawn.

        Args:
            network: initialised.
            skip: names of weights that stay as drawn.
            rows: name of a table → ``(rows there,)`` bool, those to take; not named: all.

        Raises:
            ModelError: the earlier fit is of another kind.
            OtherShapeError: a weight has another width there.
        """
        if self.start is None:
            return
        if self.start.kind != self.kind or not isinstance(self.start, NeuralGenerator):
            raise ModelError(f"{self.kind}: a fitted {self.start.kind} cannot be gone on from")
        if self.start.network is None:
            raise ModelError(f"{self.kind}: the model to go on from was never fitted")
        there = dict(self.start.network.named_parameters())
        for name, parameter in network.named_parameters():
            if name in skip:
                continue
            old = there.get(name)
            if old is None or old.shape[1:] != parameter.shape[1:]:
                raise OtherShapeError(
                    f"{self.kind}: an earlier fit cannot be gone on from: {name} has another shape "
                    "there; its parameters or attributes were others"
                )
            common = min(len(old), len(parameter))
            taken = torch.ones(common, dtype=torch.bool)
            if rows is not None and name in rows:
                taken = rows[name][:common]
            with torch.no_grad():
                parameter[:common][taken] = old[:common][taken]

    @abstractmethod
    def build(self) -> nn.Module:
        """Make the network of these parameters, ``n_items`` and :attr:`shape`."""

    def save(self, folder: Path) -> None:
        """Write description, weights and curves; nothing in them is code."""
        folder.mkdir(parents=True, exist_ok=True)
        fitted = self.network is not None
        description = {
            "kind": self.kind,
            "params": self.params(),
            "n_items": self.n_items,
            "shape": self.shape if fitted else None,
        }
        (folder / "model.json").write_text(json.dumps(description, indent=1, sort_keys=True))
        if self.network is not None:
            tensors = {n: t.contiguous() for n, t in self.network.state_dict().items()}
            save_file(tensors, folder / WEIGHTS)
        if self.curves is not None:
            (folder / CURVES).write_text(json.dumps(asdict(self.curves), indent=1))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what :meth:`save` wrote.

        Raises:
            ModelError: the folder holds another kind of model, is incomplete, or its weights are
                of another shape.
        """
        try:
            description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
            if description["kind"] != cls.kind:
                raise ModelError(
                    f"{folder} holds a {description['kind']!r} model, not {cls.kind!r}; refit it"
                )
            model = cls(**description["params"])
            model.n_items = description["n_items"]
            if description["shape"] is not None:
                model.shape = description["shape"]
                model.network = model.build()
                load_weights(model.network, load_file(folder / WEIGHTS), folder)
                model.network.eval()
                model.curves = Curves(**json.loads((folder / CURVES).read_text(encoding="utf-8")))
        except ModelError:
            raise
        except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
            raise ModelError(f"{folder} is no complete model ({error}); refit it") from error
        return model
