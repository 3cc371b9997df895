"""The sections that look at single users and items."""

from __future__ import annotations

from typing import Any

from evaluation.exposure import CROWDED
from evaluation.page import plots
from evaluation.page.blocks import (
    Cell,
    Chart,
    Charts,
    Figures,
    Table,
    Users,
    number,
    percent,
    table,
)

PAIR = ("places tomorrow", "history")


def samples(page: dict[str, Any]) -> list[Any]:
    """A few real users."""
    cards = []
    for sample in page["samples"]:
        history = " · ".join(reversed(sample["history"])) or "nothing yet"
        items = []
        for item in sample["items"]:
            why = ", ".join(item["sources"]) or "filled up by popularity"
            if item.get("score") is not None and not item.get("why"):
                why += f" · score {number(float(item['score']), 3)}"
            moved = " · ".join(item.get("why") or []).replace("-", "−")
            items.append(
                {"title": item["title"], "why": why, "moved": moved, "new": item.get("new")}
            )
        segment = f" · {sample['segment']}" if sample.get("segment") else ""
        cards.append(
            {
                "name": f"User {sample['user']}{segment}",
                "history": f"Last seen, newest first: {history}",
                "items": items,
                "note": sample.get("note", ""),
            }
        )
    return [Users(cards)]


def items(page: dict[str, Any]) -> list[Any]:
    """Who gets which item tomorrow: the most shown ones, ages, concentration."""
    part = page["items"]
    top, ages = part["top"], part["ages"]
    rows = []
    for x in top:
        typical = "–" if x["group"] is None else f"{x['group']} (× {number(x['lift'], 1)})"
        crowded = x["of_users"] > CROWDED
        rows.append(
            [
                Cell(x["title"]),
                Cell(typical),
                Cell(number(x["lists"])),
                Cell(percent(x["of_users"]), mark="bad" if crowded else ""),
                Cell(percent(x["of_places"], 2)),
                Cell(percent(x["of_history"], 2)),
                Cell("new" if x["age_days"] is None else number(x["age_days"])),
            ]
        )
    shares = Chart(
        "Share of tomorrow's places against share of the history",
        plots.pairs(
            [x["title"] for x in top],
            [100 * x["of_history"] for x in top],
            [100 * x["of_places"] for x in top],
        ),
        "Per cent. A long line to the right is an item that the lists push well beyond what users "
        "chose so far: right for a new release, worth a look for an old one.",
        table(
            ["item", "of the history, %", "of the places, %"],
            [[x["title"], 100 * x["of_history"], 100 * x["of_places"]] for x in top],
        ),
        PAIR,
    )
    by_age = Chart(
        "Places by the age of the item",
        plots.pairs(
            [x["age"] for x in ages],
            [100 * x["history"] for x in ages],
            [100 * x["places"] for x in ages],
        ),
        "Per cent, by the days since an item was first met. Fresh items have little history, so "
        "their places should lie to the right of it.",
        table(
            ["age", "items", "of the history, %", "of the places, %"],
            [[x["age"], x["items"], 100 * x["history"], 100 * x["places"]] for x in ages],
        ),
        PAIR,
    )
    held = [
        [
            f"{percent(x['catalogue'], 0)} of the catalogue",
            percent(x["places"]),
            percent(x["history"]),
        ]
        for x in part["concentration"]
    ]
    head = ["item", "typical of", "lists", "of users", "of places", "of history", "age, days"]
    note = f", of every {part['every']}th user" if part.get("every", 1) > 1 else ""
    return [
        Figures(
            [
                ("items", number(part["items"])),
                ("in at least one list", number(part["shown"])),
                ("users with a list", number(part["users"])),
            ]
        ),
        Table(head, rows, texts=2, caption=f"Items in most lists{note}"),
        Charts([shares, by_age]),
        table(["the most shown (most met)", "hold of the places", "hold of the history"], held),
    ]
