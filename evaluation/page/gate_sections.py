"""The section about the gate: what was published, and why."""

from __future__ import annotations

from typing import Any

from evaluation.page import plots
from evaluation.page.blocks import Cell, Chart, Charts, Figures, Note, Table, number, table

VERDICTS = {
    "new": "the new list",
    "champion": "the champion again",
    "fallback": "the best single source instead",
}


def gate(page: dict[str, Any]) -> list[Any]:
    """What was published, the reason in words, and the comparisons that decided."""
    part = page["gate"]
    verdict = VERDICTS.get(part["verdict"], part["verdict"])
    blocks: list[Any] = [
        Figures(
            [
                ("published", part["publish"]),
                ("that is", verdict),
                ("compared by", part.get("metric", "–")),
                ("users judged", number(part.get("users"))),
            ]
        ),
        Note(part["why"]),
    ]
    numbers = part.get("numbers") or []
    if numbers:
        blocks += [_comparisons(numbers), Charts([_chart(numbers, part.get("metric", ""))])]
    return [*blocks, *(Note(str(note)) for note in part.get("notes") or [])]


def _comparisons(numbers: list[dict[str, Any]]) -> Table:
    rows = [
        [
            Cell(row["candidate"]),
            Cell(row["rival"]),
            Cell("holds" if row["holds"] else "does not hold", mark="" if row["holds"] else "bad"),
            Cell(number(row["value"])),
            Cell(number(row["rival_value"])),
            Cell(number(row["difference"]), f"{number(row['low'])} – {number(row['high'])}"),
        ]
        for row in numbers
    ]
    head = ["list", "against", "does it hold", "its value", "the rival's", "difference, 95 %"]
    return Table(head, rows, texts=3)


def _chart(numbers: list[dict[str, Any]], metric: str) -> Chart:
    names = [f"{row['candidate']} − {row['rival']}" for row in numbers]
    middle, low, high = ([row[key] for row in numbers] for key in ("difference", "low", "high"))
    return Chart(
        f"Differences that decided, {metric}",
        plots.dots(names, middle, low, high),
        "User by user over the same users. A list holds where its dot is right of 0, or so little "
        "left of it that the line still reaches 0.",
        table(
            ["list − rival", "difference", "low", "high"],
            list(zip(names, middle, low, high, strict=True)),
        ),
    )
