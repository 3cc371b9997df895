"""Beyond accuracy: is what we recommend varied, new, fresh, and fair to the catalogue?

Single metrics for lists ``(n_users, k)`` of item codes, best first, padded with -1, and
:func:`beyond` that gives all of them as one row of a table. Every edge case has a value stated in
the metric's docstring; none is NaN:

=============================  =====================================================================
a list shorter than k          counts as it is; the padding is no item
an empty list                  is no list: left out of every mean
no list at all, no users       0 for every metric
one user, identical lists      personalisation 0; all else as always
an item without attributes     its pairs are left out; a list of such items has diversity 0
a user without history         left out of lift, unexpectedness and miscalibration
a user without positives       left out of serendipity
a source that gave nothing     a row of zeros
=============================  =====================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

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
from evaluation._overlap import jaccard, overlap_part, personalisation, rbo
from evaluation._pairs import Values
from evaluation._personal import miscalibration, popularity_lift, serendipity, unexpectedness
from evaluation.relevance import EvaluationError, UserItems, as_lists

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
    "miscalibration",
    "novelty",
    "overlap_part",
    "personalisation",
    "popularity",
    "popularity_lift",
    "rbo",
    "serendipity",
    "tail_share",
    "unexpectedness",
]


@dataclass(frozen=True)
class Catalogue:
    """What is known of the items on the day recommended for; position is the item code.

    Attributes:
        item_users: ``(n_items,)`` number of users who met the item before the day.
        n_users: all users of the log, >= 1.
        as_of: the day recommended for.
        first_seen: ``(n_items,)`` datetime64[D], NaT where never; None: freshness is left out.
        item_values: ``(n_items, n_values)`` CSR or dense, attributes; None: diversity, calibration
            and unexpectedness are left out.
        vectors: ``(n_items, d)`` of a source that has some (ALS, a neural model), zeros where it
            knows nothing; None: diversity by embedding is left out.
    """

    item_users: np.ndarray
    n_users: int
    as_of: date
    first_seen: np.ndarray | None = None
    item_values: Values | None = None
    vectors: np.ndarray | None = None


def beyond(
    lists: np.ndarray,
    catalogue: Catalogue,
    k: int | None = None,
    history: UserItems | None = None,
    relevant: UserItems | None = None,
) -> dict[str, float]:
    """Give all beyond-accuracy metrics of the first k places, named and in the order of tables.

    Means are over the lists that hold at least one item; without any they are 0.

    Args:
        lists: ``(n_users, width)`` item codes, best first, padded with -1.
        catalogue: what is known of the items.
        k: places judged; None: all.
        history: items of the same user rows before the day; None: ``popularity_lift``,
            ``unexpectedness`` and ``miscalibration`` are left out.
        relevant: relevant items of the same user rows; None: ``serendipity`` is left out.

    Raises:
        EvaluationError: a list holds a code that is not of the catalogue, k < 1, or ``history`` or
            ``relevant`` are of other users.
    """
    if k is not None and k < 1:
        raise EvaluationError(f"k must be at least 1, found {k}")
    lists = as_lists(lists)[:, :k]
    for name, owned in (("history", history), ("relevant", relevant)):
        if owned is not None and len(owned) != len(lists):
            raise EvaluationError(f"{len(lists)} lists but {name} of {len(owned)} users")
    real = np.any(lists >= 0, axis=1)
    if not real.all():
        lists = lists[real]
        history = None if history is None else history.take(real)
        relevant = None if relevant is None else relevant.take(real)
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
    if history is not None:
        row["popularity_lift"] = popularity_lift(lists, catalogue.item_users, history)
    if catalogue.first_seen is not None:
        row["age_days"] = mean(freshness(lists, catalogue.first_seen, catalogue.as_of))
    values = catalogue.item_values
    if values is not None:
        row["intra_list_diversity"] = mean(intra_list_diversity(lists, values))
    if catalogue.vectors is not None:
        apart = intra_list_diversity(lists, catalogue.vectors, "cosine")
        row["embedding_diversity"] = mean(apart)
    if history is not None and values is not None:
        row["unexpectedness"] = unexpectedness(lists, history, values).mean
        row["miscalibration"] = miscalibration(lists, history, values).mean
    if relevant is not None:
        row["serendipity"] = serendipity(lists, relevant, catalogue.item_users).mean
    return row
