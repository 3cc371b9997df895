"""The worker threads of this process: one pool, however many steps run side by side."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock

_POOLS: dict[int, tuple[ThreadPoolExecutor, int]] = {}
"""Number of threads → the pool and how many use it."""
_LOCK = Lock()


@contextmanager
def workers(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Give the pool of so many threads that all who ask for it at one time share.

    A pool for each step would multiply what ``threads`` and ``chunk_memory_gb`` bound. It ends with
    the last who uses it, and with it what its threads keep (:class:`models.memory.Memory`).
    """
    with _LOCK:
        pool, users = _POOLS.get(threads) or (ThreadPoolExecutor(threads, "zavtra"), 0)
        _POOLS[threads] = pool, users + 1
    try:
        yield pool
    finally:
        with _LOCK:
            pool, users = _POOLS.pop(threads)
            if users > 1:
                _POOLS[threads] = pool, users - 1
        if users == 1:
            pool.shutdown()
