"""The sections that judge lists by what users did next: accuracy, and parts of the users."""

from __future__ import annotations

from typing import Any

from evaluation.page import plots
from evaluation.page.blocks import Cell, Chart, Charts, Fold, Table, number, percent, table
from evaluation.trend import CHAMPION, FINAL, MAIN


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
            plots.dots(names, values, low, high, part["final"]),
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
                plots.dots(
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
    """The final list against the best source in every part of the users, then all figures."""
    judged = page.get("metrics")
    final = judged.get("final", FINAL) if isinstance(judged, dict) else FINAL
    main = judged.get("main", MAIN[0]) if isinstance(judged, dict) else MAIN[0]
    rows, shown = [], []
    for part in page["segments"]:
        values = {row["name"]: row["values"] for row in part["rows"]}
        own, rival = values.get(final, {}).get(main), best_source(part["rows"], main, final)
        if own is None or not part["users"]:
            rows.append([part["segment"], "–", part["users"], None, None, "–"])
            continue
        best = None if rival is None else rival["values"][main]
        gain = "–" if not best else percent(own / best - 1, 0).replace("-", "−")
        name = "–" if rival is None else rival["name"]
        behind = best is not None and own < best
        last = Cell(gain if behind or gain == "–" else f"+{gain}", mark="bad" if behind else "")
        rows.append([part["segment"], name, part["users"], own, best, last])
        shown.append((f"{part['segment']} ({number(part['users'])})", own, best or 0.0))
    head = ["users", "best source", "how many", f"final {main}", "best source", "gain"]
    whole = [
        _metric_table(part["rows"], final, f"{part['segment']}: {number(part['users'])} users")
        for part in page["segments"]
    ]
    chart = Chart(
        f"{main} in every part of the users",
        plots.pairs([x[0] for x in shown], [x[2] for x in shown], [x[1] for x in shown]),
        "The final list should lie to the right of the best source of the same users. Parts with "
        "few users (the number in brackets) move by chance.",
        table(
            ["users", f"final {main}", f"best source {main}"], [[x[0], x[1], x[2]] for x in shown]
        ),
        ("final list", "best single source"),
    )
    return [
        table(head, rows, texts=2),
        *([Charts([chart])] if shown else []),
        Fold("All figures of every part", whole),
    ]


def best_source(rows: list[dict[str, Any]], metric: str, final: str) -> dict[str, Any] | None:
    """Give the row of the best single source in a metric; None where there is none."""
    sources = [
        row for row in rows if row["name"] not in (final, CHAMPION) and metric in row["values"]
    ]
    return max(sources, key=lambda row: row["values"][metric], default=None)


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
