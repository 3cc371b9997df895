"""Which pairs become rows: hits, near misses, a share of the rest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.candidates import Candidates
from models.rows import label_pairs, sample_rows


def candidates(items: list[list[int]], ranks: list[list[float]], users: list[int]) -> Candidates:
    """Make candidates of users from their items; ``ranks`` has a row for each source."""
    indptr = np.cumsum([0] + [len(row) for row in items])
    flat = np.array([item for row in items for item in row], np.int32)
    rank = np.array(ranks, np.float32).reshape(len(ranks), len(flat))
    nothing = np.zeros(len(flat), np.uint32)
    lists = np.empty((len(ranks), len(users), 0), np.int32)
    return Candidates(np.array(users, np.int32), indptr, flat, -rank, rank, nothing, lists)


@pytest.fixture
def three() -> Candidates:
    items = [[0, 3, 5, 8], [3, 4], [0, 8]]  # pairs 0-3, 4-5, 6-7
    ranks = [[1, 2, 3, 4, 1, 2, 1, 2], [4, 3, 2, 1, 1, 1, 2, 1]]
    return candidates(items, ranks, users=[7, 2, 9])


def test_labels_are_what_the_same_user_liked(three: Candidates, lists) -> None:
    label = label_pairs(three, lists([[5, 9, 0, 5], [], [3, 8]], 10))
    assert np.flatnonzero(label).tolist() == [0, 2, 7]
    assert label.dtype == bool


def test_nothing_liked_is_no_hit(three: Candidates, lists) -> None:
    assert not label_pairs(three, lists([[], [], []], 10)).any()


def test_all_hits_the_nearest_misses_and_no_users_without_a_hit(three: Candidates) -> None:
    label = np.zeros(8, bool)
    label[[1, 7]] = True  # user 7 liked item 3, user 9 item 8; user 2 nothing
    # Best ranks of user 7's misses (pairs 0, 2, 3): 1, 2, 1. Of the two firsts both stay.
    sample = sample_rows(three, label, hard_negatives=2, tail_share=0.0, seed=1)
    assert sample.pair.tolist() == [0, 1, 3, 6, 7]
    assert sample.label.tolist() == [0, 1, 0, 0, 1]
    assert sample.label.dtype == np.float32


def test_thinned_rows_stand_for_those_left_out_and_lists_for_one_another(
    three: Candidates,
) -> None:
    label = np.zeros(8, bool)
    label[[0, 1]] = True  # user 7 has two hits; its misses are pairs 2 and 3, the nearer is 3
    sample = sample_rows(three, label, hard_negatives=1, tail_share=0.999, seed=1, list_weight=1.0)
    assert sample.pair.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(sample.weight, [0.5, 0.5, 0.5 / 0.999, 0.5], rtol=1e-6)


def test_ties_of_misses_go_to_the_smaller_code(three: Candidates) -> None:
    label = np.arange(8) == 1
    sample = sample_rows(three, label, hard_negatives=1, tail_share=0.0, seed=1)
    assert sample.pair.tolist() == [0, 1]


def test_a_share_of_one_keeps_all_of_users_with_a_hit(three: Candidates) -> None:
    sample = sample_rows(three, np.arange(8) == 1, hard_negatives=0, tail_share=1.0, seed=1)
    assert sample.pair.tolist() == [0, 1, 2, 3]


def test_without_negatives_only_hits_stay(three: Candidates) -> None:
    sample = sample_rows(three, np.arange(8) == 1, hard_negatives=0, tail_share=0.0, seed=1)
    assert sample.pair.tolist() == [1]


def test_nobody_gives_no_rows() -> None:
    none = candidates([], [[]], [])
    assert len(sample_rows(none, np.empty(0, bool), 10, 0.5, seed=1).pair) == 0


N_LARGE, WIDTH = 400, 50


@pytest.fixture(scope="module")
def large() -> tuple[Candidates, np.ndarray]:
    """One hit a user, in 50 candidates."""
    rng = np.random.default_rng(2)
    items = [sorted(rng.choice(1000, WIDTH, replace=False).tolist()) for _ in range(N_LARGE)]
    ranks = [rng.permutation(WIDTH) + 1.0 for _ in range(N_LARGE)]
    made = candidates(items, [np.concatenate(ranks).tolist()], list(range(N_LARGE)))
    return made, np.arange(N_LARGE * WIDTH) % WIDTH == 7


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_the_tail_is_kept_in_its_share(large, share: float) -> None:
    made, label = large
    sample = sample_rows(made, label, hard_negatives=9, tail_share=share, seed=3)
    tail = N_LARGE * (WIDTH - 10)
    kept = len(sample.pair) - N_LARGE * 10
    assert abs(kept - share * tail) <= 4 * np.sqrt(tail * share * (1 - share))


def test_the_draw_depends_on_the_seed_alone(large) -> None:
    made, label = large
    first, again, other = (sample_rows(made, label, 5, 0.3, seed).pair for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert first.tolist() != other.tolist()


def test_a_pair_kept_at_a_small_share_is_kept_at_a_larger_one(large) -> None:
    made, label = large
    small, wide = (sample_rows(made, label, 5, share, seed=1).pair for share in (0.1, 0.4))
    assert set(small) < set(wide)


def part(made: Candidates, start: int, end: int) -> Candidates:
    pairs = slice(made.indptr[start], made.indptr[end])
    return Candidates(
        made.user[start:end],
        made.indptr[start : end + 1] - made.indptr[start],
        made.item[pairs],
        made.scores[:, pairs],
        made.ranks[:, pairs],
        made.proposed[pairs],
        made.lists[:, start:end],
    )


@pytest.mark.parametrize("size", [1, 3, 256])
def test_chunks_change_nothing(large, size: int) -> None:
    made, label = large
    whole = sample_rows(made, label, 5, 0.3, seed=1)
    pairs, labels = [], []
    for start in range(0, N_LARGE, size):
        end = min(start + size, N_LARGE)
        chunk = label[made.indptr[start] : made.indptr[end]]
        sample = sample_rows(part(made, start, end), chunk, 5, 0.3, seed=1)
        pairs.append(sample.pair + made.indptr[start])
        labels.append(sample.label)
    assert np.concatenate(pairs).tobytes() == whole.pair.tobytes()
    assert np.concatenate(labels).tobytes() == whole.label.tobytes()


@given(st.data())
def test_against_plain_python(data: st.DataObject) -> None:
    n = data.draw(st.integers(0, 4))
    items = [
        sorted(data.draw(st.lists(st.integers(0, 9), unique=True, max_size=7))) for _ in range(n)
    ]
    n_pairs = sum(map(len, items))
    ranks = st.lists(st.integers(1, 4), min_size=n_pairs, max_size=n_pairs)
    made = candidates(items, [data.draw(ranks), data.draw(ranks)], list(range(n)))
    liked = st.lists(st.booleans(), min_size=n_pairs, max_size=n_pairs)
    label = np.array(data.draw(liked), bool)
    hard = data.draw(st.integers(0, 5))
    expected = []
    for row in range(n):
        pairs = range(made.indptr[row], made.indptr[row + 1])
        hits = [p for p in pairs if label[p]]
        misses = sorted((made.ranks[:, p].min(), made.item[p], p) for p in pairs if not label[p])
        if hits:
            expected += sorted(hits + [p for *_, p in misses[:hard]])
    sample = sample_rows(made, label, hard, tail_share=0.0, seed=0)
    assert sample.pair.tolist() == expected
    assert sample.label.tolist() == label[expected].tolist()
