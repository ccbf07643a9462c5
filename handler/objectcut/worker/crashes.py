"""Whether a worker crashed by itself, rather than being killed from outside.

A crash in a library, a segmentation fault or an abort, leaves a trace in a file: Python's faulthandler writes it. A
worker that the system kills, for want of memory or because somebody says so, leaves none.
"""

from __future__ import annotations

import faulthandler
import os
from contextlib import suppress
from pathlib import Path

_KEPT = 20  # traces, for whoever looks for the cause


class Crashes:
    """The traces of workers, for these to write and for the gateway to look at.

    Args:
        folder: that both sides see; None: nothing is known of crashes.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def record(self) -> None:
        """Have this process leave a trace when it crashes."""
        if self._folder is not None:
            # Stays open for the life of the process.
            faulthandler.enable((self._folder / str(os.getpid())).open("w"))

    def any_since(self, moment: float) -> bool:
        """Return whether a process crashed since this time, in s since the epoch."""
        return any(stat.st_size and stat.st_mtime >= moment for stat in self._traces().values())

    def tidy(self) -> None:
        """Make the folder, and keep only the latest traces. For the time when no worker runs."""
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        traces = self._traces()
        latest = sorted((path for path in traces if traces[path].st_size), key=lambda path: traces[path].st_mtime)
        for path in traces.keys() - set(latest[-_KEPT:]):
            path.unlink(missing_ok=True)

    def _traces(self) -> dict[Path, os.stat_result]:
        found = {}
        if self._folder is not None:
            with suppress(OSError):
                for path in self._folder.iterdir():
                    with suppress(OSError):  # it is gone meanwhile
                        found[path] = path.stat()
        return found
