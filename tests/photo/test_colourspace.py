from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageCms

from objectcut.photo import colourspace

P3 = (0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)


def converted(profile: bytes | None, colour: tuple[int, ...], mode: str = "RGB") -> tuple[int, ...]:
    image = Image.new(mode, (4, 4), colour if mode == "RGB" else colour[0])
    if mode == "RGB":
        return tuple(colourspace.rgb_to_srgb(np.array(image), profile)[1, 1])
    return colourspace.to_srgb(image, profile).convert("RGB").getpixel((1, 1))


@pytest.mark.parametrize("level", [0, 1, 10, 50, 128, 200, 254, 255])
@pytest.mark.parametrize("primaries", [9, 11, 12, 22])
def test_grey_stays_grey(primaries, level):
    profile = colourspace.profile_of_codes(primaries, 13)
    np.testing.assert_allclose(converted(profile, (level,) * 3), (level,) * 3, atol=1)


def test_codes_and_chromaticities_mean_the_same():
    for colour in ((200, 100, 80), (20, 240, 100), (60, 60, 61)):
        by_code = converted(colourspace.profile_of_codes(12, 13), colour)
        by_number = converted(colourspace.profile_of_chromaticities(P3, None), colour)
        np.testing.assert_allclose(by_code, by_number, atol=1)


@pytest.mark.parametrize(
    "codes", [(1, 13), (2, 2), (1, 1), (1, 6), (1, 14), (0, 13), (3, 13), (12, 0), (12, 9), (255, 255)]
)
def test_codes_that_change_nothing(codes):
    assert colourspace.profile_of_codes(*codes) is None


@pytest.mark.parametrize(
    ("primaries", "exponent"),
    [
        (None, None),
        (None, 2.2),
        (colourspace.SRGB_PRIMARIES, 2.2),
        (colourspace.SRGB_PRIMARIES, None),
        ((0.0,) * 8, None),
        ((0.3,) * 8, 2.2),
        ((40_000.0,) * 8, 2.2),
    ],
)
def test_numbers_that_change_nothing_or_are_impossible(primaries, exponent):
    assert colourspace.profile_of_chromaticities(primaries, exponent) is None


def test_light_without_a_curve():
    profile = colourspace.profile_of_chromaticities(None, 1.0)
    assert converted(profile, (128, 128, 128), "L") == (188, 188, 188)


@pytest.mark.parametrize("transfer", [16, 18])
def test_paper_white_of_high_dynamic_range_is_bright_but_not_the_brightest(transfer):
    signal = {16: 0.5807, 18: 0.75}[transfer]  # 203 nits, ITU-R BT.2408
    white = converted(colourspace.profile_of_codes(9, transfer), (round(255 * signal),) * 3)
    assert 200 < white[0] < 245
    assert converted(colourspace.profile_of_codes(9, transfer), (255,) * 3)[0] > 240
    assert converted(colourspace.profile_of_codes(9, transfer), (0,) * 3) == (0, 0, 0)


def test_a_profile_that_says_srgb_changes_nothing_and_another_one_all_strips(astronaut):
    pixels = np.array(astronaut.resize((64, 600)))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(colourspace.rgb_to_srgb(pixels.copy(), srgb), pixels)

    wide = colourspace.profile_of_codes(12, 13)
    assert wide is not None
    source = ImageCms.ImageCmsProfile(io.BytesIO(wide))
    expected = ImageCms.profileToProfile(Image.fromarray(pixels), source, ImageCms.createProfile("sRGB"))
    with ThreadPoolExecutor(2) as pool:
        np.testing.assert_array_equal(colourspace.rgb_to_srgb(pixels, wide, pool.map), np.asarray(expected))
    assert not np.array_equal(pixels, np.array(astronaut.resize((64, 600))))
