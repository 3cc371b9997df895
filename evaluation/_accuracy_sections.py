"""The sections that judge lists by what users did next: accuracy, and parts of the users."""

from __future__ import annotations

from typing import Any

from evaluation import _charts
from evaluation._blocks import Cell, Chart, Charts, Table, number, table


def metrics(page: dict[str, Any]) -> list[Any]:
    """All systems by all metrics, the main one as a chart, and the comparisons."""
    part = page["metrics"]
    main, rows = part["main"], part["rows"]
    intervals = [row.get("intervals", {}).get(main) for row in rows]
    values = [row["values"][main] for row in rows]
    low = [v if i is None else i["low"] for v, i in zip(values, intervals, strict=True)]
    high = [v if i is None else i["high"] for v, i in zip(values, intervals, strict=True)]
    names = [row["name"] for row in rows]
    charts = [
        Chart(
            f"{main} with 95 % intervals",
            _charts.dots(names, values, low, high, part["final"]),
            f"A dot is the mean over {number(part['users'])} users, its line what resampling "
            "those users gives. Lines may overlap and the final list still be surely better: the "
            "comparison user by user is sharper.",
            table(["list", main, "low", "high"], list(zip(names, values, low, high, strict=True))),
        )
    ]
    versus = part["comparisons"]
    if versus:
        cells = [[x["name"], x["difference"], x["low"], x["high"], x["p_better"]] for x in versus]
        charts.append(
            Chart(
                f"Final list minus each source, {main}",
                _charts.dots(
                    [f"− {x['name']}" for x in versus],
                    [x["difference"] for x in versus],
                    [x["low"] for x in versus],
                    [x["high"] for x in versus],
                ),
                "User by user over the same users. A line that stays right of 0 is a gain that "
                "is not chance.",
                table(["against", "difference", "low", "high", "probability ahead"], cells),
            )
        )
    caption = f"{number(part['users'])} users"
    if part["excluded"]:
        caption += f"; {number(part['excluded'])} without positives in the window are left out"
    return [_metric_table(rows, part["final"], caption), Charts(charts)]


def segments(page: dict[str, Any]) -> list[Any]:
    """One table a segment."""
    judged = page.get("metrics")
    final = judged.get("final", "") if isinstance(judged, dict) else ""
    return [
        _metric_table(part["rows"], final, f"{part['segment']}: {number(part['users'])} users")
        for part in page["segments"]
    ]


def _metric_table(rows: list[dict[str, Any]], final: str, caption: str) -> Table:
    """Systems by metrics; the best of a column is bold, intervals stand small below."""
    names = list(dict.fromkeys(name for row in rows for name in row["values"]))
    best = {n: max(row["values"][n] for row in rows if n in row["values"]) for n in names}
    cells = []
    for row in rows:
        line = [Cell(row["name"])]
        for name in names:
            value = row["values"].get(name)
            interval = row.get("intervals", {}).get(name)
            note = f"{number(interval['low'])} – {number(interval['high'])}" if interval else ""
            winner = value is not None and value > 0 and value == best[name]
            line.append(Cell(number(value), note, "best" if winner else ""))
        cells.append(line)
    strong = next((n for n, row in enumerate(rows) if row["name"] == final), -1)
    return Table(["list", *names], cells, caption=caption, strong=strong)
