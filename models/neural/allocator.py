"""Keep freed memory in the process while a model is trained.

glibc hands large freed blocks back to the kernel, which zeroes every page again on the next step:
in a small model on a CPU that is up to half of the time.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of glibc's malloc.h."""
LARGEST = 32 * 2**20
"""Bytes; glibc accepts no larger threshold for blocks of their own."""
DEFAULT = 128 * 2**10
"""Bytes: glibc's threshold of both."""


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Let blocks up to 32 MB be reused in the block; afterwards what is free goes back.

    Does nothing where the C library is not glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(M_MMAP_THRESHOLD, LARGEST)
    libc.mallopt(M_TRIM_THRESHOLD, 2**30)
    try:
        yield
    finally:
        libc.mallopt(M_TRIM_THRESHOLD, DEFAULT)
        libc.mallopt(M_MMAP_THRESHOLD, DEFAULT)
        libc.malloc_trim(0)
