"""Lists made without a family of features, and how they are told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

import numpy as np

ALL = "all features"
LOWEST, HIGHEST = "lowest MAP@10", "highest MAP@10"
"""Of the seeds: a family is worth something where the ranges with and without it lie apart."""


class Cuts(NamedTuple):
    """Lists of the first test day, made with all features and without each family."""

    user: np.ndarray
    """``(n,)`` int32 codes: who likes something in the test window."""
    lists: dict[str, np.ndarray]
    """``all features``, then "without …" → ``(seeds, n, k)`` int32, best first, -1: none."""


NO_CUTS = Cuts(np.empty(0, np.int32), {})


def describe_cuts(as_of: date, families: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Say what the final list loses without each family, a line each.

    Args:
        as_of: first day of the test.
        families: cut → metrics averaged over the seeds, among them MAP@10 and NDCG@10, and the
            lowest and highest MAP@10.
    """
    whole = families.get(ALL, {}).get("MAP@10", 0.0)
    return [
        f"as_of {as_of}, {cut}: MAP@10 {found['MAP@10']:.4f} ({found['MAP@10'] - whole:+.4f}; "
        f"seeds {found[LOWEST]:.4f}..{found[HIGHEST]:.4f}), NDCG@10 {found['NDCG@10']:.4f}"
        for cut, found in families.items()
    ]
