from __future__ import annotations

import itertools
import random
import struct

import numpy as np
import pytest
from conftest import encoded
from PIL import Image, ImageCms

from imagefiles import png, tiff
from objectcut.errors import CutError
from objectcut.photo.decode import Photo, load, preview
from objectcut.settings import Settings

SETTINGS = Settings()
TALL = np.zeros((24, 16, 3), np.uint8)  # a red top left corner on blue: eight orientations, all different
TALL[...] = 0, 0, 200
TALL[:8, :8] = 200, 0, 0
SMALL = Image.fromarray(TALL)
ANIMATED = {"save_all": True, "append_images": [Image.new("RGB", SMALL.size, "lime")]}


def read(data: bytes, settings: Settings = SETTINGS) -> Photo:
    return load(data, settings)


def refused(data: bytes, settings: Settings = SETTINGS) -> CutError:
    with pytest.raises(CutError) as caught:
        load(data, settings)
    return caught.value


def corners(photo: Photo) -> list[tuple[int, ...]]:
    """Top left and bottom right, two px from the edge."""
    return [tuple(photo.pixels[2, 2].tolist()), tuple(photo.pixels[-3, -3].tolist())]


ADOBE = b"\xff\xee\x00\x0eAdobe\x00d\x00\x00\x00\x00\x00"  # the marker of inverted CMYK, which Pillow writes
KINDS = {
    "JPEG": encoded(SMALL, "JPEG", quality=95, subsampling=0),
    "progressive JPEG": encoded(SMALL, "JPEG", quality=95, subsampling=0, progressive=True),
    "CMYK JPEG": encoded(SMALL.convert("CMYK"), "JPEG", quality=95),
    "MPO": encoded(SMALL, "MPO", quality=95, subsampling=0, **ANIMATED),
    "PNG": encoded(SMALL, "PNG"),
    "palette PNG": encoded(SMALL.quantize(4), "PNG"),
    "animated PNG": encoded(SMALL, "PNG", **ANIMATED),
    "WebP": encoded(SMALL, "WEBP", lossless=True),
    "animated WebP": encoded(SMALL, "WEBP", lossless=True, **ANIMATED),
    "HEIC": encoded(SMALL, "HEIF", quality=95, chroma=444),
    "AVIF": encoded(SMALL, "AVIF", quality=95, subsampling="4:4:4"),
    "animated AVIF": encoded(SMALL, "AVIF", quality=95, subsampling="4:4:4", **ANIMATED),
    "BMP": encoded(SMALL, "BMP"),
    "GIF": encoded(SMALL, "GIF"),
    "animated GIF": encoded(SMALL, "GIF", **ANIMATED),
    "TIFF": encoded(SMALL, "TIFF"),
    "LZW TIFF": encoded(SMALL, "TIFF", compression="tiff_lzw"),
    "CMYK TIFF": encoded(SMALL.convert("CMYK"), "TIFF"),
    "TIFF of two pages": encoded(SMALL.copy(), "TIFF", save_all=True, append_images=[Image.new("RGB", SMALL.size)]),
    "YCbCr TIFF": encoded(SMALL.convert("YCbCr"), "TIFF"),
    "CMYK JPEG of no Adobe program": encoded(SMALL.convert("CMYK"), "JPEG", quality=95).replace(ADOBE, b""),
    "16-bit RGB TIFF": tiff(TALL * np.uint16(257), photometric="rgb"),
    "16-bit CMYK TIFF": tiff(np.asarray(SMALL.convert("CMYK")) * np.uint16(257), photometric="separated"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_accepted_kind_is_the_same_photo(kind):
    photo = read(KINDS[kind])
    assert (photo.width, photo.height) == SMALL.size
    assert photo.pixels.dtype == np.uint8
    assert photo.alpha is None
    np.testing.assert_allclose(corners(photo), [(200, 0, 0), (0, 0, 200)], atol=12)


LEVELS = np.linspace(0, 65535, 32).astype(np.uint16).reshape(4, 8)
EIGHT = np.linspace(0, 255, 32).reshape(4, 8)


@pytest.mark.parametrize(
    "data",
    [
        encoded(Image.fromarray(EIGHT.astype(np.uint8)), "JPEG", quality=100),
        encoded(Image.fromarray(EIGHT.astype(np.uint8)), "PNG"),
        encoded(Image.fromarray(LEVELS), "PNG"),
        encoded(Image.fromarray(LEVELS), "TIFF"),
        encoded(Image.fromarray(LEVELS.astype(np.int32)), "TIFF"),
        encoded(Image.fromarray(EIGHT.astype(np.float32) / 255), "TIFF"),
        png(8, 4, 16, 2, b"".join(b"\0" + np.repeat(row, 3).astype(">u2").tobytes() for row in LEVELS)),
        tiff(65535 - LEVELS, photometric="miniswhite"),
    ],
    ids=["JPEG", "PNG", "16-bit PNG", "16-bit TIFF", "32-bit TIFF", "float TIFF", "16-bit RGB PNG", "white is zero"],
)
def test_grey_levels_of_any_depth(data):
    np.testing.assert_allclose(read(data).pixels, np.dstack([EIGHT] * 3), atol=2)


def test_black_and_white():
    bits = Image.fromarray(np.eye(8, dtype=bool))
    np.testing.assert_array_equal(read(encoded(bits)).pixels[..., 0], np.eye(8) * 255)


def with_alpha(mode: str, kind: str, **options: object) -> bytes:
    image = SMALL.convert(mode)
    image.putalpha(Image.fromarray(np.where(TALL[..., 0] > 0, 255, 40).astype(np.uint8)))
    return encoded(image, kind, **options)


PALETTE = SMALL.quantize(2)
DEEP = Image.fromarray(np.where(TALL[..., 0] > 0, 51_400, 5_140).astype(np.uint16))
CLEAR_INDEX = int(np.asarray(PALETTE)[-1, -1])


@pytest.mark.parametrize(
    ("data", "alpha"),
    [
        (with_alpha("RGB", "PNG"), 40),
        (with_alpha("L", "PNG"), 40),
        (with_alpha("RGB", "WEBP", lossless=True), 40),
        (with_alpha("RGB", "TIFF"), 40),
        (with_alpha("RGB", "HEIF", quality=-1), 40),
        (with_alpha("RGB", "AVIF", quality=100), 40),
        (encoded(SMALL, "PNG", transparency=(0, 0, 200)), 0),
        (encoded(SMALL.convert("L"), "PNG", transparency=SMALL.convert("L").getpixel((15, 23))), 0),
        (encoded(PALETTE, "PNG", transparency=CLEAR_INDEX), 0),
        (encoded(PALETTE, "PNG", transparency=bytes(40 if i == CLEAR_INDEX else 255 for i in range(2))), 40),
        (encoded(PALETTE, "GIF", transparency=CLEAR_INDEX), 0),
        (encoded(PALETTE, "GIF", transparency=CLEAR_INDEX, **ANIMATED), 0),
        (encoded(DEEP, "PNG", transparency=int(DEEP.getpixel((15, 23)))), 0),
    ],
    ids=[
        "PNG",
        "grey PNG",
        "WebP",
        "TIFF",
        "HEIC",
        "AVIF",
        "colour key",
        "grey key",
        "palette",
        "palette 40",
        "GIF",
        "animated GIF",
        "16-bit grey key",
    ],
)
def test_transparency_of_the_file_is_kept(data, alpha):
    photo = read(data)
    assert photo.alpha is not None
    assert photo.alpha.shape == (24, 16)
    np.testing.assert_allclose([photo.alpha[2, 2], photo.alpha[-3, -3]], [255, alpha], atol=2)
    top_left, _ = corners(photo)
    assert max(top_left) > 50  # the colour under full alpha is not touched


@pytest.mark.parametrize("key", [None, CLEAR_INDEX])
@pytest.mark.parametrize("at", [(0, 0), (4, 7), (3, 0)])
@pytest.mark.parametrize("mode", ["P", "L"])
def test_a_gif_is_transparent_where_its_first_frame_leaves_the_screen_as_it_is(mode, at, key):
    frame = PALETTE if mode == "P" else SMALL.convert("L")
    data = bytearray(encoded(frame, "GIF", **({} if key is None or mode == "L" else {"transparency": key})))
    data[6:10] = struct.pack("<HH", 20, 31)  # the screen, after the file's own name
    descriptor = data.index(b",\0\0\0\0" + struct.pack("<HH", *SMALL.size))
    data[descriptor + 1 : descriptor + 5] = struct.pack("<HH", *at)
    photo = read(bytes(data))
    left, top = at
    expected = np.zeros((31, 20))
    inside = np.asarray(frame) != key if mode == "P" else True
    expected[top : top + 24, left : left + 16] = np.where(inside, 255, 0)
    np.testing.assert_array_equal(photo.alpha, expected)
    np.testing.assert_array_equal(
        photo.pixels[top : top + 8, left : left + 8], np.asarray(frame.convert("RGB"))[:8, :8]
    )


def test_an_opaque_alpha_channel_is_none():
    assert read(encoded(SMALL.convert("RGBA"))).alpha is None


# Exif tag 0x0112: what was done to the upright picture before it was stored, so that `load` has to undo it.
STORED = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_every_exif_orientation_comes_upright(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](TALL)))
    options = {"lossless": True} if kind == "WEBP" else {} if kind in {"PNG", "TIFF"} else {"quality": 95}
    photo = read(encoded(stored, kind, exif=exif.tobytes(), **options))
    assert photo.pixels.shape == TALL.shape
    red = photo.pixels[..., 0] > 100
    assert red[:8, :8].mean() > 0.9
    assert red.sum() < 80


