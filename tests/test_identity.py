from __future__ import annotations

import json

import pytest

from objectcut.identity import LARGEST, identify, match

WIDTH, HEIGHT = 640, 480
BOX = (64.0, 48.0, 320.0, 240.0)


@pytest.mark.parametrize(
    ("label", "box", "expected"),
    [
        (16, BOX, 16_100_100_500_500),
        (1, (0.0, 0.0, 640.0, 480.0), 1_000_000_999_999),
        (1, (-3.0, -0.1, 641.0, 999.0), 1_000_000_999_999),
        (9006, BOX, 9006_100_100_500_500),
    ],
)
def test_an_id_is_class_and_box(label, box, expected):
    assert identify(label, box, WIDTH, HEIGHT) == expected
    assert expected <= LARGEST
    assert json.loads(json.dumps(float(expected))) == expected  # as JavaScript reads it


def moved(label: int = 16, by: float = 0.0) -> int:
    return identify(label, tuple(side + by for side in BOX), WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("there", "meant"),
    [
        ([moved()], {moved()}),
        ([moved(by=1.5)], {moved(by=1.5)}),
        ([moved(by=-1.5)], {moved(by=-1.5)}),
        ([moved(by=2), moved(by=1), moved(by=-2)], {moved(by=1)}),  # the nearest
        ([moved(by=10)], set()),
        ([moved(17)], set()),
        ([], set()),
    ],
)
def test_it_is_found_again_when_the_box_moves_by_a_pixel_or_two(there, meant):
    assert match([moved()], there) == meant


def test_another_order_of_scores_changes_nothing():
    ids = [identify(1, (x, 10, x + 50, 90), WIDTH, HEIGHT) for x in (0, 60, 120, 180)]
    assert match(ids[1:3], ids[::-1]) == set(ids[1:3])


@pytest.mark.parametrize("wanted", [0, 5, 123, 10**12 - 1, LARGEST])
def test_numbers_that_are_no_ids_mean_nothing(wanted):
    assert match([wanted], [moved()]) == set()
