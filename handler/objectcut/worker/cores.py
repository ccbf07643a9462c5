"""How many processor cores this program may use, and how many of them are a worker's.

What the machine has is not what a container may use: the kernel lets it run on every core, for a share of the time.
More threads than that share would wait for one another.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path, PurePosixPath

import psutil

_WORKER = "model_service_worker.py"  # TorchServe's program, one process for each worker


def available(root: Path = Path("/")) -> int:
    """Return the cores that this process may keep busy, at least 1, by its affinity and its control groups' CPU limit.

    Args:
        root: of the file system.
    """
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, int(min([cores, *_limits(root)])))


def _limits(root: Path) -> list[float]:
    """CPU limits of the control groups that this process is in, in cores (Linux kernel: cgroup-v2, cgroup-v1)."""
    limits: list[float] = []
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            number, controllers, path = line.split(":", 2)
            if number == "0":
                for group in _with_parents(root / "sys/fs/cgroup", path):
                    limits += _limit((group / "cpu.max",))
            elif "cpu" in controllers.split(","):
                for group in _with_parents(root / "sys/fs/cgroup" / controllers, path):
                    limits += _limit((group / "cpu.cfs_quota_us", group / "cpu.cfs_period_us"))
    return limits


def _with_parents(mount: Path, path: str) -> list[Path]:
    """Return the group and its parents. In a container the path may be the host's: then only the mount exists."""
    relative = PurePosixPath(path.lstrip("/"))
    return [mount / each for each in (relative, *relative.parents)]


def _limit(files: tuple[Path, ...]) -> list[float]:
    """Quota over period from one file with both, or from one file each; empty where there is no limit."""
    with suppress(OSError, ValueError):
        words = " ".join(file.read_text() for file in files).split()
        quota, period = map(float, words)
        if quota > 0 and period > 0:
            return [quota / period]
    return []


def workers() -> int:
    """TorchServe's workers on this machine that share the cores, this process among them; 1 where it is alone."""
    with suppress(psutil.Error):
        parent = psutil.Process().parent()
        if parent is not None:
            names = [_program(child) for child in parent.children()]
            return max(1, names.count(_WORKER))
    return 1


def _program(process: psutil.Process) -> str:
    with suppress(psutil.Error, IndexError):
        return Path(process.cmdline()[1]).name
    return ""
