"""Who goes on to TorchServe now: first come, first served, and no more than its workers take soon.

TorchServe holds all that it was given in its memory and works it off, whether anybody still waits for the answer or
not. So it is given little; the rest waits here, where a sender who leaves takes the request away.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from gateway.work import Pace, Work
from objectcut.errors import CutError

_UNKNOWN_S = 5  # to come back in, before anything was answered
# A worker that takes so much longer than usual for a batch hangs. What is usual may have been measured with photos that
# the workers knew already, or before the machine was busy: so no less than this for each megapixel, nor for a batch.
_HANGS, _HANGS_MEGAPIXEL_S, _HANGS_S = 10.0, 1.0, 20.0


class Room:
    """What TorchServe and the queues of all models can hold together.

    Args:
        max_bytes: of the requests that TorchServe has. One request goes on whatever it holds.
        max_waiting: how many may wait.
        max_megapixels: likewise, of their work. One request waits whatever it is.
        waited: is told the seconds for which each request waited.
    """

    def __init__(
        self, max_bytes: int, max_waiting: int, max_megapixels: float, waited: Callable[[float], None]
    ) -> None:
        self._max_bytes, self._max_waiting, self._max_megapixels = max_bytes, max_waiting, max_megapixels
        self.waited = waited
        self._bytes = self._inside = 0
        self._megapixels = 0.0  # of what is inside
        self._pace = Pace()
        self._queues: list[Admission] = []

    def share(self, queue: Admission) -> None:
        """Give a queue its part of the room."""
        self._queues.append(queue)

    @property
    def waiting(self) -> list[Work]:
        """What waits in all queues."""
        return [work for queue in self._queues for work in queue.waiting]

    @property
    def overfull(self) -> bool:
        """Whether more wait than may."""
        waiting = self.waiting
        return len(waiting) > self._max_waiting or (
            len(waiting) > 1 and sum(work.megapixels for work in waiting) > self._max_megapixels
        )

    def refusal(self) -> CutError:
        """Return the error for who cannot wait: to come back when all that is there now will have been answered."""
        waiting = sum(work.megapixels for work in self.waiting)
        return CutError(
            "overloaded",
            "The server has more photos waiting than it can take. Try again soon.",
            retry_after=self._pace.retry_after(self._megapixels + waiting) or _UNKNOWN_S,
        )

    def unattended(self) -> None:
        """Note that no worker does what is inside: the time counts for nothing."""
        self._pace.skip(time.monotonic())

    def longest_s(self, megapixels: float) -> float:
        """Return how many seconds a worker may take for a batch before it is taken for one that hangs.

        Args:
            megapixels: of the batch's work.
        """
        return max(_HANGS_S, _HANGS_MEGAPIXEL_S * megapixels, _HANGS * self._pace.seconds(megapixels))

    def take(self, work: Work) -> bool:
        """Take room for a request, if there is any."""
        if self._inside and self._bytes + work.bytes > self._max_bytes:
            return False
        if not self._inside:
            self._pace.begin(time.monotonic())
        self._inside += 1
        self._bytes += work.bytes
        self._megapixels += work.megapixels
        return True

    def give_back(self, work: Work) -> None:
        """Leave the room of a request to the next of any queue."""
        self._inside -= 1
        self._bytes -= work.bytes
        self._megapixels -= work.megapixels
        self._pace.end(work, time.monotonic(), self._inside > 0)
        for queue in self._queues:
            queue.admit()


class Admission:
    """The places that TorchServe has for one model, and the queue for them.

    Args:
        places: requests that TorchServe may have at a time, to begin with.
        room: shared with the queues of other models.
    """

    def __init__(self, places: int, room: Room) -> None:
        self._places = places
        self._room = room
        self._waiting: deque[tuple[Work, asyncio.Future[None]]] = deque()
        self._inside = 0
        room.share(self)

    def __len__(self) -> int:
        """Requests that wait or are inside."""
        return len(self._waiting) + self._inside

    @property
    def waiting(self) -> list[Work]:
        """What waits."""
        return [work for work, _ in self._waiting]

    def resize(self, places: int) -> None:
        """Let this many in from now on; those that are inside stay."""
        self._places = places
        self.admit()

    async def enter(self, work: Work) -> None:
        """Wait for a place; whoever is cancelled meanwhile has left the queue. To be followed by `leave(work)`.

        Args:
            work: of the request.

        Raises:
            CutError: `overloaded`: too many wait already.
        """
        turn = asyncio.get_running_loop().create_future()
        since = time.monotonic()
        self._waiting.append((work, turn))
        self.admit()
        if self._waiting and self._room.overfull:
            self._waiting.pop()
            raise self._room.refusal()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                if (work, turn) in self._waiting:
                    self._waiting.remove((work, turn))
                self.admit()  # it may have been too large for what was free, and the next one is not
            else:
                self.leave(work)  # its turn came in the same moment
            raise
        finally:
            self._room.waited(time.monotonic() - since)

    def leave(self, work: Work) -> None:
        """Give the place to the next."""
        self._inside -= 1
        self._room.give_back(work)

    def admit(self) -> None:
        """Let in who may go on."""
        while self._waiting and self._inside < self._places:
            work, turn = self._waiting[0]
            if turn.done():  # cancelled, and not awake yet to leave by itself
                self._waiting.popleft()
                continue
            if not self._room.take(work):
                return
            self._waiting.popleft()
            self._inside += 1
            turn.set_result(None)
