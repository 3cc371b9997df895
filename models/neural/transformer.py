"""A causal transformer over windows of events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from models.neural.attention import causal_attention, causal_mask
from models.neural.randomness import Dropout, normal

Positions = Literal["none", "learnt", "reversed", "rotary", "relative"]
Block = Literal["prenorm", "ligr"]


@dataclass(frozen=True)
class Architecture:
    """Sizes and kinds of the layers.

    Attributes:
        length: events seen at most.
        width: of the hidden states.
        heads: of the attention; they share the width.
        layers: blocks.
        expansion: width of the feed-forward part, in multiples of ``width``.
        block: "prenorm" (SASRec with the norm in front) or "ligr": gated residuals and SwiGLU.
        positions: "learnt" counts from the oldest event of a window, "reversed" from the newest,
            "rotary" and "relative" (a learnt bias for every distance) know distances alone.
        dropout: share of embeddings and of each layer's output dropped in training.
    """

    length: int = 100
    width: int = 64
    heads: int = 2
    layers: int = 2
    expansion: float = 4.0
    block: Block = "ligr"
    positions: Positions = "relative"
    dropout: float = 0.1


class Linear(nn.Module):
    """A linear map with weights from a generator of its own."""

    def __init__(self, inputs: int, outputs: int, random: torch.Generator) -> None:
        super().__init__()
        self.weight = normal(outputs, inputs, std=(2 / (inputs + outputs)) ** 0.5, random=random)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map the last dimension."""
        return F.linear(x, self.weight, self.bias)


