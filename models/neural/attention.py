"""Causal attention that keeps its probabilities for the way back.

PyTorch's own attention computes them a second time in the backward pass; for windows of a few
hundred events keeping them is several times faster on a CPU, and in bf16 they are small.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable


class _CausalAttention(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: torch.Tensor
    ) -> torch.Tensor:
        with torch.autocast(q.device.type, enabled=False):
            scores = torch.bmm(q, k.transpose(1, 2))
            heads, length = bias.shape[0], bias.shape[-1]
            scores.view(-1, heads, length, length).add_(bias)
            shares = torch._softmax(scores, -1, False)
            ctx.save_for_backward(q, k, v, shares)
            ctx.heads = heads
            return torch.bmm(shares, v)

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator, unused-ignore]
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        q, k, v, shares = ctx.saved_tensors
        grad_v = torch.bmm(shares.transpose(1, 2), grad)
        grad_shares = torch.bmm(grad, v.transpose(1, 2))
        grad_scores = torch._softmax_backward_data(grad_shares, shares, -1, shares.dtype)
        grad_q = torch.bmm(grad_scores, k)
        grad_k = torch.bmm(grad_scores.transpose(1, 2), q)
        grad_bias = None
        if ctx.needs_input_grad[3]:
            length = shares.shape[-1]
            grad_bias = grad_scores.view(-1, ctx.heads, length, length).sum(0)
        return grad_q, grad_k, grad_v, grad_bias


def causal_attention(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: torch.Tensor
) -> torch.Tensor:
    """Mix the values of earlier events, softmax(q k' + bias) v.

    Args:
        q: ``(B * heads, L, d)``, scaled by the caller.
        k: the same shape.
        v: the same shape.
        bias: ``(heads or 1, L, L)`` in the dtype of ``q``: -inf above the diagonal.

    Returns:
        ``(B * heads, L, d)``.
    """
    mixed: torch.Tensor = _CausalAttention.apply(q, k, v, bias)
    return mixed


def causal_mask(length: int, like: torch.Tensor) -> torch.Tensor:
    """Give ``(1, L, L)``: 0 on and below the diagonal, -inf above."""
    full = torch.full((1, length, length), -torch.inf, dtype=like.dtype, device=like.device)
    return full.triu_(1)
