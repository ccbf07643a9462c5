"""A process that never outlives the program that started it."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from landlockpy import Ruleset

STOP_S = 15.0
"""Seconds that a process gets to end when it is told to."""
_DESCENDANTS_S = 3.0


class Child:
    """A process of ours, its descendants and its log.

    It runs in a session of its own, so that Ctrl-C in the terminal reaches the parent alone and children are stopped
    in order; and the kernel tells it to stop should the parent be killed.

    Args:
        name: what to call it in messages.
        command: program and arguments.
        env: its whole environment.
        cwd: where it runs.
        log: file that takes both of its outputs.
        rules: what it and its descendants may touch; None for all.
    """

    def __init__(
        self, name: str, command: list[str], env: dict[str, str], cwd: Path, log: Path, rules: Ruleset | None = None
    ) -> None:
        self.name = name
        self._log = log

        def begin() -> None:
            die_with_parent()
            if rules is not None:
                rules.restrict()

        with log.open("wb") as out:
            self._process = subprocess.Popen(
                command,
                env=env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=begin,
            )

    def ended(self) -> bool:
        """Return whether the process is gone."""
        return self._process.poll() is not None

    def last_words(self) -> str:
        """Why it ended: the signal that killed it, or the line of its log that tells of a failure, or the last line."""
        status = self._process.poll()
        if status == -signal.SIGKILL:
            return "it was killed by SIGKILL, as the system does when memory runs out"
        if status is not None and status < 0:
            return f"it was killed by {signal.Signals(-status).name}"
        lines = [line.strip() for line in self._text().splitlines() if line.strip()]
        telling = [line for line in lines if re.search(r"error|exception|denied|in use|cannot", line, re.IGNORECASE)]
        words = (telling or lines or ["it wrote no log"])[-1]
        return f"{words}, exit status {status}" if status else words

    def wrote(self, pattern: re.Pattern[str]) -> bool:
        """Return whether its log has this."""
        return pattern.search(self._text()) is not None

    def _text(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def stop(self, seconds: float = STOP_S) -> None:
        """Ask it to stop, and kill whatever is left of it and its descendants after some seconds."""
        if not self.ended():
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        deadline = time.monotonic() + _DESCENDANTS_S
        while self.ended() and self._has_descendants() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.kill()

    def kill(self) -> None:
        """Kill whatever is left of it and its descendants."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _has_descendants(self) -> bool:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, 0)
            return True
        return False


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """Have the kernel tell this process to stop when the thread that started it ends; for `preexec_fn`, Linux only."""
    if _LIBC is not None:
        _LIBC.prctl(1, signal.SIGTERM)  # 1: PR_SET_PDEATHSIG
