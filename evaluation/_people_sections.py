"""The sections that look at single users and items."""

from __future__ import annotations

from typing import Any

from evaluation._blocks import Users, number


def samples(page: dict[str, Any]) -> list[Any]:
    """A few real users."""
    cards = []
    for sample in page["samples"]:
        history = " · ".join(reversed(sample["history"])) or "nothing yet"
        items = []
        for item in sample["items"]:
            why = ", ".join(item["sources"]) or "filled up by popularity"
            if item.get("score") is not None:
                why += f" · score {number(float(item['score']), 3)}"
            items.append({"title": item["title"], "why": why, "hit": bool(item.get("hit"))})
        segment = f" · {sample['segment']}" if sample.get("segment") else ""
        cards.append(
            {
                "name": f"User {sample['user']}{segment}",
                "history": f"Last seen, newest first: {history}",
                "items": items,
            }
        )
    return [Users(cards)]
