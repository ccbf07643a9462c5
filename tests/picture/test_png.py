from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from objectcut.picture import png


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 1), (40, 33), (300, 451)])
@pytest.mark.parametrize("channels", [0, 3, 4])
@pytest.mark.parametrize("content", ["noise", "flat"])
def test_other_programs_read_the_same_pixels(shape, channels, content):
    size = (*shape, channels) if channels else shape
    pixels = (
        np.random.default_rng(0).integers(0, 256, size, np.uint8) if content == "noise" else np.zeros(size, np.uint8)
    )
    image = Image.open(io.BytesIO(png.encode(pixels)))
    image.verify()  # the check sums of every chunk
    image = Image.open(io.BytesIO(png.encode(pixels)))
    assert (image.format, image.mode) == ("PNG", {0: "L", 3: "RGB", 4: "RGBA"}[channels])
    np.testing.assert_array_equal(np.asarray(image), pixels)


def test_a_flat_picture_is_a_small_file():
    assert len(png.encode(np.zeros((1000, 1000, 4), np.uint8))) < 40_000
