"""SASRec on MovieLens-1M, leaving out each user's last event.

All ratings; the last event of a user is the test, the one before it the validation, all movies are
scored, seen ones too, nothing is sampled. Events of one second stand in the order of the file; an
unstable sort changes up to a quarter of the targets, so published rows are not all of one kind.
"""

from __future__ import annotations

import argparse

import numpy as np

from benchmarks.measure import Steps, machine
from benchmarks.protocol import Check, Result, Row
from benchmarks.real import Ratings, read_ml1m
from benchmarks.seminar_runs import best_recipe, epochs_within, run_recipe
from models.interactions import Histories
from models.neural.next_item import Network
from models.neural.validation import HeldOut

METRICS = ("HR@10", "NDCG@10")
K = 10
MINUTES = 5.0
OURS = "SASRec, gated blocks"
PUBLISHED = {
    "SASRec (Meta)": (0.285, 0.160),
    "HSTU (Meta)": (0.310, 0.172),
    "HSTU-large (Meta)": (0.329, 0.189),
    "SASRec (RecTools)": (0.288, 0.162),
    "HSTU (RecTools)": (0.323, 0.188),
    "HSTU-large (RecTools)": (0.364, 0.216),
    "gSASRec": (0.300, 0.173),
    "eSASRec": (0.313, 0.177),
}
CONVENTIONS = (
    "HR: the last event is among the best 10. NDCG: 1 / log2(1 + rank) of it, 0 past rank 10.",
    "All movies are scored, seen ones too; ties in time in the order of the file.",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare ``--minutes`` and ``--epochs``."""
    parser.add_argument(
        "--minutes", type=float, default=MINUTES, help=f"of training (default {MINUTES:g})"
    )
    parser.add_argument("--epochs", type=int, help="instead of --minutes")


def run(options: argparse.Namespace) -> Result:
    """Train and judge."""
    steps = Steps()
    with steps("split"):
        train, validation, test = leave_last_out(read_ml1m())
    with steps("pilot"):
        epochs = options.epochs or epochs_within(60 * options.minutes, best_recipe(10), train)
    with steps("training"):
        found = run_recipe(best_recipe(epochs), train, validation, lambda n: figures(test, n))
    rows = [Row(OURS, "Zavtra", found.test)]
    for name, values in PUBLISHED.items():
        rows.append(Row(name, "published", dict(zip(METRICS, values, strict=True))))
    counts = (len(train), train.n_items, len(test.item))
    checks = [
        Check(
            "the log is MovieLens-1M",
            counts == (6040, 3706, 6040),
            "{:,} users, {:,} movies, {:,} targets".format(*counts),
        )
    ]
    facts = [
        f"{epochs} epochs of {found.tokens:,} events in {found.seconds:.0f} s of training "
        f"({found.cpu_seconds:.0f} s of the processors), best validation NDCG@10 "
        f"{found.validation:.4f} at epoch {found.kept}, {found.device}",
        f"machine: {machine()}",
    ]
    payload = {
        "zavtra": {name: round(value, 5) for name, value in found.test.items()},
        "epochs": epochs,
        "seconds": round(found.seconds, 1),
        "cpu_seconds": round(found.cpu_seconds, 1),
        "device": found.device,
        "seconds_by_step": steps.rounded(),
    }
    title = "ml1m-loo: MovieLens-1M, each user's last event"
    return Result(title, METRICS, CONVENTIONS, rows, checks, facts, payload)


def leave_last_out(log: Ratings) -> tuple[Histories, HeldOut, HeldOut]:
    """Cut a log in order of time.

    Returns:
        What is learned from, the validation (asked with the learned histories) and the test (asked
        with all but the last event).
    """
    user, row = np.unique(log.user, return_inverse=True)
    item, code = np.unique(log.item, return_inverse=True)
    order = np.argsort(row, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row))])
    users = np.arange(len(user), dtype=np.int32)
    whole = Histories(users, indptr, code[order].astype(np.int32), log.ts[order], len(item))
    ends = indptr[1:]
    taught, asked = _until(whole, ends - 2), _until(whole, ends - 1)
    return (
        taught,
        HeldOut(taught, taught, whole.item[ends - 2].astype(np.int64)),
        HeldOut(taught, asked, whole.item[ends - 1].astype(np.int64)),
    )


def figures(test: HeldOut, network: Network) -> dict[str, float]:
    """Give the metrics of the table."""
    rank = test.ranks(network)
    gain = np.where(rank <= K, 1 / np.log2(1 + rank), 0)
    return {"HR@10": float((rank <= K).mean()), "NDCG@10": float(gain.mean())}


def _until(whole: Histories, ends: np.ndarray) -> Histories:
    """Keep every user's events before a place."""
    kept = np.arange(len(whole.item)) < np.repeat(ends, whole.lengths)
    before = np.concatenate([[0], np.cumsum(kept)])
    return Histories(
        whole.user, before[whole.indptr], whole.item[kept], whole.ts[kept], whole.n_items
    )
