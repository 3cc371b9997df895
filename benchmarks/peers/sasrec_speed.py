"""RecTools' SASRec for the protocol ``sasrec-speed``; runs in the peers' environment.

Usage: ``python sasrec_speed.py REQUEST.npz ANSWER.npz``. The request holds ``user``, ``item`` and
``ts`` (int64, microseconds since 1970) in order of time, ``targets`` int32 (users to recommend for,
ascending), and options ``epochs``, ``length``, ``width``, ``layers``, ``heads``, ``dropout``,
``learning_rate``, ``k``, ``seed``.
"""

from __future__ import annotations

import sys
import time
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from exchange import Report, read_request, to_lists  # type: ignore[import-not-found]
from pytorch_lightning import Callback, Trainer, seed_everything
from rectools import Columns  # type: ignore[import-not-found]
from rectools.dataset import Dataset  # type: ignore[import-not-found]
from rectools.models import SASRecModel  # type: ignore[import-not-found]

MODEL = "SASRec, full softmax"


class Clock(Callback):
    """Notes the seconds of every epoch, for all clocks: RecTools trains with a copy of its own."""

    seconds: ClassVar[list[float]] = []
    cpu_seconds: ClassVar[list[float]] = []

    def on_train_epoch_start(self, *_: Any) -> None:
        """Start."""
        self.started, self.worked = time.perf_counter(), time.process_time()

    def on_train_epoch_end(self, *_: Any) -> None:
        """Stop."""
        self.seconds.append(time.perf_counter() - self.started)
        self.cpu_seconds.append(time.process_time() - self.worked)
        print(f"epoch: {self.seconds[-1]:.1f} s", file=sys.stderr, flush=True)


def main(request: str, answer: str) -> None:
    """Train and recommend."""
    arrays, options = read_request(request)
    seed_everything(options["seed"])
    log = pd.DataFrame(
        {
            Columns.User: arrays["user"],
            Columns.Item: arrays["item"],
            Columns.Weight: np.ones(len(arrays["user"]), np.float32),
            Columns.Datetime: arrays["ts"].astype("datetime64[us]").astype("datetime64[ns]"),
        }
    )
    dataset = Dataset.construct(log)
    clock = Clock()

    def trainer() -> Trainer:
        return Trainer(
            max_epochs=options["epochs"],
            accelerator="auto",
            devices=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[clock],
        )

    model = SASRecModel(
        n_blocks=options["layers"],
        n_heads=options["heads"],
        n_factors=options["width"],
        dropout_rate=options["dropout"],
        session_max_len=options["length"],
        lr=options["learning_rate"],
        loss="softmax",
        get_trainer_func=trainer,
    )
    report = Report()
    with report.timed(MODEL):
        model.fit(dataset)
        rows = model.recommend(
            arrays["targets"], dataset, k=options["k"], filter_viewed=True, add_rank_col=False
        )
    report.note(
        MODEL,
        epoch_seconds=float(np.median(clock.seconds)),
        epoch_cpu_seconds=float(np.median(clock.cpu_seconds)),
    )
    user, item = rows[Columns.User].to_numpy(), rows[Columns.Item].to_numpy()
    report.lists[MODEL] = to_lists(user, item, arrays["targets"], options["k"])
    report.write(answer)


if __name__ == "__main__":
    main(*sys.argv[1:])
