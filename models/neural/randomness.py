"""Random numbers that belong to one training: the global generator of torch is left alone.

Fits run side by side in one process, so whoever draws from the global generator draws something
else every time.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

BYTES = 8
"""Random bytes that one drawn int64 is good for."""


def generator(*parts: int, device: torch.device | str = "cpu") -> torch.Generator:
    """Make a generator from numbers (seed, epoch, rank …); other numbers, other stream."""
    state = np.random.SeedSequence(parts).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(state >> np.uint64(1)))


def normal(*shape: int, std: float, random: torch.Generator) -> nn.Parameter:
    """Give a parameter drawn from a normal distribution around 0."""
    return nn.Parameter(torch.randn(*shape, generator=random) * std)


class Dropout(nn.Module):
    """Dropout from a generator of its own, at an eighth of the usual draws.

    The mask is cut from random bytes, eight to a draw, so the share is a multiple of 1/256.

    Args:
        share: of the values set to 0.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = round(share * 256) / 256
        self.random: torch.Generator | None = None
        """Set by the training before every epoch."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Drop values of ``x`` while training, else give it back."""
        if not self.training or self.share == 0:
            return x
        return x * self.mask(x)

    def mask(self, like: torch.Tensor) -> torch.Tensor:
        """Draw a mask of 0 and 1 / (1 - share) in the shape, dtype and device of ``like``."""
        assert self.random is not None, "the training gives every Dropout its generator"
        count = like.numel()
        words = torch.empty(-(-count // BYTES), dtype=torch.int64, device=like.device)
        words.random_(-(2**63), None, generator=self.random)
        kept = words.view(torch.uint8)[:count] >= round(self.share * 256)
        return kept.view(like.shape).to(like.dtype) * (1 / (1 - self.share))


def hand_out(model: nn.Module, random: torch.Generator) -> None:
    """Give every module with an attribute ``random`` the generator it draws from."""
    for module in model.modules():
        if "random" in vars(module):
            vars(module)["random"] = random
