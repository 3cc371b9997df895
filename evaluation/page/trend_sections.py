"""The section that lays the day's figures beside those of the days before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from evaluation.page import plots
from evaluation.page.blocks import Cell, Chart, Charts, Note, Table, number, table
from evaluation.trend import BEYOND, FINAL, MAIN, MIN_DAYS, SIGMAS, band

NAMES = {
    "coverage": "Coverage",
    "gini": "Gini",
    "personalisation": "Personalisation",
    "novelty_bits": "Novelty (bits)",
    "intra_list_diversity": "Intra-list diversity",
}
SHOWN_SYSTEMS = 8
"""Lines of a chart at most: the final list and the sources that were best lately."""


def trend(page: dict[str, Any]) -> list[Any]:
    """The main figures day by day, the newest against the band of those before."""
    part = page["trend"]
    days = part["days"]
    if len(days) < 2:
        return [Note("These are the first figures of this data set: a trend needs a second day.")]
    final = part["series"].get(FINAL, {})
    blocks: list[Any] = [_against_the_band(final, days)]
    when = [date.fromisoformat(day) for day in days]
    order = _best_first(part["series"])
    charts = [_accuracy(part, name, when, order) for name in MAIN if name in final]
    charts += [_beyond(final, name, when) for name in BEYOND if name in final]
    return [*blocks, Charts(charts)]


def _against_the_band(final: dict[str, list[float | None]], days: Sequence[str]) -> Table:
    rows = []
    for name, (*before, value) in final.items():
        if value is None:
            continue
        span, last = band(before), before[-1]
        odd = span is not None and not span.low <= value <= span.high
        change = None if last is None else value - last
        rows.append(
            [
                Cell(NAMES.get(name, name)),
                Cell(number(last)),
                Cell(number(value), mark="bad" if odd else ""),
                Cell("–" if change is None else f"{'+' if change > 0 else ''}{number(change)}"),
                Cell("–" if span is None else f"{number(span.low)} – {number(span.high)}"),
            ]
        )
    caption = f"Final list; the usual is the mean of the days before ± {SIGMAS:.0f} deviations"
    if len(days) <= MIN_DAYS:
        caption = f"Final list; what is usual is known from {MIN_DAYS} days on"
    head = ["", days[-2], days[-1], "change", "usual"]
    return Table(head, rows, caption=caption)


def _best_first(series: dict[str, dict[str, list[float | None]]]) -> list[str]:
    """Order the systems once, so that each has its colour in all charts."""
    main = {system: own.get(MAIN[0], [None]) for system, own in series.items()}
    return sorted(main, key=lambda system: (system != FINAL, -_newest(main[system])))


def _accuracy(part: dict[str, Any], name: str, when: Sequence[date], order: Sequence[str]) -> Chart:
    """One figure of the final list and of the sources, by day."""
    shown = {
        system: part["series"][system][name]
        for system in order[:SHOWN_SYSTEMS]
        if name in part["series"][system]
    }
    span = part["intervals"].get(name)
    return Chart(
        name,
        plots.by_day(when, shown, (span["low"], span["high"]) if span else None),
        "A point is judged on the test window before its day; the shade is the 95 % interval of "
        "the final list. A step out of the shade is more than chance among users explains.",
        _numbers(when, shown),
        list(shown),
    )


def _beyond(final: dict[str, list[float | None]], name: str, when: Sequence[date]) -> Chart:
    """One beyond-accuracy figure of the final list, by day, with its usual band."""
    span = band(final[name][:-1])
    edges = None
    if span is not None:
        edges = ([span.low] * len(when), [span.high] * len(when))
    return Chart(
        f"{NAMES[name]} of the final list",
        plots.by_day(when, {FINAL: final[name]}, edges),
        "The shade is what the days before make usual; the last point should lie inside."
        if edges
        else f"What is usual is shaded from {MIN_DAYS} earlier days on.",
        _numbers(when, {FINAL: final[name]}),
    )


def _numbers(when: Sequence[date], series: dict[str, list[float | None]]) -> Table:
    rows = zip(when, *series.values(), strict=True)
    return table(["as of", *series], [[str(day), *values] for day, *values in reversed([*rows])])


def _newest(values: Sequence[float | None]) -> float:
    return next((value for value in reversed(values) if value is not None), 0.0)
