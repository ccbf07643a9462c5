"""Threads for photos and masks that leave the network's own threads alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Made = TypeVar("Made")


def pool(threads: int, name: str) -> ThreadPoolExecutor:
    """Threads in which torch uses no further ones.

    OpenMP would give each thread that calls torch a team of its own, count more threads than there are cores, and from
    then on let every team sleep at once where it would have waited awake: the network would take a third longer.

    Args:
        threads: how many.
        name: what their names begin with.
    """
    own = torch.get_num_threads()
    everyone = threading.Barrier(threads)

    def start(_: int) -> None:
        torch.get_num_threads()  # takes the number that all share, which would else happen later and undo the next line
        torch.set_num_threads(1)
        everyone.wait()

    made = ThreadPoolExecutor(threads, name)
    list(made.map(start, range(threads)))
    torch.set_num_threads(own)  # a part of the setting is shared
    return made


def spread(threads: ThreadPoolExecutor, work: Callable[[Item], Made], items: Sequence[Item]) -> list[Made]:
    """The work on each item, in order: on the threads, but a lone one right here, where torch may use every core."""
    return [work(items[0])] if len(items) == 1 else list(threads.map(work, items))
