"""The kernels of item-to-item models against sparse matrices, bit for bit; memory used again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from models.memory import Memory
from models.sums import add_dense, add_sparse, distinct

WIDTH = 9
HISTORIES = st.lists(st.lists(st.integers(0, WIDTH + 2), max_size=12), max_size=6)


def flat(histories: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    indptr = np.cumsum([0] + [len(items) for items in histories])
    return indptr, np.array([item for items in histories for item in items], np.int32)


def matrix(histories: list[list[int]]) -> sp.csr_matrix:
    """Mark what every row met, codes below WIDTH alone."""
    known = [sorted({item for item in items if item < WIDTH}) for items in histories]
    indptr, items = flat(known)
    return sp.csr_matrix((np.ones(len(items), np.float32), items, indptr), (len(known), WIDTH))


@given(HISTORIES)
def test_distinct_sorts_drops_repeats_and_unknown_codes(histories: list[list[int]]) -> None:
    indptr, items = distinct(*flat(histories), WIDTH)
    found = [items[a:b].tolist() for a, b in pairwise(indptr)]
    assert found == [sorted({item for item in met if item < WIDTH}) for met in histories]


@given(HISTORIES, st.sets(st.integers(0, WIDTH - 1)), st.integers(0, 2**16))
def test_dense_sums(histories: list[list[int]], kept: set[int], seed: int) -> None:
    codes = np.array(sorted(kept), np.int32)
    shape = (len(codes), len(codes))
    weights = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    out = np.full((len(histories), WIDTH), np.nan, np.float32)  # as memory used before
    indptr, items = distinct(*flat(histories), WIDTH)
    add_dense(indptr, items, weights, codes, out)
    expected = np.zeros_like(out)
    expected[:, codes] = matrix(histories)[:, codes] @ weights
    assert out.tobytes() == expected.tobytes()


@given(HISTORIES, st.floats(0, 1), st.integers(0, 2**16))
def test_sparse_sums(histories: list[list[int]], density: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = sp.random(WIDTH, WIDTH, density, "csr", np.float32, rng)
    out = np.full((len(histories), WIDTH), np.nan, np.float32)
    indptr, items = distinct(*flat(histories), WIDTH)
    add_sparse(indptr, items, weights.data, weights.indices, weights.indptr, out)
    assert out.tobytes() == (matrix(histories) @ weights).toarray().tobytes()


def test_memory_is_used_again_by_name() -> None:
    memory = Memory()
    first = memory.take("a", (3, 4))
    assert (first.shape, first.dtype, first.flags.c_contiguous) == ((3, 4), np.float32, True)
    first[:] = 7
    assert np.shares_memory(memory.take("a", (2, 5)), first)
    assert not np.shares_memory(memory.take("b", (3, 4)), first)
    larger = memory.take("a", (100,))
    assert not np.shares_memory(larger, first)
    assert np.shares_memory(memory.take("a", (2, 2)), larger)
    assert memory.take("a", (0, 5)).shape == (0, 5)


def test_every_thread_has_memory_of_its_own() -> None:
    memory = Memory()
    mine = memory.take("a", (4,))
    with ThreadPoolExecutor(1) as pool:
        theirs = pool.submit(memory.take, "a", (4,)).result()
    assert not np.shares_memory(mine, theirs)
