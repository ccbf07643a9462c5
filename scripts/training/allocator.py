"""How the C library keeps memory while a network is trained."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # mallopt(3)
_STEP = 256 << 20  # bytes by which the process grows at a time


def keep_freed_memory() -> None:
    """Keep what is freed for the next step, which needs the same again.

    Otherwise the system takes back every large tensor and clears its pages again: a third of a step's time. Does
    nothing where the C library is not glibc.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, -1)
        mallopt(_M_TOP_PAD, _STEP)
