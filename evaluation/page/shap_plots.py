"""Charts of SHAP values: a beeswarm, a value against its effect, two segments side by side.

Dots are drawn as a picture inside the SVG (thousands of circles would be most of the page); their
two colours are therefore fixed ones that read on light and on dark paper. Everything else takes
the page's colours as in :mod:`evaluation.page.plots`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from evaluation.page.plots import INK, MUTED, SERIES, _label_rows, _svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOW, MIDDLE, HIGH, UNDEFINED = "#3f8fd0", "#9a86b8", "#d9603f", "#8d9499"
"""Colours of a small, a middling and a large value, and of none."""
DOTS_PER_INCH = 120
SLOTS = 80
"""Columns that the dots of a beeswarm are stacked in."""


def beeswarm(
    labels: Sequence[str], effects: Sequence[np.ndarray], values: Sequence[np.ndarray]
) -> str:
    """Draw a dot a row of the sample: across its effect, coloured by the feature's value.

    Args:
        labels: names of the features, from top to bottom.
        effects: ``(n,)`` SHAP values of each.
        values: ``(n,)`` values of each; NaN where undefined.
    """

    def draw(axes: Axes) -> None:
        axes.figure.set_dpi(DOTS_PER_INCH)
        _label_rows(axes, labels)
        low, high = _range(effects)
        for at, (effect, value) in enumerate(zip(effects, values, strict=True)):
            slot = ((effect - low) / (high - low) * (SLOTS - 1)).astype(int)
            axes.scatter(effect, at + _stacked(slot), s=5, c=shades(value), lw=0, rasterized=True)
        axes.axvline(0, color=MUTED, lw=0.8)
        axes.set_xlim(low - 0.03 * (high - low), high + 0.03 * (high - low))
        axes.set_xlabel("← lowers the score      raises it →")

    return _svg(draw, 0.75 + 0.3 * len(labels))


def dependence(
    value: np.ndarray,
    effect: np.ndarray,
    shade: np.ndarray | None,
    steps: Sequence[tuple[float, float, float, float]],
) -> str:
    """Draw the effect of a feature over its value; the line is the mean, the band 10..90 %.

    Values run by their place in the sample, so that a few large ones do not squeeze all others.

    Args:
        value: ``(n,)`` values of the dots; NaN is left out.
        effect: ``(n,)`` their SHAP values.
        shade: ``(n,)`` values of another feature that colour the dots; None: one colour.
        steps: ``(value, mean, low, high)`` in rising order of values.
    """

    def draw(axes: Axes) -> None:
        axes.figure.set_dpi(DOTS_PER_INCH)
        known = ~np.isnan(value)
        order = np.sort(value[known])

        def place(x: np.ndarray) -> np.ndarray:
            left, right = np.searchsorted(order, x), np.searchsorted(order, x, side="right")
            return np.asarray((left + right) / 2 / max(len(order), 1))

        colours = LOW if shade is None else shades(shade[known])
        axes.scatter(
            place(value[known]), effect[known], 6, c=colours, lw=0, alpha=0.7, rasterized=True
        )
        if steps:
            at, mean, low, high = (np.asarray(column) for column in zip(*steps, strict=True))
            axes.fill_between(place(at), low, high, color=INK, alpha=0.1, lw=0)
            axes.plot(place(at), mean, color=INK, lw=1.6, marker="o" if len(at) < 3 else "")
        axes.axhline(0, color=MUTED, lw=0.8)
        if len(order):
            ticks = np.unique(order[np.linspace(0, len(order) - 1, 5).astype(int)])
            axes.set_xticks(place(ticks), [_tick(tick) for tick in ticks])
        axes.set_xlim(-0.03, 1.03)

    return _svg(draw, 2.2)


def paired_bars(labels: Sequence[str], first: Sequence[float], second: Sequence[float]) -> str:
    """Draw two bars a row, in the first and the second colour."""

    def draw(axes: Axes) -> None:
        at = np.arange(len(labels))
        for series, (values, shift) in enumerate(((first, -0.18), (second, 0.18))):
            axes.barh(at + shift, values, color=SERIES[series], alpha=0.85, height=0.34)
        _label_rows(axes, labels)
        axes.set_xlim(left=0)

    return _svg(draw, 0.55 + 0.3 * len(labels))


def shades(values: np.ndarray) -> list[str]:
    """Give every value a colour by its place among all: low, middle or high, in five steps."""
    known = ~np.isnan(values)
    order = np.sort(values[known])
    left, right = np.searchsorted(order, values), np.searchsorted(order, values, side="right")
    place = (left + right) / 2 / max(len(order), 1)
    steps = np.minimum((place * len(_RAMP)).astype(int), len(_RAMP) - 1)
    return [_RAMP[step] if k else UNDEFINED for step, k in zip(steps, known, strict=True)]


def _tick(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _mix(a: str, b: str) -> str:
    pairs = ((int(a[i : i + 2], 16), int(b[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{(x + y) // 2:02x}" for x, y in pairs)


_RAMP = (LOW, _mix(LOW, MIDDLE), MIDDLE, _mix(MIDDLE, HIGH), HIGH)


def _range(effects: Sequence[np.ndarray]) -> tuple[float, float]:
    low = min(float(effect.min()) for effect in effects)
    high = max(float(effect.max()) for effect in effects)
    return (low, high) if high > low else (low - 1.0, high + 1.0)


def _stacked(slot: np.ndarray) -> np.ndarray:
    """Shift dots of one slot up and down from the middle, the fuller the slot the wider."""
    order = np.argsort(slot, kind="stable")
    counts = np.bincount(slot)
    within = np.empty(len(slot))
    within[order] = np.arange(len(slot)) - np.repeat(np.cumsum(counts) - counts, counts)
    side = np.where(within % 2 == 0, 1, -1) * ((within + 1) // 2)
    return np.asarray(side * min(0.08, 0.8 / max(int(counts.max()), 1)))
