"""Features that need both sides: users x values of items, items x segments of users, pairs."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numba import njit

from features.attributes import NUMBER_SCALE, Attributes, Values
from features.columns import Affinity, BySegment, Gap, OfPair
from features.declaration import Feature, FeatureError
from features.history import History
from features.measures import ratio
from features.state import VALUE_SCALE

EXACT = 2.0**53
"""Float64 holds every whole number below it."""


def affinity(
    feature: Feature, history: History, attributes: Attributes, max_values: int
) -> Affinity:
    """User x item-attribute: the user's sums over the values of the item."""
    items = kept_values(history, attributes, "items", feature.attribute or "", max_values)
    window = feature.window_days
    indptr, index, sums = history.keep(
        ("by value", feature.attribute, window), lambda: _by_value(history, items, window)
    )
    count, positive, value = sums
    chosen, quantity = (positive, "positive") if feature.events == "positive" else (count, "n")
    if feature.measure == "mean":
        return Affinity(indptr, index, value, count, items, "mean", float(VALUE_SCALE))
    if feature.measure == "share":
        totals = history.sums("user", quantity, window)
        return Affinity(indptr, index, chosen, totals, items, "share", 1.0)
    return Affinity(indptr, index, chosen, np.empty(0, np.int64), items, "count", 1.0)


def by_segment(
    feature: Feature, history: History, attributes: Attributes, max_values: int, memory_gb: float
) -> BySegment:
    """Item x user-attribute, and user-attribute x item-attribute: a table for all items.

    Only events of users whose attribute is known count, on both sides of a ratio.

    Raises:
        FeatureError: the table would not fit into ``memory_gb``.
    """
    crossed = feature.entity == "user attribute x item attribute"
    name = (feature.by if crossed else feature.attribute) or ""
    users = kept_values(history, attributes, "users", name, max_values)
    need = users.count * history.n_items * 8 / 1e9
    if need > memory_gb:
        raise FeatureError(
            f"feature {feature.name!r}: {users.count} values of {name!r} x {history.n_items} "
            f"items need {need:.1f} GB, more than memory_gb {memory_gb}; lower "
            "max_attribute_values or leave the feature out"
        )
    met = history.keep(("met", name), lambda: _met(history, users))
    everybody = met.sum(1, keepdims=True)
    of_segment = met.sum(0, keepdims=True)
    if not crossed:
        part, whole, base = met, everybody, everybody.sum()
    else:
        items = kept_values(history, attributes, "items", feature.attribute or "", max_values)
        ones = np.ones(len(items.index), np.int64)
        matrix = sp.csr_matrix(
            (ones, items.index, items.indptr), shape=(history.n_items, items.count)
        )
        part = matrix @ (matrix.T @ met)
        whole, base = part.sum(1, keepdims=True), of_segment.sum()
        if feature.measure == "share":
            whole = of_segment * np.diff(items.indptr)[:, None]
    if feature.measure == "lift":
        out = ratio(part * float(base), whole * of_segment.astype(np.float64))
    else:
        out = ratio(part, whole)
    return BySegment(users.single, np.ascontiguousarray(out.T, np.float32))


def gap(feature: Feature, history: History, attributes: Attributes) -> Gap:
    """Difference between one side's number and its mean over the events of the other.

    Raises:
        FeatureError: the attribute's numbers are too large to be summed exactly.
    """
    to_items = feature.measure == "gap to items"
    own, other = ("item", "user") if to_items else ("user", "item")
    numbers = attributes.numbers[f"{own}s", feature.attribute or ""].astype(np.float64)
    fixed = np.rint(numbers * NUMBER_SCALE)
    events = history.total
    of_event = fixed[events.column(own)]
    known = ~np.isnan(of_event)
    codes, weights = events.column(other)[known], events.n[known]
    count = np.bincount(codes, weights, history.size(other))
    largest = np.abs(of_event[known]).max(initial=0.0)
    if largest * count.max(initial=0.0) >= EXACT:
        raise FeatureError(
            f"feature {feature.name!r}: {feature.attribute!r} reaches {largest / NUMBER_SCALE:g}, "
            "too large for an exact mean; give it in a larger unit"
        )
    total = np.bincount(codes, weights * of_event[known], history.size(other))
    mean = ratio(total, count * NUMBER_SCALE)
    own_side = fixed / NUMBER_SCALE
    return Gap(own_side, mean, 1.0) if to_items else Gap(mean, own_side, -1.0)


