"""Composites are what they say they are made of."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import sample
from PIL import Image, ImageDraw

from training.composites import KINDS, compose

SIDE = 200


@pytest.fixture(params=[None, *KINDS], ids=str)
def made(request):
    photo, behind = sample("chelsea").resize((SIDE, SIDE)), sample("astronaut").resize((SIDE, SIDE))
    truth = Image.new("L", (SIDE, SIDE))
    ImageDraw.Draw(truth).ellipse((50, 50, 150, 150), fill=255)
    return request.param, photo, behind, compose(request.param, photo, truth, behind, np.random.default_rng(5))


def test_the_picture_is_foreground_over_background_by_alpha(made):
    _, _, behind, composite = made
    share = composite.alpha[..., None]
    mixed = share * composite.foreground + (1 - share) * np.asarray(behind)
    assert np.abs(mixed - composite.pixels).max() <= 0.51


def test_the_object_keeps_its_own_colours_inside(made):
    kind, photo, _, composite = made
    assert (composite.foreground[90:110, 90:110] == np.asarray(photo)[90:110, 90:110]).all()
    if kind != "thin":  # of which the body may be left out
        assert composite.alpha[100, 100] == 1
    assert composite.alpha[5, 5] < 0.5


def test_soft_kinds_have_softer_alphas_than_a_plain_edge(made):
    kind, _, _, composite = made
    if kind in ("fur", "hair", "translucent"):
        soft = ((composite.alpha > 0.1) & (composite.alpha < 0.9)).sum()
        assert soft > 2 * np.pi * 50  # more than a pixel all along the contour


def test_without_an_object_there_is_still_a_picture():
    empty, photo = Image.new("L", (64, 64)), Image.new("RGB", (64, 64), "red")
    for kind in KINDS:
        assert compose(kind, photo, empty, photo, np.random.default_rng(0)).pixels.shape == (64, 64, 3)
