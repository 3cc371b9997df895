"""Memory that a thread uses again for the next chunk of users.

The kernel hands out fresh memory page by page, zeroed, at first touch; for blocks that are written
once and read twice that takes as long as the work itself.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Hashable

import numpy as np


class Memory(threading.local):
    """Arrays of float32 by name; every thread has its own, freed when it ends."""

    def __init__(self) -> None:
        self._arrays: dict[Hashable, np.ndarray] = {}

    def take(self, name: Hashable, shape: tuple[int, ...]) -> np.ndarray:
        """Give an array in C order with any content, which stands until the name is taken again.

        Args:
            name: whatever was taken by it in this thread before is overwritten.
            shape: of the array; the largest so far is kept.
        """
        size = math.prod(shape)
        kept = self._arrays.get(name)
        if kept is None or kept.size < size:
            kept = self._arrays[name] = np.empty(size, np.float32)
        return kept[:size].reshape(shape)
