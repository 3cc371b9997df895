"""Freeze what the peers say of one small set of lists, for the tests to compare with.

The peers are RecTools, RePlay (``replay-rec``), LensKit and the package ``rbo``. They do not live
in one environment: run this once in each of theirs; what the others said is kept::

    PEER_PYTHON benchmarks/peers/freeze_metrics.py tests/evaluation/peers.json

Imports nothing of this project: the lists, the relevant items and the attributes are drawn here
and stored beside the peers' numbers.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

USERS, ITEMS, GENRES = 60, 80, 7
KS = (1, 3, 10)
P = 0.85


def draw() -> dict[str, Any]:
    """Lists of 2..10 items, 0..14 relevant items a user, a log and genres; all by one seed."""
    rng = np.random.default_rng(11)
    weights = 1 / np.arange(1, ITEMS + 1) ** 0.7
    weights /= weights.sum()

    def some(count: int) -> list[int]:
        return rng.choice(ITEMS, count, replace=False, p=weights).tolist()

    log = [[user, item] for user in range(USERS) for item in some(int(rng.integers(3, 20)))]
    log += [[0, item] for item in range(ITEMS) if [0, item] not in log]  # nothing is unknown
    genres = (rng.random((ITEMS, GENRES)) < 0.3).astype(int)
    genres[genres.sum(axis=1) == 0, 0] = 1
    vectors = np.random.default_rng(12).normal(size=(ITEMS, 5)).round(3)
    return {
        "lists": [
            some(10) if user % 4 else some(int(rng.integers(2, 10))) for user in range(USERS)
        ],
        "others": [some(10) for _ in range(USERS)],
        "relevant": [sorted(some(int(rng.integers(0, 15)))) for _ in range(USERS)],
        "log": log,
        "genres": genres.tolist(),
        "vectors": vectors.tolist(),
    }


def rectools(data: dict[str, Any]) -> dict[str, float]:
    """Figures of RecTools; users without relevant items are not judged, as here."""
    import pandas as pd
    from rectools import metrics as m  # type: ignore[import-not-found]

    reco = pd.DataFrame(
        [(u, i, rank) for u, row in enumerate(data["lists"]) for rank, i in enumerate(row, 1)],
        columns=["user_id", "item_id", "rank"],
    )
    test = pd.DataFrame(
        [(u, i) for u, row in enumerate(data["relevant"]) for i in row],
        columns=["user_id", "item_id"],
    )
    log = pd.DataFrame(data["log"], columns=["user_id", "item_id"])
    genres = np.array(data["genres"], bool)

    class Jaccard(m.PairwiseDistanceCalculator):
        def _get_distances_for_item_pairs(
            self, first: np.ndarray, second: np.ndarray
        ) -> np.ndarray:
            a, b = genres[first], genres[second]
            return 1 - (a & b).sum(axis=1) / (a | b).sum(axis=1)

    unit = np.array(data["vectors"])
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)

    class Cosine(m.PairwiseDistanceCalculator):
        def _get_distances_for_item_pairs(
            self, first: np.ndarray, second: np.ndarray
        ) -> np.ndarray:
            return 1 - (unit[first] * unit[second]).sum(axis=1)

    named: dict[str, Any] = {}
    for k in KS:
        named |= {
            f"MAP@{k}": m.MAP(k=k),
            f"NDCG@{k}": m.NDCG(k=k),
            f"NDCG_min@{k}": m.NDCG(k=k, divide_by_achievable=True),
            f"Recall@{k}": m.Recall(k=k),
            f"Precision@{k}": m.Precision(k=k),
            f"HitRate@{k}": m.HitRate(k=k),
            f"MRR@{k}": m.MRR(k=k),
            f"coverage@{k}": m.CatalogCoverage(k=k, normalize=True),
            f"novelty@{k}": m.MeanInvUserFreq(k=k),
            f"popularity@{k}": m.AvgRecPopularity(k=k),
            f"serendipity@{k}": m.Serendipity(k=k),
        }
    named["ild@10"] = m.IntraListDiversity(k=10, distance_calculator=Jaccard())
    named["embedding_ild@10"] = m.IntraListDiversity(k=10, distance_calculator=Cosine())
    values = m.calc_metrics(named, reco, test, log, list(range(ITEMS)))
    return {name: float(value) for name, value in values.items()}


def replay(data: dict[str, Any]) -> dict[str, float]:
    """Figures of RePlay over the users with relevant items.

    Its MAP and NDCG divide by what min(k, relevant) hits would give.
    """
    from replay import metrics as m  # type: ignore[import-not-found]

    judged = [u for u, row in enumerate(data["relevant"]) if row]
    scored = {u: [(i, -at) for at, i in enumerate(row)] for u, row in enumerate(data["lists"])}
    lists = {u: scored[u] for u in judged}
    relevant = {u: data["relevant"][u] for u in judged}
    log: dict[int, list[int]] = {}
    for user, item in data["log"]:
        log.setdefault(user, []).append(item)
    values = {}
    kinds = {
        "MAP_min": m.MAP,
        "NDCG_min": m.NDCG,
        "Recall": m.Recall,
        "Precision": m.Precision,
        "HitRate": m.HitRate,
        "MRR": m.MRR,
    }
    for k in KS:
        for name, metric in kinds.items():
            found = metric(k)(lists, relevant)
            values[f"{name}@{k}"] = float(next(iter(found.values())))
        covered = m.Coverage(k)(scored, log)
        values[f"coverage@{k}"] = float(next(iter(covered.values())))
    return values


def rbo(data: dict[str, Any]) -> dict[str, float]:
    """Rank-biased overlap by the package of that name, over the full lists.

    It leaves the sum truncated at 10 places as it is; here it is divided by what a list has with
    itself, ``1 - p ** 10``.
    """
    from rbo import RankingSimilarity  # type: ignore[import-not-found]

    pairs = zip(data["lists"], data["others"], strict=True)
    found = [RankingSimilarity(a, b).rbo(k=10, p=P) for a, b in pairs if len(a) == 10]
    return {"rbo@10": float(np.mean(found)) / (1 - P**10)}


def lenskit(data: dict[str, Any]) -> dict[str, float]:
    """Figures of LensKit, averaged over the users with relevant items where it judges lists.

    Its NDCG gives places 1 and 2 the same weight and its recall divides by min(k, relevant): other
    conventions than here, so they are not asked for.
    """
    from lenskit.data import ItemList  # type: ignore[import-not-found]
    from lenskit.metrics import (  # type: ignore[import-not-found]
        GeometricRankWeight,
        Hit,
        ListGini,
        RecipRank,
        rank_biased_overlap,
    )

    lists = [ItemList(item_ids=row, ordered=True) for row in data["lists"]]
    others = [ItemList(item_ids=row, ordered=True) for row in data["others"]]
    judged = [u for u, row in enumerate(data["relevant"]) if row]
    values = {}
    for k in KS:
        for name, metric in {"MRR": RecipRank(k), "HitRate": Hit(k)}.items():
            each = [
                metric.measure_list(lists[u], ItemList(item_ids=data["relevant"][u]))
                for u in judged
            ]
            values[f"{name}@{k}"] = float(np.mean(each))
        gini = ListGini(k, items=ITEMS)
        parts = [gini.compute_list_data(row, ItemList(item_ids=[])) for row in lists]
        values[f"gini@{k}"] = float(gini.global_aggregate(parts))
    full = [u for u, row in enumerate(data["lists"]) if len(row) == 10]
    overlaps = [
        rank_biased_overlap(lists[u], others[u], GeometricRankWeight(P), n=10) for u in full
    ]
    values["rbo@10"] = float(np.mean(overlaps))
    return values


def pairwise(data: dict[str, Any]) -> dict[str, float]:
    """Figures with no peer, by their definition: every pair of users is compared."""
    pairs = list(combinations([set(row) for row in data["others"]], 2))
    return {"personalisation@10": 1 - sum(len(a & b) / 10 for a, b in pairs) / len(pairs)}


def main(path: Path) -> None:
    """Ask the peers that this Python has and write their numbers into ``path``."""
    frozen = json.loads(path.read_text()) if path.exists() else {}
    frozen["data"] = draw()
    frozen["by definition"] = pairwise(frozen["data"])
    packages = {rectools: "rectools", replay: "replay-rec", lenskit: "lenskit", rbo: "rbo"}
    for peer, package in packages.items():
        if importlib.util.find_spec(peer.__name__):
            from importlib.metadata import version

            frozen[peer.__name__] = {"version": version(package), "values": peer(frozen["data"])}
    path.write_text(json.dumps(frozen, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
