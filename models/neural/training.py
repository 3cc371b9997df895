"""The training loop of all neural models: Lightning Fabric for devices, precision and DDP.

A model is a :class:`Learner`: it says what the batches of an epoch are, gives the loss of one, and
judges itself. :func:`train` does the rest: learning rate, averaged weights, early stopping, curves,
checkpoints between epochs, and errors a user can act on. Same seed, same device, same number of
threads: same bytes, also after a kill and a resume.
"""

from __future__ import annotations

import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from models.base import ModelError
from models.neural.allocator import freed_memory_kept
from models.neural.checkpoint import (
    State,
    Tensors,
    load_optimizer,
    load_weights,
    optimizer_tensors,
    prefixed,
    read_checkpoint,
    under,
    write_checkpoint,
)
from models.neural.device import cores, make_fabric, threads
from models.neural.learner import Batch, Curves, Learner, Tell, TrainingSettings
from models.neural.randomness import generator, hand_out

TELL_EVERY = 50
"""Steps between two looks at the losses: reading one makes a GPU wait."""
ALONE = threading.RLock()
"""Two trainings at once in a process would share the cores and win nothing. Who times a training
takes it first, so that waiting is not timed."""


def train(
    model: Learner,
    settings: TrainingSettings,
    *,
    checkpoint: Path | None = None,
    tell: Tell | None = None,
) -> Curves:
    """Train a model in place; it ends on the CPU in eval mode with the weights to keep.

    Args:
        model: initialised weights.
        settings: how.
        checkpoint: file written after every epoch, and gone on from if it is there; the caller
            removes it when the result is safe.
        tell: told how far it is.

    Raises:
        ModelError: the loss is no number, a GPU is required and missing, or the checkpoint
            belongs to another training.
    """
    with ALONE, freed_memory_kept(), threads(cores()):
        fabric = make_fabric(settings.accelerator, settings.devices, settings.precision)
        if settings.devices == 1:
            tensors, facts = _Loop(model, settings, checkpoint, tell).run(fabric)
        else:
            arrays, facts = fabric.launch(_worker, model, asdict(settings), checkpoint)
            tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        model.cpu().eval()
        load_weights(model, tensors, checkpoint or Path("the training"))
        return Curves(**facts)


