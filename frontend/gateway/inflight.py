"""Finds the requests that TorchServe forgot, and the workers that hang.

A worker that goes away, because it died or was scaled down, can take requests with it that it had drawn from the queue:
TorchServe 0.12.0 never answers them. Others it puts back to the queue's front. How many requests are queued says
nothing of it, as other programs send requests too. What proves a loss is the order: the queue is first in, first out,
and a worker has one batch in hand. A worker that answers a request has nothing any more of what was queued before; once
every worker has answered one that was sent later, nobody can have the older one. Workers that may have it still, and
answer nothing for much longer than a batch takes, hang.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

_PATIENCE_S = 5.0  # after which it is worth a look whether TorchServe still has a request
# A large photo is queued later than a small one that was sent after it, and so is what a worker gave back.
_SETTLE_S = 2.0
_UPLOAD = 5_000_000  # bytes that reach TorchServe in a second, at least
_LONG_S = 30.0  # a worker may have come and gone without being seen


@dataclass(eq=False)
class Ticket:
    """A request that TorchServe has.

    Attributes:
        sent: when it was sent, s.
        size: of the request, bytes.
        megapixels: of its work.
        answering: whether its answer has begun to arrive.
        missed: whether the last look found it nowhere.
    """

    sent: float
    size: int = 0
    megapixels: float = 0.0
    answering: bool = False
    missed: bool = False


class InFlight:
    """The requests without an answer, and what is known of the workers. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._waiting: set[Ticket] = set()
        self._workers: Set[str] = frozenset()
        self._answered: dict[str, float] = {}  # when the latest of those that a worker answered had been sent
        self._departure = float("-inf")  # when the last worker was seen to be gone
        self._active: dict[str, float] = {}  # when a worker answered last, or was first seen to be ready
        self._queued = 0  # requests that TorchServe had at the last look, and no worker yet
        self._drawn = float("-inf")  # when some of these were last seen to have been taken by a worker

    def __len__(self) -> int:
        """Return how many requests there are."""
        return len(self._waiting)

    def send(self, now: float, size: int = 0, megapixels: float = 0.0) -> Ticket:
        """Return a ticket for a request of so many bytes, and so much work, that is sent now."""
        ticket = Ticket(now, size, megapixels)
        self._waiting.add(ticket)
        return ticket

    def close(self, ticket: Ticket) -> None:
        """Nobody waits for its answer any more."""
        self._waiting.discard(ticket)

    def answered(self, worker: str, sent: float, now: float) -> None:
        """Note that a worker answers now a request that was sent at this time."""
        self._answered[worker] = max(sent, self._answered.get(worker, sent))
        self._active[worker] = now

    def look(self, workers: Set[str], now: float, queued: int = 0) -> list[Ticket]:
        """Note which workers are ready now. The requests that are lost: two looks in a row found them nowhere.

        One look is not enough: the answers of one batch arrive one after the other.

        Args:
            workers: that are ready.
            now: the time.
            queued: requests that no worker has taken yet, those of other programs among them.
        """
        self._active = {worker: self._active.get(worker, now) for worker in workers}
        self._drawn = now if queued < self._queued else self._drawn
        self._queued = queued
        if not (set(self._workers) | set(self._answered)) <= workers:
            self._departure = now
        self._workers = workers
        self._answered = {worker: sent for worker, sent in self._answered.items() if worker in workers}
        lost = []
        for ticket in self._waiting:
            missing = self._suspect(ticket, now) and self._nobody_has(ticket)
            if missing and ticket.missed:
                lost.append(ticket)
            ticket.missed = missing
        return lost

    def in_doubt(self, now: float) -> bool:
        """Return whether a request may be lost and only an answer to one that is sent from now on can tell."""
        return bool(self._workers) and any(
            self._suspect(ticket, now) and self._settled(ticket) < now and not self._nobody_has(ticket)
            for ticket in self._waiting
        )

    def heaviest(self, batch: int) -> float:
        """Return the most work that a batch of so many requests can be, megapixels."""
        return sum(sorted((ticket.megapixels for ticket in self._waiting), reverse=True)[:batch])

    def overdue(self, now: float, longest_s: float) -> bool:
        """Return whether a worker hangs.

        Args:
            now: the time.
            longest_s: that a batch may take.
        """
        for ticket in self._waiting if self._workers else ():
            active = [self._active.get(worker, now) for worker in self._workers if self._may_have(worker, ticket)]
            if len(active) == len(self._workers):
                active.append(self._drawn)  # the request may be behind those of other programs
            if active and now - max(ticket.sent, *active) > longest_s:
                return True
        return False

    def _suspect(self, ticket: Ticket, now: float) -> bool:
        waits = now - ticket.sent
        return not ticket.answering and waits > (_PATIENCE_S if self._departure >= ticket.sent else _LONG_S)

    def _settled(self, ticket: Ticket) -> float:
        """Whatever was sent after this time is behind the request in the queue."""
        return max(ticket.sent + ticket.size / _UPLOAD, self._departure) + _SETTLE_S

    def _nobody_has(self, ticket: Ticket) -> bool:
        return bool(self._workers) and not any(self._may_have(worker, ticket) for worker in self._workers)

    def _may_have(self, worker: str, ticket: Ticket) -> bool:
        settled = self._settled(ticket)
        return self._answered.get(worker, settled) <= settled
