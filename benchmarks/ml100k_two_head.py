"""The plain two-head model on MovieLens-100k, and the other neural kinds beside it.

Users with 20 ratings or more; the last fifth of the ratings by time is the test, without the users
and movies that train lacks, and keeps ratings >= 4. Every rating of train is a positive; movies
rated in train are not recommended again. The source trained on its own test part; here train is
train. 95 users are few: every figure is a mean over seeds with a bootstrap interval over users.

Which of our kinds stands for this project is chosen on an earlier window: train, cut the same way.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from benchmarks.measure import Steps, machine
from benchmarks.protocol import Check, Result, Row
from benchmarks.real import Ratings, read_ml100k, read_ml100k_attributes
from benchmarks.sources import best_unseen
from evaluation.accuracy import accuracy
from evaluation.bootstrap import bootstrap_interval
from evaluation.relevance import Relevant
from models.base import Generator
from models.interactions import Interactions
from models.neural.fm import FactorizationMachine
from models.neural.matrix_factorization import TwoHead
from models.neural.neural_cf import NeuralCF
from models.neural.two_tower import TwoTower
from models.popularity import Popularity

K = 10
MIN_RATINGS = 20
TRAIN_SHARE = 0.8
POSITIVE_STARS = 4
METRICS = ("NDCG@10", "HitRate@10", "Coverage@10")
PUBLISHED = {"NDCG@10": 0.0345, "HitRate@10": 0.2211, "Coverage@10": 0.1912}
COUNTS = {"users of train": 751, "items of train": 1616, "users judged": 95}

PLAIN = "two-head, the source's settings"
KINDS: dict[str, Callable[[int], Generator]] = {
    PLAIN: lambda seed: TwoHead(seed=seed, accelerator="cpu"),
    "NeuralCF": lambda seed: NeuralCF(seed=seed, accelerator="cpu"),
    "factorization machine": lambda seed: FactorizationMachine(
        epochs=5, batch=256, seed=seed, accelerator="cpu"
    ),
    "factorization machine, newest 60 days": lambda seed: FactorizationMachine(
        epochs=8, batch=256, train_days=60, seed=seed, accelerator="cpu"
    ),
    "two towers": lambda seed: TwoTower(epochs=5, batch=256, seed=seed, accelerator="cpu"),
    "two towers, newest 60 days": lambda seed: TwoTower(
        epochs=8, batch=256, train_days=60, seed=seed, accelerator="cpu"
    ),
}
POPULARITY = "popularity"
CONVENTIONS = (
    "NDCG: divided by the ideal of min(k, relevant) hits.",
    "Coverage: movies of train in at least one of the judged users' lists.",
    "Embeddings of 16, ten uniform negatives, BCE, 30 epochs, Adam 1e-3 in the first row.",
)


class Cut(NamedTuple):
    """Train and what judges it."""

    train: Interactions
    users: pa.Table
    items: pa.Table
    targets: np.ndarray
    """``(n,)`` int32 codes of the users judged."""
    relevant: Relevant


class Judged(NamedTuple):
    """One kind over all seeds."""

    mean: dict[str, float]
    spread: dict[str, float]
    per_user: np.ndarray
    """``(n,)`` NDCG@10 of each user, the mean over the seeds."""
    hits: np.ndarray
    """The same of HitRate@10."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare ``--seeds``."""
    parser.add_argument("--seeds", type=int, default=3, help="fits of every kind (default 3)")


