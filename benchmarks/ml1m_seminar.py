"""SASRec with four losses on MovieLens-1M, every event of the last tenth predicted.

The published rows are those of the source (d 64, 2 heads, 2 layers, dropout .1, Adam 1e-3, 256
users a batch, 100 epochs, best validation DCG@20). By default they are trained here for fewer
epochs in smaller batches, so that all fits in half an hour on two cores; ``--exact`` is the
source's own. "best" is this project's configuration within ``--minutes`` of training.

Rows whose events of one second are in random order are printed beside: in the order of the file
neighbours of one second tell something of each other, which is no merit of a model.
"""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.measure import Steps, lifetime_peak_gb, machine
from benchmarks.protocol import BenchmarkError, Check, Result, Row
from benchmarks.seminar_runs import (
    SOURCE_EPOCHS,
    SOURCE_TOKENS,
    Recipe,
    Trained,
    best_recipe,
    epochs_within,
    run_recipe,
    source_recipe,
)
from benchmarks.seminar_split import Judge, Split, read_split
from models.neural.next_item import Loss

METRICS = tuple(f"{name}@{k}" for name in ("DCG", "HR", "Cov") for k in (5, 10, 20))
LOSSES: dict[str, Loss] = {
    "original (BCE, one negative)": "bce",
    "full softmax": "softmax",
    "in-batch": "in_batch",
    "in-batch with logQ": "in_batch_logq",
}
PUBLISHED = {
    "original (BCE, one negative)": (
        *(0.02677, 0.04128, 0.05957),
        *(0.05037, 0.09571, 0.16853),
        *(0.74678, 0.78893, 0.82992),
    ),
    "full softmax": (
        *(0.03322, 0.04847, 0.06610),
        *(0.05689, 0.10446, 0.17449),
        *(0.91013, 0.93794, 0.96253),
    ),
    "in-batch": (
        *(0.01115, 0.01996, 0.03258),
        *(0.02086, 0.04856, 0.09898),
        *(0.86680, 0.94438, 0.98331),
    ),
    "in-batch with logQ": (
        *(0.01784, 0.03048, 0.04727),
        *(0.03324, 0.07282, 0.13977),
        *(0.47395, 0.57143, 0.65369),
    ),
}
BEST, TIES = "best", "best, ties in random order"
EPOCHS: dict[Loss, int] = {"bce": 40, "softmax": 12, "in_batch": 12, "in_batch_logq": 12}
"""Of the published losses: one negative teaches less an epoch, which takes less time, too."""
ROWS: dict[str, str] = {loss: name for name, loss in LOSSES.items()}
ROWS |= {"best": BEST, "ties": TIES}
MUST_REACH, MINUTES = 0.070, 5.0
COUNTS = (6040, 3416, 999_611)
THRESHOLDS = (975_768_738, 978_132_488)
NEAR_S = 3600
TIE_SEED = 1

