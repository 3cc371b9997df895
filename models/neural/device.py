"""Where a model is trained: accelerator, number of devices, precision."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch

from models.base import ModelError

Accelerator = Literal["auto", "cpu", "gpu"]
Precision = Literal["auto", "32", "bf16"]


def make_fabric(accelerator: Accelerator, devices: int, precision: Precision) -> Any:
    """Make Lightning's Fabric.

    Raises:
        ModelError: a GPU is required and there is none, or there are fewer than asked for.
    """
    from lightning.fabric import Fabric

    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if accelerator == "gpu" and found < devices:
        raise ModelError(
            f"accelerator is 'gpu' and devices {devices}, but this machine has {found}: run it "
            "where there is one, or set accelerator to 'auto' or 'cpu'"
        )
    for banner in ("lightning.fabric", "lightning.pytorch"):  # a line for each fit otherwise
        logging.getLogger(f"{banner}.utilities.rank_zero").setLevel(logging.WARNING)
    on_gpu = accelerator == "gpu" or (accelerator == "auto" and found >= devices)
    bf16 = precision == "bf16" or (precision == "auto" and computes_bf16(on_gpu))
    return Fabric(
        accelerator="cuda" if on_gpu else "cpu",
        devices=devices,
        strategy="auto" if devices == 1 else "ddp_spawn",
        precision="bf16-mixed" if bf16 else "32-true",
    )


def computes_bf16(on_gpu: bool) -> bool:
    """Say whether the device multiplies matrices in bf16 faster than in fp32."""
    if on_gpu:
        return torch.cuda.get_device_capability()[0] >= 8
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def cores() -> int:
    """Give the threads a training may use: ``$OMP_NUM_THREADS``, else the cores it may run on."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch use so many threads in the block, in the calling thread.

    Scoring runs on one: the caller scores chunks of users side by side, and sums come out in the
    same order everywhere.
    """
    before = torch.get_num_threads()
    if count != before:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        if count != before:
            torch.set_num_threads(before)
