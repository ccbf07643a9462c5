from __future__ import annotations

import numpy as np
import pytest
from conftest import encoded
from PIL import Image, ImageFilter, ImageOps

from objectcut.errors import CutError
from objectcut.photo.decode import Photo
from objectcut.picture.backdrop import Blurred, covering, load
from objectcut.settings import Settings

WIDTH, HEIGHT = 300, 200
WHOLE = 0, 0, WIDTH, HEIGHT
OBJECT = np.zeros((HEIGHT, WIDTH), np.uint8)
OBJECT[60:150, 100:180] = 255
NOTHING = np.zeros_like(OBJECT)
NOISE = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
SCENE = np.asarray(Image.fromarray(NOISE).filter(ImageFilter.GaussianBlur(4)).point(lambda v: (v - 128) * 6 + 128))


def blurred(photo: Photo, kept: np.ndarray, radius: float, window: tuple[int, int, int, int]) -> np.ndarray:
    return np.asarray(Blurred(photo, kept, radius).window(window))


@pytest.mark.parametrize("radius", [1, 1.5, 2, 3.3, 5, 12, 40])
def test_with_nothing_kept_it_is_a_gaussian_blur(radius):
    expected = Image.fromarray(SCENE).filter(ImageFilter.GaussianBlur(radius))
    difference = np.abs(blurred(Photo(SCENE), NOTHING, radius, WHOLE).astype(int) - np.asarray(expected))
    assert difference[20:-20, 20:-20].mean() < 3


@pytest.mark.parametrize("radius", [0.01, 1, 4, 25, 90, 500])
def test_the_object_has_no_halo(radius):
    """A red object on grey: whatever the radius, the grey beside it stays grey."""
    pixels = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    pixels[OBJECT == 255] = 255, 0, 0
    got = blurred(Photo(pixels), OBJECT, radius, WHOLE).astype(int)
    assert np.abs(got - 120)[OBJECT == 0].max() <= 4


def test_a_thin_gap_within_the_object_has_the_backgrounds_colour():
    pixels = np.full((HEIGHT, WIDTH, 3), (255, 0, 0), np.uint8)
    kept = np.full_like(OBJECT, 255)
    pixels[:, 140:145], kept[:, 140:145] = (20, 90, 160), 0
    got = blurred(Photo(pixels), kept, 30, WHOLE).astype(int)
    np.testing.assert_allclose(got[:, 140:145].reshape(-1, 3).mean(axis=0), (20, 90, 160), atol=12)


def test_without_any_background_near_it_is_a_plain_blur():
    kept = np.full_like(OBJECT, 255)
    plain = blurred(Photo(SCENE), NOTHING, 8, WHOLE).astype(int)
    assert np.abs(blurred(Photo(SCENE), kept, 8, WHOLE) - plain).max() <= 3


def test_what_is_transparent_in_the_file_does_not_shine_through():
    pixels = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    pixels[:, :150] = 0, 255, 0
    alpha = np.full_like(OBJECT, 255)
    alpha[:, :150] = 0
    got = blurred(Photo(pixels, alpha), NOTHING, 20, WHOLE).astype(int)
    assert np.abs(got - 120)[:, 150:].max() <= 1


@pytest.mark.parametrize("window", [(0, 0, 1, 1), (97, 51, 190, 160), (299, 199, 300, 200)])
@pytest.mark.parametrize("radius", [0.5, 3, 17, 200])
def test_a_window_shows_what_the_whole_shows_there(window, radius):
    x0, y0, x1, y1 = window
    whole = blurred(Photo(SCENE), OBJECT, radius, WHOLE).astype(int)
    part = blurred(Photo(SCENE), OBJECT, radius, window)
    assert part.shape == (y1 - y0, x1 - x0, 3)
    assert np.abs(part - whole[y0:y1, x0:x1]).max() <= 3


