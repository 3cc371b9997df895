"""Score drift: what the sources say, between the windows learnt from and tomorrow.

The generators are fitted anew after the ranker has learnt their scores. A raw score may then mean
another thing; a rank or a percentile among the user's candidates may not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from evaluation.leaks.bins import psi_of
from evaluation.leaks.sample import Sample

FORMS = ("score", "rank", "percentile")
"""What the ranker is told of a source, as in the names of its features (``als:score``)."""


def score_drift(
    windows: Mapping[str, Sample],
    tomorrow: Sample,
    names: Sequence[str],
    sources: Sequence[str],
) -> dict[str, Any]:
    """Measure the PSI of every source's scores, ranks and percentiles.

    Args:
        windows: rows of every window by its name, oldest first.
        tomorrow: rows of the run's own day, where the generators are fitted anew.
        names: of the features.
        sources: names of the sources.

    Returns:
        JSON-able: ``windows`` (names), ``sources``, ``psi`` (form → source → PSI of each window
        against tomorrow), ``between`` (the same for each window against the next) and ``mean``
        (form → mean PSI of the newest window against tomorrow). Forms the ranker is not told of
        are left out.
    """
    at = {name: number for number, name in enumerate(names)}
    stack = list(windows.values())
    told = [form for form in FORMS if all(f"{source}:{form}" in at for source in sources)]
    psi: dict[str, dict[str, list[float]]] = {form: {} for form in told}
    between: dict[str, dict[str, list[float]]] = {form: {} for form in told}
    for form in told:
        for source in sources:
            row = at[f"{source}:{form}"]
            psi[form][source] = [_psi(window, tomorrow, row) for window in stack]
            between[form][source] = [_psi(a, b, row) for a, b in pairwise(stack)]
    return {
        "windows": list(windows),
        "sources": list(sources),
        "psi": psi,
        "between": between,
        "mean": {
            form: float(np.mean([values[-1] for values in psi[form].values()])) for form in told
        },
    }


def _psi(one: Sample, other: Sample, row: int) -> float:
    return psi_of(one.features[row], other.features[row], one.weight)
