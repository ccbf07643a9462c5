"""How the benchmarks measure seconds and memory, and show how far they are."""

from __future__ import annotations

import ctypes
import gc
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import psutil
from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")
Task = Callable[[], object]
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT = 64 << 20  # bytes that glibc keeps by itself once it has seen large pieces
_SMALL = 1 << 17  # bytes, the size from which glibc gives pieces back by themselves at first


def tracked(title: str, items: Sequence[Item]) -> Iterable[Item]:
    """Return the items; a terminal shows a bar while they are worked off, a file gets a line."""
    console = Console(stderr=True, markup=False, highlight=False)
    if console.is_terminal:
        return track(items, title, console=console, transient=True)
    console.print(f"{title}, {len(items)} steps")
    return items


def interleaved(title: str, tasks: Mapping[str, Task], rounds: int) -> Iterator[tuple[str, float]]:
    """Run each task once in every round, and return its name and seconds each time.

    Every other round runs backwards, so that what else the machine does hits all alike. pyperf would run one task after
    the other, each in processes of its own.
    """
    names = [name for number in range(rounds) for name in list(tasks)[:: -1 if number % 2 else 1]]
    for name in tracked(title, names):
        start = time.perf_counter()
        result = tasks[name]()
        seconds = time.perf_counter() - start
        del result
        yield name, seconds


def peak_memory(task: Task) -> int:
    """Return the bytes that a task takes at most beyond what the process has before. Linux with glibc only."""
    glibc = ctypes.CDLL(None)
    gc.collect()
    glibc.malloc_trim(0)
    # What is freed goes back at once, so that the figure does not depend on what this process did before.
    _keep_freed(glibc, 0)
    try:
        own = psutil.Process()
        before = forget_peak(own)
        result = task()
        most = peak(own)
        del result
    finally:
        _keep_freed(glibc, _KEPT)
    return most - before


def forget_peak(process: psutil.Process) -> int:
    """Let the peak of a process begin anew, at what it holds now; return that, bytes (proc(5): clear_refs)."""
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")
    return int(process.memory_info().rss)


def peak(process: psutil.Process) -> int:
    """Return how many bytes a process held at most (proc(5): VmHWM)."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def _keep_freed(glibc: ctypes.CDLL, most: int) -> None:
    """Set how many bytes of freed memory the C library keeps, and from which size on it keeps none; mallopt(3)."""
    glibc.mallopt(_M_TRIM_THRESHOLD, most)
    glibc.mallopt(_M_MMAP_THRESHOLD, max(most // 2, _SMALL))
