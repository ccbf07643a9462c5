"""How the benchmarks measure: seconds, memory, and what the machine itself can do."""

from __future__ import annotations

import copy
import ctypes
import gc
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

Task = Callable[[], object]
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT = 64 << 20  # bytes that glibc keeps by itself once it has seen large pieces
_SMALL = 1 << 17  # bytes, the size from which glibc gives pieces back by themselves at first
_MATRIX = 3072  # rows and columns; large enough that multiplying is all that counts


@dataclass(frozen=True)
class Machine:
    """Where the figures come from."""

    processor: str
    cores: int
    instructions: tuple[str, ...]
    torch: str
    torchvision: str
    threads: int

    @classmethod
    def this(cls) -> Machine:
        """The machine that runs this program."""
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        able = torch.cpu.get_capabilities()
        fast = tuple(name for name in ("avx2", "avx512_f", "avx512_bf16", "amx_bf16") if able.get(name))
        return cls(
            next(named, str(able.get("architecture"))),
            len(os.sched_getaffinity(0)),
            fast,
            torch.__version__,
            torchvision.__version__,
            torch.get_num_threads(),
        )


class BackgroundLoad:
    """How busy other programs, or other guests of the same host, keep the processor."""

    def __init__(self) -> None:
        self._start = self._read()

    def share(self) -> float:
        """Of the processor's time since this was made, 0 to 1."""
        spent, idle, own = (now - before for now, before in zip(self._read(), self._start, strict=True))
        return max(0.0, (spent - idle - own) / spent)

    @staticmethod
    def _read() -> tuple[float, float, float]:
        """Seconds that the cores had, that they were idle, and that this program and those it started took."""
        own = sum(os.times()[:4])
        for process in psutil.Process().children(recursive=True):  # those that ended are in their parents' times
            with suppress(psutil.NoSuchProcess):
                own += sum(process.cpu_times()[:4])
        machine = psutil.cpu_times()
        # The time of guests is contained in that of users.
        spent = sum(machine) - machine.guest - machine.guest_nice
        return spent, machine.idle + machine.iowait, own


def interleaved(
    tasks: Mapping[str, Task], rounds: int, advance: Callable[[str], object] = lambda _: None
) -> dict[str, list[float]]:
    """The seconds of each task in each round.

    Every round runs each task once, every other round backwards, so that what else the machine does hits all alike.

    Args:
        tasks: by name.
        rounds: how many.
        advance: is told each task's name before it runs.
    """
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(rounds):
        for name in list(tasks)[:: -1 if number % 2 else 1]:
            advance(name)
            start = time.perf_counter()
            result = tasks[name]()
            seconds[name].append(time.perf_counter() - start)
            del result
    return seconds


def medians(seconds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The median of each task's seconds."""
    return {name: statistics.median(taken) for name, taken in seconds.items()}


def peak_memory(task: Task) -> int:
    """Bytes that a task takes at most beyond what the process has before. Linux with glibc only."""
    glibc = ctypes.CDLL(None)
    gc.collect()
    glibc.malloc_trim(0)
    # What is freed goes back at once, so that the figure does not depend on what this process did before.
    _keep_freed(glibc, 0)
    try:
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far; proc(5)
        before = psutil.Process().memory_info().rss
        result = task()
        lines = Path("/proc/self/status").read_text().splitlines()
        del result
    finally:
        _keep_freed(glibc, _KEPT)
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")) - before


def _keep_freed(glibc: ctypes.CDLL, most: int) -> None:
    """Set how many bytes of freed memory the C library keeps, and from which size on it keeps none; mallopt(3)."""
    glibc.mallopt(_M_TRIM_THRESHOLD, most)
    glibc.mallopt(_M_MMAP_THRESHOLD, max(most // 2, _SMALL))


def matrix_product(dtype: torch.dtype) -> Task:
    """A task that multiplies two large matrices, the best that a machine can do; its fastest run is the peak."""
    left, right = (torch.rand(_MATRIX, _MATRIX).to(dtype) for _ in range(2))
    product = torch.empty_like(left)
    return lambda: torch.mm(left, right, out=product)


MATRIX_MULTIPLY_ADDS = _MATRIX**3
"""Multiply-adds of one such product."""


def multiply_adds(block: nn.Module, shape: tuple[int, ...]) -> float:
    """Those that a block does with an input of this shape, as its layers are written. Nothing is computed."""
    with FlopCounterMode(display=False) as counter:
        copy.deepcopy(block).to("meta")(torch.empty(shape, device="meta"))
    return float(counter.get_total_flops()) / 2
