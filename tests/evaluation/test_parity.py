"""Our figures equal the peers' on the same lists, each under its stated convention.

=================  ===========================================================================
RecTools           MAP, NDCG and NDCG_min, Recall, Precision, HitRate, MRR, coverage, novelty,
                   popularity, serendipity, ILD by attributes (Jaccard) and by vectors (cosine)
RePlay             MAP_min, NDCG_min, Recall, Precision, HitRate, MRR, coverage
LensKit            MRR, HitRate, Gini, rank-biased overlap
``rbo``            rank-biased overlap
by definition      personalisation
=================  ===========================================================================

The numbers were frozen by ``benchmarks/peers/freeze_metrics.py`` in the peers' environments.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from evaluation.accuracy import accuracy
from evaluation.beyond import (
    coverage,
    gini,
    intra_list_diversity,
    novelty,
    personalisation,
    popularity,
    rbo,
    serendipity,
)
from evaluation.relevance import Relevant

FROZEN = json.loads((Path(__file__).parent / "peers.json").read_text())
DATA = FROZEN["data"]
N_ITEMS = len(DATA["genres"])
P = 0.85


def _lists(rows: list[list[int]]) -> np.ndarray:
    return np.array([row + [-1] * (10 - len(row)) for row in rows], np.int32)


@pytest.fixture(scope="module")
def ours() -> dict[str, float]:
    lists, others = _lists(DATA["lists"]), _lists(DATA["others"])
    pairs = np.array([(u, i) for u, row in enumerate(DATA["relevant"]) for i in row])
    relevant = Relevant.from_pairs(pairs[:, 0], pairs[:, 1], len(lists))
    log = np.array(DATA["log"])
    users = np.bincount(log[:, 1], minlength=N_ITEMS)
    genres = np.array(DATA["genres"])
    values = accuracy(lists, relevant, ks=(1, 3, 10)).mean()
    for k in (1, 3, 10):
        values[f"coverage@{k}"] = coverage(lists, N_ITEMS, k)
        values[f"gini@{k}"] = gini(lists, N_ITEMS, k)
        values[f"novelty@{k}"] = float(novelty(lists[:, :k], users, len(lists)).mean())
        values[f"popularity@{k}"] = float(popularity(lists[:, :k], users).mean())
        values[f"serendipity@{k}"] = float(serendipity(lists[:, :k], relevant, users).values.mean())
    values["ild@10"] = float(intra_list_diversity(lists, genres).mean())
    vectors = np.array(DATA["vectors"])
    values["embedding_ild@10"] = float(intra_list_diversity(lists, vectors, "cosine").mean())
    full = lists[:, 9] >= 0
    values["rbo@10"] = float(rbo(lists[full], others[full], p=P).mean())
    values["personalisation@10"] = personalisation(others, N_ITEMS)
    return values


PEERS = ("rectools", "replay", "lenskit", "rbo")
CASES = [(peer, name) for peer in PEERS for name in FROZEN[peer]["values"]]


@pytest.mark.parametrize(("peer", "name"), CASES)
def test_equals_the_peer(ours, peer, name):
    assert ours[name] == pytest.approx(FROZEN[peer]["values"][name], abs=1e-12)


def test_personalisation_by_counts_equals_the_mean_over_all_pairs(ours):
    expected = FROZEN["by definition"]["personalisation@10"]
    assert ours["personalisation@10"] == pytest.approx(expected, abs=1e-12)
