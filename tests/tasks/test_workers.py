"""Steps that run side by side share the threads, and so the memory, of one."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from threading import get_ident

import numpy as np
import pytest
from hand_made import hand_made

import tasks.day
from models.candidates import Source
from models.registry import make_generator
from tasks import workers
from tasks.day import Day, read_log
from tasks.features import features_as_of, update_features
from tasks.ranker import _write


@pytest.fixture
def day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Day:
    monkeypatch.setattr(tasks.day, "MAX_CHUNK", 1)
    run = hand_made(tmp_path, date(2026, 1, 5), "threads: 2\n")
    model = make_generator("popularity").fit(read_log(run.lake, run.as_of))
    update_features.fn(run)
    return Day(run, run.as_of, [Source("popularity", model, 2)], features_as_of(run, run.as_of))


def quiet(done: int, total: int) -> None:
    pass


def test_two_steps_have_no_more_threads_than_one(day: Day) -> None:
    users = np.arange(9, dtype=np.int32)
    one = day.map_chunks(users, lambda chunk: get_ident(), quiet)
    threads = {next(one)}
    threads |= {*day.map_chunks(users, lambda chunk: get_ident(), quiet)}
    assert workers._POOLS  # the first step goes on
    threads |= {*one}
    assert len(threads) <= 2
    assert not workers._POOLS


def test_a_step_that_fails_does_not_take_the_threads_from_another(day: Day) -> None:
    users = np.arange(9, dtype=np.int32)
    one = day.map_chunks(users, len, quiet)
    assert next(one) == 1
    with pytest.raises(ZeroDivisionError):
        [*day.map_chunks(users, lambda chunk: 1 // int(chunk[0]), quiet)]
    assert [*one] == [1] * 8
    assert not workers._POOLS


@pytest.mark.parametrize("sizes", [(3, 0, 2), (0, 0)])
def test_chunks_are_written_as_if_they_were_joined(sizes: tuple[int, ...], tmp_path: Path) -> None:
    parts = [np.arange(2 * n, dtype=np.float32).reshape(2, n) for n in sizes]
    _write(tmp_path / "a.npy", parts)
    np.save(tmp_path / "b.npy", np.concatenate(parts, axis=-1))
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()
