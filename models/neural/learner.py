"""What is trained, how, and what a training has to tell; :mod:`models.neural.training` trains."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from models.neural.device import Accelerator, Precision

Batch = tuple[torch.Tensor, ...]
"""Tensors with the same first dimension: a batch can be cut in two there."""
Tell = Callable[[int, int], None]
"""Told how many steps of about how many are done; what it raises ends the training."""


class Learner(nn.Module, ABC):
    """A model that :func:`train` can train."""

    @abstractmethod
    def batches(self, epoch: int, random: torch.Generator) -> Sequence[Batch]:
        """Give the batches of an epoch, drawn from ``random`` alone (small tensors: indices)."""

    @abstractmethod
    def forward(self, *batch: torch.Tensor) -> torch.Tensor:
        """Give the mean loss of a batch, a scalar."""

    def weight(self, batch: Batch) -> float:
        """Say how much a batch counts against others of an epoch; default: its rows."""
        return float(len(batch[0]))

    def judge(self) -> float | None:
        """Validate (larger is better), in eval mode; None: there is nothing to validate on."""
        return None


@dataclass(frozen=True)
class TrainingSettings:
    """How a model is trained.

    Attributes:
        epochs: at most.
        learning_rate: of Adam, at its highest.
        final_rate: fraction of it reached at the end (cosine); 1: constant.
        warmup: fraction of the epochs over which the rate rises from 0.
        weight_decay: decoupled (AdamW), on matrices alone.
        betas: of Adam.
        clip: largest norm of the gradient; None: as it is.
        average: decay per step of the exponential average of the weights that is judged and kept
            (it starts lower); None: the last weights.
        patience: epochs without a better validation after which training stops; None: never.
        judge_every: epochs between two validations.
        seed: of everything random.
        accelerator: "auto" takes a GPU if there is one; "gpu" requires one.
        devices: more than 1: DDP, in processes of its own.
        precision: "auto" is bf16 where the device computes in it, else fp32.
    """

    epochs: int = 10
    learning_rate: float = 1e-3
    final_rate: float = 1.0
    warmup: float = 0.0
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    clip: float | None = None
    average: float | None = None
    patience: int | None = None
    judge_every: int = 1
    seed: int = 7
    accelerator: Accelerator = "auto"
    devices: int = 1
    precision: Precision = "auto"

    def rate(self, progress: float) -> float:
        """Give the learning rate when ``progress`` (0..1) of all epochs is done."""
        if progress < self.warmup:
            return self.learning_rate * progress / self.warmup
        after = (progress - self.warmup) / max(1 - self.warmup, 1e-9)
        cosine = (1 + math.cos(math.pi * min(after, 1.0))) / 2
        return self.learning_rate * (self.final_rate + (1 - self.final_rate) * cosine)


@dataclass
class Curves:
    """What a training has to tell; ``training.json`` beside the model.

    Attributes:
        device: such as ``cpu bf16-mixed``.
        epochs: of each: epoch, loss, learning_rate and, where judged, validation.
        best_epoch: whose weights were kept; None: the last.
        notes: what else happened (stopped early, batches halved, resumed).
    """

    device: str = ""
    epochs: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def best(self) -> float | None:
        """The best validation so far."""
        return max((e["validation"] for e in self.epochs if "validation" in e), default=None)