@pytest.mark.parametrize("radius", [1, 4, 25])
def test_windows_fit_together(radius):
    tall = Photo(np.concatenate([SCENE, SCENE[::-1]] * 4))
    kept = np.concatenate([OBJECT, NOTHING] * 4)
    whole = blurred(tall, kept, radius, (0, 0, WIDTH, 8 * HEIGHT)).astype(int)
    parts = Blurred(tall, kept, radius)
    rows = [parts.window((0, top, WIDTH, top + 50)) for top in range(0, 8 * HEIGHT, 50)]
    assert np.abs(np.concatenate([np.asarray(each) for each in rows]) - whole).max() <= 2


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 900), (16_000, 1)])
@pytest.mark.parametrize("radius", [0.1, 30, 500])
def test_photos_of_a_few_px(size, radius):
    pixels = np.full((size[1], size[0], 3), (9, 99, 199), np.uint8)
    got = blurred(Photo(pixels), np.zeros(size[::-1], np.uint8), radius, (0, 0, *size))
    np.testing.assert_allclose(got, pixels, atol=1)


CROSS = np.zeros((40, 60, 3), np.uint8)  # left third red, middle green, right third blue
CROSS[:, :20], CROSS[:, 20:40], CROSS[:, 40:] = (200, 0, 0), (0, 200, 0), (0, 0, 200)


@pytest.mark.parametrize(
    ("size", "left", "right"),
    [
        ((60, 40), (200, 0, 0), (0, 0, 200)),
        ((600, 400), (200, 0, 0), (0, 0, 200)),
        ((30, 20), (200, 0, 0), (0, 0, 200)),
        ((40, 160), (0, 200, 0), (0, 200, 0)),  # high: only the middle is seen
        ((300, 20), (200, 0, 0), (0, 0, 200)),  # wide: the whole width is seen
    ],
)
def test_the_picture_fills_the_size_around_its_centre(size, left, right):
    image = covering(Photo(CROSS), size, 0, size[1])
    assert (image.mode, image.size) == ("RGB", size)
    assert (image.getpixel((0, size[1] // 2)), image.getpixel((size[0] - 1, size[1] // 2))) == (left, right)


@pytest.mark.parametrize(("source", "size"), [((60, 40), (1, 1)), ((1, 1), (60, 40)), ((900, 1), (40, 60))])
def test_a_picture_of_any_proportion_fills_any_size(source, size):
    filled = covering(Photo(np.full((*source[::-1], 3), 7, np.uint8)), size, 0, size[1])
    assert filled.getcolors() == [(size[0] * size[1], (7,) * 3)]


@pytest.mark.parametrize("size", [(300, 200), (70, 90), (1000, 150), (450, 640)])
def test_rows_of_the_picture_fit_together(size):
    picture = Photo(SCENE)
    fitted = np.asarray(ImageOps.fit(Image.fromarray(SCENE), size, Image.Resampling.BICUBIC)).astype(int)
    for step in (7, 64):
        rows = [covering(picture, size, top, min(top + step, size[1])) for top in range(0, size[1], step)]
        assert np.abs(np.concatenate([np.asarray(each) for each in rows]) - fitted).max() <= 2


def test_the_pictures_own_transparency_stays():
    alpha = np.full((40, 60), 80, np.uint8)
    assert covering(Photo(CROSS, alpha), (30, 20), 0, 20).getpixel((0, 0)) == (200, 0, 0, 80)


@pytest.mark.parametrize(
    ("data", "limits", "code"),
    [
        (b"nothing", {}, "unreadable_image"),
        (encoded(Image.effect_noise((20, 20), 90), "JPEG")[:-100], {}, "unreadable_image"),
        (b"<svg/>", {}, "unsupported_image"),
        (encoded(Image.new("L", (20, 10))), {"max_pixels": 199}, "image_too_large"),
        (encoded(Image.new("L", (20, 10))), {"max_side": 19}, "image_too_large"),
    ],
)
def test_errors_name_the_field(data, limits, code):
    with pytest.raises(CutError, match="'background_image'") as caught:
        load(data, Settings(**limits))
    assert caught.value.code == code
    assert caught.value.details["field"] == "background_image"


def test_a_picture_is_read_as_a_photo_is():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert load(encoded(Image.fromarray(CROSS), "JPEG", exif=exif.tobytes()), Settings()).pixels.shape == (60, 40, 3)