CONVENTIONS = (
    "DCG of the one event that came next, 1 / log2(1 + rank); HR: its rank is at most k; Cov: the "
    "share of movies that some list of k shows.",
    "All movies are scored, seen ones too. Every event of the last tenth whose user has an earlier "
    "one is predicted from 150 to 200 events before it, or all there are.",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare ``--rows``, ``--epochs``, ``--minutes`` and ``--exact``."""
    parser.add_argument("--rows", default=",".join(ROWS), help=f"which to run: {','.join(ROWS)}")
    parser.add_argument(
        "--epochs", type=int, help="of the four published losses (default 40 of BCE, else 12)"
    )
    parser.add_argument(
        "--batch-tokens", type=int, default=6400, help="of the four published losses"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=MINUTES,
        help=f"of training for the best configuration (default {MINUTES:g}); a pilot tells how "
        "many epochs that is",
    )
    parser.add_argument(
        "--best-epochs", type=int, help="epochs of the best configuration, instead of --minutes"
    )
    parser.add_argument(
        "--exact",
        action="store_true",
        help=f"the source's {SOURCE_EPOCHS} epochs and 256 users a batch (for a GPU)",
    )


def run(options: argparse.Namespace) -> Result:
    """Train and judge the rows asked for."""
    asked = [name.strip() for name in options.rows.split(",") if name.strip()]
    unknown = sorted(set(asked) - set(ROWS))
    if unknown:
        raise BenchmarkError(f"--rows: there is no {unknown[0]!r}; there are {','.join(ROWS)}")
    steps = Steps()
    with steps("split"):
        split = read_split()
    checks = [_check_split(split)]
    if not checks[0].passed:
        return Result(_title(split), METRICS, CONVENTIONS, [], checks)
    found: dict[str, Trained] = {}
    for name in (row for row in ROWS if row in asked):
        with steps(ROWS[name]):
            found[ROWS[name]] = _train(name, split, options, found)
    rows = []
    for model in ROWS.values():
        if model in found:
            rows.append(Row(model, "Zavtra", found[model].test))
        if model in PUBLISHED:
            figures = dict(zip(METRICS, PUBLISHED[model], strict=True))
            rows.append(Row(model, "published", figures))
    checks += _check_best(found, options)
    return Result(
        _title(split), METRICS, CONVENTIONS, rows, checks, _facts(found), _payload(found, steps)
    )


def _train(
    name: str, split: Split, options: argparse.Namespace, found: dict[str, Trained]
) -> Trained:
    if name in LOSSES.values():
        loss = next(loss for loss in LOSSES.values() if loss == name)
        epochs = SOURCE_EPOCHS if options.exact else options.epochs or EPOCHS[loss]
        tokens = SOURCE_TOKENS if options.exact else options.batch_tokens
        return _judged(source_recipe(loss, epochs, tokens), split)
    epochs = found[BEST].epochs if BEST in found else options.best_epochs
    if epochs is None:
        epochs = epochs_within(60 * options.minutes, best_recipe(10), split.train)
    return _judged(best_recipe(epochs), split if name == "best" else read_split(TIE_SEED))


def _judged(recipe: Recipe, split: Split) -> Trained:
    """Train on the first eight tenths, keep the best of the ninth, judge on the last."""
    validation, test = Judge(split.all, split.validation), Judge(split.all, split.test)
    return run_recipe(recipe, split.train, lambda n: validation(n, coverage=False)["DCG@20"], test)


def _check_split(split: Split) -> Check:
    counts = (len(split.all), split.all.n_items, len(split.all.item))
    near = all(abs(a - b) <= NEAR_S for a, b in zip(split.thresholds, THRESHOLDS, strict=True))
    text = "{:,} users, {:,} movies, {:,} events".format(*counts)
    text += f", thresholds {split.thresholds[0]} and {split.thresholds[1]}"
    return Check("the split is the protocol's", counts == COUNTS and near, text)


def _check_best(found: dict[str, Trained], options: argparse.Namespace) -> list[Check]:
    if BEST not in found:
        return []
    best = found[BEST]
    text = f"{best.test['DCG@10']:.4f} after {best.seconds:.0f} s, {best.epochs} epochs"
    return [
        Check(
            f"best reaches DCG@10 {MUST_REACH:.3f} within {60 * MINUTES:.0f} s of training",
            best.test["DCG@10"] >= MUST_REACH and best.seconds <= 60 * MINUTES,
            text,
        )
    ]


def _facts(found: dict[str, Trained]) -> list[str]:
    lines = [
        f"{name}: {t.epochs} epochs of {t.tokens:,} events in {t.seconds:.0f} s ("
        f"{t.cpu_seconds:.0f} s of the processors, {t.rate:,.0f} events/s), "
        f"best validation DCG@20 {t.validation:.4f} at epoch {t.kept}, {t.device}"
        for name, t in found.items()
    ]
    below = [
        name
        for name in PUBLISHED
        if name in found and found[name].test["DCG@10"] < PUBLISHED[name][1]
    ]
    if below:
        lines.append(
            f"below the published row: {', '.join(below)}; the source trained {SOURCE_EPOCHS} "
            "epochs in batches of 256 users (--exact)"
        )
    return [*lines, f"machine: {machine()}; peak memory {lifetime_peak_gb():.1f} GB"]


def _payload(found: dict[str, Trained], steps: Steps) -> dict[str, Any]:
    def figures(name: str) -> dict[str, float] | None:
        return {k: round(v, 5) for k, v in found[name].test.items()} if name in found else None

    return {
        "rows": {name: figures(name) for name in PUBLISHED if name in found},
        "best": figures(BEST),
        "best_random_ties": figures(TIES),
        "seconds": {name: round(t.seconds, 1) for name, t in found.items()},
        "cpu_seconds": {name: round(t.cpu_seconds, 1) for name, t in found.items()},
        "epochs": {name: t.epochs for name, t in found.items()},
        "seconds_by_step": steps.rounded(),
        "device": next((t.device for t in found.values()), None),
        "peak_rss_gb": round(lifetime_peak_gb(), 2),
    }


def _title(split: Split) -> str:
    return f"ml1m-seminar: MovieLens-1M, all ratings, {len(split.test):,} events of the last tenth"
