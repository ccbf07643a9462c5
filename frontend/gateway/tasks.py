"""Work that goes on whether anybody waits for it or not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Made = TypeVar("Made")


class Tasks:
    """What was begun and has not ended."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()  # the event loop itself would forget them

    def begin(self, work: Coroutine[Any, Any, Made]) -> asyncio.Task[Made]:
        """Do the work from now on."""
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # if nobody else asks for it
        return task

    async def close(self) -> None:
        """Give up what has not ended."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


class Once:
    """Work that is done once for all who want it at the same time.

    Args:
        tasks: what it is one of.
        work: makes it.
    """

    def __init__(self, tasks: Tasks, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tasks, self._work = tasks, work
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether it was begun and has not ended."""
        return self._task is not None and not self._task.done()

    def begin(self) -> asyncio.Task[None]:
        """Do the work, unless it is being done."""
        if self._task is None or self._task.done():
            self._task = self._tasks.begin(self._work())
        return self._task
