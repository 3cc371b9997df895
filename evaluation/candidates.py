"""What the candidate sources find, before any ranking: the ceiling of every later step.

Users come in chunks; :class:`CandidateReport` keeps only histograms of them. Everything follows
from how many positives (and candidates) carry each combination of sources: what a source finds,
what only it finds, what the union without it would find, and what two of them share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np

from evaluation._matching import histogram, match, tops
from evaluation.beyond import rbo
from evaluation.relevance import EvaluationError, Relevant

_FOUND = 1 << 32
_COLD_USER = 1 << 33
_COLD_ITEM = 1 << 34
_SOURCES = _FOUND - 1
LOST = ("cold user and cold item", "cold user", "cold item", "no source proposed it")
"""Why a positive is no candidate; each lost positive has the first reason that holds."""


class SourceRow(TypedDict):
    """One source (or the union) in :meth:`CandidateReport.result`.

    ``recall`` is the mean over users of the found share of their positives: no later list can have
    a higher one. ``pooled_recall`` divides all found by all positives. ``marginal_recall`` is the
    recall that the union loses without this source.
    """

    source: str
    candidates_per_user: float
    recall: float
    pooled_recall: float
    marginal_recall: float


class CandidateReport:
    """Collects chunk by chunk; :meth:`result` can be asked for at any time.

    Args:
        sources: names, bit s of ``proposed`` is the source ``sources[s]``; at most 31.
        top: depth of the rank-biased overlap between sources.

    Raises:
        EvaluationError: no source or too many.
    """

    def __init__(self, sources: Sequence[str], top: int = 10) -> None:
        if not 1 <= len(sources) <= 31:
            raise EvaluationError(f"1..31 sources can be reported on, found {len(sources)}")
        self.sources = list(sources)
        self.top = top
        self.users = 0
        self._judged = np.zeros(2, np.int64)  # warm users, cold users
        self._positives: dict[int, tuple[int, float]] = {}
        self._pairs: dict[int, int] = {}
        self._sizes = np.zeros(1, np.int64)
        self._rbo = np.zeros((len(sources), len(sources)))
        self._rbo_users = np.zeros((len(sources), len(sources)), np.int64)

    def add(
        self,
        indptr: np.ndarray,
        items: np.ndarray,
        proposed: np.ndarray,
        ranks: np.ndarray,
        relevant: Relevant,
        cold_user: np.ndarray | None = None,
        cold_item: np.ndarray | None = None,
    ) -> None:
        """Take in the candidates of a chunk of users.

        Args:
            indptr: ``(n_users + 1,)`` int64, candidates of user row r are ``indptr[r]:[r + 1]``.
            items: ``(n,)`` int32 item codes, each once a user, in any order.
            proposed: ``(n,)`` uint32, bit s set where source s proposed it; 0: filled up.
            ranks: ``(n_sources, n)`` place by the source's own score, smaller is better; only read
                where the source proposed the item.
            relevant: positives of the same user rows.
            cold_user: ``(n_users,)`` bool, users without history; None: nobody.
            cold_item: ``(n_items,)`` bool, items no source could know; codes past its end are cold
                too. None: no item is.

        Raises:
            EvaluationError: shapes do not fit each other.
        """
        n_users = len(relevant)
        self._check(indptr, items, proposed, ranks, n_users)
        cold = np.zeros(n_users, np.bool_) if cold_user is None else np.asarray(cold_user, np.bool_)
        if len(cold) != n_users:
            raise EvaluationError(f"cold_user has {len(cold)} entries for {n_users} users")
        keys = match(indptr, items, proposed, relevant.indptr, relevant.items)
        owner = np.repeat(np.arange(n_users), relevant.counts)
        keys[cold[owner]] |= _COLD_USER
        if cold_item is not None:
            known = np.append(np.asarray(cold_item, np.bool_), True)
            keys[known[np.minimum(relevant.items, len(cold_item))]] |= _COLD_ITEM
        weight = 1.0 / np.maximum(relevant.counts, 1)[owner]
        self._count_positives(keys, weight)
        masks, counts = histogram(proposed, len(self.sources))
        for mask, count in zip(masks.tolist(), counts.tolist(), strict=True):
            self._pairs[mask] = self._pairs.get(mask, 0) + count
        sizes = np.bincount(np.diff(indptr), minlength=len(self._sizes))
        sizes[: len(self._sizes)] += self._sizes
        self._sizes = sizes
        self.users += n_users
        self._judged += np.bincount(cold[relevant.counts > 0], minlength=2)
        self._overlap(tops(indptr, items, proposed, ranks, self.top))

    def result(self) -> dict[str, Any]:
        """Give the report as JSON-able values; shares are 0 where there is nothing to divide.

        Returns:
            ``users``, ``judged_users`` (with positives), ``positives``; ``candidates_per_user``
            (mean, min, p05, median, p95, max); ``rows``: the union first, then every source as
            :class:`SourceRow`; ``jaccard`` (of all proposals) and ``rbo`` (of the first ``top``
            places, mean over users to whom any of the two proposes) as square matrices in the
            order of ``sources``; ``lost``: reason, positives, share of all positives;
            ``segments``: users, positives, pooled and mean recall of the union.
        """
        positives = sum(count for count, _ in self._positives.values())
        all_pairs = sum(self._pairs.values())
        whole = self._share(_FOUND, _FOUND)
        rows = [self._row("union", all_pairs, whole, whole)]
        for at, name in enumerate(self.sources):
            bit = 1 << at
            pairs = sum(count for mask, count in self._pairs.items() if mask & bit)
            rows.append(self._row(name, pairs, self._share(bit, bit), self._share(_SOURCES, bit)))
        return {
            "sources": self.sources,
            "top": self.top,
            "users": self.users,
            "judged_users": int(self._judged.sum()),
            "positives": positives,
            "candidates_per_user": self._size_figures(),
            "rows": rows,
            "jaccard": self._jaccard(),
            "rbo": self._mean_rbo(),
            "lost": self._lost(positives),
            "segments": [
                self._segment("warm users", 0, int(self._judged[0])),
                self._segment("cold users", _COLD_USER, int(self._judged[1])),
            ],
        }

    # ------------------------------------------------------------------ taking in

    def _check(
        self,
        indptr: np.ndarray,
        items: np.ndarray,
        proposed: np.ndarray,
        ranks: np.ndarray,
        n_users: int,
    ) -> None:
        wanted = {"indptr": (n_users + 1,), "proposed": items.shape}
        wanted["ranks"] = (len(self.sources), len(items))
        found = {"indptr": indptr.shape, "proposed": proposed.shape, "ranks": ranks.shape}
        for name, shape in wanted.items():
            if found[name] != shape:
                raise EvaluationError(
                    f"{name} has shape {found[name]}, expected {shape} for {n_users} users, "
                    f"{len(items)} candidates and {len(self.sources)} sources"
                )
        if indptr[0] != 0 or indptr[-1] != len(items):
            raise EvaluationError(
                f"indptr runs from {indptr[0]} to {indptr[-1]}, not over the {len(items)} items"
            )

    def _count_positives(self, keys: np.ndarray, weight: np.ndarray) -> None:
        kinds, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        weights = np.bincount(inverse, weight, len(kinds))
        for key, count, total in zip(kinds.tolist(), counts.tolist(), weights, strict=True):
            before = self._positives.get(key, (0, 0.0))
            self._positives[key] = (before[0] + count, before[1] + float(total))

    def _overlap(self, tops: np.ndarray) -> None:
        for i in range(len(tops)):
            for j in range(i + 1, len(tops)):
                any_of = (tops[i, :, 0] >= 0) | (tops[j, :, 0] >= 0)
                self._rbo[i, j] += rbo(tops[i][any_of], tops[j][any_of]).sum()
                self._rbo_users[i, j] += np.count_nonzero(any_of)

    # ------------------------------------------------------------------ giving out

    def _share(self, field: int, value: int) -> tuple[float, float]:
        """Mean over users and pooled share of the positives with ``key & field == value``."""
        count, weight = self._sum(field, value)
        return weight / max(int(self._judged.sum()), 1), count / max(self._sum(0, 0)[0], 1)

    def _sum(self, field: int, value: int) -> tuple[int, float]:
        """Positives with ``key & field == value``, and their weights (1 a user in all)."""
        chosen = [sums for key, sums in self._positives.items() if key & field == value]
        return sum(count for count, _ in chosen), sum(weight for _, weight in chosen)

    def _row(
        self, name: str, pairs: int, found: tuple[float, float], alone: tuple[float, float]
    ) -> SourceRow:
        return SourceRow(
            source=name,
            candidates_per_user=pairs / max(self.users, 1),
            recall=found[0],
            pooled_recall=found[1],
            marginal_recall=alone[0],
        )

    def _segment(self, name: str, cold: int, judged: int) -> dict[str, Any]:
        positives, _ = self._sum(_COLD_USER, cold)
        count, weight = self._sum(_COLD_USER | _FOUND, cold | _FOUND)
        return {
            "segment": name,
            "users": judged,
            "positives": positives,
            "recall": weight / max(judged, 1),
            "pooled_recall": count / max(positives, 1),
        }

    def _jaccard(self) -> list[list[float]]:
        matrix = np.eye(len(self.sources))
        for i in range(len(matrix)):
            for j in range(i + 1, len(matrix)):
                both = (1 << i) | (1 << j)
                shared = sum(n for mask, n in self._pairs.items() if mask & both == both)
                any_of = sum(n for mask, n in self._pairs.items() if mask & both)
                matrix[i, j] = matrix[j, i] = shared / max(any_of, 1)
        return [[float(x) for x in row] for row in matrix]

    def _mean_rbo(self) -> list[list[float]]:
        mean = self._rbo / np.maximum(self._rbo_users, 1)
        return [[float(x) for x in row] for row in mean + mean.T + np.eye(len(mean))]

    def _lost(self, positives: int) -> list[dict[str, Any]]:
        counts = dict.fromkeys(LOST, 0)
        for key, (count, _) in self._positives.items():
            if not key & _FOUND:
                cold_user, cold_item = bool(key & _COLD_USER), bool(key & _COLD_ITEM)
                at = (0 if cold_item else 1) if cold_user else (2 if cold_item else 3)
                counts[LOST[at]] += count
        return [
            {"reason": reason, "positives": count, "share": count / max(positives, 1)}
            for reason, count in counts.items()
        ]

    def _size_figures(self) -> dict[str, float]:
        total = np.cumsum(self._sizes)
        if not self.users:
            return dict.fromkeys(("mean", "min", "p05", "median", "p95", "max"), 0.0)

        def quantile(q: float) -> float:
            return float(np.searchsorted(total, max(1, np.ceil(q * self.users))))

        mean = float(np.arange(len(total)) @ self._sizes / self.users)
        named = {"min": 0.0, "p05": 0.05, "median": 0.5, "p95": 0.95, "max": 1.0}
        return {"mean": mean} | {name: quantile(q) for name, q in named.items()}
