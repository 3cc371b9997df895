"""Short histories are folded in by another formula than long ones, to the same vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.als import ALS
from models.folding import fold_basis, fold_in

FACTORS, N_ITEMS = 6, 30


def solved(y: np.ndarray, met: list[int], alpha: float, regularization: float) -> np.ndarray:
    """Solve the normal equations of Hu, Koren and Volinsky as they stand."""
    left = y.T @ y + (alpha - 1) * y[met].T @ y[met] + regularization * np.eye(y.shape[1])
    return np.linalg.solve(left, alpha * y[met].sum(axis=0))


@given(
    st.lists(st.lists(st.integers(0, N_ITEMS - 1), unique=True, max_size=8), max_size=5),
    st.floats(0.1, 100),
    st.floats(0.01, 10),
    st.integers(0, 2**16),
)
def test_against_the_equations_as_they_stand(
    histories: list[list[int]], alpha: float, regularization: float, seed: int
) -> None:
    y = np.random.default_rng(seed).normal(size=(N_ITEMS, FACTORS)).astype(np.float32)
    indptr = np.cumsum([0] + [len(met) for met in histories])
    items = np.array([item for met in histories for item in sorted(met)], np.int32)
    out = np.full((len(histories), FACTORS), 9, np.float32)
    fold_in(indptr, items, y, fold_basis(y, regularization), alpha, 5, out)
    for row, met in zip(out, histories, strict=True):
        if len(met) > 5:
            assert (row == 9).all()  # left for the library
        else:
            expected = solved(y.astype(float), met, alpha, regularization)
            np.testing.assert_allclose(row, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("length", [3, 4, 5])  # 8 factors: 4 items are short, 5 are long
def test_both_ways_meet(length: int, lists) -> None:
    model = ALS(factors=8)
    model.item_factors = np.random.default_rng(1).normal(size=(N_ITEMS, 8)).astype(np.float32)
    model.n_items = N_ITEMS
    met = list(range(length))
    found = model.encode(lists([met, met + met, []], N_ITEMS))
    expected = solved(model.item_factors.astype(float), met, model.alpha, model.regularization)
    np.testing.assert_allclose(found[0], expected, rtol=1e-3, atol=1e-5)
    assert np.array_equal(found[0], found[1])  # met twice counts once
    assert not found[2].any()
