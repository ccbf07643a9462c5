"""Colours along a soft edge, on pictures whose true colours are known."""

from __future__ import annotations

import numpy as np
import pytest

from objectcut.edges.foreground import estimate

HEIGHT, WIDTH = 300, 400


def mixture(softness: float):
    """A wavy orange disc over blue: the photo, its alpha, and the disc's own colours."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    distance = np.hypot(y - 150, x - 200) + 6 * np.sin(np.arctan2(y - 150, x - 200) * 40)
    share = np.clip((100 - distance) / softness + 0.5, 0, 1)
    own = np.array([220.0, 120, 30]) + 20 * np.sin(x / 9)[..., None]
    behind = np.array([20.0, 60, 220]) + 30 * np.sin(y / 15)[..., None]
    photo = share[..., None] * own + (1 - share[..., None]) * behind
    return photo.round().clip(0, 255).astype(np.uint8), (share * 255).round().astype(np.uint8), own


def clean(photo, alpha):
    """A copy of the photo with the object's own colours."""
    cleaned = photo.copy()
    estimate(photo, alpha).paint(cleaned)
    return cleaned


@pytest.mark.parametrize("softness", [3, 10, 40])
def test_the_old_background_leaves_the_edge(softness):
    photo, alpha, own = mixture(softness)
    soft = (alpha > 0) & (alpha < 255)
    weight = alpha[soft] / 255

    def error(pixels):
        return (np.abs(pixels[soft].astype(float) - own[soft]).mean(1) * weight).sum() / weight.sum()

    assert error(clean(photo, alpha)) <= 0.35 * error(photo)


def test_everything_else_stays_the_photos_own_bit_for_bit():
    photo, alpha, _ = mixture(10)
    cleaned = clean(photo, alpha)
    sure = (alpha == 0) | (alpha == 255)
    assert (cleaned[sure] == photo[sure]).all()


@pytest.mark.parametrize("value", [0, 255])
def test_without_a_soft_edge_there_is_nothing_to_do(value):
    photo, alpha, _ = mixture(10)
    hard = np.full_like(alpha, value)
    assert (clean(photo, hard) == photo).all()


@pytest.mark.parametrize("value", [1, 128, 254])
def test_a_picture_that_is_soft_all_over_keeps_its_colours(value):
    photo, alpha, _ = mixture(10)
    cleaned = clean(photo, np.full_like(alpha, value))
    assert np.abs(cleaned.astype(int) - photo).max() <= 255  # nothing is known of either side; it must not fail
    assert cleaned.shape == photo.shape


def test_a_part_of_the_photo_is_painted_where_it_lies():
    photo, alpha, _ = mixture(10)
    colours, part = estimate(photo, alpha), photo[40:160, 90:250].copy()
    colours.paint(part, 90, 40)
    assert (part == clean(photo, alpha)[40:160, 90:250]).all()
