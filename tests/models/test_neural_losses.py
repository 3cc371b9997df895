"""Every loss against a sum written out by hand, and its gradient against autograd's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.neural import losses

HIDDEN = torch.tensor([[1.0, 0.0], [0.5, -1.0], [0.0, 2.0]])
ITEMS = torch.tensor([[0.2, 0.1], [1.0, -0.5], [-0.3, 0.7], [0.0, 1.0]])
TARGET = torch.tensor([1, 3, 1])
S = (HIDDEN @ ITEMS.T).numpy().astype(np.float64)


def nll(scores: list[float], own: float) -> float:
    return float(np.log(np.exp(scores).sum()) - own)


def test_full_softmax() -> None:
    want = np.mean([nll(S[n], S[n, t]) for n, t in enumerate([1, 3, 1])])
    assert float(losses.full_softmax(HIDDEN, ITEMS, TARGET)) == pytest.approx(want, rel=1e-5)


def test_in_batch_counts_every_target_of_the_batch() -> None:
    columns = [1, 3, 1]  # the targets, one column a token, the double one twice
    want = np.mean([nll([S[n, c] for c in columns], S[n, t]) for n, t in enumerate(columns)])
    assert float(losses.in_batch_softmax(HIDDEN, ITEMS, TARGET)) == pytest.approx(want, rel=1e-5)


def test_log_q_is_taken_off_the_negatives_alone() -> None:
    q = np.array([0.1, 0.6, 0.1, 0.2])
    columns = [1, 3, 1]
    terms = []
    for n, own in enumerate(columns):
        logits = [S[n, c] - (0 if m == n else np.log(q[c])) for m, c in enumerate(columns)]
        terms.append(nll(logits, S[n, own]))
    found = losses.in_batch_softmax(HIDDEN, ITEMS, TARGET, torch.from_numpy(np.log(q)).float())
    assert float(found) == pytest.approx(np.mean(terms), rel=1e-5)


def test_log_q_estimates_the_sum_over_all_items() -> None:
    """With targets drawn by q, the corrected sum over a batch is n times that over all items."""
    generator = torch.Generator().manual_seed(1)
    q = torch.tensor([0.1, 0.5, 0.1, 0.3])
    n = 20_000
    target = torch.multinomial(q, n, replacement=True, generator=generator)
    hidden = HIDDEN[:1].expand(n, 2).contiguous()
    found = losses.in_batch_softmax(hidden, ITEMS, target, q.log())
    own = S[0, target.numpy()]
    want = np.mean(np.log(n * np.exp(S[0]).sum()) - own)
    assert float(found) == pytest.approx(want, abs=0.01)
    uncorrected = losses.in_batch_softmax(hidden, ITEMS, target)
    assert abs(float(uncorrected) - want) > 0.1


def test_bce_with_one_negative() -> None:
    negative = [0, 2, 3]
    terms = [
        np.log1p(np.exp(-S[n, t])) + np.log1p(np.exp(S[n, m]))
        for n, (t, m) in enumerate(zip([1, 3, 1], negative, strict=True))
    ]
    found = losses.bce(HIDDEN, ITEMS, TARGET, torch.tensor(negative)[:, None])
    assert float(found) == pytest.approx(np.mean(terms), rel=1e-5)


def test_gbce_raises_the_positive_to_the_power_of_the_paper() -> None:
    negative, t = [[0, 2], [2, 0], [3, 0]], 0.75
    alpha = 2 / 3  # negatives over the items that are no target
    beta = alpha * (t * (1 - 1 / alpha) + 1 / alpha)
    terms = [
        -beta * np.log(1 / (1 + np.exp(-S[n, own])))
        - sum(np.log(1 - 1 / (1 + np.exp(-S[n, m]))) for m in negative[n])
        for n, own in enumerate([1, 3, 1])
    ]
    found = losses.gbce(HIDDEN, ITEMS, TARGET, torch.tensor(negative), t)
    assert float(found) == pytest.approx(np.mean(terms), rel=1e-5)
    plain = losses.gbce(HIDDEN, ITEMS, TARGET, torch.tensor(negative), 0.0)
    assert float(plain) == pytest.approx(
        float(losses.bce(HIDDEN, ITEMS, TARGET, torch.tensor(negative))), rel=1e-6
    )


@pytest.mark.parametrize("shared", [False, True])
def test_sampled_softmax_passes_over_a_negative_that_is_the_target(shared: bool) -> None:
    negative = torch.tensor([0, 1]) if shared else torch.tensor([[0, 1], [0, 1], [0, 1]])
    want = [
        nll([S[0, 1], S[0, 0]], S[0, 1]),
        nll([S[1, 3], S[1, 0], S[1, 1]], S[1, 3]),
        nll([S[2, 1], S[2, 0]], S[2, 1]),
    ]
    found = losses.sampled_softmax(HIDDEN, ITEMS, TARGET, negative)
    assert float(found) == pytest.approx(np.mean(want), rel=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_fused_gradient_is_that_of_autograd(
    weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "ROWS", 16)
    monkeypatch.setattr(losses, "CHUNK", 20 * 32)  # chunks of 32 tokens, the last not full
    generator = torch.Generator().manual_seed(3)
    hidden = torch.randn(75, 6, generator=generator, requires_grad=True)
    items = torch.randn(20, 6, generator=generator, requires_grad=True)
    target = torch.randint(20, (75,), generator=generator)
    q = torch.rand(20, generator=generator)
    q = q / q.sum()
    if weighted:
        loss = losses.in_batch_softmax(hidden, items, target, q.log())
        logits = hidden @ items[target].T
        logits = logits - q.log()[target]
        own = (hidden * items[target]).sum(1)
        logits = torch.where(torch.eye(75).bool(), own[:, None], logits)
        plain = (logits.logsumexp(1) - own).mean()
    else:
        loss = losses.full_softmax(hidden, items, target)
        plain = torch.nn.functional.cross_entropy(hidden @ items.T, target)
    assert float(loss) == pytest.approx(float(plain), rel=1e-5)
    found = torch.autograd.grad(3 * loss, (hidden, items))
    want = torch.autograd.grad(3 * plain, (hidden, items))
    for a, b in zip(found, want, strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_bf16_agrees_within_its_precision() -> None:
    generator = torch.Generator().manual_seed(4)
    hidden, items = torch.randn(50, 8, generator=generator), torch.randn(30, 8, generator=generator)
    target = torch.randint(30, (50,), generator=generator)
    exact = losses.full_softmax(hidden, items, target)
    assert float(losses.full_softmax(hidden.bfloat16(), items, target)) == pytest.approx(
        float(exact), rel=0.02
    )
