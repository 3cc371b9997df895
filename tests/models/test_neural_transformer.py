"""What the transformer must not see, and that padding and packing change nothing."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from models.neural.attention import causal_attention, causal_mask
from models.neural.randomness import Dropout, generator, hand_out
from models.neural.transformer import Architecture, Block, Positions, Transformer, rotate

LENGTH, WIDTH = 7, 8
every_shape = pytest.mark.parametrize(
    ("block", "positions"), [(b, p) for b in get_args(Block) for p in get_args(Positions)]
)


def made(block: Block, positions: Positions) -> Transformer:
    shape = Architecture(LENGTH, WIDTH, 2, 2, 2.0, block, positions, 0.2)
    model = Transformer(shape, generator(1)).eval()
    for parameter in model.parameters():  # biases and the like begin at 0: nothing would show
        parameter.data += 0.3 * torch.randn(parameter.shape, generator=generator(2))
    return model


def windows() -> torch.Tensor:
    return torch.randn(3, LENGTH, WIDTH, generator=generator(3))


@every_shape
def test_no_event_sees_a_later_one(block: Block, positions: Positions) -> None:
    model, x, size = made(block, positions), windows(), torch.full((3,), LENGTH)
    before = model(x, size)
    for changed in range(LENGTH):
        other = x.clone()
        other[:, changed, 0] += 1
        after = model(other, size)
        assert torch.equal(after[:, :changed], before[:, :changed])
        assert not torch.allclose(after[:, changed], before[:, changed])


@every_shape
def test_padding_changes_nothing(block: Block, positions: Positions) -> None:
    model, x = made(block, positions), windows()
    size = torch.tensor([4, 7, 1])
    whole = model(x, size)
    x[0, 4:] = 50.0
    x[2, 1:] = -50.0
    padded = model(x, size)
    for row, n in enumerate(size.tolist()):
        alone = model(x[row : row + 1, :n], size[row : row + 1])[0]
        assert torch.allclose(alone, whole[row, :n], atol=1e-5)
        assert torch.allclose(alone, padded[row, :n], atol=1e-5)


@every_shape
def test_the_last_event_alone_comes_out_as_in_the_whole(block: Block, positions: Positions) -> None:
    model, x, size = made(block, positions), windows(), torch.tensor([4, 7, 1])
    whole = model(x, size)[torch.arange(3), size - 1]
    assert torch.allclose(model.last(x, size), whole, atol=1e-5)


def test_attention_and_its_gradient_are_those_of_torch() -> None:
    q, k, v = (torch.randn(4, 5, 3, generator=generator(n), requires_grad=True) for n in range(3))
    bias = torch.randn(2, 5, 5, generator=generator(9), requires_grad=True)
    masked = bias + causal_mask(5, bias)
    out = causal_attention(q, k, v, masked)
    plain = torch.nn.functional.scaled_dot_product_attention(
        q.view(2, 2, 5, 3), k.view(2, 2, 5, 3), v.view(2, 2, 5, 3), masked, scale=1.0
    ).view(4, 5, 3)
    assert torch.allclose(out, plain, atol=1e-6)
    found = torch.autograd.grad(out.square().sum(), (q, k, v, bias), retain_graph=True)
    want = torch.autograd.grad(plain.square().sum(), (q, k, v, bias))
    for a, b in zip(found, want, strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_rotary_products_know_the_distance_alone() -> None:
    q, k = torch.randn(2, 1, 1, 4, generator=generator(4)).unbind(0)

    def product(a: int, b: int) -> float:
        return float((rotate(q, a) * rotate(k, b)).sum())

    assert product(5, 2) == pytest.approx(product(13, 10), abs=1e-5)
    assert product(5, 2) != pytest.approx(product(5, 4), abs=1e-3)


def test_dropout_keeps_the_mean_and_draws_from_its_own_generator() -> None:
    dropout, x = Dropout(0.25).train(), torch.ones(40_001)
    hand_out(dropout, generator(5))
    state = torch.random.get_rng_state()
    first = dropout(x)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert float((first == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert float(first.mean()) == pytest.approx(1, abs=0.02)
    assert not torch.equal(dropout(x), first)
    hand_out(dropout, generator(5))
    assert torch.equal(dropout(x), first)
    assert dropout.eval()(x) is x
