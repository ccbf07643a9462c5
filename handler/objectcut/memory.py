"""Gives free memory back to the system.

The C library keeps what was freed for the next photo. Each photo has another size, so the pieces fit ever worse, and a
process that needs 600 MB holds two to three times as much after some thousand photos.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_GROWTH = 120_000_000  # bytes: the stages use about as much again for every photo, and should not ask for it each time
_PAGE = os.sysconf("SC_PAGE_SIZE")
_STATM = Path("/proc/self/statm")


class Memory:
    """Watches how much this process holds. Does nothing where the C library is not glibc."""

    def __init__(self) -> None:
        self._trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
        self._least = 0

    def tidy(self) -> None:
        """Give back what is free, if the process has grown by much since the last time."""
        if self._trim is None:
            return
        if resident() > self._least + _GROWTH:
            self._trim(0)
            self._least = resident()


def resident() -> int:
    """Bytes of memory that this process holds. Linux only."""
    return int(_STATM.read_text().split()[1]) * _PAGE
