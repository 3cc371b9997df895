"""Histories as one flat array with offsets, cut into windows and batches without a loop over users.

A batch is a rectangle of windows of similar length, padded on the right: under a causal mask nobody
looks at the padding, and what it computes is thrown away.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from models.interactions import Histories

SHUFFLED = 64
"""Batches whose windows are sorted by length together: enough to pad little, few enough to mix."""
GAP_BUCKETS = 32
MINUTE_US = 60_000_000


class Windows(NamedTuple):
    """Stretches of the flat array: window ``w`` reads ``[start, start + size)``.

    Every event of a window has a successor in the array that belongs to the same user.
    """

    start: np.ndarray
    """``(n,)`` int64."""
    size: np.ndarray
    """``(n,)`` int64, 1 to the length asked for."""

    @property
    def tokens(self) -> int:
        """Events in all windows together."""
        return int(self.size.sum())


def last_windows(indptr: np.ndarray, length: int) -> Windows:
    """Give every user's newest ``length`` events that have a successor.

    Args:
        indptr: ``(n_users + 1,)`` int64 offsets; users with fewer than two events give nothing.
        length: events of a window at most.
    """
    ends = indptr[1:] - 1
    starts = np.maximum(indptr[:-1], ends - length)
    kept = ends > starts
    return Windows(starts[kept], (ends - starts)[kept])


def all_windows(indptr: np.ndarray, length: int, random: torch.Generator) -> Windows:
    """Cut whole histories into windows of ``length``; where the cuts fall is drawn anew each time.

    A history no longer than ``length`` is one window. Of a longer one the first window is cut short
    by a random number of events, so that over the epochs every event stands everywhere.

    Args:
        indptr: ``(n_users + 1,)`` int64 offsets; users with fewer than two events give nothing.
        length: events of a window at most.
        random: draws the cuts.
    """
    events = np.maximum(np.diff(indptr) - 1, 0)
    drawn = torch.randint(0, length, (len(events),), generator=random).numpy()
    short = np.where(events > length, drawn, 0)  # events missing in the first window
    count = -(-(events + short) // length)
    user = np.repeat(np.arange(len(events)), count)
    first = np.cumsum(count) - count
    at = (np.arange(len(user)) - first[user]) * length - short[user]
    begin, end = np.maximum(at, 0), np.minimum(at + length, events[user])
    return Windows(indptr[:-1][user] + begin, end - begin)


def batches_of(
    windows: Windows, tokens: int, random: torch.Generator
) -> list[tuple[torch.Tensor, ...]]:
    """Put windows into batches of at most ``tokens`` places, padding counted.

    Windows are shuffled, sorted by length within stretches, and cut; the batches are shuffled.

    Args:
        windows: of an epoch.
        tokens: places of a batch; a window longer than that is a batch of its own.
        random: draws the order.

    Returns:
        ``(start, size)`` of every batch, int64 tensors of the same length.
    """
    longest = int(windows.size.max(initial=0))
    even = np.array([even_width(n, longest) for n in range(longest + 1)])
    order = torch.randperm(len(windows.size), generator=random).numpy()
    stretch = np.cumsum(windows.size[order]) // (SHUFFLED * tokens)
    order = order[np.lexsort((windows.size[order], stretch))]
    size = windows.size[order]
    cuts, begin = [0], 0
    while begin < len(size):
        # Ascending within a stretch: the last window of a batch decides its width, unless the
        # batch reaches into the next stretch; a running maximum covers both.
        ahead = size[begin : begin + tokens]
        places = even[np.maximum.accumulate(ahead)] * np.arange(1, len(ahead) + 1)
        begin += max(int(np.searchsorted(places, tokens, side="right")), 1)
        cuts.append(begin)
    start = torch.from_numpy(windows.start[order])
    lengths = np.diff(cuts).tolist()
    made = list(zip(start.split(lengths), torch.from_numpy(size).split(lengths), strict=True))
    return [made[at] for at in torch.randperm(len(made), generator=random).tolist()]


def gap_buckets(indptr: np.ndarray, ts: np.ndarray) -> np.ndarray:
    """Give the time since the user's event before, in powers of two of a minute.

    Bucket 0: at the same time (ties, and days when only dates are known), or no event before.

    Args:
        indptr: ``(n_users + 1,)`` int64.
        ts: ``(n,)`` int64, microseconds.

    Returns:
        ``(n,)`` int64 in ``[0, GAP_BUCKETS)``.
    """
    gap = np.diff(ts, prepend=ts[:1])
    gap[indptr[:-1][indptr[:-1] < len(ts)]] = 0
    bucket = np.ceil(np.log2(1 + gap / MINUTE_US))
    return np.clip(bucket, 0, GAP_BUCKETS - 1).astype(np.int64)


def only_known(histories: Histories, known: np.ndarray) -> Histories:
    """Leave out events of items that a model does not know.

    Args:
        histories: of any users; codes may lie past the end of ``known``.
        known: ``(n_items,)`` bool.
    """
    kept = histories.item < len(known)
    kept[kept] = known[histories.item[kept]]
    if kept.all():
        return histories
    before = np.concatenate([[0], np.cumsum(kept)])
    return Histories(
        histories.user,
        before[histories.indptr],
        histories.item[kept],
        histories.ts[kept],
        histories.n_items,
    )


def even_width(size: int, longest: int) -> int:
    """Round a width up to few different values, by an eighth at most and not past the longest.

    Matrix kernels are made anew for every shape they meet, which costs more than the padding.
    """
    step = 1 << max(size.bit_length() - 4, 0)
    return min(-(-size // step) * step, longest)


def rectangle(
    start: torch.Tensor, size: torch.Tensor, width: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the places of windows in the flat array, padded on the right with their last place.

    Args:
        start: ``(B,)`` int64.
        size: ``(B,)`` int64, above 0.
        width: L, no less than the largest size.

    Returns:
        ``(B, L)`` int64 places, and ``(B, L)`` bool: no padding.
    """
    step = torch.arange(width, device=start.device)
    real = step < size[:, None]
    return start[:, None] + torch.minimum(step, size[:, None] - 1), real
