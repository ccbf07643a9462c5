"""Threads for photos and masks that leave the network's own threads alone."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import torch

Item = TypeVar("Item")
Made = TypeVar("Made")


class Pool(ThreadPoolExecutor):
    """Threads in which torch uses no further ones.

    OpenMP would give each thread that calls torch a team of its own, count more threads than there are cores, and from
    then on let every team sleep at once where it would have waited awake: the network would take a third longer.

    Args:
        threads: how many.
        name: what their names begin with.
    """

    def __init__(self, threads: int, name: str) -> None:
        super().__init__(threads, name)
        self._threads_at_most = threads
        own = torch.get_num_threads()
        everyone = threading.Barrier(threads)

        def start(_: int) -> None:
            # Takes the number that all share, which would else happen later and undo the next line.
            torch.get_num_threads()
            torch.set_num_threads(1)
            everyone.wait()

        list(self.map(start, range(threads)))
        torch.set_num_threads(own)  # a part of the setting is shared

    def spread(self, work: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
        """Return the work on each item, in order, as it is asked for and little ahead of it, so that few results wait.

        A single item is processed by the caller's thread, where torch may use every core.
        """
        coming = iter(items)
        start = [*islice(coming, 2)]
        if len(start) < 2:
            yield from map(work, start)
            return
        ahead = deque(self.submit(work, item) for item in start)
        del start
        for item in coming:
            if len(ahead) > self._threads_at_most:
                yield ahead.popleft().result()
            ahead.append(self.submit(work, item))
        while ahead:
            yield ahead.popleft().result()
