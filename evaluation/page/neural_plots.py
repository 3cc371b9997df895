"""Charts of what neural sources learned: two distributions, a map, a curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from evaluation.page.plots import MUTED, SERIES, _svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def two_histograms(edges: Sequence[float], first: Sequence[float], second: Sequence[float]) -> str:
    """Draw two filled histograms over the same bins, the first in the first colour."""

    def draw(axes: Axes) -> None:
        for colour, shares in zip(SERIES, (first, second), strict=False):
            axes.stairs(shares, edges, color=colour, lw=1.4)
            axes.stairs(shares, edges, color=colour, fill=True, alpha=0.2, lw=0)
        filled = np.flatnonzero(np.asarray(first) + np.asarray(second))
        axes.set_xlim(edges[filled[0]] - 0.05, edges[filled[-1] + 1] + 0.05)
        axes.axvline(0, color=MUTED, lw=0.8)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("cosine of the two items' vectors")

    return _svg(draw, 2.3)


def scatter(x: Sequence[float], y: Sequence[float], group: Sequence[int], groups: int) -> str:
    """Draw points without axes, the groups in the page's colours."""

    def draw(axes: Axes) -> None:
        points, own = np.column_stack([x, y]), np.asarray(group)
        for at in range(groups):
            mine = points[own == at]
            axes.plot(mine[:, 0], mine[:, 1], "o", color=SERIES[at % len(SERIES)], ms=2.2, mew=0)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)

    return _svg(draw, 3.6)
