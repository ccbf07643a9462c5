from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from objectcut.picture import png


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 1), (40, 33), (300, 451), (1700, 1300)])
@pytest.mark.parametrize("channels", [0, 3, 4])
@pytest.mark.parametrize("content", ["noise", "flat", "in the middle"])
def test_other_programs_read_the_same_pixels(shape, channels, content):
    size = (*shape, channels) if channels else shape
    pixels = np.zeros(size, np.uint8)
    shown = {"noise": slice(None), "flat": slice(0), "in the middle": slice(shape[0] // 2, shape[0] // 2 + 9)}[content]
    pixels[shown] = np.random.default_rng(0).integers(0, 256, pixels[shown].shape, np.uint8)
    with ThreadPoolExecutor(2) as threads:
        data = png.encode(pixels, threads.map)
    assert data == png.encode(pixels)
    image = Image.open(io.BytesIO(data))
    image.verify()  # the check sums of every chunk
    image = Image.open(io.BytesIO(data))
    assert (image.format, image.mode) == ("PNG", {0: "L", 3: "RGB", 4: "RGBA"}[channels])
    np.testing.assert_array_equal(np.asarray(image), pixels)


def test_a_flat_picture_is_a_small_file():
    assert len(png.encode(np.zeros((1000, 1000, 4), np.uint8))) < 40_000
