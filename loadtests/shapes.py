"""How many senders there are over the time of a load test, as a share of the most."""

from __future__ import annotations

from collections.abc import Callable

_STEPS = 8

_SHAPES: dict[str, Callable[[float], float]] = {
    "steady": lambda _: 1.0,  # for a long one: a soak
    "ramp": lambda passed: passed,
    "spike": lambda passed: 1.0 if 0.4 <= passed < 0.6 else 0.2,
    "steps": lambda passed: (int(passed * _STEPS) + 1) / _STEPS,  # in the report one sees from which on people wait
    "waves": lambda passed: 1.0 - abs((4 * passed) % 2 - 1) * 0.8,  # for whoever scales workers with the load
}
SHAPES = tuple(_SHAPES)


def share(shape: str, passed: float) -> float:
    """Return which share of the most senders there is when this share of the time has passed, both 0 to 1."""
    return _SHAPES[shape](passed)
