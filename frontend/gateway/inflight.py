"""Finds the requests that TorchServe forgot.

A worker that goes away, because it died or was scaled down, can take requests with it that it had drawn from the queue:
TorchServe 0.12.0 never answers them. Others it puts back to the queue's front. How many requests are queued says
nothing of it, as other programs send requests too. What proves a loss is the order: the queue is first in, first out,
and a worker has one batch in hand. A worker that answers a request has nothing any more of what was queued before; once
every worker has answered one that was sent later, nobody can have the older one.
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
        answering: whether its answer has begun to arrive.
        missed: whether the last look found it nowhere.
    """

    sent: float
    size: int = 0
    answering: bool = False
    missed: bool = False


class InFlight:
    """The requests without an answer, and what is known of the workers. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._waiting: set[Ticket] = set()
        self._workers: Set[str] = frozenset()
        self._answered: dict[str, float] = {}  # when the latest of those that a worker answered had been sent
        self._departure = float("-inf")  # when the last worker was seen to be gone

    def __len__(self) -> int:
        """Return how many requests there are."""
        return len(self._waiting)

    def send(self, now: float, size: int = 0) -> Ticket:
        """Return a ticket for a request of so many bytes that is sent now."""
        ticket = Ticket(now, size)
        self._waiting.add(ticket)
        return ticket

    def close(self, ticket: Ticket) -> None:
        """Nobody waits for its answer any more."""
        self._waiting.discard(ticket)

    def answered(self, worker: str, sent: float) -> None:
        """Note that a worker answered a request that was sent at this time."""
        self._answered[worker] = max(sent, self._answered.get(worker, sent))

    def look(self, workers: Set[str], now: float) -> list[Ticket]:
        """Note which workers are ready now. The requests that are lost: two looks in a row found them nowhere.

        One look is not enough: the answers of one batch arrive one after the other.
        """
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
        return any(
            self._suspect(ticket, now) and self._settled(ticket) < now and not self._nobody_has(ticket)
            for ticket in self._waiting
        )

    def _suspect(self, ticket: Ticket, now: float) -> bool:
        waits = now - ticket.sent
        return not ticket.answering and waits > (_PATIENCE_S if self._departure >= ticket.sent else _LONG_S)

    def _settled(self, ticket: Ticket) -> float:
        """Whatever was sent after this time is behind the request in the queue."""
        return max(ticket.sent + ticket.size / _UPLOAD, self._departure) + _SETTLE_S

    def _nobody_has(self, ticket: Ticket) -> bool:
        settled = self._settled(ticket)
        return bool(self._workers) and all(self._answered.get(worker, settled) > settled for worker in self._workers)
