"""From per-user metrics to the report's parts: tables with intervals, segments, comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evaluation.accuracy import UserMetrics
from evaluation.bootstrap import bootstrap_interval, paired_bootstrap
from evaluation.relevance import EvaluationError


def metrics_part(
    systems: Mapping[str, UserMetrics],
    final: str = "final",
    main: str = "MAP@10",
    names: Sequence[str] = ("MAP@10", "NDCG@10", "Recall@10", "Precision@10", "HitRate@10"),
    samples: int = 2000,
    seed: int = 7,
) -> dict[str, Any]:
    """Make the part ``metrics`` of the report (:class:`evaluation.page.report.Metrics`).

    Args:
        systems: name → metrics over the same users; in the order of the table.
        final: name of the final list among ``systems``.
        main: metric that is compared user by user and that the headline speaks of.
        names: columns, each with its 95 % interval; ``main`` must be one of them.
        samples: resamples of the bootstrap.
        seed: of the bootstrap.

    Raises:
        EvaluationError: an unknown name, or systems judged on different users.
    """
    judged = _same_users(systems)
    if final not in systems or main not in names:
        raise EvaluationError(
            f"final {final!r} must be one of {list(systems)} and main {main!r} of {list(names)}"
        )
    rows = []
    for name, judgement in systems.items():
        missing = [n for n in names if n not in judgement.values]
        if missing:
            raise EvaluationError(f"{name}: {missing} not among {list(judgement.values)}")
        spans = {n: bootstrap_interval(judgement.values[n], samples, seed) for n in names}
        rows.append(
            {
                "name": name,
                "values": {n: span.value for n, span in spans.items()},
                "intervals": {n: {"low": s.low, "high": s.high} for n, s in spans.items()},
            }
        )
    own = systems[final].values[main]
    comparisons = [
        {
            "name": name,
            **paired_bootstrap(own, other.values[main], samples, seed)._asdict(),
        }
        for name, other in systems.items()
        if name != final
    ]
    return {
        "main": main,
        "final": final,
        "users": len(judged),
        "excluded": judged.excluded,
        "rows": rows,
        "comparisons": comparisons,
    }


def segments_part(
    systems: Mapping[str, UserMetrics],
    segments: Mapping[str, np.ndarray],
    names: Sequence[str] = ("MAP@10", "NDCG@10", "Recall@10", "HitRate@10"),
    final: str | None = None,
    samples: int = 500,
    seed: int = 7,
) -> list[dict[str, Any]]:
    """Make the part ``segments`` of the report: means of every system for parts of the users.

    Args:
        systems: name → metrics over the same users.
        segments: name → ``(n_users,)`` bool over all user rows; they may overlap
            (:func:`evaluation.segments.segments_of` makes some).
        names: columns.
        final: system whose first column gets its 95 % interval: a small segment says little, and
            this shows how little. None: no intervals.
        samples: resamples of the bootstrap; fewer than for everyone, as there are many segments.
        seed: of the bootstrap.

    Raises:
        EvaluationError: systems judged on different users.
    """
    judged = _same_users(systems)
    parts = []
    for segment, mask in segments.items():
        means = {name: judgement.mean(mask) for name, judgement in systems.items()}
        rows: list[dict[str, Any]] = [
            {"name": name, "values": {n: mean[n] for n in names}} for name, mean in means.items()
        ]
        for row in rows:
            if final is not None and row["name"] == final:
                inside = np.asarray(mask, np.bool_)[judged.rows]
                own = systems[final].values[names[0]][inside]
                span = bootstrap_interval(own, samples, seed)
                row["intervals"] = {names[0]: {"low": span.low, "high": span.high}}
        parts.append({"segment": segment, "users": judged.count(mask), "rows": rows})
    return parts


def _same_users(systems: Mapping[str, UserMetrics]) -> UserMetrics:
    """Give any of the systems, after checking that all judge the same users."""
    if not systems:
        raise EvaluationError("no system to report on")
    first, *others = systems.values()
    for other in others:
        if first.n_users != other.n_users or not np.array_equal(first.rows, other.rows):
            raise EvaluationError("systems were judged on different users; compare like with like")
    return first
