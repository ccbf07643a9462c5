"""How long the stages take, for whoever observes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Observe = Callable[[str, float, str], object]
"""Takes a measurement: the metric's name, a value and its unit."""


class StageTimer:
    """Reports the seconds of each stage.

    Args:
        observe: takes them; None takes nothing.
    """

    def __init__(self, observe: Observe | None) -> None:
        self._observe = observe

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Report the seconds of the block as those of this stage, also where it raises: a photo without the object."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.observe(f"objectcut_{stage}_seconds", time.perf_counter() - start, "s")

    def observe(self, metric: str, value: float, unit: str) -> None:
        """Report any other measurement."""
        if self._observe is not None:
            self._observe(metric, value, unit)
