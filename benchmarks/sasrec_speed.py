"""Seconds of an epoch of SASRec on MovieLens-1M, against RecTools and against the bare products.

Ratings of 4 and more before 2000-12-28, the last 100 events of a user, d 64, 2 blocks, full
softmax. The newest event of some users is held out; both sides learn from the same rest for the
same number of epochs and are judged by NDCG@10 on it (unseen movies, ideal 1). Compared are the
same layers: pre-norm blocks as wide as the hidden states, learnt positions, batches of about as
many events as the 128 histories of RecTools. The layers and batches that ``sasrec`` has by default
are a row of their own. ``floor_ratio`` is the seconds of an epoch over those its matrix products
take at the speed that large products reach on this machine in this run.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.measure import PeakMemory, lifetime_peak_gb, machine
from benchmarks.peers_run import PeerRun, run_peer
from benchmarks.protocol import Check, Result, Row
from benchmarks.real import read_ml1m
from benchmarks.sources import best_unseen
from benchmarks.time_split import split_global_time
from models.interactions import Histories, Interactions
from models.neural.device import computes_bf16, cores, threads
from models.neural.sasrec import SASRec
from models.neural.sequences import batches_of, last_windows
from models.neural.validation import hold_out

AS_OF, STARS, TEST_DAYS = date(2000, 12, 28), 4, 28
LENGTH, WIDTH, LAYERS, HEADS, DROPOUT, TOKENS = 100, 64, 2, 2, 0.1, 6400
HELD_OUT, K, SEED = 1000, 10, 7
MODEL, DEFAULT = "SASRec, full softmax", "the same by default (LiGR)"
PLAIN: dict[str, Any] = {
    "blocks": "prenorm",
    "positions": "learnt",
    "expansion": 1.0,
    "batch_tokens": TOKENS,
}
"""What RecTools' SASRec is made of, in the words of this project's."""
MUST_TAKE_S, MUST_BEAT = 4.0, 8.0
METRICS = ("epoch_seconds", "epoch_cpu_seconds", "tokens_per_second", "NDCG@10")
CONVENTIONS = (
    "epoch_seconds: median of the epochs, wall-clock; epoch_cpu_seconds: of all threads.",
    "NDCG@10 of the newest event of users held out, movies met are not recommended again.",
)
SQUARE = 2048
"""Rows and columns of the products that tell the machine's speed."""


