"""The rows that the leak suite looks at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from evaluation.relevance import EvaluationError


@dataclass(frozen=True)
class Sample:
    """Rows of one window, or of tomorrow.

    Attributes:
        features: ``(n_features, n)`` float32, NaN where undefined.
        group: ``(n,)`` int64: one list, that is one (user, day).
        weight: ``(n,)`` float32.
        label: ``(n,)`` float32, 1 for a hit; None for tomorrow.
    """

    features: np.ndarray
    group: np.ndarray
    weight: np.ndarray
    label: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.group)

    def check(self, names: Sequence[str]) -> None:
        """Refuse what cannot be judged.

        Raises:
            EvaluationError: no rows, another number of features than names, or one class only.
        """
        if not len(self) or len(self.features) != len(names):
            raise EvaluationError(
                f"{len(self)} rows of {len(self.features)} features for {len(names)} names; the "
                "leak suite needs rows, and one name a feature"
            )
        if self.label is not None and not 0 < self.label.sum() < len(self):
            raise EvaluationError(
                f"{len(self)} rows with {int(self.label.sum())} hits; the leak suite needs hits "
                "and non-hits"
            )

    def lists(self, rows: int, seed: int) -> Sample:
        """Keep whole lists, drawn at random, of about so many rows in all at most."""
        if len(self) <= rows:
            return self
        names, size = np.unique(self.group, return_counts=True)
        order = np.random.default_rng(seed).permutation(len(names))
        kept = order[: max(int(np.searchsorted(np.cumsum(size[order]), rows)), 1)]
        return self.take(np.flatnonzero(np.isin(self.group, names[kept])))

    def rows(self, rows: int, seed: int) -> Sample:
        """Keep so many rows at most, drawn at random from all lists."""
        if len(self) <= rows:
            return self
        drawn = np.random.default_rng(seed).choice(len(self), rows, replace=False)
        return self.take(np.sort(drawn))

    def take(self, rows: np.ndarray) -> Sample:
        """Keep some rows, ``(m,)`` positions."""
        label = None if self.label is None else self.label[rows]
        return Sample(self.features[:, rows], self.group[rows], self.weight[rows], label)

    def features_only(self, rows: Sequence[int]) -> Sample:
        """Keep some features, by position."""
        return replace(self, features=self.features[list(rows)])

    @classmethod
    def stack(cls, samples: Sequence[Self]) -> Self:
        """Put windows behind one another; their lists stay different ones."""
        ends = np.cumsum([0] + [int(s.group.max()) + 1 for s in samples[:-1]])
        groups = [s.group + end for s, end in zip(samples, ends, strict=True)]
        labels = [s.label for s in samples if s.label is not None]
        return cls(
            np.concatenate([s.features for s in samples], axis=1),
            np.concatenate(groups),
            np.concatenate([s.weight for s in samples]),
            np.concatenate(labels) if len(labels) == len(samples) else None,
        )

    def half(self) -> np.ndarray:
        """Put every other list into the second half, ``(n,)`` bool."""
        _, number = np.unique(self.group, return_inverse=True)
        return number % 2 == 1
