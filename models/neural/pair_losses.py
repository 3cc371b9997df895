"""Losses of models that make one vector of the user and one of the item.

The pool of negatives is shared by a batch, so that its scores are one matrix product.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch.autograd.function import once_differentiable


def bpr(positive: torch.Tensor, pool: torch.Tensor) -> torch.Tensor:
    """``-log sigmoid(positive - negative)``, the mean over the pool.

    Source: Rendle et al., "BPR: Bayesian Personalized Ranking from Implicit Feedback", 2009.

    Args:
        positive: ``(n,)`` scores.
        pool: ``(n, k)`` scores of negatives.

    Returns:
        ``(n,)``.
    """
    return F.softplus(pool - positive[:, None]).mean(1)


def triplet(positive: torch.Tensor, pool: torch.Tensor, margin: float) -> torch.Tensor:
    """``max(0, margin - positive + negative)``, the mean over the pool.

    Args:
        positive: ``(n,)`` scores.
        pool: ``(n, k)`` scores of negatives.
        margin: by which a positive must lead.

    Returns:
        ``(n,)``.
    """
    return F.relu(margin - positive[:, None] + pool).mean(1)


def logistic(positive: torch.Tensor, pool: torch.Tensor, negatives: float) -> torch.Tensor:
    """Binary cross-entropy of a positive and of ``negatives`` drawn from the pool, summed.

    Args:
        positive: ``(n,)`` scores.
        pool: ``(n, k)`` scores of negatives; each stands for ``negatives / k`` of them.
        negatives: what all of the pool weighs against the positive.

    Returns:
        ``(n,)``.
    """
    return F.softplus(-positive) + negatives * F.softplus(pool).mean(1)


class _PoolSoftmax(torch.autograd.Function):
    """Gradients are made with the loss, in place: a step is bound by passes over the scores."""

    @staticmethod
    def forward(
        ctx: Any,
        users: torch.Tensor,
        items: torch.Tensor,
        codes: torch.Tensor,
        log_q: torch.Tensor | None,
        weight: torch.Tensor,
    ) -> torch.Tensor:
        n = len(users)
        scores = users @ items.T
        own = scores.diagonal().clone()
        if log_q is not None:
            scores -= log_q
        scores.masked_fill_(codes == codes[:n, None], -torch.inf)
        scores.diagonal().copy_(own)
        shares = torch._softmax(scores, -1, False, out=scores)
        loss = -(shares.diagonal().clamp_min(1e-30).log() * weight).sum() / n
        shares.diagonal().sub_(1)
        shares *= (weight / n)[:, None]
        ctx.save_for_backward(shares @ items, shares.T @ users)
        return loss

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator, unused-ignore]
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        grad_users, grad_items = ctx.saved_tensors
        return grad_users * grad, grad_items * grad, None, None, None


def softmax(
    users: torch.Tensor,
    items: torch.Tensor,
    codes: torch.Tensor,
    log_q: torch.Tensor | None,
    weight: torch.Tensor,
) -> torch.Tensor:
    """Cross-entropy of each user's item among the pool, weighed, the mean over the users.

    With ``log_q`` (logQ correction) the log of a pool item's expected count in the pool is taken
    off its score, so that the sum over the pool is an unbiased estimate of the sum over all items.
    The positive's own score stays as it is, and where it stands in the pool again it counts once.

    Source: Yi et al., "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item
    Recommendations", 2019; pools of two kinds: Yang et al., "Mixed Negative Sampling", 2020.

    Args:
        users: ``(n, d)`` float32.
        items: ``(k, d)`` float32, the pool: the users' own positives first.
        codes: ``(k,)`` of the pool's items.
        log_q: ``(k,)``; None: no correction.
        weight: ``(n,)``.
    """
    loss: torch.Tensor = _PoolSoftmax.apply(users, items, codes, log_q, weight)
    return loss
