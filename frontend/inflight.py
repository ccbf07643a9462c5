"""Finds the requests that TorchServe forgot.

A worker that goes away, because it died or was scaled down, while it gathers a batch takes the requests that it had
already drawn from the queue with it: TorchServe 0.12.0 answers them never. The loss can be told from waiting, though. A
worker is gone that was there; and the queue, which is first in, first out, holds no more than what was sent later.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Set
from contextlib import contextmanager


class InFlight:
    """The requests without an answer, in the order in which they were sent, and the workers that are known."""

    def __init__(self) -> None:
        self._tickets = itertools.count()
        self._waiting: dict[int, None] = {}
        self._outlived: set[int] = set()  # waited while a worker went away
        self._workers: set[str] = set()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._waiting)

    @contextmanager
    def sent(self) -> Iterator[int]:
        """A ticket for a request, for as long as it waits."""
        ticket = next(self._tickets)
        self._waiting[ticket] = None
        try:
            yield ticket
        finally:
            del self._waiting[ticket]
            self._outlived.discard(ticket)

    def answered(self, worker: str) -> None:
        """Note the worker that gave an answer."""
        self._workers.add(worker)

    def lost(self, ticket: int, workers: Set[str], queued: int) -> bool:
        """Whether a request that has waited for long is not in the queue, and a worker went away meanwhile.

        One that another worker has in hand looks the same, so this is asked only of requests that wait for long.

        Args:
            ticket: the request's.
            workers: those that are ready now.
            queued: how many requests TorchServe's queue holds.
        """
        if not self._workers <= workers:
            self._outlived.update(self._waiting)
        self._workers = set(workers)
        later = sum(other > ticket for other in self._waiting)
        return ticket in self._outlived and queued <= later
