"""Beyond accuracy: is what we recommend varied, new, fresh, and fair to the catalogue?

Single metrics for lists ``(n_users, k)`` of item codes, best first, padded with -1, and
:func:`beyond` that gives all of them as one row of a table. Every edge case has a value stated in
the metric's docstring; none is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import scipy.sparse as sp

from evaluation._catalogue import (
    coverage,
    entropy,
    freshness,
    gini,
    in_tail,
    item_frequency,
    novelty,
    popularity,
    tail_share,
)
from evaluation._diversity import DiversityCurve, diversity_curve, intra_list_diversity
from evaluation._overlap import jaccard, personalisation, rbo
from evaluation.relevance import EvaluationError, as_lists

__all__ = [
    "Catalogue",
    "DiversityCurve",
    "beyond",
    "coverage",
    "diversity_curve",
    "entropy",
    "freshness",
    "gini",
    "in_tail",
    "intra_list_diversity",
    "item_frequency",
    "jaccard",
    "novelty",
    "personalisation",
    "popularity",
    "rbo",
    "tail_share",
]


@dataclass(frozen=True)
class Catalogue:
    """What is known of the items on the day recommended for; position is the item code.

    Attributes:
        item_users: ``(n_items,)`` number of users who met the item before the day.
        n_users: all users of the log, >= 1.
        as_of: the day recommended for.
        first_seen: ``(n_items,)`` datetime64[D], NaT where never; None: freshness is left out.
        item_values: ``(n_items, n_values)`` CSR or dense, attributes; None: diversity is left out.
    """

    item_users: np.ndarray
    n_users: int
    as_of: date
    first_seen: np.ndarray | None = None
    item_values: sp.csr_matrix | np.ndarray | None = None


def beyond(lists: np.ndarray, catalogue: Catalogue, k: int | None = None) -> dict[str, float]:
    """Give all beyond-accuracy metrics of the first k places, named and in the order of tables.

    Means are over the lists that hold at least one item; without any they are 0.

    Args:
        lists: ``(n_users, width)`` item codes, best first, padded with -1.
        catalogue: what is known of the items.
        k: places judged; None: all.

    Raises:
        EvaluationError: a list holds a code that is not of the catalogue, or k < 1.
    """
    if k is not None and k < 1:
        raise EvaluationError(f"k must be at least 1, found {k}")
    lists = as_lists(lists)[:, :k]
    lists = lists[(lists >= 0).any(axis=1)]
    n_items = len(catalogue.item_users)

    def mean(values: np.ndarray) -> float:
        return float(values.mean()) if len(values) else 0.0

    row = {
        "coverage": coverage(lists, n_items),
        "gini": gini(lists, n_items),
        "entropy_bits": entropy(lists, n_items),
        "personalisation": personalisation(lists, n_items),
        "novelty_bits": mean(novelty(lists, catalogue.item_users, catalogue.n_users)),
        "popularity": mean(popularity(lists, catalogue.item_users)),
        "tail_share": mean(tail_share(lists, catalogue.item_users)),
    }
    if catalogue.first_seen is not None:
        row["age_days"] = mean(freshness(lists, catalogue.first_seen, catalogue.as_of))
    if catalogue.item_values is not None:
        row["intra_list_diversity"] = mean(intra_list_diversity(lists, catalogue.item_values))
    return row
