"""Keeps the parts of a server running: starts one again that died, unless it dies over and over."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from child import STOP_S, Child
from management import LOAD_S
from objectcut.network.card import ModelError

_PAUSES_S = (0.0, 1.0, 2.0, 4.0)
"""Before each new start of a part: what was killed is back at once, what has no memory or disk gets some time."""
_WITHIN_S = 600.0  # in which that many starts are tried
_LOOK_S = 0.5
_ASK_S = 10.0  # between two questions whether a part still works


class Failed(Exception):
    """A part does not do its work; the message names the cause in one line."""


class Passing(Failed):
    """Likewise, and another start may succeed even where none has yet."""


Trouble = (Failed, ModelError, OSError, RuntimeError)
"""What may go wrong with a part."""


def words(error: Exception) -> str:
    """Return what went wrong, in words for people."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename2 or error.filename} cannot be used: {error.strerror}"
    return str(error)


class Part(ABC):
    """One part of a server.

    Args:
        name: what to call it in messages.
        logs: the folder where it writes what it does.
        stop_s: seconds that it gets to finish when it is told to stop.
        patience_s: seconds after which it is taken for dead when it runs and does not work.

    Attributes:
        child: its process; None while it has none.
        worked: when it was last known to do its work, s of the monotonic clock; None until it has begun to.
        trouble: why its last process ended; None before that.
    """

    def __init__(self, name: str, logs: Path, stop_s: float = STOP_S, patience_s: float = LOAD_S) -> None:
        self.name = name
        self.child: Child | None = None
        self.worked: float | None = None
        self.trouble: Exception | None = None
        self._logs, self._stop_s, self._patience_s = logs, stop_s, patience_s
        self._asked = float("-inf")
        self._troubles: list[float] = []

    @abstractmethod
    def begin(self) -> Child:
        """Start its process.

        Raises:
            Trouble: it cannot be started.
        """

    @abstractmethod
    def settle(self, parts: Sequence[Part]) -> None:
        """Return when it does its work. It may have begun that before: another part can end while this one settles.

        Raises:
            Trouble: it does not, or one of the parts ended.
        """

    def check(self) -> None:
        """Return when its process runs as it should, or there is none.

        Raises:
            Failed: it ended.
        """
        if self.child is not None and self.child.ended():
            raise Failed(f"{self.name} stopped: {self.child.last_words()} (all of it in {self._logs})")

    def works(self) -> bool:
        """Return whether it does its work now, within seconds."""
        return True

    def look(self) -> None:
        """Return when it works, or did not long ago.

        Raises:
            Failed: it has not for too long, though its process runs.
        """
        now = time.monotonic()
        if self.worked is None or now < self._asked + _ASK_S:
            return
        self._asked = now
        if self.works():
            self.worked = now
        elif now - self.worked > self._patience_s:
            raise Failed(f"{self.name} runs, but has not worked for {now - self.worked:.0f} s")

    def stop(self) -> None:
        """End it and whatever it started."""
        if self.child is None:
            return
        if self.child.ended():
            self.child.kill()  # what it started has nobody any more who tells it to end
        else:
            self.child.stop(self._stop_s)
        self.child, self.worked = None, None

    def pause(self, cause: Exception) -> float:
        """Return the seconds to wait before it is started again.

        Raises:
            Failed: it has been in trouble too often.
        """
        now = time.monotonic()
        self._troubles = [each for each in self._troubles if now - each < _WITHIN_S]
        if len(self._troubles) == len(_PAUSES_S):
            raise Failed(
                f"{cause}. It was started again {len(_PAUSES_S)} times in {_WITHIN_S / 60:.0f} minutes"
            ) from cause
        self._troubles.append(now)
        return _PAUSES_S[len(self._troubles) - 1]


def check(parts: Sequence[Part]) -> None:
    """Return when all parts run.

    Raises:
        Failed: one ended.
    """
    for part in parts:
        part.check()


def keep_running(parts: Sequence[Part], console: Console, greet: Callable[[], None]) -> NoReturn:
    """Start the parts, and again each that ends, until this program is told to stop; then stop them.

    Args:
        parts: what comes first is started first, and settles and stops last.
        console: is told what happens.
        greet: is called once, when all of them do their work.

    Raises:
        Trouble: one did not start, or was in trouble too often.
    """
    with ExitStack() as stack:
        for part in parts:
            stack.callback(part.stop)
        _keep_running(parts, console, greet)


def _keep_running(parts: Sequence[Part], console: Console, greet: Callable[[], None]) -> NoReturn:
    greeted = False
    while True:
        part = parts[0]
        try:
            for part in parts:
                if part.child is None:
                    part.child = part.begin()
            for part in reversed(parts):
                if part.worked is None:
                    part.settle(parts)
                    part.worked = time.monotonic()
                    if greeted:
                        console.print(f"{part.name} was started again and is ready.", style="green")
            if not greeted:
                greet()
                greeted = True
            while True:
                check(parts)
                for part in parts:
                    part.look()
                time.sleep(_LOOK_S)
        except Trouble as error:
            part, cause = _culprit(parts, part, error)
            part.stop()
            if not greeted and not isinstance(cause, Passing):
                raise cause from None
            pause = part.pause(cause)
            when = f" in {pause:.0f} s" if pause else ""
            console.print(f"{words(cause)}. Starting {part.name} again{when}.", style="yellow")
            part.trouble = cause
            time.sleep(pause)


def _culprit(parts: Sequence[Part], part: Part, error: Exception) -> tuple[Part, Exception]:
    """Return the part that ended and why; where none did, the one that was being started and its error."""
    for each in parts:
        try:
            each.check()
        except Failed as cause:
            return each, cause
    return part, error
