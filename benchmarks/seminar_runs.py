"""Recipes of the protocols for SASRec: what is trained and how, and one training judged."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch

from benchmarks.seminar_split import CONTEXT
from models.interactions import Histories
from models.neural.device import make_fabric
from models.neural.learner import TrainingSettings
from models.neural.next_item import Loss, Network, NextItem, Objective
from models.neural.randomness import generator
from models.neural.training import train
from models.neural.transformer import Architecture

SOURCE_EPOCHS, SOURCE_TOKENS = 100, 256 * CONTEXT
"""Of the source: 256 users a batch, each with the last 200 events."""
PILOT_USERS = 600
"""Users a pilot times an epoch with."""
SAFETY = 0.75
"""Share of the time that the epochs told by a pilot are to fill: a shared machine slows down."""


@dataclass(frozen=True)
class Recipe:
    """One row of the table.

    Attributes:
        architecture: of the transformer.
        objective: loss and batches.
        training: epochs and rates.
    """

    architecture: Architecture
    objective: Objective
    training: TrainingSettings


class Trained(NamedTuple):
    """What a recipe came to.

    Attributes:
        test: the nine metrics.
        validation: best DCG@20.
        epochs: trained.
        kept: epoch whose weights were judged, counted from 1.
        seconds: of training, validation not counted.
        cpu_seconds: the same of all threads.
        tokens: events of an epoch.
        device: such as ``cpu bf16-mixed``.
    """

    test: dict[str, float]
    validation: float
    epochs: int
    kept: int
    seconds: float
    cpu_seconds: float
    tokens: int
    device: str

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.epochs * self.tokens / self.seconds


def source_recipe(loss: Loss, epochs: int, tokens: int) -> Recipe:
    """Give the source's settings: SASRec, d 64, 2 heads, 2 layers, dropout .1, Adam 1e-3."""
    shape = Architecture(CONTEXT, 64, 2, 2, 4.0, "prenorm", "learnt", 0.1)
    every = max(epochs // 10, 1)
    return Recipe(
        shape,
        Objective(loss, negatives=1, part="last", tokens=tokens),
        TrainingSettings(epochs=epochs, learning_rate=1e-3, judge_every=every),
    )


def best_recipe(epochs: int) -> Recipe:
    """Give this project's: gated blocks, relative positions, all of every history, small batches.

    The learning rate was chosen by two short runs judged on the validation tenth; blocks, positions
    and the size of batches follow what is known of the protocol.
    """
    shape = Architecture(CONTEXT, 64, 2, 2, 2.0, "ligr", "relative", 0.1)
    settings = TrainingSettings(
        epochs=epochs,
        learning_rate=3e-3,
        final_rate=0.02,
        warmup=0.5 / epochs,
        average=0.995,
        judge_every=max(epochs // 5, 1),
    )
    return Recipe(shape, Objective("softmax", part="all", tokens=3200), settings)


def run_recipe(
    recipe: Recipe,
    taught: Histories,
    validate: Callable[[Network], float],
    test: Callable[[Network], dict[str, float]],
) -> Trained:
    """Train, keep the weights that validate best, and judge them.

    Args:
        recipe: what and how.
        taught: learned from.
        validate: gives what chooses the weights, larger is better.
        test: gives the figures of the table.
    """
    judging = [0.0, 0.0]

    def timed(network: Network) -> float:
        wall, cpu = time.perf_counter(), time.process_time()
        found = validate(network)
        judging[0] += time.perf_counter() - wall
        judging[1] += time.process_time() - cpu
        return found

    learner = _learner(recipe, taught, timed)
    make_fabric("auto", 1, "auto")  # imports Lightning before the clock runs
    wall, cpu = time.perf_counter(), time.process_time()
    curves = train(learner, recipe.training)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Trained(
        test(learner.network),
        curves.best or 0.0,
        len(curves.epochs),
        1 + (curves.best_epoch or 0),
        wall - judging[0],
        cpu - judging[1],
        _tokens(learner, recipe.training.seed),
        curves.device,
    )


def epochs_within(seconds: float, recipe: Recipe, taught: Histories) -> int:
    """Time one pass over some users; give the epochs over all of them that fit the seconds."""
    drawn = torch.randperm(len(taught), generator=generator(0))[:PILOT_USERS]
    once = replace(recipe, training=replace(recipe.training, epochs=1))
    pilot = _learner(once, taught.take(drawn.numpy()), None)
    train(pilot, once.training)  # the first batches find everything cold
    started = time.perf_counter()
    train(pilot, once.training)
    taken = time.perf_counter() - started
    share = _tokens(_learner(once, taught, None), 0) / _tokens(pilot, 0)
    return int(min(max(SAFETY * seconds / (taken * share), 1), SOURCE_EPOCHS))


def _learner(
    recipe: Recipe, taught: Histories, validate: Callable[[Network], float] | None
) -> NextItem:
    network = Network(recipe.architecture, taught.n_items, generator(recipe.training.seed))
    network.known.fill_(True)  # all items are scored
    return NextItem(network, taught, recipe.objective, validate)


def _tokens(learner: NextItem, seed: int) -> int:
    return int(sum(learner.weight(batch) for batch in learner.batches(0, generator(seed, 0))))