@pytest.mark.parametrize(
    ("kind", "exif"),
    [
        ("JPEG", b"Exif\0\0rubbish!"),
        ("PNG", b"rubbish!"),
        ("PNG", b"Exif\0\0II*\0\x08\0\0\0\xff\xff12"),
        ("WEBP", b"?"),
    ],
)
@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_exif_does_not_hurt(kind, exif):
    assert read(encoded(SMALL, kind, exif=exif)).pixels.shape == TALL.shape


def profile(kind: str) -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(kind)).tobytes()


def swapped_srgb() -> bytes:
    """sRGB's own profile with the colours of the red and the blue primary exchanged."""
    return profile("sRGB").replace(b"rXYZ", b"?").replace(b"bXYZ", b"rXYZ").replace(b"?", b"bXYZ")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_an_icc_profile_is_converted_to_srgb(mode):
    data = encoded(SMALL.convert(mode), "PNG", icc_profile=swapped_srgb())
    np.testing.assert_allclose(corners(read(data)), [(0, 0, 200), (200, 0, 0)], atol=5)  # a palette rounds


@pytest.mark.parametrize("icc", [profile("sRGB"), b"rubbish", profile("sRGB")[:200], profile("LAB")])
def test_an_icc_profile_that_changes_nothing(icc):
    data = encoded(SMALL, "PNG", icc_profile=icc)
    np.testing.assert_allclose(corners(read(data)), [(200, 0, 0), (0, 0, 200)], atol=1)


