"""What variety costs: accuracy against diversity along the knob of the re-ranking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evaluation.accuracy import accuracy
from evaluation.beyond import Catalogue, coverage, intra_list_diversity
from evaluation.bootstrap import paired_bootstrap
from evaluation.relevance import EvaluationError, Relevant, as_lists

LOSSES = (0.01, 0.05)
"""Shares of NDCG that one might give for variety; the page says what each of them buys."""


def tradeoff_part(
    lists: np.ndarray,
    strengths: Sequence[float],
    relevant: Relevant,
    catalogue: Catalogue,
    chosen: float,
    k: int = 10,
    losses: Sequence[float] = LOSSES,
) -> dict[str, Any]:
    """Judge the lists of every strength and say what 1 % and 5 % of NDCG buy.

    Diversity is the intra-list diversity by attributes, else by embedding where the catalogue has
    no attributes, over the lists of the judged users.

    Args:
        lists: ``(n_strengths, n_users, width)`` item codes, best first, padded with -1.
        strengths: ascending, the first is 0: the ranker's own lists.
        relevant: relevant items of the same user rows.
        catalogue: what is known of the items.
        chosen: the strength in use.
        k: places judged.
        losses: shares 0..1 of NDCG that may be lost.

    Returns:
        JSON-able: ``k``, ``users``, ``chosen``; ``points``, one a strength: ``strength``, ``ndcg``,
        ``ndcg_loss`` (share of the first point's, below 0 for a gain), ``difference`` with ``low``
        and ``high`` (95 %, paired), ``map``, ``recall``, ``diversity``, ``coverage``; ``bargains``,
        one a loss: see :func:`bargain`. Without a user to judge all figures are 0.

    Raises:
        EvaluationError: no lists for a strength, or the first strength is not 0.
    """
    if len(lists) != len(strengths) or not len(strengths) or strengths[0] != 0:
        raise EvaluationError(
            f"{len(lists)} sets of lists for the strengths {list(strengths)}; give one for each, "
            "the first for strength 0, which everything is compared with"
        )
    points: list[dict[str, float]] = []
    base = np.zeros(0)
    for strength, made in zip(strengths, lists, strict=True):
        made = as_lists(made)[:, :k]
        judged = accuracy(made, relevant, [k])
        own, means = judged.values[f"NDCG@{k}"], judged.mean()
        base = base if len(points) else own
        gain = paired_bootstrap(own, base)
        before = float(base.mean()) if len(base) else 0.0
        points.append(
            {
                "strength": float(strength),
                "ndcg": means[f"NDCG@{k}"],
                "ndcg_loss": 1 - means[f"NDCG@{k}"] / before if before else 0.0,
                "difference": gain.difference,
                "low": gain.low,
                "high": gain.high,
                "map": means[f"MAP@{k}"],
                "recall": means[f"Recall@{k}"],
                "diversity": _diversity(made[judged.rows], catalogue),
                "coverage": coverage(made[judged.rows], len(catalogue.item_users)),
            }
        )
    return {
        "k": k,
        "users": len(judged),
        "chosen": float(chosen),
        "points": points,
        "bargains": [bargain(points, loss) for loss in losses],
    }


def bargain(points: Sequence[dict[str, float]], loss: float) -> dict[str, float]:
    """Find the point with the most diversity whose NDCG is at most ``loss`` below the first's.

    Args:
        points: of :func:`tradeoff_part`.
        loss: share 0..1 of NDCG.

    Returns:
        ``loss``, ``strength``, ``ndcg_loss``, ``diversity``, ``gain`` (in diversity) and
        ``gain_share`` (of the first point's; 0 where that is 0).

    >>> points = [{"strength": 0, "ndcg_loss": 0, "diversity": 0.5},
    ...           {"strength": 0.2, "ndcg_loss": 0.009, "diversity": 0.625}]
    >>> bargain(points, 0.01)["gain_share"]
    0.25
    """
    first = points[0]
    best = max((p for p in points if p["ndcg_loss"] <= loss), key=lambda p: p["diversity"])
    gain = best["diversity"] - first["diversity"]
    return {
        "loss": loss,
        "strength": best["strength"],
        "ndcg_loss": best["ndcg_loss"],
        "diversity": best["diversity"],
        "gain": gain,
        "gain_share": gain / first["diversity"] if first["diversity"] else 0.0,
    }


def _diversity(lists: np.ndarray, catalogue: Catalogue) -> float:
    if not len(lists):
        return 0.0
    if catalogue.item_values is not None:
        return float(intra_list_diversity(lists, catalogue.item_values).mean())
    if catalogue.vectors is not None:
        return float(intra_list_diversity(lists, catalogue.vectors, "cosine").mean())
    return 0.0
