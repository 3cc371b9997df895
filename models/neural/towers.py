"""The towers of the two-tower model: attributes, ids and histories to one vector a side."""

from __future__ import annotations

from typing import Literal, get_args

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from models.neural.randomness import Dropout

Encoder = Literal["mlp", "transformer"]
HistoryEncoder = Literal["bag", "gru", "transformer"]
ENCODERS, HISTORY_ENCODERS = get_args(Encoder), get_args(HistoryEncoder)
HEADS = 2


def initialise(module: nn.Module, random: torch.Generator, std: float = 0.02) -> None:
    """Draw all weights anew, in the order of their names, from one generator.

    Embeddings are normal with ``std``, other matrices scaled by their width (Glorot), biases 0,
    gains of layer norms 1.
    """
    tables = {id(m.weight) for m in module.modules() if isinstance(m, nn.Embedding)}
    gains = {id(m.weight) for m in module.modules() if isinstance(m, nn.LayerNorm)}
    with torch.no_grad():
        for parameter in module.parameters():
            if id(parameter) in gains:
                parameter.fill_(1)
            elif parameter.dim() < 2:
                parameter.zero_()
            else:
                glorot = (2 / sum(parameter.shape)) ** 0.5
                scale = std if id(parameter) in tables else glorot
                parameter.copy_(torch.randn(parameter.shape, generator=random) * scale)


class Attributes(nn.Module):
    """Embed the values of an entity's attributes, one token an attribute, and mix the tokens.

    A multi-valued attribute is the mean of its values; a missing one is 0.

    Args:
        values: how many there are.
        width: attributes.
        dim: of the vectors.
        encoder: "mlp" reads the tokens side by side, "transformer" lets them attend.
        dropout: share of the mixed values dropped.
    """

    def __init__(self, values: int, width: int, dim: int, encoder: Encoder, dropout: float) -> None:
        super().__init__()
        self.width, self.encoder = width, encoder
        self.values = nn.Embedding(values, dim)
        if encoder == "mlp":
            self.norm = nn.LayerNorm(width * dim)
            self.mix: nn.Module = nn.Sequential(
                nn.Linear(width * dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim)
            )
        else:
            self.mix = _attention(dim)
        self.dropout = Dropout(dropout)

    def forward(self, flat: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
        """Give ``(n, dim)`` from the values of ``n * width`` slots."""
        tokens = bag(self.values, flat, offsets).view(-1, self.width, self.values.embedding_dim)
        if self.encoder == "mlp":
            mixed = self.mix(self.norm(tokens.flatten(1)))
        else:
            mixed = self.mix(tokens).mean(1)
        total: torch.Tensor = tokens.sum(1) + self.dropout(mixed)
        return total


class History(nn.Module):
    """Read the vectors of the items a user met, oldest first.

    Args:
        dim: of the vectors.
        encoder: "bag" is their mean, "gru" the last state, "transformer" the mean of what attends.
        newest: places, for the positions of the transformer.
    """

    def __init__(self, dim: int, encoder: HistoryEncoder, newest: int) -> None:
        super().__init__()
        self.encoder, self.newest = encoder, newest
        if encoder == "gru":
            self.gru = nn.GRU(dim, dim, batch_first=True)
        elif encoder == "transformer":
            self.places = nn.Embedding(newest, dim)
            self.mix = _attention(dim)

    def forward(
        self, items: nn.Embedding, flat: torch.Tensor, offsets: torch.Tensor
    ) -> torch.Tensor:
        """Give ``(n, dim)``; an empty history is 0.

        Args:
            items: the items' id vectors.
            flat: codes.
            offsets: ``(n,)``: where each history begins.
        """
        if self.encoder == "bag" or not len(flat):
            return bag(items, flat, offsets)
        lengths = torch.diff(offsets, append=offsets.new_tensor([len(flat)]))
        # once trained always as wide: what a history gives must not depend on the others' lengths
        width = int(lengths.max()) if self.training else self.newest
        step = torch.arange(width, device=flat.device)
        real = step < lengths[:, None]
        # empty histories read some item at one place, and are set to 0 at the end
        place = (offsets[:, None] + torch.minimum(step, (lengths[:, None] - 1).clamp(min=0))).clamp(
            max=len(flat) - 1
        )
        tokens = items(flat[place])
        if self.encoder == "gru":
            states, _ = self.gru(tokens)
            at = (lengths - 1).clamp(min=0)[:, None, None].expand(-1, 1, states.shape[2])
            read = states.gather(1, at)[:, 0]
        else:
            # places count back from the newest event: histories grow at the other end
            back = (lengths[:, None] - 1 - step).clamp(min=0, max=self.newest - 1)
            hidden = ~real
            hidden[:, 0] &= lengths > 0
            states = self.mix(tokens + self.places(back), src_key_padding_mask=hidden)
            kept = real[:, :, None].to(states.dtype)
            read = (states * kept).sum(1) / lengths.clamp(min=1)[:, None]
        return read * (lengths > 0)[:, None]


def bag(table: nn.Embedding, flat: torch.Tensor, offsets: torch.Tensor) -> torch.Tensor:
    """Give the mean of each row's vectors, 0 for an empty row."""
    return F.embedding_bag(flat, table.weight, offsets, mode="mean")


def _attention(dim: int) -> nn.Module:
    return nn.TransformerEncoderLayer(
        dim,
        HEADS,
        dim_feedforward=2 * dim,
        dropout=0.0,  # torch's own would draw from the global generator
        activation="gelu",
        batch_first=True,
        norm_first=True,
    )
