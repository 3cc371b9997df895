"""One fit with everything around it: time budget, GPU, checkpoints, and what to do if it fails."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic

from prefect.concurrency.sync import concurrency

from config.settings import GeneratorSettings
from models.base import Generator, ModelError, OtherShapeError
from models.dropped import Dropped
from models.interactions import Interactions
from models.registry import is_neural, make_generator
from tasks.progress import Tell, progress

GPU_LIMIT = "gpu"
"""Name of Prefect's global concurrency limit; one that nobody created limits nothing."""
LOG = logging.getLogger("zavtra.generators")


def make_unfitted(settings: GeneratorSettings, warm: bool = False) -> Generator:
    """Make the model of a source.

    Args:
        settings: of the source.
        warm: it goes on from earlier weights, for ``warm_epochs``.

    Raises:
        ModelError: the settings are not those of a model.
    """
    model = make_generator(settings.kind, **settings.params)
    if model.rates:
        raise ModelError(
            f"{settings.kind} with loss 'regression' learns ratings, low ones too, but a source is "
            "fitted on positives alone: take 'bpr' or 'logistic'"
        )
    if settings.warm_epochs is None:
        return model
    if not model.can_start_warm:
        raise ModelError(
            f"{settings.kind} cannot go on from earlier weights: leave warm_epochs out"
        )
    epochs = {"epochs": settings.warm_epochs} if warm else {}
    return make_generator(settings.kind, **{**settings.params, **epochs})


def fit_or_drop(
    settings: GeneratorSettings,
    model: Generator,
    log: Interactions,
    checkpoint: Path | None,
    start: Generator | None = None,
) -> Generator:
    """Fit a model; one that is not required and fails or takes too long is dropped aloud.

    Args:
        settings: of the source.
        model: unfitted, attributes attached.
        log: positives.
        checkpoint: where a neural model keeps its state between epochs; None: nowhere.
        start: fitted on an earlier cut, to go on from; None: start anew.

    Raises:
        OtherShapeError: ``start`` cannot be gone on from.
        Exception: whatever the fit raised, if the source is required.
    """
    try:
        with ExitStack() as stack:
            if is_neural(settings.kind):
                stack.enter_context(_turn(model))  # before the clock: to wait is not to train
            started = monotonic()
            if is_neural(settings.kind):
                tell = stack.enter_context(_told(settings, started))
                model.assist(checkpoint=checkpoint, tell=tell, start=start)
            model.fit(log)
            _check_budget(settings, started)
    except Exception as error:
        if settings.required or isinstance(error, OtherShapeError):
            raise
        reason = f"{type(error).__name__}: {error}"
        LOG.warning("source %s is dropped, the day goes on without it: %s", settings.name, reason)
        return Dropped(reason).fit(log)
    finally:
        model.assist()
    if checkpoint is not None:
        shutil.rmtree(checkpoint.parent, ignore_errors=True)
    return model


@contextmanager
def _told(settings: GeneratorSettings, started: float) -> Iterator[Tell]:
    """Give what a neural fit is told to: progress, and an end when the budget is spent."""
    with progress(f"fit {settings.name}") as show:

        def tell(done: int, total: int) -> None:
            show(done, total)
            _check_budget(settings, started, f" with {done} of {total} steps done")

        yield tell


def _check_budget(settings: GeneratorSettings, started: float, how_far: str = "") -> None:
    budget = settings.budget_minutes
    if budget is not None and monotonic() - started > 60 * budget:
        raise ModelError(
            f"{settings.name} took more than its budget of {budget:g} minutes{how_far}: raise "
            "budget_minutes, or make the model smaller"
        )


@contextmanager
def _turn(model: Generator) -> Iterator[None]:
    """Wait for the turn of a neural fit: one at a time in a process, and at the GPU if it uses it.

    It costs nothing else: the trainings of a process take turns anyway.
    """
    import torch

    from models.neural.training import ALONE

    with ALONE:
        if torch.cuda.is_available() and getattr(model, "accelerator", "cpu") != "cpu":
            with concurrency(GPU_LIMIT, occupy=1):
                yield
        else:
            yield
