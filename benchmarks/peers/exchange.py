"""How a peer's script and the benchmark exchange arrays: one ``.npz`` each way, nothing pickled.

The scripts of this folder run in the peers' own environment and import nothing of the project;
this module is their only common part and needs numpy alone.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]


class Report:
    """What a script hands back: one array of lists per model, its seconds, the peak memory."""

    def __init__(self) -> None:
        self.lists: Arrays = {}
        self.figures: dict[str, dict[str, float]] = {}

    @contextmanager
    def timed(self, model: str) -> Iterator[None]:
        """Time a model's fit and recommendation together.

        Notes ``seconds`` (wall-clock) and ``cpu_seconds`` (of all threads): where the second is
        far below the first, other work held the cores.
        """
        print(f"{model} …", file=sys.stderr, flush=True)
        started, worked = time.perf_counter(), time.process_time()
        yield
        seconds = time.perf_counter() - started
        self.note(model, seconds=seconds, cpu_seconds=time.process_time() - worked)
        print(f"{model}: {seconds:.1f} s", file=sys.stderr, flush=True)

    def note(self, model: str, **figures: float) -> None:
        """Add figures of a model."""
        self.figures.setdefault(model, {}).update(figures)

    def write(self, path: str) -> None:
        """Write the lists as arrays and the figures as JSON text beside them."""
        import rectools  # type: ignore[import-not-found]

        head = {
            "figures": self.figures,
            "peak_rss_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2,
            "library": f"RecTools {rectools.__version__}",
        }
        names = list(self.lists)
        arrays: dict[str, Any] = {
            f"lists_{n}": self.lists[name].astype(np.int32) for n, name in enumerate(names)
        }
        text = json.dumps({**head, "models": names})
        with Path(path).open("wb") as file:
            np.savez(file, **arrays, report=np.array(text))


def read_request(path: str) -> tuple[Arrays, dict[str, Any]]:
    """Read the arrays and the options that the benchmark wrote."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    options = json.loads(str(arrays.pop("options")))
    return arrays, options


def to_lists(user: np.ndarray, item: np.ndarray, targets: np.ndarray, k: int) -> np.ndarray:
    """Turn rows ordered by rank within a user into ``(len(targets), k)``, padded with -1.

    Args:
        user: ``(n,)`` users, a user's rows in order of rank.
        item: ``(n,)`` items.
        targets: the users whose lists are wanted, ascending.
        k: length of a list; what is past it is left out.
    """
    order = np.argsort(user, kind="stable")
    user, item = user[order], item[order]
    rank = np.arange(len(user)) - np.searchsorted(user, user)
    kept = (rank < k) & np.isin(user, targets)
    lists = np.full((len(targets), k), -1, np.int32)
    lists[np.searchsorted(targets, user[kept]), rank[kept]] = item[kept]
    return lists