P3_TO_XYZ = [[0.5151, 0.2412, -0.0011], [0.2920, 0.6922, 0.0419], [0.1571, 0.0666, 0.7841]]  # a row a primary, D50
XYZ_TO_SRGB = [[3.1342, -0.9788, 0.0720], [-1.6174, 1.9163, -0.2290], [-0.4907, 0.0335, 1.4057]]  # likewise


def display_p3() -> bytes:
    """sRGB's own profile with the primaries of Display P3, as phones write it."""
    icc = bytearray(profile("sRGB"))
    for name, primary in zip((b"rXYZ", b"gXYZ", b"bXYZ"), P3_TO_XYZ, strict=True):
        entry = icc.index(name)
        offset = struct.unpack(">I", icc[entry + 4 : entry + 8])[0]
        icc[offset + 8 : offset + 20] = struct.pack(">3i", *(round(value * 65536) for value in primary))
    return bytes(icc)


def linear(colour: np.ndarray) -> np.ndarray:
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("colour", [(200, 100, 80), (60, 150, 90), (128, 128, 128), (255, 255, 255)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "HEIF", "AVIF", "TIFF"])
def test_a_phones_wide_colours_become_srgb(kind, colour):
    wide = np.clip(linear(np.array(colour) / 255) @ P3_TO_XYZ @ XYZ_TO_SRGB, 0, 1)
    expected = 255 * np.where(wide <= 0.0031308, wide * 12.92, 1.055 * wide ** (1 / 2.4) - 0.055)
    data = encoded(Image.new("RGB", (16, 16), colour), kind, icc_profile=display_p3(), quality=100)
    np.testing.assert_allclose(read(data).pixels[8, 8], expected, atol=4)


