"""The state of a training between two epochs, as safetensors: nothing in it is code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from models.base import ModelError

Tensors = dict[str, torch.Tensor]


class State(NamedTuple):
    """What a training needs to go on as if it had never stopped.

    Attributes:
        tensors: weights, the optimizer's moments, averaged and best weights, by name.
        facts: JSON values: epochs done, curves, best validation, what the training is.
    """

    tensors: Tensors
    facts: dict[str, Any]


def prefixed(prefix: str, tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Put ``prefix/`` before every name."""
    return {f"{prefix}/{name}": tensor for name, tensor in tensors.items()}


def under(prefix: str, tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Give the tensors named ``prefix/…``, without it."""
    start = f"{prefix}/"
    return {n.removeprefix(start): t for n, t in tensors.items() if n.startswith(start)}


def write_checkpoint(path: Path, state: State) -> None:
    """Write a checkpoint; a reader sees the old one or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.new")
    tensors = {name: t.detach().cpu().contiguous() for name, t in state.tensors.items()}
    save_file(tensors, new, metadata={"facts": json.dumps(state.facts)})
    new.replace(path)


def read_checkpoint(path: Path) -> State:
    """Read what :func:`write_checkpoint` wrote.

    Raises:
        ModelError: the file is no checkpoint.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return State(tensors, json.loads(file.metadata()["facts"]))
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path} is no checkpoint ({error}); remove it to start anew") from error


def load_weights(model: nn.Module, tensors: Mapping[str, torch.Tensor], where: Path) -> None:
    """Put weights into a model.

    Raises:
        ModelError: names or shapes are those of another model.
    """
    wanted = {name: tuple(t.shape) for name, t in model.state_dict().items()}
    found = {name: tuple(t.shape) for name, t in tensors.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise ModelError(
                f"{where} holds another model: {name} is {found.get(name)} there and "
                f"{wanted.get(name)} here; refit it, or give the parameters it was made with"
            )
    model.load_state_dict(dict(tensors))


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> Tensors:
    """Give the optimizer's moments, ``parameter/name`` → tensor."""
    state = optimizer.state_dict()["state"]
    return {f"{at}/{name}": torch.as_tensor(v) for at, s in state.items() for name, v in s.items()}


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """Put back what :func:`optimizer_tensors` gave."""
    whole = optimizer.state_dict()
    whole["state"] = {}
    for name, tensor in tensors.items():
        at, key = name.split("/")
        whole["state"].setdefault(int(at), {})[key] = tensor
    optimizer.load_state_dict(whole)
