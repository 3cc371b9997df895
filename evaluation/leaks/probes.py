"""Checks that train a small model: train against tomorrow, and shuffled labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evaluation.leaks.bins import bin_of, cuts
from evaluation.leaks.findings import LOOK_AT, Finding, Verdict
from evaluation.leaks.sample import Sample

TREES, DEPTH = 40, 5
MEMORY_DEPTH = 8
"""Of the trees that learn shuffled labels: they must be able to learn rows by heart."""
ROWS = 8_000
"""Rows of each side: enough for an AUC to +-.01, and a second of training."""


def adversarial(
    newest: Sample,
    tomorrow: Sample,
    before: Sample | None,
    names: Sequence[str],
    yellow: float,
    seed: int,
    threads: int,
) -> Finding:
    """Train a model to tell the rows learnt from and tomorrow's apart.

    Never red: any two days differ in something honest. Features are cut into ten bins first, else
    a day's own ratios would give it away; on MovieLens-1M two windows four weeks apart are still
    told apart with .996. So it is yellow where half of what the model could not tell between two
    such windows is gone.

    Args:
        newest: rows of the newest window.
        tomorrow: rows of the day recommended for.
        before: rows of the window before it; None: there is one window only.
        names: of the features.
        yellow: AUC on lists held out.
        seed: of the draws and the trees.
        threads: of training.
    """
    value, carriers = apart(newest, tomorrow, names, seed, threads)
    usual = 0.5 if before is None else apart(before, newest, names, seed, threads)[0]
    past = value >= yellow and 1 - value < (1 - usual) / 2
    return Finding(
        "adversarial",
        carriers[0],
        value,
        yellow,
        "yellow" if past else "green",
        f"{LOOK_AT['adversarial']} Two ranker windows are told apart with {usual:.4f}.",
        carriers[1:] if past else [],
    )


def apart(
    one: Sample, other: Sample, names: Sequence[str], seed: int, threads: int
) -> tuple[float, list[str]]:
    """Give the AUC, on lists held out, of a model that tells two samples apart.

    Returns:
        The AUC, and the five features that carry it most.
    """
    sides = [one.rows(ROWS, seed), other.rows(ROWS, seed)]
    features = np.concatenate([side.features for side in sides], axis=1)
    for at, row in enumerate(features):
        features[at] = bin_of(row, cuts(row, 10))
    weight = np.concatenate([side.weight / side.weight.mean() for side in sides])
    target = np.repeat([0.0, 1.0], [len(side) for side in sides])
    judged = np.concatenate([side.half() for side in sides])
    if not _both_classes(target, judged):
        return 0.5, list(names[:5])
    score, importance = _fit(features, target, weight, judged, seed, threads)
    top = np.argsort(-importance, kind="stable")[:5]
    return weighted_auc(score, target[judged], weight[judged]), [names[at] for at in top]


def label_shuffle(
    windows: Sequence[Sample], yellow: float, red: float, seed: int, threads: int
) -> Finding:
    """Train on shuffled labels: on lists held out nothing may be known of them.

    Labels are shuffled among the rows of all windows, but a list that stands in two windows to the
    bit, labels and all, has the same shuffled labels in both. So a ranker that is judged on lists
    it learnt from (a window stacked twice, windows that overlap) is far from .5.

    Args:
        windows: rows learnt from.
        yellow: standard errors of the AUC of chance, ``sqrt((p + n + 1) / (12 p n))`` with p hits
            and n others (Mann and Whitney, 1947).
        red: the same.
        seed: of the draws, the shuffle and the trees.
        threads: of training.
    """
    drawn = [window.lists(2 * ROWS // len(windows), seed) for window in windows]
    train = Sample.stack(drawn)
    assert train.label is not None
    first, number = _distinct(drawn, train)
    random = np.random.default_rng(seed)
    shuffled = random.permutation(train.label[first])[number]
    lists, place = np.unique(train.group, return_inverse=True)
    judged = (random.permutation(len(lists)) % 2 == 1)[place]
    if not _both_classes(shuffled, judged):
        few = "Too few hits to shuffle: nothing can be said."
        return Finding("label shuffle", "", 0.5, 0.5, "green", few)
    ones = np.ones(len(train))
    score, _ = _fit(train.features, shuffled, ones, judged, seed, threads, MEMORY_DEPTH)
    value = weighted_auc(score, shuffled[judged], ones[judged])
    hits = float(shuffled[judged].sum())
    misses = float(judged.sum()) - hits
    error = float(np.sqrt((hits + misses + 1) / (12 * hits * misses)))
    away = (value - 0.5) / error
    verdict: Verdict = "red" if away >= red else "yellow" if away >= yellow else "green"
    bound = 0.5 + (red if verdict == "red" else yellow) * error
    return Finding("label shuffle", "", value, bound, verdict, LOOK_AT["label shuffle"])


def _distinct(windows: Sequence[Sample], train: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Number the rows; only rows of a list that two windows share have a number in common.

    Within a window, users without a history may well have the same list, and items nobody met the
    same features: that is no mistake.

    Returns:
        A row of every number, and the number of every row.
    """
    assert train.label is not None
    table = np.ascontiguousarray(np.vstack([train.features, train.label[None]]).T)
    as_bytes = table.view(np.dtype((np.void, table.shape[1] * 4))).ravel()
    _, row = np.unique(as_bytes, return_inverse=True)
    _, start, place = np.unique(train.group, return_index=True, return_inverse=True)
    # A list is the sum of random numbers that its rows draw: another list, another sum.
    drawn = np.random.default_rng(0).random(int(row.max()) + 1)
    order = np.lexsort((row, place))  # one order of summing, so that equal lists have equal sums
    begins = np.flatnonzero(np.diff(place[order], prepend=-1))
    content = np.add.reduceat(drawn[row[order]], begins)
    window = np.repeat(np.arange(len(windows)), [len(rows) for rows in windows])[start]
    keys = (content[place], _nth(window, content)[place], row, _nth(place, row))
    _, first, number = np.unique(
        np.stack([key.astype(np.float64) for key in keys]),
        axis=1,
        return_index=True,
        return_inverse=True,
    )
    return first, number.ravel()


