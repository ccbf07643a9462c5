"""Gives free memory back to the system, and says how much there is.

The C library keeps what was freed for the next photo. Each photo has another size, so the pieces fit ever worse, and a
process that needs 600 MB holds two to three times as much after some thousand photos.
"""

from __future__ import annotations

import ctypes
import os
import re
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

_GROWTH = 120_000_000  # bytes: the stages use about as much again for every photo, and should not ask for it each time
# To take memory back from the system makes the next photo a third slower, so it is given back seldom while photos come.
_SELDOM_S = 5.0
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # mallopt(3)
_STEP = 64 << 20  # bytes by which the process grows at a time
_PAGE = os.sysconf("SC_PAGE_SIZE")
_WORKER, _COPIES = 500_000_000, 4
_STATM = Path("/proc/self/statm")
_CGROUP = Path("/sys/fs/cgroup")


def keep_freed() -> None:
    """Let the C library keep what is freed, large pieces too, until `Memory` gives it back.

    Otherwise the system takes back every large picture and tensor, and clears the same pages again for the next one.
    For programs that are this one's alone. Does nothing where the C library is not glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, -1)
        mallopt(_M_TOP_PAD, _STEP)


def bound_memory() -> None:
    """Let this process take no more than half of the memory that is free now; asking for more raises MemoryError.

    For programs that read files of others, in which a few bytes can ask for gigabytes.
    """
    own = int(re.search(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024  # type: ignore[index]
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = own + free_bytes() // 2
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


class Memory:
    """Watches how much this process holds. Does nothing where the C library is not glibc."""

    def __init__(self) -> None:
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
        self._least = 0
        self._last = float("-inf")
        self._later: threading.Timer | None = None

    def tidy(self) -> None:
        """Give back what is free, if the process has grown by much since the last time: now, or a few seconds later."""
        if self._trim is None or resident() <= self._least + _GROWTH:
            return
        if time.monotonic() >= self._last + _SELDOM_S:
            self._give_back(self._trim)
        elif self._later is None or not self._later.is_alive():
            self._later = threading.Timer(_SELDOM_S, self._give_back, (self._trim,))
            self._later.daemon = True
            self._later.start()

    def _give_back(self, trim: Callable[[int], int]) -> None:
        trim(0)
        self._least = resident()
        self._last = time.monotonic()


def resident() -> int:
    """Return bytes of memory that this process holds. Linux only."""
    return int(_STATM.read_text().split()[1]) * _PAGE


def worker_bytes(weights: int) -> int:
    """Return how much memory a worker takes, roughly, with weights of this many bytes.

    Python, torch and the stages with a photo, and the weights as a file and in the form that runs.
    """
    return _WORKER + _COPIES * weights


def free_bytes() -> int:
    """Return how much memory another process could take: of the machine, or of the container where that has less."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = int((_CGROUP / "memory.max").read_text())
        free = min(free, limit - int((_CGROUP / "memory.current").read_text()))
    except (OSError, ValueError):  # there is no limit, which reads "max", or no container
        pass
    return max(free, 0)
