"""What a neural source has learned, as numbers that a page can draw.

Pure functions of arrays: how alike items are that users liked one after another, against random
ones; a map of the items; the curves of the training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

BINS = 40
PAIRS = 20_000
"""Pairs of each sort at most."""
MAP_ITEMS = 1000
"""The most popular; t-SNE of more takes longer than the rest of the page."""
FEW = 10
"""With fewer items the map is their first two principal components."""
MAX_GROUPS = 7
"""Values of the colouring attribute with a colour of their own; the page has eight."""
OTHERS = "others"


class Similarity(TypedDict):
    """Histograms of cosines on the same bins, as shares."""

    edges: list[float]
    positive: list[float]
    random: list[float]
    positive_mean: float
    random_mean: float
    auc: float
    """Probability that a positive pair is more alike than a random one; 0.5: nothing learned."""
    pairs: int


class ItemMap(TypedDict):
    """Points of the map."""

    x: list[float]
    y: list[float]
    group: list[int]
    """Index into ``groups``."""
    groups: list[str]
    method: str
    """``t-SNE`` or ``PCA``."""


class Curves(TypedDict):
    """One list an epoch each; ``validation`` holds those epochs that were judged."""

    epoch: list[int]
    loss: list[float]
    learning_rate: list[float]
    validation: list[tuple[int, float]]
    best_epoch: int | None
    notes: list[str]
    device: str


def similarity(
    vectors: np.ndarray, indptr: np.ndarray, item: np.ndarray, seed: int = 7
) -> Similarity | None:
    """Compare items that a user liked one after the other with random pairs of liked items.

    Args:
        vectors: ``(n_items, d)``; a row of zeros is an item the source knows nothing about.
        indptr: ``(n_users + 1,)`` offsets of the users' items.
        item: codes, oldest first within a user.
        seed: draws pairs.

    Returns:
        None where no two known items were liked by one user.
    """
    unit = _unit(vectors)
    user = np.repeat(np.arange(len(indptr) - 1), np.diff(indptr))
    known = item < len(unit)
    known[known] = unit[item[known]].any(axis=1)
    user, item = user[known], item[known]
    follows = np.flatnonzero((user[1:] == user[:-1]) & (item[1:] != item[:-1]))
    if not len(follows):
        return None
    rng = np.random.default_rng(seed)
    if len(follows) > PAIRS:
        follows = np.sort(rng.choice(follows, PAIRS, replace=False))
    positive = _cosine(unit, item[follows], item[follows + 1])
    # the same items in the same numbers, so that popularity alone makes no difference
    first, second = rng.permutation(item[follows]), rng.permutation(item[follows + 1])
    random = _cosine(unit, first[first != second], second[first != second])
    if not len(random):
        return None
    edges = np.linspace(-1, 1, BINS + 1)
    return {
        "edges": edges.round(4).tolist(),
        "positive": _shares(positive, edges),
        "random": _shares(random, edges),
        "positive_mean": round(float(positive.mean()), 6),
        "random_mean": round(float(random.mean()), 6),
        "auc": round(_auc(positive, random), 6),
        "pairs": len(positive),
    }


def item_map(
    vectors: np.ndarray, popularity: np.ndarray, labels: Sequence[str | None], seed: int = 7
) -> ItemMap | None:
    """Lay the most popular items out in two dimensions; neighbours have similar vectors.

    Args:
        vectors: ``(n_items, d)``; a row of zeros is left out.
        popularity: ``(n_items,)``: the largest :data:`MAP_ITEMS` are shown (a tie: the lower code).
        labels: ``(n_items,)`` value of the attribute that colours; None: unknown.
        seed: of the layout.

    Returns:
        None where fewer than three items are known.
    """
    unit = _unit(vectors)
    known = np.flatnonzero(unit.any(axis=1) & (popularity[: len(unit)] > 0))
    shown = known[np.argsort(-popularity[known], kind="stable")[:MAP_ITEMS]]
    if len(shown) < 3:
        return None
    points, method = _layout(unit[shown], seed)
    names = [labels[code] for code in shown.tolist()]
    groups = _groups(names)
    place = {name: at for at, name in enumerate(groups)}
    return {
        "x": points[:, 0].round(3).tolist(),
        "y": points[:, 1].round(3).tolist(),
        "group": [place.get(name or OTHERS, len(groups) - 1) for name in names],
        "groups": groups,
        "method": method,
    }


def curves(training: Mapping[str, Any]) -> Curves:
    """Read the curves of a fit off its ``training.json``."""
    epochs = training.get("epochs", [])
    return {
        "epoch": [int(e["epoch"]) for e in epochs],
        "loss": [float(e["loss"]) for e in epochs],
        "learning_rate": [float(e["learning_rate"]) for e in epochs],
        "validation": [
            (int(e["epoch"]), float(e["validation"])) for e in epochs if "validation" in e
        ],
        "best_epoch": training.get("best_epoch"),
        "notes": [str(note) for note in training.get("notes", [])],
        "device": str(training.get("device", "")),
    }


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1)).astype(np.float32)


def _cosine(unit: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("nd,nd->n", unit[a], unit[b]), np.float64)


def _shares(values: np.ndarray, edges: np.ndarray) -> list[float]:
    counts, _ = np.histogram(np.clip(values, -1, 1), edges)
    shares: list[float] = (counts / len(values)).round(6).tolist()
    return shares


def _auc(positive: np.ndarray, random: np.ndarray) -> float:
    """Area under the ROC curve by ranks; a tie counts half."""
    both = np.sort(random)
    below = np.searchsorted(both, positive, side="left")
    not_above = np.searchsorted(both, positive, side="right")
    return float((below + not_above).mean() / 2 / len(random))


def _layout(unit: np.ndarray, seed: int) -> tuple[np.ndarray, str]:
    from sklearn.decomposition import PCA

    components = min(2, *unit.shape)
    flat = np.zeros((len(unit), 2), np.float32)
    # the first weights of t-SNE too: a random start would turn and mirror the map day by day
    flat[:, :components] = PCA(components, svd_solver="full").fit_transform(unit)
    if len(unit) < FEW:
        return flat, "PCA"
    from sklearn.manifold import TSNE

    start = flat / max(float(flat[:, 0].std()), 1e-9) * 1e-4
    perplexity = min(30.0, (len(unit) - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init=start, random_state=seed, metric="cosine", n_jobs=1)
    return np.asarray(tsne.fit_transform(unit)), "t-SNE"


def _groups(names: Sequence[str | None]) -> list[str]:
    """Give the most frequent values, and one name for the others."""
    values, counts = np.unique([name for name in names if name], return_counts=True)
    most = values[np.argsort(-counts, kind="stable")[:MAX_GROUPS]].tolist()
    return [*most, OTHERS] if len(values) > len(most) or None in names else most