def _nth(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Count, for every pair of numbers, how many equal pairs stand before it."""
    order = np.lexsort((other, one))
    changes = (np.diff(one[order]) != 0) | (np.diff(other[order]) != 0)
    begins = np.flatnonzero(np.concatenate([[True], changes]))
    lengths = np.diff(np.append(begins, len(order)))
    count = np.empty(len(order), np.int64)
    count[order] = np.arange(len(order)) - np.repeat(begins, lengths)
    return count


def _both_classes(target: np.ndarray, judged: np.ndarray) -> bool:
    """Whether rows of both classes are learnt from and judged."""
    return all(len(np.unique(target[part])) == 2 for part in (judged, ~judged))


def weighted_auc(score: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    """Give the weighted AUC of scores, ties count half."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(target, score, sample_weight=weight))


def _fit(
    features: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
    judged: np.ndarray,
    seed: int,
    threads: int,
    depth: int = DEPTH,
) -> tuple[np.ndarray, np.ndarray]:
    """Learn on the rows that are not judged; give the scores of the others, and importances."""
    from catboost import CatBoost, Pool

    learnt = ~judged
    first = features[:, learnt][:, :1]
    same = (features[:, learnt] == first) | (np.isnan(features[:, learnt]) & np.isnan(first))
    if same.all():  # the library refuses to learn from constants
        return np.zeros(int(judged.sum())), np.zeros(len(features))
    model = CatBoost(
        {
            "loss_function": "Logloss",
            "iterations": TREES,
            "depth": depth,
            "learning_rate": 0.2,
            "border_count": 32,
            "leaf_estimation_iterations": 1,
            "random_seed": seed,
            "thread_count": threads,
            "allow_writing_files": False,
            "logging_level": "Silent",
        }
    )
    model.fit(Pool(features[:, learnt].T, target[learnt], weight=weight[learnt]))
    score = model.predict(features[:, judged].T, prediction_type="RawFormulaVal")
    importance = model.get_feature_importance(type="PredictionValuesChange")
    return np.asarray(score), np.asarray(importance)
