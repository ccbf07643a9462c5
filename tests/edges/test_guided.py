"""An alpha drawn in a small picture finds the photo's own edge."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from objectcut.edges.guided import enlarge

SMALL = 64  # px
HARD, SOFT = (np.full((SMALL, SMALL), value, np.float32) for value in (1.0, 0.0))


def photo(side: int, colours=((200, 60, 40), (40, 90, 200))) -> np.ndarray:
    """A disc a third of a side from the middle to its edge, every pixel one colour or the other."""
    y, x = np.mgrid[:side, :side] + 0.5
    inside = np.hypot(y - side / 2, x - side / 2) < side / 3
    return np.where(inside[..., None], *colours).astype(np.uint8), inside


def small(pixels: np.ndarray) -> np.ndarray:
    return np.array(Image.fromarray(pixels).resize((SMALL, SMALL), Image.Resampling.BOX), np.float32) / 255


def drawn(inside: np.ndarray) -> np.ndarray:
    """The disc's alpha as it looks in the small picture, smeared over some px."""
    plane = Image.fromarray(inside.astype(np.float32)).resize((SMALL // 2, SMALL // 2), Image.Resampling.BOX)
    return np.array(plane.resize((SMALL, SMALL), Image.Resampling.BILINEAR))


@pytest.mark.parametrize("side", [64, 200, 333, 1000])
def test_the_edge_comes_to_lie_where_the_photo_has_it(side):
    pixels, inside = photo(side)
    x, y, alpha = enlarge(drawn(inside), HARD, small(pixels), pixels, (0, 0, side, side))
    assert (x, y, alpha.shape) == (0, 0, (side, side))
    wrong = np.count_nonzero((alpha > 127) != inside)
    assert wrong <= 0.1 * side * 2 * np.pi / 3  # of the pixels along the edge


def test_without_a_difference_in_colour_the_edge_stays_where_it_was_drawn():
    pixels, inside = photo(640, ((90, 90, 90), (90, 90, 90)))
    _, _, alpha = enlarge(drawn(inside), HARD, small(pixels), pixels, (0, 0, 640, 640))
    assert np.count_nonzero((alpha > 127) != inside) < 0.01 * 640**2


def test_a_soft_edge_stays_softer_than_a_hard_one():
    pixels, inside = photo(640, ((90, 90, 90), (90, 90, 90)))
    soft, hard = (
        np.count_nonzero((alpha > 0) & (alpha < 255))
        for _, _, alpha in (enlarge(drawn(inside), h, small(pixels), pixels, (0, 0, 640, 640)) for h in (SOFT, HARD))
    )
    assert soft > 1.3 * hard > 0


@pytest.mark.parametrize("value", [0, 255])
def test_where_there_is_no_edge_alpha_is_all_or_nothing(value):
    pixels, _ = photo(500)
    plane = np.full((SMALL, SMALL), value / 255, np.float32)
    _, _, alpha = enlarge(plane, HARD, small(pixels), pixels, (0, 0, 500, 500))
    assert (alpha == value).all()


@pytest.mark.parametrize(
    "window", [(-40, -60, 140, 120), (380, 300, 700, 620), (-100, -100, 600, 600), (450, 0, 530, 80)]
)
def test_a_window_beyond_the_photo_gives_what_lies_inside_of_it(window):
    pixels, _ = photo(500)
    x, y, alpha = enlarge(drawn(photo(SMALL)[1]), HARD, np.zeros((SMALL, SMALL, 3), np.float32), pixels, window)
    assert (x, y) == (max(window[0], 0), max(window[1], 0))
    assert alpha.shape == (min(window[3], 500) - y, min(window[2], 500) - x)


def test_a_window_beside_the_photo_gives_nothing():
    pixels, inside = photo(500)
    assert enlarge(drawn(inside), HARD, small(pixels), pixels, (600, 0, 700, 100))[2].size == 0