def run(options: argparse.Namespace) -> Result:
    """Choose on the earlier window, then judge all on the test."""
    ratings = read_ml100k()
    _, user, count = np.unique(ratings.user, return_inverse=True, return_counts=True)
    log = ratings.where(count[user] >= MIN_RATINGS)
    size = int(TRAIN_SHARE * len(log))
    steps = Steps()
    earlier = cut(log.where(np.arange(len(log)) < size), int(TRAIN_SHARE * size))
    with steps("earlier window"):
        before = {name: judge(make, earlier, options.seeds) for name, make in KINDS.items()}
    chosen = max((name for name in KINDS if name != PLAIN), key=lambda n: before[n].mean["NDCG@10"])
    test = cut(log, size)
    with steps("test"):
        found = {name: judge(make, test, options.seeds) for name, make in KINDS.items()}
        found[POPULARITY] = judge(lambda _: Popularity(), test, 1)
    ours = f"{chosen} (chosen)"
    rows = [Row(PLAIN, "published", PUBLISHED, "trained on its test")]
    rows += [
        Row(ours if name == chosen else name, "Zavtra", judged.mean)
        for name, judged in found.items()
    ]
    facts = [describe(name, judged, options.seeds) for name, judged in found.items()]
    facts += [
        f"earlier window, {len(earlier.targets)} users, NDCG@10: "
        + "; ".join(f"{name} {judged.mean['NDCG@10']:.4f}" for name, judged in before.items()),
        f"machine: {machine()}",
    ]
    sizes = (len(np.unique(test.train.user)), test.train.n_items, len(test.targets))
    counted = dict(zip(COUNTS, sizes, strict=True))
    best = found[chosen].mean
    checks = [
        Check("the split is the protocol's", counted == COUNTS, str(counted)),
        *(
            Check(
                f"{m} of the chosen kind is above {PUBLISHED[m]}",
                best[m] > PUBLISHED[m],
                f"{best[m]:.4f}",
            )
            for m in METRICS[:2]
        ),
    ]
    payload = {
        "chosen": chosen,
        **{name: {"mean": j.mean, "spread": j.spread} for name, j in found.items()},
        "earlier": {name: judged.mean for name, judged in before.items()},
        "seconds_by_step": steps.rounded(),
    }
    title = f"ml100k-two-head: MovieLens-100k, {len(test.targets)} users, {options.seeds} seeds"
    return Result(title, METRICS, CONVENTIONS, rows, checks, facts, payload)


def cut(log: Ratings, size: int) -> Cut:
    """Let the first ``size`` ratings teach and the others judge."""
    at = np.arange(len(log))
    before, after = log.where(at < size), log.where(at >= size)
    user_ids, user = np.unique(before.user, return_inverse=True)
    item_ids, item = np.unique(before.item, return_inverse=True)
    train = Interactions(
        user.astype(np.int32),
        item.astype(np.int32),
        before.ts,
        before.rating / np.float32(5),
        len(user_ids),
        len(item_ids),
    )
    known = np.isin(after.user, user_ids) & np.isin(after.item, item_ids)
    judged = after.where(known & (after.rating >= POSITIVE_STARS))
    targets, rows = np.unique(judged.user, return_inverse=True)
    liked = np.searchsorted(item_ids, judged.item)
    return Cut(
        train,
        *read_ml100k_attributes(user_ids, item_ids),
        np.searchsorted(user_ids, targets).astype(np.int32),
        Relevant.from_pairs(rows, liked, len(targets)),
    )


def judge(make: Callable[[int], Generator], window: Cut, seeds: int) -> Judged:
    """Fit with several seeds and average."""
    histories = window.train.histories().take(window.targets)
    figures, per_user, hits = [], [], []
    for seed in range(seeds):
        model = make(seed)
        model.attach(window.users, window.items)
        model.fit(window.train)
        lists = best_unseen(model.score(histories), histories, K, model.no_signal)
        metrics = accuracy(lists, window.relevant, [K])
        per_user.append(metrics.values["NDCG_min@10"])
        hits.append(metrics.values["HitRate@10"])
        covered = len(np.unique(lists[lists >= 0])) / window.train.n_items
        figures.append((per_user[-1].mean(), hits[-1].mean(), covered))
    mean, spread = np.mean(figures, axis=0), np.std(figures, axis=0)
    return Judged(
        dict(zip(METRICS, mean.round(6).tolist(), strict=True)),
        dict(zip(METRICS, spread.round(6).tolist(), strict=True)),
        np.mean(per_user, axis=0),
        np.mean(hits, axis=0),
    )


def describe(name: str, judged: Judged, seeds: int) -> str:
    """Say how sure the figures are."""
    ndcg, hit = bootstrap_interval(judged.per_user), bootstrap_interval(judged.hits)
    return (
        f"{name}: NDCG@10 {ndcg.value:.4f}, 95 % interval {ndcg.low:.4f}..{ndcg.high:.4f}, "
        f"spread over {seeds} seeds {judged.spread['NDCG@10']:.4f}; HitRate@10 {hit.value:.4f}, "
        f"{hit.low:.4f}..{hit.high:.4f}, spread {judged.spread['HitRate@10']:.4f}"
    )
