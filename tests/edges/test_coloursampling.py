"""Doubt is decided by colours: of an orange disc before a grey wall."""

from __future__ import annotations

import numpy as np
import pytest

from objectcut.edges.coloursampling import resolved

SIZE = 96, 128
ORANGE, GREY = (0.9, 0.4, 0.1), (0.6, 0.6, 0.62)
Y, X = np.mgrid[: SIZE[0], : SIZE[1]]
DISC = np.hypot(X - 64, Y - 48) < 30
EVERYWHERE = np.ones(SIZE, bool)
BESIDE = DISC & np.roll(~DISC, 8, 1)  # a part of the disc at its left
BEYOND = ~DISC & np.roll(DISC, -8, 1)  # of the wall beside it


@pytest.fixture
def photo() -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 0.01, (*SIZE, 3))
    return (np.where(DISC[..., None], ORANGE, GREY) + noise).astype(np.float32)


def alpha(**doubts: float) -> np.ndarray:
    made = DISC.astype(np.float32)
    for place, value in doubts.items():
        made[{"beside": BESIDE, "beyond": BEYOND}[place]] = value
    return made


HARD = np.ones(SIZE, np.float32)


def test_what_has_the_colour_of_the_object_becomes_the_object_and_the_wall_goes(photo):
    made = resolved(alpha(beside=0.4, beyond=0.6), HARD, photo, EVERYWHERE)
    assert made.dtype == np.float32
    assert made[BESIDE].min() > 0.9
    assert made[BEYOND].max() < 0.1
    rest = ~(BESIDE | BEYOND)
    np.testing.assert_array_equal(made[rest], DISC[rest].astype(np.float32))


def test_what_is_sure_stays_whatever_its_colour_is(photo):
    wrong = (~DISC).astype(np.float32)
    np.testing.assert_array_equal(resolved(wrong, HARD, photo, EVERYWHERE), wrong)


def test_a_mixture_of_both_stays_a_mixture(photo):
    """As hair is: half of its colour is that of the wall."""
    photo[BEYOND] = (np.array(ORANGE) + GREY) / 2
    made = resolved(alpha(beyond=0.5), HARD, photo, EVERYWHERE)
    assert 0.3 < np.median(made[BEYOND]) < 0.7


def test_soft_edges_are_not_hardened(photo):
    doubtful = alpha(beside=0.4, beyond=0.6)
    np.testing.assert_allclose(resolved(doubtful, 0 * HARD, photo, EVERYWHERE), doubtful, atol=1e-6)


def test_what_lies_beyond_the_photo_says_nothing(photo):
    """There the picture goes on with what lies at the border, and alpha with whatever the refiner makes of it."""
    photo[:, 64:], outside = ORANGE, X >= 64
    mask = alpha(beyond=0.5)
    mask[outside] = 0
    inside = BEYOND & ~outside
    orange = resolved(mask, HARD, np.where(inside[..., None], ORANGE, photo).astype(np.float32), ~outside)
    assert orange[inside].min() > 0.9, "the orange part is known to be the object"


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_without_anything_to_compare_with_nothing_changes(photo, value):
    plain = np.full(SIZE, value, np.float32)
    np.testing.assert_allclose(resolved(plain, HARD, photo, EVERYWHERE), plain, atol=1e-6)
