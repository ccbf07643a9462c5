"""When the stages of a photo ran and for how long, for whoever observes, and for the trace of its request."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

Observe = Callable[[str, float, str], object]
"""Takes a measurement: the metric's name, a value and its unit."""


@dataclass(frozen=True)
class Stage:
    """A stage that is over.

    Attributes:
        name: of the stage.
        begin: of it, Unix time, s.
        seconds: that it took.
    """

    name: str
    begin: float
    seconds: float


class StageTimer:
    """Reports the seconds of each stage.

    Args:
        observe: takes them; None takes nothing.
    """

    def __init__(self, observe: Observe | None) -> None:
        self._observe = observe

    @contextmanager
    def __call__(self, stage: str, stages: list[Stage]) -> Iterator[None]:
        """Report the seconds of the block as those of this stage, also where it raises: a photo without the object.

        Args:
            stage: its name.
            stages: to which it is added.
        """
        begin, start = time.time(), time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - start
            stages.append(Stage(stage, begin, seconds))
            self.observe(f"objectcut_{stage}_seconds", seconds, "s")

    def observe(self, metric: str, value: float, unit: str) -> None:
        """Report any other measurement."""
        if self._observe is not None:
            self._observe(metric, value, unit)


def written(stages: Iterable[Stage]) -> str:
    """Return stages as the value of a header."""
    return ",".join(f"{stage.name}={stage.begin:.6f}+{stage.seconds:.6f}" for stage in stages)


def parsed(header: str) -> list[Stage]:
    """Return the stages that `written` wrote."""
    stages = []
    for part in filter(None, header.split(",")):
        name, _, times = part.partition("=")
        begin, _, seconds = times.partition("+")
        stages.append(Stage(name, float(begin), float(seconds)))
    return stages
