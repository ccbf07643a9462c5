"""How work is distributed over cores: the built-in `map`, or a pool's."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


class Spread(Protocol):
    """Maps a function over items, in order; may do several at once."""

    def __call__(self, work: Callable[[Item], Made], items: Iterable[Item], /) -> Iterator[Made]: ...


def do_all(spread: Spread, work: Callable[[Item], None], items: Iterable[Item]) -> None:
    """Do the work on every item, for what it changes."""
    deque(spread(work, items), maxlen=0)
