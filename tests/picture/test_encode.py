from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from conftest import encoded
from PIL import Image, ImageCms

from objectcut.errors import CutError
from objectcut.photo.decode import Photo, load
from objectcut.picture.compose import cut
from objectcut.picture.encode import encode
from objectcut.request.accept import MEDIA_TYPES
from objectcut.request.options import CutOptions
from objectcut.settings import Settings

CHANCE = np.random.default_rng(0)
IMAGES = {
    "RGBA": np.dstack([CHANCE.integers(0, 256, (9, 13, 3)), CHANCE.choice([80, 255], (9, 13))]).astype(np.uint8),
    "RGB": CHANCE.integers(0, 256, (9, 13, 3), np.uint8),
    "L": CHANCE.integers(0, 256, (9, 13), np.uint8),
}


def unzipped(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Colours and alpha."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == ["cutout.jpg", "alpha.png"]
        with Image.open(packed.open("cutout.jpg")) as colours, Image.open(packed.open("alpha.png")) as alpha:
            assert (colours.format, colours.mode, alpha.format, alpha.mode) == ("JPEG", "RGB", "PNG", "L")
            return np.asarray(colours), np.asarray(alpha)


def test_a_zip_holds_the_photos_colours_and_the_exact_alpha():
    smooth = np.asarray(Image.radial_gradient("L"))
    pixels = np.dstack([smooth, smooth.T // 2, 255 - smooth])
    alpha = np.zeros_like(smooth)
    alpha[40:200, 60:190], alpha[40:60, 60:190] = 255, 100
    made = cut(Photo(pixels), alpha, CutOptions(output="both", crop=True, margin=20, edges="raw"))
    assert made is not None
    colours, opacity = unzipped(encode(made.pixels, "zip"))
    np.testing.assert_array_equal(opacity, np.pad(alpha[40:200, 60:190], 20))
    kept = colours[20:-20, 20:-20].astype(int)
    assert np.abs(kept - pixels[40:200, 60:190]).mean() < 2
    assert np.abs(kept - pixels[40:200, 60:190]).max() < 30


def test_a_zip_tells_nothing_of_what_was_cut_away():
    first, second = (np.full((32, 48, 3), colour, np.uint8) for colour in (10, 240))
    alpha = np.zeros((32, 48), np.uint8)
    alpha[8:24, 10:30] = 255
    second[alpha == 255] = first[alpha == 255]
    options = CutOptions(output="both")
    one, other = (encode(cut(Photo(pixels), alpha, options).pixels, "zip") for pixels in (first, second))
    assert one == other


@pytest.mark.parametrize("mode", IMAGES)
@pytest.mark.parametrize("kind", ["png", "webp"])
def test_png_and_webp_keep_every_pixel(kind, mode):
    with Image.open(io.BytesIO(encode(IMAGES[mode], kind))) as opened:
        assert Image.MIME[opened.format] == MEDIA_TYPES[kind]
        np.testing.assert_array_equal(np.asarray(opened.convert(mode)), IMAGES[mode])


def test_what_is_transparent_keeps_its_alpha_in_webp():
    clear = np.zeros((4, 4, 4), np.uint8)
    with Image.open(io.BytesIO(encode(clear, "webp"))) as opened:
        assert opened.getpixel((0, 0)) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("colour", "seen"),
    [
        ((0, 0, 0, 0), (255, 255, 255)),
        ((200, 40, 40, 255), (200, 40, 40)),
        ((200, 40, 40, 128), (227, 147, 147)),
        ((200, 40, 40), (200, 40, 40)),
        (90, (90, 90, 90)),
    ],
)
def test_jpeg_is_white_where_transparent(colour, seen):
    channels = () if isinstance(colour, int) else (len(colour),)
    with Image.open(io.BytesIO(encode(np.full((16, 16, *channels), colour, np.uint8), "jpeg"))) as opened:
        assert opened.format == "JPEG"
        np.testing.assert_allclose(opened.convert("RGB").getpixel((8, 8)), seen, atol=4)


@pytest.mark.parametrize("kind", MEDIA_TYPES)
def test_nothing_of_the_photos_metadata_is_told(kind):
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    exif.get_ifd(0x8825)[29] = "home, 52 N 13 E"  # GPSDateStamp, a text of the GPS data
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + b"my home"
    marks = {"exif": exif.tobytes(), "comment": "my home", "xmp": b"<x>at home</x>", "icc_profile": icc}
    taken = encoded(Image.fromarray(IMAGES["RGB"]), "JPEG", **marks)
    photo = load(taken, Settings())
    made = cut(photo, np.full((9, 13), 255, np.uint8), CutOptions(crop=True, background="white"))
    assert made is not None
    assert taken.count(b"home") == 5
    data = encode(made.pixels, kind)
    assert b"home" not in data
    assert not any(mark in data for mark in (b"Exif", b"EXIF", b"ICC_PROFILE", b"ICCP", b"iCCP", b"eXIf", b"xmp"))


@pytest.mark.parametrize(("kind", "longest"), [("webp", 16_383), ("jpeg", 65_500)])
def test_a_picture_longer_than_the_format_allows(kind, longest):
    assert encode(np.zeros((1, longest), np.uint8), kind)
    with pytest.raises(CutError, match=f"{longest + 1} x 1 pixels; {kind} holds at most {longest}") as caught:
        encode(np.zeros((1, longest + 1), np.uint8), kind)
    assert caught.value.code == "image_too_large"
    facts = {"field": "format", "format": kind, "width": longest + 1, "height": 1, "max_side": longest}
    assert caught.value.details == facts
    assert encode(np.zeros((1, longest + 1), np.uint8), "png")
