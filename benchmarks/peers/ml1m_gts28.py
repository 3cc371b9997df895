"""RecTools' rows of the protocol ``ml1m-gts28``; runs in the peers' environment.

Usage: ``python ml1m_gts28.py REQUEST.npz ANSWER.npz``. The request holds what precedes the cut and
nothing else: ``user``, ``item`` int32, ``ts`` int64 (microseconds since 1970), ``targets`` int32
(users to recommend for, ascending), and options ``as_of``, ``k``, ``seed``, ``threads``.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier
from exchange import Report, read_request, to_lists  # type: ignore[import-not-found]
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import BM25Recommender
from rectools import Columns  # type: ignore[import-not-found]
from rectools.dataset import Dataset  # type: ignore[import-not-found]
from rectools.model_selection import TimeRangeSplitter  # type: ignore[import-not-found]
from rectools.models import (  # type: ignore[import-not-found]
    EASEModel,
    ImplicitALSWrapperModel,
    ImplicitItemKNNWrapperModel,
    PopularModel,
)
from rectools.models.ranking import (  # type: ignore[import-not-found]
    CandidateGenerator,
    CandidateRankingModel,
    CatBoostReranker,
    PerUserNegativeSampler,
)
from threadpoolctl import threadpool_limits

CANDIDATES = 200
TREES = 500
NEGATIVES = 3


def sources(options: dict[str, Any]) -> dict[str, Any]:
    """Give the single models, with the settings the protocol states."""
    recent = timedelta(days=28)
    als = AlternatingLeastSquares(
        factors=64,
        alpha=10,
        iterations=15,
        random_state=options["seed"],
        num_threads=options["threads"],
    )
    return {
        "popularity, all time": PopularModel(),
        "popularity, 28 days": PopularModel(
            begin_from=datetime.fromisoformat(options["as_of"]) - recent
        ),
        "ALS 64 factors, alpha 10, 15 iterations": ImplicitALSWrapperModel(als),
        "item-KNN BM25, K=100": ImplicitItemKNNWrapperModel(
            BM25Recommender(K=100, num_threads=options["threads"])
        ),
        "EASE, lambda 500": EASEModel(regularization=500),
    }


def two_stage(days: int, options: dict[str, Any]) -> CandidateRankingModel:
    """Give the library's two-stage model whose ranker learns from the last ``days``."""
    models = sources(options)
    del models["popularity, all time"]
    # Its ranker is fitted on lists made before the last days, so "28 days" must count back from
    # whatever the popularity is fitted on, not from as_of.
    models["popularity, 28 days"] = PopularModel(period=timedelta(days=28))
    return CandidateRankingModel(
        candidate_generators=[
            CandidateGenerator(model, CANDIDATES, keep_ranks=True, keep_scores=True)
            for model in models.values()
        ],
        splitter=TimeRangeSplitter(f"{days}D", n_splits=1),
        sampler=PerUserNegativeSampler(NEGATIVES, random_state=options["seed"]),
        reranker=CatBoostReranker(
            CatBoostClassifier(
                iterations=TREES,
                random_state=options["seed"],
                thread_count=options["threads"],
                verbose=False,
                allow_writing_files=False,
            )
        ),
    )


def main(request: str, answer: str) -> None:
    """Fit and recommend, model after model."""
    arrays, options = read_request(request)
    log = pd.DataFrame(
        {
            Columns.User: arrays["user"],
            Columns.Item: arrays["item"],
            Columns.Weight: np.ones(len(arrays["user"]), np.float32),
            Columns.Datetime: arrays["ts"].astype("datetime64[us]").astype("datetime64[ns]"),
        }
    )
    dataset = Dataset.construct(log)
    models = sources(options) | {
        f"two-stage, ranker on {days} days": two_stage(days, options) for days in (7, 21)
    }
    report = Report()
    for name, model in models.items():
        # implicit's threads and BLAS' threads fight for the same cores.
        with report.timed(name), threadpool_limits(1, "blas"):
            model.fit(dataset)
            rows = model.recommend(
                arrays["targets"], dataset, k=options["k"], filter_viewed=True, add_rank_col=False
            )
        user, item = rows[Columns.User].to_numpy(), rows[Columns.Item].to_numpy()
        report.lists[name] = to_lists(user, item, arrays["targets"], options["k"])
    report.write(answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
