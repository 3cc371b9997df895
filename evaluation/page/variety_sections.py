"""The sections that say how varied, new and fair to the catalogue the lists are."""

from __future__ import annotations

from typing import Any

from evaluation.page import plots
from evaluation.page.blocks import Cell, Chart, Charts, Fold, Table, number, table

_MEANINGS = {
    "coverage": ("coverage", "share of the catalogue in at least one list"),
    "gini": ("Gini", "0: all items equally often, 1: one item has all places"),
    "entropy_bits": ("entropy, bits", "of places over items; higher is more even"),
    "personalisation": ("personalisation", "1: no two users share an item, 0: all lists the same"),
    "novelty_bits": ("novelty, bits", "self-information of an item; higher is less known"),
    "popularity": ("popularity", "users who met the item before, mean"),
    "tail_share": ("tail share", "places with items outside the head that has 80 % of all events"),
    "popularity_lift": ("popularity lift", "against the user's own history; 1: twice as popular"),
    "age_days": ("age, days", "since the item was first seen, mean"),
    "intra_list_diversity": ("intra-list diversity", "1 − Jaccard of attributes, mean of pairs"),
    "embedding_diversity": ("diversity by embedding", "1 − cosine of vectors, mean of pairs"),
    "unexpectedness": ("unexpectedness", "1 − cosine of attributes to the user's history"),
    "miscalibration": ("miscalibration", "divergence from the history's attributes, nats; 0: same"),
    "serendipity": ("serendipity", "hits that popularity would have placed lower, a place"),
}
_HIGHER_IS_BETTER = (
    "coverage",
    "entropy_bits",
    "personalisation",
    "novelty_bits",
    "tail_share",
    "intra_list_diversity",
    "embedding_diversity",
    "serendipity",
)


def beyond(page: dict[str, Any]) -> list[Any]:
    """All systems by all beyond-accuracy metrics, and what they mean."""
    part = page["beyond"]
    keys = [key for key in _MEANINGS if any(key in row for row in part.values())]
    best = {
        key: max(row[key] for row in part.values() if key in row)
        for key in keys
        if key in _HIGHER_IS_BETTER and len({row.get(key) for row in part.values()}) > 1
    }
    rows = []
    for name, row in part.items():
        cells = [Cell(name)]
        for key in keys:
            value = row.get(key)
            shown = number(value, 1) if key in ("popularity", "age_days") else number(value, 3)
            winner = value is not None and value == best.get(key)
            cells.append(Cell(shown, mark="best" if winner else ""))
        rows.append(cells)
    meanings = [[_MEANINGS[key][0], _MEANINGS[key][1]] for key in keys]
    return [
        Table(["list", *(_MEANINGS[key][0] for key in keys)], rows),
        Fold("What the figures mean", [table(["figure", "meaning"], meanings, texts=2)]),
    ]


def diversity(page: dict[str, Any]) -> list[Any]:
    """Diversity(k): within a list and over all lists."""
    part = page["diversity"]
    names = list(part)
    with_attributes = {name: curve for name, curve in part.items() if curve["ild"]}
    charts = []
    if with_attributes:
        # A list of one item has no pair to differ; the line begins at two.
        at = {n: int(c["k"][0] == 1 and len(c["k"]) > 1) for n, c in with_attributes.items()}
        charts.append(
            Chart(
                "Variety within a list",
                plots.lines(
                    {n: (c["k"][at[n] :], c["ild"][at[n] :]) for n, c in with_attributes.items()},
                    {
                        n: (c["ild_low"][at[n] :], c["ild_high"][at[n] :])
                        for n, c in with_attributes.items()
                    },
                    "k, places of the list",
                ),
                "Mean difference of the attributes of two items of the same list: 0 all alike, 1 "
                "nothing in common. The shade is the 95 % interval over lists.",
                _curve_table(with_attributes, "ild"),
                list(with_attributes),
            )
        )
    charts.append(
        Chart(
            "Different items over all lists",
            plots.lines(
                {n: (c["k"], c["distinct_items"]) for n, c in part.items()},
                {},
                "k, places of the list",
            ),
            "How many different items the first k places of all users hold together: a flat line "
            "gives everyone the same few.",
            _curve_table(part, "distinct_items"),
            names,
        )
    )
    if with_attributes:
        charts.append(
            Chart(
                "Attribute values in a list",
                plots.lines(
                    {n: (c["k"], c["distinct_values"]) for n, c in with_attributes.items()},
                    {},
                    "k, places of the list",
                ),
                "Mean number of different genres (or other values) among a user's first k items.",
                _curve_table(with_attributes, "distinct_values"),
                list(with_attributes),
            )
        )
    return [Charts(charts)]


def _curve_table(curves: dict[str, Any], key: str) -> Table:
    ks = sorted({k for curve in curves.values() for k in curve["k"]})
    at = {name: dict(zip(c["k"], c[key], strict=True)) for name, c in curves.items()}
    return table(["k", *curves], [[k, *(at[name].get(k) for name in curves)] for k in ks])
