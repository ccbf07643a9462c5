"""The processes of a running server, by what they are: for programs that watch it, and for those that end some."""

from __future__ import annotations

from contextlib import suppress

import psutil

from rundir import RunDir

STARTER, JAVA, GATEWAY, WORKER, OTHER = "serve.py", "Java", "gateway", "worker", "other"
_MARKS = ((WORKER, "model_service_worker"), (JAVA, "org.pytorch.serve.ModelServer"), (GATEWAY, "-m gateway"))


def starter(run: RunDir) -> psutil.Process | None:
    """Return the process of scripts/serve.py that has this run folder; None when it ended."""
    with suppress(OSError, ValueError, psutil.Error):
        process = psutil.Process(int((run.path / "torchserve.lock").read_text()))
        if process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def parts(run: RunDir) -> dict[str, list[psutil.Process]]:
    """Return the processes by part, each list by age; parts without a process are missing."""
    found: dict[str, list[psutil.Process]] = {}
    first = starter(run)
    if first is None:
        return found
    found[STARTER] = [first]
    with suppress(psutil.Error):
        for process in sorted(first.children(recursive=True), key=lambda child: child.create_time()):
            with suppress(psutil.Error):
                if process.status() != psutil.STATUS_ZOMBIE:
                    found.setdefault(_part(" ".join(process.cmdline())), []).append(process)
    return found


def _part(command: str) -> str:
    return next((part for part, mark in _MARKS if mark in command), OTHER)
