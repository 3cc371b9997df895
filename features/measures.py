"""Measures of one entity, user or item: a float32 vector by code for each feature."""

from __future__ import annotations

import numpy as np

from features.attributes import Attributes, distinct
from features.declaration import HALF_LIVES, Feature, FeatureError
from features.history import History
from features.state import VALUE_SCALE

WEIGHT_SCALE = 65536
"""Weights of decayed counts are whole multiples of its inverse, so that sums are exact."""


def entity_vector(feature: Feature, history: History, attributes: Attributes) -> np.ndarray:
    """Compute a feature of the user or of the item for all codes.

    Returns:
        ``(n_codes,)`` float32; NaN where the measure is undefined.
    """
    side, window = feature.entity, feature.window_days
    quantity = "positive" if feature.events == "positive" else "n"

    def count(days: int | None) -> np.ndarray:
        return history.sums(side, quantity, days)

    match feature.measure:
        case "count":
            out = count(window)
        case "sum":
            out = history.sums(side, "value", window) / VALUE_SCALE
        case "mean":
            out = ratio(
                history.sums(side, "value", window),
                history.sums(side, "n", window) * VALUE_SCALE,
            )
        case "share":
            out = ratio(count(window), np.int64(count(window).sum()))
        case "positive share":
            out = ratio(history.sums(side, "positive", window), history.sums(side, "n", window))
        case "decayed count":
            assert feature.half_life_days is not None
            out = _decayed(history, side, quantity, feature.half_life_days)
        case "trend":
            short, long = window or 0, feature.base_days or 0
            # (short + 1) / (long * share of days + 1): one event more on both sides
            out = ((count(window) + 1) * long) / (count(long) * short + long)
        case "days since first":
            out = history.day - _extreme(history, side, "first")
        case "days since last":
            out = history.day - _extreme(history, side, "last")
        case "active days":
            out = _active_days(history, side, window or 0)
        case "attribute":
            return _plain(feature, attributes)
        case _:
            raise FeatureError(f"feature {feature.name!r}: no measure {feature.measure!r}")
    return out.astype(np.float32)


def ratio(top: np.ndarray, bottom: np.ndarray | np.int64) -> np.ndarray:
    """Divide whole numbers in float64; NaN where there is nothing to divide by."""
    bottom = np.broadcast_to(bottom, top.shape)
    out = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=out, where=bottom != 0)
    return out


def decay_weights(half_life_days: float) -> np.ndarray:
    """Weights by age in days, whole multiples of ``1 / WEIGHT_SCALE``.

    Age 1 is yesterday and weighs 1; age 0 does not exist; past ``HALF_LIVES`` half-lives
    nothing counts.

    Returns:
        ``(oldest + 1,)`` int64.
    """
    oldest = int(np.ceil(HALF_LIVES * half_life_days))
    weights = np.rint(WEIGHT_SCALE * 0.5 ** ((np.arange(oldest + 1) - 1) / half_life_days))
    weights[0] = 0
    return weights.astype(np.int64)


def _decayed(history: History, side: str, quantity: str, half_life_days: float) -> np.ndarray:
    weights = decay_weights(half_life_days)
    events = history.events(len(weights) - 1)
    weighted = weights[history.day - events.last] * events.column(quantity)
    return np.bincount(events.column(side), weighted, history.size(side)) / WEIGHT_SCALE


def _extreme(history: History, side: str, column: str) -> np.ndarray:
    """First or last epoch day by code, float64, NaN where there is no event."""
    events, size = history.events(None), history.size(side)
    out = np.full(size, np.inf if column == "first" else -np.inf)
    reduce = np.minimum if column == "first" else np.maximum
    reduce.at(out, events.column(side), events.column(column).astype(np.float64))
    out[np.isinf(out)] = np.nan
    return out


def _active_days(history: History, side: str, window: int) -> np.ndarray:
    events = history.events(window)
    # one number for (code, day); late rows may repeat it
    cells = events.column(side).astype(np.int64) * (window + 1) + (history.day - events.first)
    return np.bincount(distinct(cells) // (window + 1), minlength=history.size(side))


def _plain(feature: Feature, attributes: Attributes) -> np.ndarray:
    key = (f"{feature.entity}s", feature.attribute or "")
    if key in attributes.numbers:
        return attributes.numbers[key]
    values = attributes.values[key]
    first = values.single
    out = np.full(len(first), np.nan, np.float32)
    out[first >= 0] = values.codes[first[first >= 0]]
    return out
