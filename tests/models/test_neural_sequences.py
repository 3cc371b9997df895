"""Windows, batches and time gaps from flat arrays."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.interactions import EPOCH_DAY_US, Histories
from models.neural.sequences import (
    GAP_BUCKETS,
    MINUTE_US,
    all_windows,
    batches_of,
    even_width,
    gap_buckets,
    last_windows,
    only_known,
    rectangle,
)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def offsets(lengths: list[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def test_the_last_window_leaves_room_for_the_successor() -> None:
    windows = last_windows(offsets([5, 1, 0, 3, 2]), length=3)
    assert windows.start.tolist() == [1, 6, 9]  # users 0, 3 and 4; one event teaches nothing
    assert windows.size.tolist() == [3, 2, 1]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=20), st.integers(1, 12), st.integers(0, 9))
def test_windows_hold_every_event_with_a_successor_once(
    lengths: list[int], length: int, seed: int
) -> None:
    indptr = offsets(lengths)
    windows = all_windows(indptr, length, seeded(seed))
    assert (windows.size >= 1).all()
    assert (windows.size <= length).all()
    places = [p for s, n in zip(windows.start, windows.size, strict=True) for p in range(s, s + n)]
    want = [p for u, n in enumerate(lengths) for p in range(indptr[u], indptr[u] + max(n - 1, 0))]
    assert sorted(places) == want


def test_cuts_of_long_histories_move_from_epoch_to_epoch() -> None:
    indptr, random = offsets([101]), seeded()
    starts = {tuple(all_windows(indptr, 10, random).start) for _ in range(5)}
    assert len(starts) > 1


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=60), st.integers(5, 80), st.integers(0, 5))
def test_batches_hold_every_window_once_within_the_budget(
    sizes: list[int], tokens: int, seed: int
) -> None:
    windows = last_windows(offsets([n + 1 for n in sizes]), 30)
    made, longest = batches_of(windows, tokens, seeded(seed)), max(sizes)
    for _, size in made:
        assert len(size) == 1 or len(size) * even_width(int(size.max()), longest) <= tokens
    assert sorted(torch.cat([start for start, _ in made]).tolist()) == windows.start.tolist()


def test_windows_of_similar_length_share_a_batch() -> None:
    sizes = np.random.default_rng(1).geometric(0.15, 4000).clip(1, 200)
    windows = last_windows(offsets([int(n) + 1 for n in sizes]), 200)
    padded = sum(len(size) * int(size.max()) for _, size in batches_of(windows, 1000, seeded()))
    assert padded < 1.05 * windows.tokens


def test_padding_repeats_the_last_place() -> None:
    place, real = rectangle(torch.tensor([4, 10]), torch.tensor([3, 1]), 3)
    assert place.tolist() == [[4, 5, 6], [10, 10, 10]]
    assert real.tolist() == [[True, True, True], [True, False, False]]


def test_gaps_are_powers_of_two_of_a_minute_and_ties_and_first_events_have_none() -> None:
    ts = np.array([0, 0, 1, 4, 7 * 24 * 60, 5, 5 + 24 * 60]) * MINUTE_US
    found = gap_buckets(offsets([5, 0, 2]), ts)
    assert found.tolist() == [0, 0, 1, 2, 14, 0, 11]
    dates = np.array([0, 0, 1, 400]) * EPOCH_DAY_US  # days alone are known
    assert gap_buckets(offsets([4]), dates).tolist() == [0, 0, 11, 20]
    assert gap_buckets(offsets([0]), ts[:0]).tolist() == []
    assert GAP_BUCKETS > 20


def test_unknown_items_are_passed_over() -> None:
    histories = Histories(
        np.arange(3, dtype=np.int32),
        offsets([3, 1, 2]),
        np.array([0, 9, 2, 1, 2, 0], np.int32),
        np.arange(6),
        10,
    )
    found = only_known(histories, np.array([True, False, True]))
    assert found.indptr.tolist() == [0, 2, 2, 4]
    assert found.item.tolist() == [0, 2, 2, 0]
    assert found.ts.tolist() == [0, 2, 4, 5]


def test_widths_are_few_and_at_most_an_eighth_too_wide() -> None:
    assert [even_width(n, 10_000) for n in (1, 8, 15, 16, 17, 31, 33, 100, 193, 200)] == [
        *(1, 8, 15, 16, 18, 32, 36, 104, 208, 208)
    ]
    assert all(n <= even_width(n, 10_000) <= n * 9 / 8 for n in range(1, 3000))
    assert even_width(97, 100) == 100