@dataclass
class Clock:
    """Notes the seconds of every epoch of a training."""

    epochs: int
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start an epoch."""
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def tell(self, done: int, total: int) -> None:
        """Note an epoch that is done."""
        if done * self.epochs % total == 0:
            self.seconds.append(time.perf_counter() - self.wall)
            self.cpu_seconds.append(time.process_time() - self.cpu)
            self.start()


class Own(NamedTuple):
    """This project's run."""

    epoch_seconds: float
    epoch_cpu_seconds: float
    ndcg: float
    device: str
    peak_gb: float


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare ``--epochs``."""
    parser.add_argument("--epochs", type=int, default=3, help="of both sides (default 3)")


def run(options: argparse.Namespace) -> Result:
    """Train on both sides."""
    log = read_ml1m()
    train = split_global_time(log.where(log.rating >= STARS), AS_OF, TEST_DAYS).train
    held = hold_out(train.histories(), HELD_OUT, SEED)
    windows = last_windows(held.histories.indptr, LENGTH)
    rest = _log_of(held.histories, train)
    own = _own(rest, held.asked, held.item, options.epochs, PLAIN)
    default = _own(rest, held.asked, held.item, options.epochs, {})
    speed = products_per_second()
    floor = floor_flops(held.histories, train.n_items) / speed
    peers = _peers(rest, held.asked, options) if options.peers is not None else None
    rate = windows.tokens / own.epoch_seconds
    rows = [
        Row(
            model,
            "Zavtra",
            _figures(
                trained.epoch_seconds,
                trained.epoch_cpu_seconds,
                windows.tokens / trained.epoch_seconds,
                trained.ndcg,
            ),
        )
        for model, trained in ((MODEL, own), (DEFAULT, default))
    ]
    peer: dict[str, float] = {}
    if peers is not None:
        figures = peers.figures[MODEL]
        seconds = figures["epoch_seconds"]
        peer = _figures(
            seconds,
            figures["epoch_cpu_seconds"],
            windows.tokens / seconds,
            ndcg(peers.lists[MODEL], held.item),
        )
    rows.append(Row(MODEL, "peer", peer, "RecTools"))
    checks = [
        Check(
            f"an epoch takes at most {MUST_TAKE_S:g} s",
            own.epoch_seconds <= MUST_TAKE_S,
            f"{own.epoch_seconds:.2f} s",
        )
    ]
    if peer:
        ratio = peer["epoch_seconds"] / own.epoch_seconds
        checks += [
            Check(
                f"at least {MUST_BEAT:g} times as fast as RecTools",
                ratio >= MUST_BEAT,
                f"{ratio:.1f}",
            ),
            Check(
                "validation NDCG@10 is not below RecTools'",
                own.ndcg >= peer["NDCG@10"],
                f"{own.ndcg:.4f} against {peer['NDCG@10']:.4f} after {options.epochs} epochs",
            ),
        ]
    facts = [
        f"{len(windows.size):,} users, {windows.tokens:,} events an epoch, {own.device}, "
        f"{cores()} threads, peak memory {own.peak_gb:.2f} GB",
        f"products of {SQUARE} x {SQUARE}: {speed / 1e9:.0f} GFLOP/s; at that, an epoch takes "
        f"{floor:.2f} s: {own.epoch_seconds / floor:.1f} x the floor, utilisation "
        f"{floor / own.epoch_seconds:.0%}",
        f"machine: {machine()}",
    ]
    if peers is not None:
        facts.append(f"{peers.library}, peak {peers.peak_rss_gb:.1f} GB")
    payload: dict[str, Any] = {
        "epoch_seconds": round(own.epoch_seconds, 3),
        "epoch_cpu_seconds": round(own.epoch_cpu_seconds, 3),
        "tokens_per_second": round(rate),
        "floor_seconds": round(floor, 3),
        "floor_ratio": round(own.epoch_seconds / floor, 3),
        "ndcg": round(own.ndcg, 5),
        "default_epoch_seconds": round(default.epoch_seconds, 3),
        "default_ndcg": round(default.ndcg, 5),
        "device": own.device,
        "peak_rss_gb": round(own.peak_gb, 3),
        "peer_epoch_seconds": round(peer["epoch_seconds"], 3) if peer else None,
        "peer_ndcg": round(peer["NDCG@10"], 5) if peer else None,
        "lifetime_peak_gb": round(lifetime_peak_gb(), 3),
    }
    title = f"sasrec-speed: MovieLens-1M, ratings >= {STARS} before {AS_OF}"
    return Result(title, METRICS, CONVENTIONS, rows, checks, facts, payload)


def _own(
    rest: Interactions, asked: Histories, item: np.ndarray, epochs: int, layers: dict[str, Any]
) -> Own:
    def model(epochs: int) -> SASRec:
        return SASRec(
            epochs=epochs,
            width=WIDTH,
            heads=HEADS,
            layers=LAYERS,
            length=LENGTH,
            dropout=DROPOUT,
            part="last",
            seed=SEED,
            **layers,
        )

    model(1).fit(_some(rest))  # imports and first touches are not an epoch's
    timed, clock = model(epochs), Clock(epochs)
    timed.assist(tell=clock.tell)
    with PeakMemory() as peak:
        clock.start()
        timed.fit(rest)
    lists = best_unseen(timed.score(asked), asked, K, timed.no_signal)
    assert timed.curves is not None
    return Own(
        float(np.median(clock.seconds)),
        float(np.median(clock.cpu_seconds)),
        ndcg(lists, item),
        timed.curves.device,
        peak.gb,
    )


def _peers(rest: Interactions, asked: Histories, options: argparse.Namespace) -> PeerRun:
    return run_peer(
        options.peers,
        "sasrec_speed.py",
        {"user": rest.user, "item": rest.item, "ts": rest.ts, "targets": asked.user},
        {
            "epochs": options.epochs,
            "length": LENGTH,
            "width": WIDTH,
            "layers": LAYERS,
            "heads": HEADS,
            "dropout": DROPOUT,
            "learning_rate": 1e-3,
            "k": K,
            "seed": SEED,
        },
    )


def ndcg(lists: np.ndarray, item: np.ndarray) -> float:
    """Average 1 / log2(1 + rank) of the one relevant item.

    Args:
        lists: ``(n, k)`` items, best first.
        item: ``(n,)`` the relevant ones.
    """
    hits = lists == item[:, None]
    return float((hits / np.log2(2 + np.arange(lists.shape[1]))).sum(1).mean())


def products_per_second() -> float:
    """Measure large matrix products in the precision of the training, floating point operations."""
    on_gpu = torch.cuda.is_available()
    dtype = torch.bfloat16 if computes_bf16(on_gpu) else torch.float32
    a = torch.ones(SQUARE, SQUARE, dtype=dtype, device="cuda" if on_gpu else "cpu")
    best = 0.0
    with threads(cores()):
        for _ in range(8):
            started = time.perf_counter()
            float((a @ a)[0, 0])  # reading a value waits for a GPU
            best = max(best, 2 * SQUARE**3 / (time.perf_counter() - started))
    return best


def floor_flops(histories: Histories, n_items: int) -> float:
    """Count the floating point operations of an epoch's products, forward and backward."""
    windows = last_windows(histories.indptr, LENGTH)
    batches = batches_of(windows, TOKENS, torch.Generator().manual_seed(SEED))
    a_token = 2 * WIDTH**2 * (4 + 2 * PLAIN["expansion"])  # attention's four, the two after it
    flops = 2.0 * windows.tokens * WIDTH * n_items
    for _, size in batches:
        width = int(size.max())
        places = len(size) * width
        flops += LAYERS * places * (a_token + 4 * WIDTH * width)
    return 3 * flops


def _figures(seconds: float, cpu: float, rate: float, gain: float) -> dict[str, float]:
    return dict(zip(METRICS, (seconds, cpu, rate, gain), strict=True))


def _log_of(histories: Histories, like: Interactions) -> Interactions:
    """Give the histories as a log in order of time."""
    user = np.repeat(histories.user, histories.lengths)
    order = np.argsort(histories.ts, kind="stable")
    ones = np.ones(len(order), np.float32)
    return Interactions(
        user[order], histories.item[order], histories.ts[order], ones, like.n_users, like.n_items
    )


def _some(log: Interactions) -> Interactions:
    return log.where(log.user < 200)
