"""Variety within lists, and Diversity(k): how it grows with the length of the list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from evaluation._pairs import Metric, Values, distinct_values, mean_distances
from evaluation.relevance import EvaluationError, as_lists


class DiversityCurve(TypedDict):
    """Diversity(k) of one system; every list has one entry a k, JSON-able.

    ``distinct_items`` counts the items that the first k places of all lists hold together and
    ``distinct_share`` divides it by all those places. ``ild`` is the mean intra-list diversity of
    the lists and ``ild_low``/``ild_high`` its 95 % interval (normal, over lists);
    ``distinct_values`` is the mean number of attribute values (genres, …) in a list's first k.
    These four are empty where no attributes are known.
    """

    k: list[int]
    distinct_items: list[int]
    distinct_share: list[float]
    ild: list[float]
    ild_low: list[float]
    ild_high: list[float]
    distinct_values: list[float]


def intra_list_diversity(
    lists: np.ndarray,
    item_values: Values,
    metric: Metric = "jaccard",
) -> np.ndarray:
    """Mean distance of the pairs of items in a list, ``(n,)`` float64.

    Jaccard is ``1 - |A & B| / |A | B|`` over the values (non-zero columns) of two items, in 0..1;
    cosine is ``1 - a.b / (|a| |b|)``, in 0..2, for embeddings too. An item without any value can
    not be compared: its pairs are left out. A list without a pair to compare (one item, or no
    attributes) has diversity 0.

    Args:
        lists: ``(n, k)`` item codes, best first, padded with -1.
        item_values: ``(n_items, n_values)``, scipy CSR or dense.
        metric: ``jaccard`` for attributes, ``cosine`` for embeddings.

    Raises:
        EvaluationError: a code past the rows of ``item_values``, or another metric.

    Items 0 and 1 share one of three genres (2/3), 0 and 2 none (1), 1 and 2 one of two (1/2):

    >>> genres = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]])
    >>> intra_list_diversity(np.array([[0, 1, 2]]), genres).round(4).tolist()
    [0.7222]
    """
    lists = as_lists(lists)
    each = mean_distances(lists, item_values, metric, whole=True)
    return each[:, -1] if lists.shape[1] else np.zeros(len(lists))


def diversity_curve(
    lists: np.ndarray,
    ks: Sequence[int] | None = None,
    item_values: Values | None = None,
    metric: Metric = "jaccard",
) -> DiversityCurve:
    """Give Diversity(k): the figures of :class:`DiversityCurve` for every k.

    Only lists with at least one item count; a list shorter than k counts as it is.

    Args:
        lists: ``(n, width)`` item codes, best first, padded with -1.
        ks: lengths, ascending, each in 1..width; None: 1..width.
        item_values: ``(n_items, n_values)``, scipy CSR or dense; None: no attributes.
        metric: as in :func:`intra_list_diversity`.

    >>> curve = diversity_curve(np.array([[0, 1], [0, 2]]), item_values=np.eye(3))
    >>> curve["k"], curve["distinct_items"], curve["ild"]
    ([1, 2], [1, 3], [0.0, 1.0])
    """
    lists = as_lists(lists)
    width = lists.shape[1]
    depths = list(range(1, width + 1)) if ks is None else [int(k) for k in ks]
    if any(not 1 <= k <= width for k in depths) or sorted(set(depths)) != depths:
        raise EvaluationError(f"ks must ascend within 1..{width}, found {depths}")
    lists = lists[lists[:, 0] >= 0] if width else lists
    at = np.array(depths, np.int64) - 1
    places = np.cumsum((lists >= 0).sum(axis=0))[at]
    distinct = np.cumsum(_first_places(lists))[at]
    curve = DiversityCurve(
        k=depths,
        distinct_items=distinct.tolist(),
        distinct_share=(distinct / np.maximum(places, 1)).tolist(),
        ild=[],
        ild_low=[],
        ild_high=[],
        distinct_values=[],
    )
    if item_values is None:
        return curve
    each = mean_distances(lists, item_values, metric)[:, at]
    n = max(len(lists), 1)
    mean = each.sum(axis=0) / n
    half = 1.96 * np.sqrt(((each - mean) ** 2).sum(axis=0) / n / n)
    curve["ild"] = mean.tolist()
    curve["ild_low"] = (mean - half).tolist()
    curve["ild_high"] = (mean + half).tolist()
    curve["distinct_values"] = (distinct_values(lists, item_values)[at] / n).tolist()
    return curve


def _first_places(lists: np.ndarray) -> np.ndarray:
    """Count the items whose best place in any list is this one, ``(width,)`` int64."""
    first = np.full(int(lists.max(initial=-1)) + 1, lists.shape[1], np.int64)
    for place in range(lists.shape[1] - 1, -1, -1):
        column = lists[:, place]
        first[column[column >= 0]] = place
    return np.bincount(first, minlength=lists.shape[1] + 1)[:-1]
