"""Losses of next-item models.

Softmax losses over many items never hold tokens x items in memory: logits and their gradient are
made for a few tokens at a time, in the forward pass, and only the gradients of the hidden states
and of the item vectors are kept.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch.autograd.function import once_differentiable

CHUNK = 1_750_000
"""Logits at a time: a few megabytes stay in the processor's cache."""
CHUNK_GPU = 64_000_000
ROWS = 128
"""Tokens are padded to a multiple of it."""


class _FusedSoftmax(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        items: torch.Tensor,
        target: torch.Tensor,
        log_weight: torch.Tensor | None,
        log_weight_target: torch.Tensor | None,
    ) -> torch.Tensor:
        n, width = len(hidden), len(items)
        padded, want = _even(hidden), _even(target)[:, None]
        rows = max((CHUNK_GPU if hidden.is_cuda else CHUNK) // width // ROWS * ROWS, ROWS)
        buffer = hidden.new_empty(min(rows, len(padded)), width)
        own = hidden.new_empty(len(padded), 1)  # share of the target
        grad_hidden = torch.empty_like(padded)
        grad_items = torch.zeros(items.shape, dtype=torch.float32, device=items.device)
        shift = None
        if log_weight is not None and log_weight_target is not None:
            log_weight = log_weight.to(hidden.dtype)
            shift = _even((log_weight_target - log_weight[target]).to(hidden.dtype))[:, None]
        with torch.autocast(hidden.device.type, enabled=False):
            for at in range(0, len(padded), rows):
                part = padded[at : at + rows]
                logits = torch.mm(part, items.T, out=buffer[: len(part)])
                if log_weight is not None and shift is not None:
                    logits += log_weight
                    logits.scatter_add_(1, want[at : at + rows], shift[at : at + rows])
                shares = torch._softmax(logits, -1, False, out=logits)
                torch.gather(shares, 1, want[at : at + rows], out=own[at : at + rows])
                torch.mm(shares, items, out=grad_hidden[at : at + rows])
                shares[max(n - at, 0) :] = 0
                grad_items += shares.T @ part
        # The gradient of the logits is the shares less 1 at the target; the 1 comes off here, with
        # the sum that embeddings use on the way back: the same every time, on a GPU too.
        own_items = torch.ops.aten.embedding_dense_backward(
            hidden.float(), target, len(items), -1, False
        )
        ctx.save_for_backward(grad_hidden[:n] - F.embedding(target, items), grad_items - own_items)
        ctx.n = n
        total = -own[:n].float().clamp_min(1e-30).log().sum()
        if log_weight_target is not None:
            total += log_weight_target.sum()
        return total / n

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator, unused-ignore]
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        grad_hidden, grad_items = ctx.saved_tensors
        scale = grad / ctx.n
        return grad_hidden * scale.to(grad_hidden.dtype), grad_items * scale, None, None, None


