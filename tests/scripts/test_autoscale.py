"""When workers come and go."""

from __future__ import annotations

import pytest

from autoscale import Rule, decide
from workload import Workload

RULE = Rule(least=1, most=4, wait_s=0.5, rise=2, fall=4)


def looks(*seen: tuple[float, float]) -> list[Workload]:
    """Looks 5 s apart: the workers that had a batch, and the seconds that each of ten photos waited."""
    return [Workload(5.0, 10.0, 5.0, busy, waited_s) for busy, waited_s in seen]


FULL, IDLE = (1.0, 2.0), (0.0, 0.0)


@pytest.mark.parametrize(
    ("workers", "seen", "wanted"),
    [
        (1, looks(), 1),
        (1, looks(FULL), 1),  # one look may be a moment
        (1, looks(FULL, FULL), 2),
        (1, looks(IDLE, FULL, FULL), 2),
        (1, looks((2.0, 2.0), IDLE), 2),  # a batch that took longer than the time between two looks
        (1, looks(FULL, IDLE, IDLE), 1),
        (1, looks((1.0, 0.4), (1.0, 0.4)), 1),  # busy, and nobody waits long
        (2, looks((0.2, 9.0), (0.2, 9.0)), 2),  # they wait, and not for workers that have too much to do
        (4, looks((4.0, 9.0), (4.0, 9.0)), 4),
        (1, looks(*[IDLE] * 9), 1),
        (2, looks(*[IDLE] * 3), 2),  # too short to be sure
        (2, looks(*[IDLE] * 4), 1),
        (4, looks(*[IDLE] * 4), 3),  # one after the other
        (2, looks(*[(0.5, 0.1)] * 4), 1),
        (2, looks(*[(0.6, 0.1)] * 4), 2),  # the one that is left would soon be full
        (2, looks(*[(0.4, 0.6)] * 4), 2),  # they wait already
        (4, looks(*[(1.4, 0.1)] * 4), 3),
        (4, looks(*[(1.6, 0.1)] * 4), 4),
        (2, looks((1.9, 0.9), *[IDLE] * 3), 1),
        (9, looks(), 4),
        (0, looks(), 1),
    ],
)
def test_the_number_of_workers(workers: int, seen: list[Workload], wanted: int) -> None:
    assert decide(workers, seen, RULE) == wanted


@pytest.mark.parametrize(
    ("workers", "seen", "wanted"),
    [
        (2, looks((2.0, 2.0), (2.0, 2.0)), 4),
        (4, looks((4.0, 2.0), (4.0, 2.0)), 5),
        (4, looks(*[IDLE] * 4), 2),
        (3, looks(*[IDLE] * 4), 2),
    ],
)
def test_several_gpus_get_or_lose_a_worker_each(workers: int, seen: list[Workload], wanted: int) -> None:
    assert decide(workers, seen, Rule(least=2, most=5, step=2, wait_s=0.5, rise=2, fall=4)) == wanted


def test_a_photo_that_waits_alone_does_not_stand_for_many_that_do_not() -> None:
    crowd, alone = Workload(5.0, 99.0, 20.0, 1.0, 0.1), Workload(5.0, 1.0, 1.0, 1.0, 9.0)
    assert decide(1, [crowd, alone], RULE) == 1


@pytest.mark.parametrize("load", [0.3, 0.6, 1.0, 1.5, 2.4, 3.5, 6.0])
def test_a_steady_load_comes_to_a_steady_number(load: float) -> None:
    """Workers that have all that they can do let photos wait; the load is in workers that it keeps busy."""
    workers, seen, changes = 1, looks(), []
    for _ in range(100):
        seen += looks((min(load, workers), 2.0 if load > 0.9 * workers else 0.1))
        wanted = decide(workers, seen, RULE)
        if wanted != workers:
            changes.append(wanted)
            workers, seen = wanted, looks()
    assert changes == list(range(2, workers + 1))
    assert workers == 4 or load <= 0.9 * workers
