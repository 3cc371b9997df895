"""RecTools' two-stage model as a daily job for all users; runs in the peers' environment.

Usage: ``python scale.py REQUEST.npz ANSWER.npz``. The request holds ``user``, ``item`` int32,
``ts`` int64 (microseconds since 1970), ``targets`` int32 (users to recommend for, ascending), and
options ``k``, ``candidates`` (a generator), ``trees``, ``seed``, ``threads``.

Two generators (popularity of 28 days, ALS) and no features: less work than this project's side
does. Fit and recommendation are timed apart; ``users_per_second`` is of the latter alone.
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier
from exchange import Report, read_request, to_lists  # type: ignore[import-not-found]
from implicit.als import AlternatingLeastSquares
from rectools import Columns  # type: ignore[import-not-found]
from rectools.dataset import Dataset  # type: ignore[import-not-found]
from rectools.model_selection import TimeRangeSplitter  # type: ignore[import-not-found]
from rectools.models import ImplicitALSWrapperModel, PopularModel  # type: ignore[import-not-found]
from rectools.models.ranking import (  # type: ignore[import-not-found]
    CandidateGenerator,
    CandidateRankingModel,
    CatBoostReranker,
    PerUserNegativeSampler,
)
from threadpoolctl import threadpool_limits

NAME = "CandidateRankingModel, 2 generators, no features"


def two_stage(options: dict[str, Any]) -> CandidateRankingModel:
    """Give the model; its ranker learns from the last seven days."""
    als = AlternatingLeastSquares(
        factors=64, alpha=10, random_state=options["seed"], num_threads=options["threads"]
    )
    models = [
        PopularModel(period=timedelta(days=28)),
        ImplicitALSWrapperModel(als, recommend_n_threads=options["threads"]),
    ]
    return CandidateRankingModel(
        candidate_generators=[
            CandidateGenerator(model, options["candidates"], keep_ranks=True, keep_scores=True)
            for model in models
        ],
        splitter=TimeRangeSplitter("7D", n_splits=1),
        sampler=PerUserNegativeSampler(3, random_state=options["seed"]),
        reranker=CatBoostReranker(
            CatBoostClassifier(
                iterations=options["trees"],
                random_state=options["seed"],
                thread_count=options["threads"],
                verbose=False,
                allow_writing_files=False,
            )
        ),
    )


def main(request: str, answer: str) -> None:
    """Fit once, recommend to all targets."""
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
    targets, k = arrays["targets"], options["k"]
    model = two_stage(options)
    report = Report()
    with report.timed(NAME), threadpool_limits(1, "blas"):
        started = time.perf_counter()
        model.fit(dataset)
        fitted = time.perf_counter()
        rows = model.recommend(targets, dataset, k=k, filter_viewed=True, add_rank_col=False)
        done = time.perf_counter()
    report.note(
        NAME,
        fit_seconds=fitted - started,
        recommend_seconds=done - fitted,
        users_per_second=len(targets) / (done - fitted),
    )
    report.lists[NAME] = to_lists(
        rows[Columns.User].to_numpy(), rows[Columns.Item].to_numpy(), targets, k
    )
    report.write(answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