def of_pair(feature: Feature, history: History) -> OfPair:
    """How often, and how long ago, the user met this very item."""
    order, indptr = _by_user(history, None)
    events = history.total
    items = events.item[order]
    if feature.measure == "count":
        quantity = "positive" if feature.events == "positive" else "n"
        values = events.column(quantity)[order].astype(np.float32)
        return OfPair(indptr, items, values, True, 0.0, history.n_items)
    since = (history.day - events.last[order]).astype(np.float32)
    return OfPair(indptr, items, since, False, np.nan, history.n_items)


def kept_values(
    history: History, attributes: Attributes, side: str, name: str, max_values: int
) -> Values:
    """Give an attribute's values, cut to those with most events where there are too many."""
    values = attributes.values[side, name]
    if values.count <= max_values:
        return values

    def cut() -> Values:
        entity = history.sums(side.removesuffix("s"), "n", None)
        events = np.bincount(values.index, entity[values.rows], values.count)
        wanted = np.zeros(values.count, bool)
        wanted[np.argsort(-events, kind="stable")[:max_values]] = True
        return values.keep(wanted)

    return history.keep(("values", side, name), cut)


def _met(history: History, users: Values) -> np.ndarray:
    """Events by item and segment of the user, ``(n_items, n_segments)`` int64."""
    events = history.total
    segment = users.single[events.user]
    known = segment >= 0
    cell = events.item[known].astype(np.int64) * users.count + segment[known]
    size = history.n_items * users.count
    sums = np.bincount(cell, events.n[known], size)
    return sums.reshape(history.n_items, users.count).astype(np.int64)


def _by_user(history: History, window: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Order of the events by user, and where each user's begin."""

    def make() -> tuple[np.ndarray, np.ndarray]:
        users = history.events(window).user
        indptr = np.zeros(history.n_users + 1, np.int64)
        np.cumsum(np.bincount(users, minlength=history.n_users), out=indptr[1:])
        return np.argsort(users, kind="stable"), indptr

    return history.keep(("by user", window), make)


def _by_value(
    history: History, items: Values, window: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    order, indptr = _by_user(history, window)
    events = history.events(window)
    return _sum_values(
        indptr,
        events.item[order],
        events.n[order],
        events.positive[order],
        events.value[order],
        items.indptr,
        items.index,
        items.count,
    )


@njit(nogil=True, cache=True)
def _sum_values(
    indptr: np.ndarray,
    item: np.ndarray,
    n: np.ndarray,
    positive: np.ndarray,
    value: np.ndarray,
    value_indptr: np.ndarray,
    value_index: np.ndarray,
    n_values: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum events by (user, value of the item).

    Returns:
        ``indptr`` and ``index`` of a sparse matrix and the ``(3, nnz)`` sums of events, positives
        and values.
    """
    n_users = len(indptr) - 1
    owner = np.full(n_values, -1, np.int64)
    out_indptr = np.zeros(n_users + 1, np.int64)
    for user in range(n_users):
        distinct = 0
        for row in range(indptr[user], indptr[user + 1]):
            for at in range(value_indptr[item[row]], value_indptr[item[row] + 1]):
                if owner[value_index[at]] != user:
                    owner[value_index[at]] = user
                    distinct += 1
        out_indptr[user + 1] = out_indptr[user] + distinct
    index = np.empty(out_indptr[-1], np.int32)
    sums = np.zeros((3, out_indptr[-1]), np.int64)
    owner[:] = -1
    place = np.zeros(n_values, np.int64)
    for user in range(n_users):
        end = out_indptr[user]
        for row in range(indptr[user], indptr[user + 1]):
            for at in range(value_indptr[item[row]], value_indptr[item[row] + 1]):
                which = value_index[at]
                if owner[which] != user:
                    owner[which] = user
                    place[which] = end
                    index[end] = which
                    end += 1
                sums[0, place[which]] += n[row]
                sums[1, place[which]] += positive[row]
                sums[2, place[which]] += value[row]
    return out_indptr, index, sums
