"""The end of a request before its answer: its sender leaves, or the server stops."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvicorn
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from objectcut.errors import CutError

Made = TypeVar("Made")
_LAST_WORDS_S = 2.0  # to tell those who still wait, once the time is over


class Lifetime:
    """From `stop` on nothing new is begun; what runs goes on for `stop_s` seconds."""

    def __init__(self, stop_s: float) -> None:
        self._stop_s = stop_s
        self._deadline: float | None = None
        self._running: set[asyncio.Task[Any]] = set()
        self._announced = False

    @property
    def stopping(self) -> bool:
        """Whether the server is about to end."""
        return self._deadline is not None

    def stop(self) -> None:
        """Begin nothing new. For handlers of signals."""
        self._deadline = time.monotonic() + self._stop_s

    async def finish(self, work: Coroutine[Any, Any, Made]) -> Made:
        """Do the work.

        Raises:
            CutError: `not_ready`: the server stops, or stopped before it was done.
        """
        if self.stopping:
            work.close()
            raise _stopping()
        task = asyncio.ensure_future(work)
        self._running.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            if task.cancelled() and self._announced:
                raise _stopping() from None
            task.cancel()
            raise
        finally:
            self._running.discard(task)

    def over(self) -> bool:
        """Return whether nothing is left to wait for. Call it in a loop; once the time is up, it ends what runs."""
        if self._deadline is None:
            return False
        late = time.monotonic() - self._deadline
        if late > 0 and not self._announced:
            self._announced = True
            for task in self._running:
                task.cancel()
        return not self._running or late > _LAST_WORDS_S


async def while_connected(receive: Receive, work: Coroutine[Any, Any, Made]) -> Made:
    """Do the work, for a request whose body was read, unless its sender leaves.

    Raises:
        ClientDisconnect: the sender left; the work was cancelled.
    """
    left = asyncio.ensure_future(_left(receive))
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({left, task}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        left.cancel()
        task.cancel()


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Server(uvicorn.Server):
    """uvicorn that listens on while it stops, so that what is in flight ends in peace and what comes is told why not.

    Args:
        config: uvicorn's.
        lifetime: of the application.
    """

    def __init__(self, config: uvicorn.Config, lifetime: Lifetime) -> None:
        super().__init__(config)
        self._lifetime = lifetime

    def handle_exit(self, sig: int, frame: Any) -> None:
        if self._lifetime.stopping:
            super().handle_exit(sig, frame)
        else:
            self._lifetime.stop()

    async def on_tick(self, counter: int) -> bool:
        self.should_exit = self.should_exit or self._lifetime.over()
        return await super().on_tick(counter)


def _stopping() -> CutError:
    return CutError("not_ready", "The server is stopping. Try again in a while.", retry_after=10)