def printed() -> bytes:
    """A profile of CMYK whose four inks are grey alone: the lightness is 100 % less the ink's share of the black."""
    corners = itertools.product((0, 1), repeat=4)  # the table's own order, black fastest
    table = b"".join(bytes([255 * (1 - black), 128, 128]) for *_, black in corners)
    identity = bytes(range(256))
    unit = struct.pack(">9i", *(65536 if cell % 4 == 0 else 0 for cell in range(9)))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + unit + identity * 4 + table + identity * 3
    lut += bytes(-len(lut) % 4)
    tags = struct.pack(">I4sII", 1, b"A2B0", 144, len(lut))
    white = struct.pack(">3i", 63190, 65536, 54061)
    head = struct.pack(
        ">I4sI4s4s4s12s4s", 144 + len(lut), b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ", bytes(12), b"acsp"
    )
    return head + bytes(28) + white + bytes(48) + tags + lut


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_a_printers_profile_is_heeded(kind):
    inks = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    inks.paste((0, 0, 0, 255), (0, 8, 16, 16))
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    photo = read(encoded(inks, kind, icc_profile=printed(), **options))
    np.testing.assert_allclose(corners(photo), [(255,) * 3, (0,) * 3], atol=6)  # without it: cyan and black


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "BMP", "GIF", "TIFF"])
@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 300)])
def test_tiny_photos(size, kind):
    photo = read(encoded(Image.new("RGB", size, "teal"), kind))
    assert (photo.width, photo.height) == size
    np.testing.assert_allclose(photo.pixels[0, 0], (0, 128, 128), atol=4)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
@pytest.mark.parametrize("size", [(16_000, 1), (1, 16_000)])
def test_a_photo_that_is_only_long(size, kind):
    photo = read(encoded(Image.new("RGB", size, "teal"), kind))
    assert (photo.width, photo.height) == size


@pytest.mark.parametrize(
    ("width", "height", "limits", "code"),
    [
        (30_000, 30_000, {}, "image_too_large"),
        (16_385, 1, {}, "image_too_large"),
        (1, 16_385, {}, "image_too_large"),
        (5001, 5000, {}, "image_too_large"),
        (11, 10, {"max_pixels": 109}, "image_too_large"),
        (11, 10, {"max_side": 10}, "image_too_large"),
        (11, 10, {"max_pixels": 110, "max_side": 11}, None),
    ],
)
def test_size_limits_hold_before_a_pixel_is_decoded(width, height, limits, code):
    data = png(width, height, 8, 0, bytes((width + 1) * height) if code is None else b"")
    if code is None:
        assert read(data, Settings(**limits)).pixels.shape == (height, width, 3)
        return
    error = refused(data, Settings(**limits))  # the file ends after its header: decoding it would be `unreadable_image`
    assert error.code == code
    bounds = {"max_pixels": 25_000_000, "max_side": 16_384, **limits}
    assert error.details == {"width": width, "height": height, **bounds}


