"""The section about the gate: what was published, and why."""

from __future__ import annotations

from typing import Any

from evaluation._blocks import Figures, table


def gate(page: dict[str, Any]) -> list[Any]:
    """What was published, the reason in words, and the numbers that decided."""
    part = page["gate"]
    blocks: list[Any] = [Figures([("published", part["publish"]), ("verdict", part["verdict"])])]
    numbers = part.get("numbers") or []
    if numbers:
        head = list(dict.fromkeys(name for row in numbers for name in row))
        rows = [[row.get(name) for name in head] for row in numbers]
        blocks.append(table(head, rows, caption=part["why"]))
    return blocks
