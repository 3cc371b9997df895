"""The section that compares today's lists with those published before."""

from __future__ import annotations

from typing import Any

from evaluation.page import plots
from evaluation.page.blocks import (
    Chart,
    Charts,
    Columns,
    Figures,
    Note,
    Table,
    number,
    percent,
    table,
)


def stability(page: dict[str, Any]) -> list[Any]:
    """How much of the earlier lists is kept, and which items came and went."""
    part = page["stability"]
    if part["before"] is None:
        return [Note("Nothing was published before this day, so there is nothing to compare with.")]
    if not part["users"]:
        return [Note(f"No user had a list both on this day and on {part['before']}.")]
    what = f"Compared with the lists of {part['before']}"
    if part["days_apart"] > 1:
        what += f", {part['days_apart']} days before: nothing was published in between"
    if part["every"] > 1:
        what += f". A sample: every {part['every']}th user"
    kept, users = part["kept"], part["users"]
    mean = sum(at * n for at, n in enumerate(kept)) / users
    chart = Chart(
        "Items kept from the earlier list",
        plots.columns([str(at) for at in range(len(kept))], [n / users for n in kept]),
        "Share of users by how many items of today's list stood in their earlier one, whatever "
        "the place. All at the right: nothing moves; all at the left: every day a new service.",
        table(
            ["items kept", "users", "share"],
            [[at, n, percent(n / users)] for at, n in enumerate(kept)],
        ),
    )
    return [
        Note(f"{what}."),
        Figures(
            [
                ("users compared", number(users)),
                ("with a list for the first time", number(part["new_users"])),
                ("without one now", number(part["gone_users"])),
                ("items kept, mean", number(mean, 1)),
                ("rank-biased overlap", number(part["rbo"], 3)),
                ("Jaccard", number(part["jaccard"], 3)),
                ("not changed at all", percent(part["unchanged"])),
                ("same items", percent(part["same_items"])),
                ("same first item", percent(part["same_first"])),
                ("nothing in common", percent(part["all_new"])),
            ]
        ),
        Charts([chart]),
        Columns(
            [
                _moved("entered most lists", part["entered"]),
                _moved("left most lists", part["left"]),
            ]
        ),
    ]


def _moved(head: str, items: list[dict[str, Any]]) -> Table:
    rows = [
        [x["title"], x["before"], x["lists"], f"{x['lists'] - x['before']:+,}".replace("-", "−")]
        for x in items
    ]
    return table([head, "before", "now", "change"], rows)