@pytest.mark.parametrize("kind", ["JPEG", "progressive JPEG", "PNG", "WebP", "HEIC", "AVIF", "GIF", "LZW TIFF"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_file_cut_short(kind, share):
    noise = np.random.default_rng(0).integers(0, 256, (24, 16, 3), np.uint8)  # so that 90 % are not nearly all of it
    options = {"progressive JPEG": {"progressive": True}, "LZW TIFF": {"compression": "tiff_lzw"}}.get(kind, {})
    name = {"HEIC": "HEIF"}.get(kind, kind.split()[-1].upper())
    data = encoded(Image.fromarray(noise), name, **options)
    assert refused(data[: int(len(data) * share)]).code == "unreadable_image"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_damaged_file_is_a_photo_or_a_plain_error(kind):
    chance = random.Random(kind)
    codes = set()
    for _ in range(100):
        data = bytearray(KINDS[kind])
        for _ in range(chance.choice([1, 4])):
            data[chance.randrange(min(len(data), chance.choice([48, 300, len(data)])))] = chance.randrange(256)
        try:
            read(bytes(data))
        except CutError as error:
            codes.add(error.code)
    assert codes <= {"unreadable_image", "image_too_large"}


@pytest.mark.parametrize("data", [b"", b"hello", b"<html><body>404</body></html>", b"\x89PNG", b"\xff\xd8\xff"])
def test_what_is_no_image(data):
    assert refused(data).code == "unreadable_image"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"  <SVG></SVG>", "SVG"),
        (b"8BPS\0\1", "PSD"),
        (encoded(SMALL, "PDF"), "PDF"),
        (encoded(SMALL, "EPS"), "PostScript"),
        (encoded(SMALL, "ICO"), "ICO"),
        (encoded(SMALL, "JPEG2000"), "JPEG 2000"),
        (encoded(SMALL, "DDS"), "DDS"),
    ],
    ids=["SVG", "SVG in capitals", "PSD", "PDF", "EPS", "ICO", "JPEG 2000", "DDS"],
)
def test_images_of_a_kind_that_is_not_accepted(data, kind):
    error = refused(data)
    assert error.code == "unsupported_image"
    assert kind in error.message
    assert "JPEG, PNG, WebP, HEIC" in error.message


@pytest.mark.parametrize("orientation", [None, 1, 3, 6, 8])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_preview_of_a_jpeg_is_the_photo_made_smaller(mode, orientation):
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    stored = Image.fromarray(np.kron(TALL, np.ones((37, 41, 1), np.uint8))).convert(mode)  # 656 x 888 px
    data = encoded(stored, "JPEG", quality=95, exif=exif.tobytes())
    whole, small = read(data), preview(data, SETTINGS, 200)
    assert small is not None
    assert (small.width, small.height) == (whole.width, whole.height)
    height, width = small.pixels.shape[:2]
    assert 200 <= min(height, width) < 400
    shrunk = np.asarray(Image.fromarray(whole.pixels).resize((width, height), Image.Resampling.BOX)).astype(int)
    assert np.abs(small.pixels - shrunk).mean() < 4


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_there_is_no_preview_of_what_cannot_be_decoded_smaller(kind):
    large = Image.new("RGB", (800, 600)) if kind != "JPEG" else Image.new("RGB", (399, 399))
    assert preview(encoded(large, kind), SETTINGS, 200) is None


def test_a_preview_is_refused_as_the_photo_is():
    data = encoded(Image.effect_noise((800, 600), 90), "JPEG")
    for cut in (data[: len(data) // 2], b"nothing"):
        with pytest.raises(CutError) as caught:
            preview(cut, SETTINGS, 200)
        assert caught.value.code == "unreadable_image"
    with pytest.raises(CutError) as caught:
        preview(data, Settings(max_pixels=100_000), 200)
    assert caught.value.code == "image_too_large"
