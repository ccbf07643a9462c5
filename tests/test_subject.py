"""What `pick=main` takes, by what was found in a photo of 100 x 100 px; the masks fill the boxes."""

from __future__ import annotations

import pytest

from objectcut.instance import Instance
from objectcut.subject import main_subject

PERSON, DOG, COUCH, BAG, CAR = range(1, 6)


@pytest.mark.parametrize(
    ("what", "found", "expected"),
    [
        ("nothing", [], []),
        ("one thing, however small", [(BAG, (0, 0, 5, 5))], [0]),
        ("a person in front of people far away", [(PERSON, (30, 10, 70, 100)), (PERSON, (5, 40, 10, 55))], [0]),
        ("two people", [(PERSON, (5, 10, 45, 100)), (PERSON, (55, 20, 90, 100))], [0, 1]),
        ("a dog on a couch", [(COUCH, (0, 20, 100, 100)), (DOG, (40, 40, 60, 60))], [1]),
        ("a couch with something tiny on it", [(COUCH, (0, 20, 100, 100)), (BAG, (40, 40, 50, 50))], [0, 1]),
        ("a couch alone", [(COUCH, (0, 20, 100, 100))], [0]),
        ("a person with a bag", [(PERSON, (20, 5, 80, 100)), (BAG, (25, 50, 40, 70))], [0, 1]),
        ("a bag beside a person", [(PERSON, (40, 5, 90, 100)), (BAG, (5, 80, 20, 95))], [0]),
        ("a person on a couch with a bag",
         [(COUCH, (0, 40, 100, 100)), (PERSON, (30, 5, 70, 95)), (BAG, (35, 50, 50, 70))], [1, 2]),
        ("a thing in the middle, one in the corner", [(BAG, (40, 40, 60, 60)), (DOG, (85, 85, 95, 95))], [0]),
        ("two things of a size, wherever", [(BAG, (40, 40, 60, 60)), (DOG, (80, 0, 100, 20))], [0, 1]),
        ("a car and who sits in it", [(CAR, (10, 30, 90, 80)), (PERSON, (40, 35, 50, 45))], [0, 1]),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_the_main_subject(what: str, found: list[tuple[int, tuple[float, ...]]], expected: list[int]):
    areas = [
        ((x1 - x0) * (y1 - y0), Instance(place, label, 0.9, (x0, y0, x1, y1)))
        for place, (label, (x0, y0, x1, y1)) in enumerate(found)
    ]
    assert [one.id for one in main_subject(areas, 100, 100, frozenset({COUCH}))] == expected, what
