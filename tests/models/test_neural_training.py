"""The loop: learning, early stopping, resuming after a kill, and errors that say what to do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from models.base import ModelError
from models.neural import training
from models.neural.checkpoint import State, load_weights, read_checkpoint, write_checkpoint
from models.neural.learner import Batch, Learner, TrainingSettings
from models.neural.randomness import Dropout, generator, normal
from models.neural.training import train

SETTINGS = TrainingSettings(
    epochs=4, learning_rate=0.05, average=0.9, precision="32", accelerator="cpu"
)


class Line(Learner):
    """Learns to sum four numbers."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        random = generator(1)
        self.slope = normal(width, 1, std=0.1, random=random)
        self.dropout = Dropout(0.1)
        self.x: torch.Tensor
        self.register_buffer("x", torch.randn(200, width, generator=random), persistent=False)
        self.judged: list[float] = []

    def batches(self, epoch: int, random: torch.Generator) -> Sequence[Batch]:
        return [(rows,) for rows in torch.randperm(200, generator=random).split(50)]

    def forward(self, *batch: torch.Tensor) -> torch.Tensor:
        x = self.x[batch[0]]
        return (self.dropout(x) @ self.slope - x.sum(1, keepdim=True)).square().mean()

    def judge(self) -> float:
        found = -float((self.x @ self.slope - self.x.sum(1, keepdim=True)).square().mean())
        self.judged.append(found)
        return found


def test_it_learns_and_tells_how_it_went() -> None:
    model, told = Line(), []
    curves = train(model, replace(SETTINGS, epochs=30), tell=lambda *at: told.append(at))
    assert torch.allclose(model.slope, torch.ones(4, 1), atol=0.1)
    assert curves.epochs[-1]["loss"] < curves.epochs[0]["loss"]
    assert [set(e) for e in curves.epochs] == [
        {"epoch", "loss", "learning_rate", "validation"}
    ] * 30
    assert told[-1] == (120, 120)


def test_same_seed_same_bytes_and_another_seed_others() -> None:
    a, b, c = Line(), Line(), Line()
    torch.manual_seed(1)
    train(a, SETTINGS)
    torch.manual_seed(2)  # the global generator plays no part
    train(b, SETTINGS)
    train(c, replace(SETTINGS, seed=8))
    assert torch.equal(a.slope, b.slope)
    assert not torch.equal(a.slope, c.slope)


def test_the_best_weights_are_kept_and_patience_ends_it() -> None:
    class Fickle(Line):
        def judge(self) -> float:
            self.judged.append(float(self.slope[0, 0]))
            return [0.1, 0.5, 0.2, 0.3, 0.9][len(self.judged) - 1]

    model = Fickle()
    curves = train(model, replace(SETTINGS, epochs=5, patience=2))
    assert curves.best_epoch == 1
    assert len(curves.epochs) == 4
    assert float(model.slope[0, 0]) == model.judged[1]
    assert "stopped after epoch 3" in curves.notes[0]


def test_the_rate_rises_and_falls() -> None:
    settings = TrainingSettings(learning_rate=1.0, final_rate=0.1, warmup=0.2)
    assert settings.rate(0.0) == 0
    assert settings.rate(0.1) == pytest.approx(0.5)
    assert settings.rate(0.2) == pytest.approx(1.0)
    assert settings.rate(0.6) == pytest.approx(0.55)
    assert settings.rate(1.0) == pytest.approx(0.1)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_neural_training import Line, SETTINGS
from models.neural.training import train

class Dies(Line):
    def batches(self, epoch, random):
        if epoch == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().batches(epoch, random)

train(Dies(), SETTINGS, checkpoint=Path({path!r}))
"""


def test_after_kill_9_it_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "training.safetensors"
    program = KILLED.format(tests=os.path.dirname(__file__), path=str(path))
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL
    assert read_checkpoint(path).facts["done"] == 2
    whole, resumed = Line(), Line()
    want = train(whole, SETTINGS)
    found = train(resumed, SETTINGS, checkpoint=path)
    assert len(resumed.judged) == 2  # epochs 2 and 3 alone
    assert torch.equal(resumed.slope, whole.slope)
    assert found == want
    assert torch.equal(whole.slope, _once_more(path))


def _once_more(path: Path) -> torch.Tensor:
    """Train from a checkpoint at which everything was done."""
    model = Line()
    train(model, SETTINGS, checkpoint=path)
    assert model.judged == []
    return model.slope


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "training.safetensors"
    train(Line(), SETTINGS, checkpoint=path)
    with pytest.raises(ModelError, match=r"checkpoint of another training .* remove it"):
        train(Line(), replace(SETTINGS, epochs=5), checkpoint=path)
    with pytest.raises(ModelError, match=r"checkpoint of another training .* remove it"):
        train(Line(5), SETTINGS, checkpoint=path)
    path.write_bytes(b"\x10")
    with pytest.raises(ModelError, match=r"is no checkpoint .* remove it to start anew"):
        train(Line(), SETTINGS, checkpoint=path)


def test_weights_of_another_shape_are_named(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    write_checkpoint(path, State({"slope": torch.zeros(5, 1)}, {}))
    with pytest.raises(ModelError, match=r"slope is \(5, 1\) there and \(4, 1\) here; refit it"):
        load_weights(Line(), read_checkpoint(path).tensors, path)


def test_a_loss_that_is_no_number_stops_and_names_step_and_batch() -> None:
    class Breaks(Line):
        calls = 0

        def forward(self, *batch: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return super().forward(*batch) * (float("nan") if self.calls == 7 else 1)

    with pytest.raises(
        ModelError, match=r"loss is nan at epoch 1, step 2 of 4 \(a batch of 50 row"
    ):
        train(Breaks(), SETTINGS)


def test_a_required_gpu_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match=r"accelerator is 'gpu' .* this machine has 0"):
        train(Line(), replace(SETTINGS, accelerator="gpu"))


def test_full_gpu_memory_halves_the_batches_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Greedy(Line):
        def forward(self, *batch: torch.Tensor) -> torch.Tensor:
            if len(batch[0]) > 20:
                raise torch.OutOfMemoryError("full")
            return super().forward(*batch)

    plain, greedy = Line(), Greedy()
    plain.dropout.share = greedy.dropout.share = 0.0
    train(plain, SETTINGS)
    curves = train(greedy, SETTINGS)
    assert curves.notes == [f"GPU memory full: batches are cut in {n}" for n in (2, 4)]
    assert torch.allclose(plain.slope, greedy.slope, atol=1e-5)

    class Hopeless(Line):
        def forward(self, *batch: torch.Tensor) -> torch.Tensor:
            raise torch.OutOfMemoryError("full")

    with pytest.raises(ModelError, match="full with a single row"):
        train(Hopeless(), SETTINGS)


def test_an_empty_epoch_is_refused() -> None:
    class Empty(Line):
        def batches(self, epoch: int, random: torch.Generator) -> Sequence[Batch]:
            return []

    with pytest.raises(ModelError, match="nothing to train on"):
        train(Empty(), SETTINGS)


def test_losses_are_looked_at_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "TELL_EVERY", 3)
    told: list[tuple[int, int]] = []
    train(Line(), replace(SETTINGS, epochs=1), tell=lambda *at: told.append(at))
    assert told == [(3, 4), (4, 4)]