def _worker(
    fabric: Any, model: Learner, settings: dict[str, Any], path: Path | None
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Train in one of several processes; what goes back to the first one is plain arrays."""
    tensors, facts = _Loop(model, TrainingSettings(**settings), path, None).run(fabric)
    return {name: tensor.numpy() for name, tensor in tensors.items()}, facts


class _Loop:
    """One training on one process of one or more."""

    def __init__(
        self, model: Learner, settings: TrainingSettings, path: Path | None, tell: Tell | None
    ) -> None:
        self.model, self.settings, self.path, self.tell = model, settings, path, tell
        self.curves = Curves()
        self.averaged: Tensors = {}
        self.best: Tensors = {}
        self.parts = 1  # a batch is cut in so many: doubled when the memory of a GPU is full
        self.steps = 0

    def run(self, fabric: Any) -> State:
        """Train; give the weights to keep and the curves."""
        settings = self.settings
        torch.set_float32_matmul_precision("high")  # TF32 on a GPU; no effect on a CPU
        self.fabric = fabric
        optimizer = torch.optim.AdamW(
            _groups(self.model, settings.weight_decay),
            lr=settings.learning_rate,
            betas=settings.betas,
            fused=True,
        )
        self.wrapped, self.optimizer = fabric.setup(self.model, optimizer)
        self.curves.device = f"{fabric.device.type} {fabric.strategy.precision.precision}"
        if settings.average is not None:
            self.averaged = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        first = self._resume()
        for epoch in range(first, settings.epochs):
            self._epoch(epoch)
            self._judge(epoch)
            self._write(epoch + 1)
            if self._is_over(epoch):
                self.curves.notes.append(
                    f"stopped after epoch {epoch}: no better validation for {settings.patience}"
                )
                break
        kept = self.best or {**self._weights(), **self.averaged}
        return State({n: t.cpu() for n, t in kept.items()}, asdict(self.curves))

    # ------------------------------------------------------------------ an epoch

    def _epoch(self, epoch: int) -> None:
        settings, rank, world = self.settings, self.fabric.global_rank, self.fabric.world_size
        device = self.fabric.device
        hand_out(self.model, generator(settings.seed, epoch, rank, 1, device=device))
        batches = self.model.batches(epoch, generator(settings.seed, epoch))
        if not batches:
            raise ModelError("there is nothing to train on: no batch in an epoch")
        own = [batches[at % len(batches)] for at in range(rank, _ceil(len(batches), world), world)]
        losses = torch.zeros(len(own), device=device)
        self.model.train()
        for at, batch in enumerate(own):
            rate = settings.rate((epoch + at / len(own)) / settings.epochs)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            losses[at] = self._step(tuple(t.to(device, non_blocking=True) for t in batch))
            if (at + 1) % TELL_EVERY == 0 or at + 1 == len(own):
                _check(losses, at + 1, epoch, own)
                if self.tell is not None:
                    self.tell(epoch * len(own) + at + 1, settings.epochs * len(own))
        weights = torch.tensor([self.model.weight(b) for b in own], device=device)
        total = torch.stack([(losses * weights).sum(), weights.sum()])
        if world > 1:
            total = self.fabric.all_reduce(total, reduce_op="sum")
        loss = float(total[0] / total[1])
        self.curves.epochs.append({"epoch": epoch, "loss": loss, "learning_rate": rate})

    def _step(self, batch: Batch) -> torch.Tensor:
        try:
            loss = self._gradient(batch)
        except torch.OutOfMemoryError:
            if len(batch[0]) <= self.parts:
                raise ModelError(
                    "the GPU's memory is full with a single row in a batch: make the model, its "
                    "catalogue or the length of histories smaller"
                ) from None
            self.parts *= 2
            self.curves.notes.append(f"GPU memory full: batches are cut in {self.parts}")
            torch.cuda.empty_cache()
            return self._step(batch)
        if self.settings.clip is not None:
            self.fabric.clip_gradients(self.wrapped, self.optimizer, max_norm=self.settings.clip)
        self.optimizer.step()
        self.steps += 1
        if self.averaged:
            decay = min(cast(float, self.settings.average), self.steps / (self.steps + 10))
            own = dict(self.model.named_parameters())
            torch._foreach_lerp_(
                list(self.averaged.values()), [own[n].detach() for n in self.averaged], 1 - decay
            )
        return loss

    def _gradient(self, batch: Batch) -> torch.Tensor:
        """Give the mean loss of a batch and leave its gradient in the parameters."""
        self.optimizer.zero_grad(set_to_none=True)
        parts = list(zip(*(t.chunk(self.parts) for t in batch), strict=True))
        whole = self.model.weight(batch)
        total = torch.zeros((), device=self.fabric.device)
        for at, part in enumerate(parts):
            with self.fabric.no_backward_sync(self.wrapped, enabled=at < len(parts) - 1):
                loss = self.wrapped(*part) * (self.model.weight(part) / whole)
                self.fabric.backward(loss)
            total += loss.detach()
        return total

    # ------------------------------------------------------------------ between epochs

    def _judge(self, epoch: int) -> None:
        settings = self.settings
        if (epoch + 1) % settings.judge_every and epoch + 1 < settings.epochs:
            return
        self.model.eval()
        current = {n: p.detach().clone() for n, p in self.model.named_parameters()}
        if self.averaged:
            self.model.load_state_dict(self.averaged, strict=False)
        with torch.no_grad():
            found = self.model.judge()
        if found is not None:
            if self.curves.best is None or found > self.curves.best:
                self.curves.best_epoch = epoch
                self.best = {n: t.clone() for n, t in self._weights().items()}
            self.curves.epochs[-1]["validation"] = found
        self.model.load_state_dict(current, strict=False)

    def _is_over(self, epoch: int) -> bool:
        best, patience = self.curves.best_epoch, self.settings.patience
        return patience is not None and best is not None and epoch - best >= patience

    def _weights(self) -> Tensors:
        return {n: t.detach() for n, t in self.model.state_dict().items()}

    # ------------------------------------------------------------------ checkpoints

    def _what(self) -> dict[str, Any]:
        shapes = {n: list(t.shape) for n, t in self.model.state_dict().items()}
        return {"settings": {**asdict(self.settings), "betas": [*self.settings.betas]}} | {
            "shapes": shapes
        }

    def _write(self, done: int) -> None:
        if self.path is None or self.fabric.global_rank != 0:
            return
        tensors = {
            **prefixed("model", self._weights()),
            **prefixed("optimizer", optimizer_tensors(self.optimizer.optimizer)),
            **prefixed("averaged", self.averaged),
            **prefixed("best", self.best),
        }
        facts = {"what": self._what(), "done": done, "steps": self.steps, "parts": self.parts}
        write_checkpoint(self.path, State(tensors, {**facts, "curves": asdict(self.curves)}))

    def _resume(self) -> int:
        """Go on from the checkpoint, if there is one; give the first epoch to do."""
        if self.path is None or not self.path.exists():
            return 0
        tensors, facts = read_checkpoint(self.path)
        if facts["what"] != self._what():
            raise ModelError(
                f"{self.path} is the checkpoint of another training (its shapes or settings are "
                "not those of this one); remove it to start anew"
            )
        load_weights(self.model, under("model", tensors), self.path)
        load_optimizer(self.optimizer.optimizer, under("optimizer", tensors))
        device = self.fabric.device
        self.averaged = {n: t.to(device) for n, t in under("averaged", tensors).items()}
        self.best = {n: t.to(device) for n, t in under("best", tensors).items()}
        self.curves = Curves(**facts["curves"])
        self.steps, self.parts = facts["steps"], facts["parts"]
        done = int(facts["done"])
        return self.settings.epochs if self._is_over(done - 1) else done


def _groups(model: nn.Module, decay: float) -> list[dict[str, Any]]:
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.dim() > 1], "weight_decay": decay},
        {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
    ]


def _ceil(count: int, step: int) -> int:
    """Round up: every process does the same number of steps."""
    return -(-count // step) * step


def _check(losses: torch.Tensor, count: int, epoch: int, batches: list[Batch]) -> None:
    wrong = ~torch.isfinite(losses[:count])
    if wrong.any():
        at = int(wrong.int().argmax())
        raise ModelError(
            f"the loss is {float(losses[at])} at epoch {epoch}, step {at} of {len(batches)} (a "
            f"batch of {len(batches[at][0])} rows): lower learning_rate, or set clip"
        )
