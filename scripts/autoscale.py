"""How many workers a model should have, from what they had to do. Decides, and neither looks nor acts itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workload import Workload

# A queue that no worker is busy with is no reason for another one: it waits for a worker that starts, or that hangs.
_FULL = 0.7  # of the time of all workers
# The workers that would be left must not be full again: less than `_FULL`, so that the number does not go up and down.
_LEFT = 0.5


@dataclass(frozen=True)
class Rule:
    """When the number changes.

    Attributes:
        least: workers, 1 or more.
        most: workers.
        step: workers that come or go at a time: as many as there are GPUs, so that each has as many as the others.
        wait_s: seconds that a photo may wait, on average, before workers are added.
        rise: looks that must show it.
        fall: looks that must show that fewer are enough. Many more: a worker that is missing costs more than one that
            has nothing to do, and takes time to load.
    """

    least: int
    most: int
    step: int = 1
    wait_s: float = 0.5
    rise: int = 2
    fall: int = 12


def decide(workers: int, seen: Sequence[Workload], rule: Rule) -> int:
    """Return how many workers there should be.

    Args:
        workers: how many there are.
        seen: what happened between the looks since there are so many, the first one first.
        rule: when to change that.
    """
    if not rule.least <= workers <= rule.most:
        return min(max(workers, rule.least), rule.most)
    last, fewer = seen[-rule.rise :], max(workers - rule.step, rule.least)
    if len(last) == rule.rise and _waited_s(last) > rule.wait_s and _busy(last) >= _FULL * workers:
        return min(workers + rule.step, rule.most)
    last = seen[-rule.fall :]
    if len(last) == rule.fall and _waited_s(last) <= rule.wait_s and _busy(last) <= _LEFT * fewer:
        return fewer
    return workers


def _waited_s(seen: Sequence[Workload]) -> float:
    """Return the mean over all photos."""
    photos = sum(each.photos for each in seen)
    return sum(each.waited_s * each.photos for each in seen) / photos if photos else 0.0


def _busy(seen: Sequence[Workload]) -> float:
    """Return the mean over the time."""
    return sum(each.busy * each.seconds for each in seen) / sum(each.seconds for each in seen)
