"""The section that says how much the lists of every two systems share."""

from __future__ import annotations

from typing import Any

from evaluation.page import plots
from evaluation.page.blocks import Chart, Charts, table


def overlap(page: dict[str, Any]) -> list[Any]:
    """Jaccard and rank-biased overlap of every two sources, and of each with the final list."""
    part = page["overlap"]
    names = part["systems"]
    places = "all places" if part["k"] is None else f"the first {part['k']} places"
    charts = [
        Chart(
            f"{title}, {places}",
            plots.heat(names, part[key]),
            reading,
            table(
                ["list", *names],
                [[name, *row] for name, row in zip(names, part[key], strict=True)],
            ),
        )
        for key, title, reading in (
            (
                "jaccard",
                "Same items (Jaccard)",
                "Of the items in a user's two lists, the share that stands in both. A source "
                "whose row is strong at the final list is where that list comes from.",
            ),
            (
                "rbo",
                "Same order (rank-biased overlap)",
                "1 is the same list, 0 nothing in common; the upper places weigh more.",
            ),
        )
    ]
    return [Charts(charts)]
