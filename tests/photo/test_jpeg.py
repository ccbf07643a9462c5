from __future__ import annotations

import io
import re

import numpy as np
import pytest
from conftest import encoded
from PIL import Image

from imagefiles import segment, with_segments
from objectcut.errors import CutError
from objectcut.photo.decode import load, preview
from objectcut.settings import Settings

SETTINGS = Settings()
FORMS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "restarts by rows": {"restart_marker_rows": 1},
    "restarts by blocks": {"restart_marker_blocks": 3},
    "full colour": {"subsampling": 0},
}


@pytest.fixture(scope="module")
def photo(astronaut: Image.Image) -> Image.Image:
    return astronaut.resize((133, 117))


def is_refused(data: bytes) -> bool:
    refusals = 0
    for read in (lambda: load(data, SETTINGS), lambda: preview(data, SETTINGS, 30)):
        try:
            read()
        except CutError as error:
            assert error.code == "unreadable_image"  # noqa: PT017
            refusals += 1
    assert refusals in {0, 2}
    return refusals == 2


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_lacks_only_its_end_is_whole(photo, form, mode):
    data = encoded(photo.convert(mode), "JPEG", quality=90, **FORMS[form])
    whole, small = load(data, SETTINGS).pixels, preview(data, SETTINGS, 30)
    assert small is not None
    for ending in (b"", b"\xff", bytes(40), b"\n"):
        cut = data[:-2] + ending
        np.testing.assert_array_equal(load(cut, SETTINGS).pixels, whole)
        shown = preview(cut, SETTINGS, 30)
        assert shown is not None
        np.testing.assert_array_equal(shown.pixels, small.pixels)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0", "4:1:1"])
@pytest.mark.parametrize("form", ["baseline", "progressive"])
def test_the_pixels_are_those_that_pillow_decodes(photo, form, subsampling):
    data = encoded(photo, "JPEG", **{"quality": 80, **FORMS[form], "subsampling": subsampling})
    pillow = np.asarray(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(load(data, SETTINGS).pixels, pillow)


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_lacks_more_is_not(photo, form):
    data = encoded(photo, "JPEG", quality=90, **FORMS[form])
    cuts = [len(data) - lost for lost in (4, 5, 6, 8, 12, 30, 200, 2000)]
    cuts += [match.start() for match in re.finditer(rb"\xff[\xc4\xd0-\xd7\xda]", data)][-40:]  # between two parts
    for cut in cuts:
        assert is_refused(data[:cut]), len(data) - cut


@pytest.mark.parametrize(
    "broken",
    [
        segment(0xED, b"Photoshop 3.0\x008BIM\4\4"),
        segment(0xED, b"Photoshop 3.0\x008BIM\4\4\0\0\xff\xff\xff\xff"),
        segment(0xE0, b"JFIF"),
        segment(0xE1, b"Exif\0\0"),
        segment(0xE1, b"Exif\0\0II*\0\xff\xff\xff\xff"),
        segment(0xE2, b"MPF\0II*\0\x08\0\0\0\xff\xff"),
        segment(0xE2, b"ICC_PROFILE\0\1\2half"),
        segment(0xE2, b"ICC_PROFILE\0"),
        segment(0xFE, b"\xff\xda\xff\xd9"),
        b"\xff\xff\xff" + segment(0xE5, b""),
    ],
)
def test_a_broken_segment_beside_the_pixels_does_no_harm(photo, broken):
    data = encoded(photo, "JPEG", quality=90)
    pixels = load(with_segments(data, broken), SETTINGS).pixels
    np.testing.assert_array_equal(pixels, load(data, SETTINGS).pixels)
