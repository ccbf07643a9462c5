from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from objectcut.picture.outline import outlined
from objectcut.picture.plane import take

ALPHA = np.zeros((60, 80), np.uint8)
ALPHA[20:40, 30:50] = 255
BOX = (30, 20, 50, 40)
WHITE = (255, 255, 255, 255)


@pytest.mark.parametrize("width", [1, 2.5, 6, 15])
def test_a_line_is_as_wide_everywhere(width):
    line = outlined(partial(take, ALPHA), BOX, width, WHITE).part((0, 0, 80, 60))
    y, x = np.mgrid[:60, :80]
    distance = np.hypot(np.maximum(np.maximum(30 - x, x - 49), 0), np.maximum(np.maximum(20 - y, y - 39), 0))
    np.testing.assert_allclose(line, ((width + 0.5 - distance).clip(0, 1) * 255), atol=1)


def test_it_goes_on_beyond_the_photo():
    everything = np.full((10, 12), 255, np.uint8)
    line = outlined(partial(take, everything), (0, 0, 12, 10), 3, WHITE)
    assert line.box == (-3, -3, 15, 13)
    assert line.part((-2, 4, 0, 5)).tolist() == [[255, 255]]
    assert not line.part((-30, -30, -10, -10)).any()


def test_its_colour_may_be_half_transparent():
    picture = np.asarray(outlined(partial(take, ALPHA), BOX, 4, (255, 136, 0, 128)).picture((26, 25, 31, 26)))
    assert picture[0, 2].tolist() == [255, 136, 0, 128]


def test_where_nothing_is_more_inside_than_outside_there_is_none():
    faint = np.minimum(ALPHA, 127)
    line = outlined(partial(take, faint), BOX, 4, WHITE)
    assert line.box is None
    assert not line.part((0, 0, 80, 60)).any()
