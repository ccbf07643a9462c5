"""Who goes on to TorchServe now: first come, first served, and no more than its workers take soon.

TorchServe holds all that it was given in its memory and works it off, whether anybody still waits for the answer or
not. So it is given little; the rest waits here, where a sender who leaves takes the request away.
"""

from __future__ import annotations

import asyncio
from collections import deque

from objectcut.errors import CutError


class Admission:
    """The places that TorchServe has, and the queue for them.

    Args:
        places: requests that TorchServe may have at a time, to begin with.
        max_bytes: what these may hold together. One request goes on whatever it holds.
        max_waiting: how many may wait.
    """

    def __init__(self, places: int, max_bytes: int, max_waiting: int) -> None:
        self._places = places
        self._max_bytes = max_bytes
        self._max_waiting = max_waiting
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._inside = 0
        self._bytes = 0

    def __len__(self) -> int:
        """Requests that wait or are inside."""
        return len(self._waiting) + self._inside

    @property
    def waiting(self) -> int:
        """Requests that wait."""
        return len(self._waiting)

    def resize(self, places: int) -> None:
        """Let this many in from now on; those that are inside stay."""
        self._places = places
        self._admit()

    async def enter(self, size: int) -> None:
        """Wait for a place; whoever is cancelled meanwhile has left the queue. To be followed by `leave(size)`.

        Args:
            size: of the request, bytes.

        Raises:
            CutError: `overloaded`: too many wait already.
        """
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        self._admit()
        if len(self._waiting) > self._max_waiting:
            self._waiting.pop()
            raise CutError(
                "overloaded", "The server has more photos waiting than it can take. Try again soon.", retry_after=5
            )
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                if (size, turn) in self._waiting:
                    self._waiting.remove((size, turn))
                self._admit()  # it may have been too large for what was free, and the next one is not
            else:
                self.leave(size)  # its turn came in the same moment
            raise

    def leave(self, size: int) -> None:
        """Give the place to the next."""
        self._inside -= 1
        self._bytes -= size
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._inside < self._places:
            size, turn = self._waiting[0]
            if turn.done():  # cancelled, and not awake yet to leave by itself
                self._waiting.popleft()
                continue
            if self._inside and self._bytes + size > self._max_bytes:
                return
            self._waiting.popleft()
            self._inside += 1
            self._bytes += size
            turn.set_result(None)
