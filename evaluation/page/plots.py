"""Charts of the report: small matplotlib SVGs that take the page's colours and fonts.

Colours are drawn as sentinels and replaced by the page's CSS variables, text stays text; so one
SVG reads well in light, dark and print. Nothing in it depends on the clock or on a random id.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, GRID = "#010101", "#020202", "#030303"
SERIES = tuple(f"#0a0a{n:02x}" for n in range(1, 9))
_VARIABLES = {INK: "var(--ink)", MUTED: "var(--muted)", GRID: "var(--rule)"} | {
    colour: f"var(--s{n})" for n, colour in enumerate(SERIES, 1)
}
FEW_DAYS = 7
WIDTH = 4.4
"""Inches; narrow, so that on a phone the text is still read without zooming."""
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "zavtra",
    "text.parse_math": False,
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
}


def bars(labels: Sequence[str], values: Sequence[float], part: Sequence[float] = ()) -> str:
    """Draw horizontal bars from top to bottom; ``part`` of each is strong, from its end."""

    def draw(axes: Axes) -> None:
        at = np.arange(len(labels))
        axes.barh(at, values, color=SERIES[0], alpha=0.45 if len(part) else 0.85, height=0.64)
        if len(part):
            left = np.asarray(values) - np.asarray(part)
            axes.barh(at, part, left=left, color=SERIES[0], height=0.64)
        _label_rows(axes, labels)
        axes.set_xlim(left=0)

    return _svg(draw, 0.55 + 0.21 * len(labels))


def dots(
    labels: Sequence[str],
    values: Sequence[float],
    low: Sequence[float],
    high: Sequence[float],
    strong: str = "",
) -> str:
    """Draw a dot with its interval a row, and 0 as a line.

    The row named ``strong`` is in the accent colour, the others are grey; without one all are.
    """

    def draw(axes: Axes) -> None:
        for at, label in enumerate(labels):
            colour = SERIES[0] if strong in ("", label) else MUTED
            axes.plot([low[at], high[at]], [at, at], color=colour, lw=1.6, solid_capstyle="round")
            axes.plot(values[at], at, "o", color=colour, ms=6, clip_on=False)
        axes.axvline(0, color=MUTED, lw=1)
        _label_rows(axes, labels)

    return _svg(draw, 0.55 + 0.26 * len(labels))


def lines(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    bands: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    x_label: str,
) -> str:
    """Draw a line a series, colours in the order given; ``bands`` shade low..high around it."""

    def draw(axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        for n, (name, (x, y)) in enumerate(series.items()):
            colour = SERIES[n % len(SERIES)]
            marker = "o" if len(x) < 3 else ""
            axes.plot(x, y, marker=marker, color=colour, lw=1.8, zorder=3 if n == 0 else 2)
            if name in bands:
                axes.fill_between(x, *bands[name], color=colour, alpha=0.15, lw=0)
        axes.set_xlabel(x_label)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))

    return _svg(draw, 2.7)


def days(when: Sequence[date], counts: Sequence[float]) -> str:
    """Draw a figure a day as a filled line from zero."""

    def draw(axes: Axes) -> None:
        x = np.asarray(when, "datetime64[D]")
        axes.fill_between(x, counts, step="mid", color=SERIES[0], alpha=0.25, lw=0)
        axes.plot(x, counts, drawstyle="steps-mid", color=SERIES[0], lw=1.1)
        axes.set_ylim(bottom=0)
        _date_axis(axes)

    return _svg(draw, 1.9)


def by_day(
    when: Sequence[date],
    series: Mapping[str, Sequence[float | None]],
    shade: tuple[Sequence[float | None], Sequence[float | None]] | None = None,
) -> str:
    """Draw a line a series over days, gaps where a day has no value; the first one is strong."""

    def draw(axes: Axes) -> None:
        x = np.asarray(when, "datetime64[D]")
        for n, values in enumerate(series.values()):
            y = np.array([np.nan if value is None else value for value in values])
            colour = SERIES[n % len(SERIES)]
            axes.plot(x, y, color=colour, lw=1.2 if n else 2.2, zorder=2 if n else 3)
            axes.plot(x[-1:], y[-1:], "o", color=colour, ms=3 if n else 5, zorder=4)
        if shade is not None:
            low, high = (np.array([np.nan if v is None else v for v in side]) for side in shade)
            axes.fill_between(x, low, high, color=SERIES[0], alpha=0.15, lw=0)
        _date_axis(axes, np.unique(x))

    return _svg(draw, 2.3)


def columns(labels: Sequence[str], values: Sequence[float]) -> str:
    """Draw upright bars of shares 0..1, with the per cent above each."""

    def draw(axes: Axes) -> None:
        from matplotlib.ticker import PercentFormatter

        axes.bar(range(len(values)), values, color=SERIES[0], alpha=0.85, width=0.72)
        if len(values) <= 12:
            for at, value in enumerate(values):
                if value:
                    shown = f"{value * 100:.0f}" if value >= 0.01 else "<1"
                    axes.text(at, value, shown, ha="center", va="bottom", size=7.5, color=MUTED)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        step = -(-len(labels) // 21)
        axes.set_xticks(range(0, len(labels), step), labels[::step])
        axes.grid(visible=False, axis="x")
        axes.margins(y=0.12)

    return _svg(draw, 2.1)


def pairs(labels: Sequence[str], before: Sequence[float], after: Sequence[float]) -> str:
    """Draw two dots a row, joined: the first colour for what is, the second for what was."""

    def draw(axes: Axes) -> None:
        at = np.arange(len(labels))
        axes.hlines(at, before, after, color=MUTED, lw=1.2, alpha=0.6)
        axes.plot(before, at, "o", color=SERIES[1], ms=5, clip_on=False)
        axes.plot(after, at, "o", color=SERIES[0], ms=6, clip_on=False)
        _label_rows(axes, labels)
        axes.set_xlim(left=0)

    return _svg(draw, 0.55 + 0.24 * len(labels))


def timeline(rows: Sequence[tuple[str, date, date, int]], as_of: date) -> str:
    """Draw windows ``(name, start, end, series)`` below one another, and ``as_of`` as a line."""

    def draw(axes: Axes) -> None:
        import matplotlib.dates as mdates

        for at, (_, start, end, series) in enumerate(rows):
            left = mdates.date2num(start)
            axes.barh(at, mdates.date2num(end) - left, left=left, color=SERIES[series], height=0.56)
        axes.axvline(mdates.date2num(as_of), color=INK, lw=1.2)
        axes.xaxis_date()
        _date_axis(axes)
        _label_rows(axes, [row[0] for row in rows])

    return _svg(draw, 0.5 + 0.26 * len(rows))


def heat(labels: Sequence[str], matrix: Sequence[Sequence[float]]) -> str:
    """Draw a square of shares 0..1, stronger is more, each cell with its number."""

    def draw(axes: Axes) -> None:
        from matplotlib.patches import Rectangle

        n = len(labels)
        for i in range(n):
            for j in range(n):
                value = float(matrix[i][j])
                shade = min(max(value, 0.0), 1.0)
                axes.add_patch(
                    Rectangle((j, i), 0.96, 0.96, color=SERIES[0], alpha=0.04 + 0.56 * shade, lw=0)
                )
                shown, at = f"{value:.2f}", (j + 0.48, i + 0.5)
                axes.text(*at, shown, ha="center", va="center", size=min(9, 72 / n))
        axes.set_xlim(0, n)
        axes.set_ylim(n, 0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        middles = np.arange(n) + 0.48
        axes.set_xticks(middles, [_short(x, 14) for x in labels], rotation=35, ha="right")
        axes.set_yticks(middles, [_short(x, 18) for x in labels])

    return _svg(draw, 0.9 + 0.36 * len(labels))


def _label_rows(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), [_short(label, 30) for label in labels])
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", labelcolor=INK)


def _date_axis(axes: Axes, days: np.ndarray | None = None) -> None:
    """Write dates below; few ``days`` are each written out."""
    import matplotlib.dates as mdates

    if days is not None and len(days) <= FEW_DAYS:
        axes.set_xticks(days, [f"{day.day} {day:%b}" for day in days.tolist()])
        return
    locator = mdates.AutoDateLocator(minticks=3, maxticks=6)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))


def _short(label: str, length: int) -> str:
    """Cut in the middle: what differs is often the end, such as the length of a window."""
    if len(label) <= length:
        return label
    tail = length // 3
    return f"{label[: length - tail - 1]}…{label[-tail:]}"


def _svg(draw: Callable[[Axes], None], height: float) -> str:
    """Run ``draw`` on one pair of axes and return an SVG element without ids of its own."""
    from matplotlib import style
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # "default" first: a matplotlibrc of the machine must not change the page.
    with style.context(["default", _STYLE]), warnings.catch_warnings():
        # Only measuring needs the glyph; the text is drawn by the reader's fonts.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        canvas = FigureCanvasSVG(figure)
        draw(figure.add_subplot())
        file = io.StringIO()
        canvas.print_svg(file, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return _for_page(file.getvalue())


def _for_page(svg: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>', r'<svg viewBox="\1">', svg, count=1)
    svg = re.sub(r"<defs>\s*<style.*?</defs>", "", svg, flags=re.S)
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda m: m[0] if m[1] in used else "", svg)
    svg = re.sub(r"font-family: [^;]+; ", "", svg)
    svg = svg.replace("xlink:href", "href")
    return re.sub("#0[0-9a-f]{5}", lambda m: _VARIABLES.get(m[0], m[0]), svg)
