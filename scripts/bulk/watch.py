"""Which photos processes died with: Ray repeats what a dead process was doing, for ever if nobody counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

TRIES = 3
"""A photo that so many processes died with is not tried again. One may die of another's photo or by somebody's hand."""
_Key = tuple[str, str]


class Watch:
    """Lives in a process of its own, which all workers ask. Photos are told apart by their paths."""

    def __init__(self) -> None:
        self._begun: set[_Key] = set()
        self._deaths: Counter[_Key] = Counter()

    def begin(self, stage: str, paths: Iterable[str]) -> dict[str, int]:
        """Note that a process begins with photos; return with which of them processes died in this stage, how often."""
        keys = {(stage, path) for path in paths}
        self._deaths.update(keys & self._begun)
        self._begun |= keys
        return {path: self._deaths[stage, path] for _, path in keys if self._deaths[stage, path]}

    def put_back(self, stage: str, paths: Iterable[str]) -> None:
        """Note that the process is not at work on them, and alive."""
        self._begun -= {(stage, path) for path in paths}

    def end(self, stage: str, paths: Iterable[str]) -> None:
        """Note that a process is done with them."""
        for path in paths:
            self._begun.discard((stage, path))
            self._deaths.pop((stage, path), None)
