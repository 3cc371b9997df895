"""What a feature looks like once computed for a day: one of six kinds of look-up.

The join (:mod:`features.join`) reads them for (user, item) pairs. Everything is indexed by dense
codes, so a look-up is an array access.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.attributes import Values


@dataclass(frozen=True)
class ByUser:
    """One number a user: ``values`` is ``(n_users,)`` float32."""

    values: np.ndarray


@dataclass(frozen=True)
class ByItem:
    """One number an item: ``values`` is ``(n_items,)`` float32."""

    values: np.ndarray


@dataclass(frozen=True)
class BySegment:
    """One number for a segment of users and an item; NaN for users outside every segment.

    Attributes:
        segment: ``(n_users,)`` int32, -1: none.
        table: ``(n_segments, n_items)`` float32, C order.
    """

    segment: np.ndarray
    table: np.ndarray


@dataclass(frozen=True)
class Affinity:
    """What a user did with an attribute's values, summed over the values of the item.

    The feature is ``sum(top) / (parts * sum(bottom))``: a count has no bottom, a share divides by
    the user's total and by the number of the item's values, a mean by the sum of its counts.

    Attributes:
        indptr: ``(n_users + 1,)`` int64 of the user's values.
        index: int32 numbers of values.
        top: int64 sums beside ``index``.
        bottom: int64 sums beside ``index`` (mean) or ``(n_users,)`` totals (share) or empty.
        items: the items' values.
        kind: "count", "share" or "mean".
        scale: what the result is divided by.
    """

    indptr: np.ndarray
    index: np.ndarray
    top: np.ndarray
    bottom: np.ndarray
    items: Values
    kind: str
    scale: float


@dataclass(frozen=True)
class Gap:
    """A difference: ``sign * (item[i] - user[u])``; both float64, NaN where unknown."""

    item: np.ndarray
    user: np.ndarray
    sign: float


@dataclass(frozen=True)
class OfPair:
    """A number of the very pair, for the pairs that met; ``default`` for all others.

    Attributes:
        indptr: ``(n_users + 1,)`` int64.
        item: int32 items the user met (may repeat).
        values: float32 beside ``item``.
        add: whether repeated entries add up (else the smallest stands).
        default: for pairs that never met.
        n_items: number of item codes.
    """

    indptr: np.ndarray
    item: np.ndarray
    values: np.ndarray
    add: bool
    default: float
    n_items: int


Column = ByUser | ByItem | BySegment | Affinity | Gap | OfPair