def full_softmax(hidden: torch.Tensor, items: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Cross-entropy over all items, the mean over tokens.

    Args:
        hidden: ``(n, d)``; its dtype is that of the products.
        items: ``(n_items, d)`` float32.
        target: ``(n,)`` int64.
    """
    return _fused(hidden, items, target, None, None)


def in_batch_softmax(
    hidden: torch.Tensor,
    items: torch.Tensor,
    target: torch.Tensor,
    log_q: torch.Tensor | None = None,
) -> torch.Tensor:
    """Cross-entropy of the target among the targets of all tokens of the batch.

    The columns of one item are alike, so the sum over the batch is a sum over items weighted by how
    often each occurs. With ``log_q`` (logQ correction), the log of an item's share of the
    interactions is taken off the scores of negatives, not off the positive's. A negative that
    happens to be the target counts as a negative.

    Source: Yi et al., "Sampling-Bias-Corrected Neural Modeling for Large Corpus Item
    Recommendations", 2019; uncorrected positives: Khrylchenko et al., 2025.

    Args:
        hidden: ``(n, d)``.
        items: ``(n_items, d)`` float32.
        target: ``(n,)`` int64.
        log_q: ``(n_items,)`` float32; None: no correction.
    """
    count = torch.bincount(target, minlength=len(items)).float()
    weight = count if log_q is None else count * torch.exp(-log_q)
    each = weight / count.clamp_min(1)
    own = 1 + (count[target] - 1) * each[target]
    return _fused(hidden, items, target, weight.log(), own.log())


def _fused(
    hidden: torch.Tensor,
    items: torch.Tensor,
    target: torch.Tensor,
    log_weight: torch.Tensor | None,
    log_weight_target: torch.Tensor | None,
) -> torch.Tensor:
    loss: torch.Tensor = _FusedSoftmax.apply(
        hidden, items.to(hidden.dtype), target, log_weight, log_weight_target
    )
    return loss


def bce(
    hidden: torch.Tensor, items: torch.Tensor, target: torch.Tensor, negative: torch.Tensor
) -> torch.Tensor:
    """Binary cross-entropy: the target against sampled items, summed, the mean over tokens.

    With one negative this is the loss of Kang and McAuley, "Self-Attentive Sequential
    Recommendation", 2018.

    Args:
        hidden: ``(n, d)``.
        items: ``(n_items, d)``.
        target: ``(n,)`` int64.
        negative: ``(n, k)`` int64.
    """
    positive, others = _scores(hidden, items, target, negative)
    return (F.softplus(-positive) + F.softplus(others).sum(1)).mean()


def gbce(
    hidden: torch.Tensor,
    items: torch.Tensor,
    target: torch.Tensor,
    negative: torch.Tensor,
    calibration: float = 0.75,
) -> torch.Tensor:
    """Binary cross-entropy whose positive is raised to a power that undoes the sampling.

    Source: Petrov and Macdonald, "gSASRec: Reducing Overconfidence in Sequential Recommendation
    Trained with Negative Sampling", 2023.

    Args:
        hidden: ``(n, d)``.
        items: ``(n_items, d)``.
        target: ``(n,)`` int64.
        negative: ``(n, k)`` int64, uniform.
        calibration: t of the paper: 0 is plain BCE, 1 gives calibrated probabilities.
    """
    share = negative.shape[1] / max(len(items) - 1, 1)
    power = share * (calibration * (1 - 1 / share) + 1 / share)
    positive, others = _scores(hidden, items, target, negative)
    return (power * F.softplus(-positive) + F.softplus(others).sum(1)).mean()


def sampled_softmax(
    hidden: torch.Tensor, items: torch.Tensor, target: torch.Tensor, negative: torch.Tensor
) -> torch.Tensor:
    """Cross-entropy of the target among itself and sampled items, the mean over tokens.

    Args:
        hidden: ``(n, d)``.
        items: ``(n_items, d)``.
        target: ``(n,)`` int64.
        negative: ``(n, k)`` int64, or ``(k,)`` shared by all tokens; uniform. One that is the
            target does not count.
    """
    positive, others = _scores(hidden, items, target, negative)
    others = others.masked_fill(negative == target[:, None], -torch.inf)
    logits = torch.cat([positive[:, None], others], dim=1)
    return (logits.logsumexp(1) - positive).mean()


def _even(x: torch.Tensor) -> torch.Tensor:
    """Pad rows with zeros to a multiple of :data:`ROWS`.

    Matrix kernels are made anew for every shape they meet, which costs more than the padding.
    """
    return F.pad(x, (0, 0) * (x.dim() - 1) + (0, -len(x) % ROWS))


def _scores(
    hidden: torch.Tensor, items: torch.Tensor, target: torch.Tensor, negative: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Score targets ``(n,)`` and negatives ``(n, k)``, float32."""
    hidden = hidden.float()
    positive = (hidden * F.embedding(target, items)).sum(1)
    if negative.dim() == 1:
        return positive, hidden @ F.embedding(negative, items).T
    others = torch.einsum("nd,nkd->nk", hidden, F.embedding(negative, items))
    return positive, others
