"""What RecTools takes to judge the lists that this project judges.

Run by ``python -m benchmarks metrics --peers PYTHON``. Frames are made before the clock starts.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from exchange import Arrays, Report, read_request  # type: ignore[import-not-found]
from rectools import metrics as m  # type: ignore[import-not-found]

KS = (1, 5, 10)
BLOCK = 20_000
"""Users whose pairs are held at a time."""


def main(request: str, answer: str) -> None:
    """Judge the lists, then the candidates."""
    arrays, options = read_request(request)
    report = Report()
    catalog = np.arange(options["items"])
    reco, test = frame(arrays.pop("lists")), pairs(arrays, "relevant")
    log = pairs(arrays, "history")
    genres = arrays.pop("genres")
    with report.timed("lists"):
        values = m.calc_metrics(asked(), reco, test, log, catalog)
    with report.timed("diversity"):
        ild = diversity(reco, genres)
    report.note("diversity", **{"value of ild": ild})
    report.note("lists", **{f"value of {name}": float(value) for name, value in values.items()})
    del reco, log
    candidates = frame(arrays.pop("candidates"))
    test = test[test["user_id"] < options["candidate_users"]]
    width = options["candidates"]
    with report.timed("candidates"):
        found = m.calc_metrics({"recall": m.Recall(k=width)}, candidates, test)
    report.note("candidates", **{"value of recall": float(found["recall"])})
    report.write(answer)


class Jaccard(m.PairwiseDistanceCalculator):
    """Distance of items by their genres, ``(n_items, n_genres)`` bool, a block of pairs a time."""

    def __init__(self, genres: np.ndarray) -> None:
        self.genres = genres

    def _get_distances_for_item_pairs(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        out = np.empty(len(first))
        for at in range(0, len(first), 100_000):
            a, b = (self.genres[x[at : at + 100_000].astype(int)] for x in (first, second))
            out[at : at + len(a)] = 1 - (a & b).sum(axis=1) / (a | b).sum(axis=1)
        return out


def diversity(reco: pd.DataFrame, genres: np.ndarray) -> float:
    """Mean intra-list diversity, in blocks of users: the table of all pairs outgrows memory."""
    metric, sums, users = m.IntraListDiversity(k=10, distance_calculator=Jaccard(genres)), 0.0, 0
    blocks = reco["user_id"] // BLOCK
    for _, block in reco.groupby(blocks, sort=True):
        size = block["user_id"].nunique()
        sums += m.calc_metrics({"ild": metric}, block)["ild"] * size
        users += size
    return sums / users


def asked() -> dict[str, m.MetricAtK]:
    """Everything else that RecTools shares with this project, at the same k."""
    named: dict[str, m.MetricAtK] = {}
    for k in KS:
        named |= {
            f"MAP@{k}": m.MAP(k=k),
            f"NDCG@{k}": m.NDCG(k=k),
            f"NDCG_min@{k}": m.NDCG(k=k, divide_by_achievable=True),
            f"Recall@{k}": m.Recall(k=k),
            f"Precision@{k}": m.Precision(k=k),
            f"HitRate@{k}": m.HitRate(k=k),
            f"MRR@{k}": m.MRR(k=k),
        }
    named |= {
        "coverage": m.CatalogCoverage(k=10, normalize=True),
        "novelty_bits": m.MeanInvUserFreq(k=10),
        "popularity": m.AvgRecPopularity(k=10),
        "serendipity": m.Serendipity(k=10),
    }
    return named


def frame(lists: np.ndarray) -> pd.DataFrame:
    """Turn ``(n_users, k)`` padded lists into the table RecTools reads."""
    user, place = np.nonzero(lists >= 0)
    columns = {"user_id": user, "item_id": lists[user, place], "rank": place + 1}
    return pd.DataFrame({name: array.astype(np.int32) for name, array in columns.items()})


def pairs(arrays: Arrays, name: str) -> pd.DataFrame:
    """Turn a CSR of items a user into a table of interactions."""
    indptr = arrays.pop(f"{name}_indptr")
    user = np.repeat(np.arange(len(indptr) - 1, dtype=np.int32), np.diff(indptr))
    return pd.DataFrame({"user_id": user, "item_id": arrays.pop(f"{name}_items")})


if __name__ == "__main__":
    main(*sys.argv[1:])