class Attention(nn.Module):
    """Causal self-attention with several heads."""

    def __init__(self, a: Architecture, random: torch.Generator) -> None:
        super().__init__()
        self.heads, self.size = a.heads, a.width // a.heads
        self.rotary = a.positions == "rotary"
        self.inputs = Linear(a.width, 3 * a.width, random)
        self.output = Linear(a.width, a.width, random)
        relative = a.positions == "relative"
        self.distance = nn.Parameter(torch.zeros(a.heads, a.length)) if relative else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Let every event look at itself and what lies before it; ``(B, L, width)``."""
        rows, length, width = x.shape
        q, k, v = self._heads(self.inputs(x), 3)
        if self.rotary:
            q, k = rotate(q, 0), rotate(k, 0)
        q = q * self.size**-0.5
        mixed = causal_attention(q, k, v, self._bias(length, q))
        joined = mixed.view(rows, self.heads, length, self.size).transpose(1, 2)
        return cast(torch.Tensor, self.output(joined.reshape(rows, length, width)))

    def last(self, x: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
        """Give the output at the last event of every window alone, ``(B, width)``."""
        rows, length, width = x.shape
        weight, bias = self.inputs.weight, self.inputs.bias
        at = size - 1
        (q,) = self._heads(F.linear(_at(x, at)[:, None], weight[:width], bias[:width]), 1)
        k, v = self._heads(F.linear(x, weight[width:], bias[width:]), 2)
        if self.rotary:
            q, k = rotate(q, at.repeat_interleave(self.heads)), rotate(k, 0)
        back = at[:, None] - torch.arange(length, device=x.device)
        logits = torch.bmm(q * self.size**-0.5, k.transpose(1, 2)).view(rows, self.heads, length)
        if self.distance is not None:
            logits = logits + self.distance[:, back.clamp_min(0)].transpose(0, 1)
        shares = logits.masked_fill(back[:, None] < 0, -torch.inf).softmax(-1)
        mixed = torch.bmm(shares.view(-1, 1, length), v)
        return cast(torch.Tensor, self.output(mixed.view(rows, width)))

    def _heads(self, x: torch.Tensor, count: int) -> list[torch.Tensor]:
        """Cut ``(B, L, count * width)`` into ``count`` of ``(B * heads, L, size)``."""
        rows, length, _ = x.shape
        cut = x.view(rows, length, count, self.heads, self.size).permute(2, 0, 3, 1, 4)
        return list(cut.reshape(count, rows * self.heads, length, self.size).unbind(0))

    def _bias(self, length: int, like: torch.Tensor) -> torch.Tensor:
        mask = causal_mask(length, like)
        if self.distance is None:
            return mask
        step = torch.arange(length, device=like.device)
        back = (step[:, None] - step).clamp_min(0)
        table = self.distance.to(like.dtype)
        return table[:, back.clamp_max(table.shape[1] - 1)] + mask  # past it lies padding


class Layer(nn.Module):
    """Attention and a feed-forward part, each added to what comes in."""

    def __init__(self, a: Architecture, random: torch.Generator) -> None:
        super().__init__()
        self.gated = a.block == "ligr"
        hidden = round(a.expansion * a.width)
        self.attention = Attention(a, random)
        self.attention_norm = nn.LayerNorm(a.width)
        self.norm = nn.LayerNorm(a.width)
        self.up = Linear(a.width, hidden * (2 if self.gated else 1), random)
        self.down = Linear(hidden, a.width, random)
        self.gates = Linear(a.width, a.width, random) if self.gated else None
        self.gate = Linear(a.width, a.width, random) if self.gated else None
        self.dropout = Dropout(a.dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the layer to ``(B, L, width)``."""
        normed = self.attention_norm(x)
        return self._rest(x, self.attention(normed))

    def last(self, x: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
        """Apply the layer at the last event of every window alone, ``(B, width)``."""
        normed = self.attention_norm(x)
        return self._rest(_at(x, size - 1), self.attention.last(normed, size))

    def _rest(self, x: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        x = x + self._gated(x, self.dropout(attended), self.gates)
        up = self.up(self.norm(x))
        if self.gated:
            value, gate = up.chunk(2, dim=-1)
            inner = value * F.silu(gate)
        else:
            inner = F.relu(up)
        return x + self._gated(x, self.dropout(self.down(inner)), self.gate)

    def _gated(self, x: torch.Tensor, update: torch.Tensor, gate: nn.Module | None) -> torch.Tensor:
        return update if gate is None else update * torch.sigmoid(gate(x))


class Transformer(nn.Module):
    """Layers over embedded events.

    Sources: Kang and McAuley 2018 (SASRec); Borisyuk et al., "LiGR: Large-Scale Ranking with
    Gated Residuals", 2025, for the gates; Tikhonovich et al., "eSASRec", 2025, for the two
    together.

    Args:
        a: sizes and kinds.
        random: draws the first weights.
    """

    def __init__(self, a: Architecture, random: torch.Generator) -> None:
        super().__init__()
        self.a = a
        absolute = a.positions in ("learnt", "reversed")
        self.place = normal(a.length, a.width, std=0.02, random=random) if absolute else None
        self.dropout = Dropout(a.dropout)
        self.layers = nn.ModuleList(Layer(a, random) for _ in range(a.layers))
        self.norm = nn.LayerNorm(a.width)

    def forward(self, x: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
        """Give the hidden state after every event.

        Args:
            x: ``(B, L, width)`` embedded events, oldest first, padded on the right.
            size: ``(B,)`` int64, events of every window.
        """
        x = self.dropout(self._placed(x, size))
        for layer in self.layers:
            x = layer(x)
        return cast(torch.Tensor, self.norm(x))

    def last(self, x: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
        """Give the hidden state after the last event of every window, ``(B, width)``."""
        x = self.dropout(self._placed(x, size))
        layers = [cast(Layer, layer) for layer in self.layers]
        for layer in layers[:-1]:
            x = layer(x)
        x = layers[-1].last(x, size) if layers else _at(x, size - 1)
        return cast(torch.Tensor, self.norm(x))

    def _placed(self, x: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
        if self.place is None:
            return x
        step = torch.arange(x.shape[1], device=x.device)
        if self.a.positions == "reversed":
            return x + F.embedding((size[:, None] - 1 - step).clamp_min(0), self.place)
        return x + self.place[: x.shape[1]]


def rotate(x: torch.Tensor, at: torch.Tensor | int) -> torch.Tensor:
    """Turn pairs of values by an angle that grows with the position (rotary positions).

    Source: Su et al., "RoFormer", 2021.

    Args:
        x: ``(N, L, size)``, size even.
        at: position of the first event, for all or ``(N,)``.
    """
    half = x.shape[-1] // 2
    steps = torch.arange(x.shape[1], device=x.device, dtype=torch.float32)
    first = torch.as_tensor(at, device=x.device, dtype=torch.float32).reshape(-1, 1, 1)
    rate = 10_000.0 ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angle = (first + steps[:, None]) * rate
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


def _at(x: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    """Pick one event of every window, ``(B, width)``."""
    return x[torch.arange(len(x), device=x.device), place]
