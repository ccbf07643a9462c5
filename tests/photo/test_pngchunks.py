from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from conftest import encoded
from PIL import Image, ImageCms

from imagefiles import chunk, png, with_chunks
from objectcut.errors import CutError
from objectcut.photo.decode import load
from objectcut.settings import Settings

SETTINGS = Settings()
SMALL = Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8))
LARGE = bytes(3_000_000)
HUGE = zlib.compress(bytes(80_000_000))


def with_wrong_checksum(name: bytes, content: bytes) -> bytes:
    return chunk(name, content)[:-4] + b"abcd"


def profile(padding: int = 0) -> bytes:
    """sRGB with red and blue exchanged, made longer."""
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    icc = icc.replace(b"rXYZ", b"?").replace(b"bXYZ", b"rXYZ").replace(b"?", b"bXYZ") + bytes(padding)
    return struct.pack(">I", len(icc)) + icc[4:]


@pytest.mark.parametrize(
    "beside",
    [
        chunk(b"tEXt", b"parameters\0" + b"x" * 2_000_000),
        chunk(b"zTXt", b"workflow\0\0" + zlib.compress(LARGE)),
        chunk(b"iTXt", b"prompt\0\1\0\0\0" + zlib.compress(LARGE)),
        chunk(b"zTXt", b"bomb\0\0" + HUGE) * 3,
        chunk(b"zTXt", b"text\0\7rubbish"),
        chunk(b"iCCP", b"bomb\0\0" + HUGE),
        chunk(b"iCCP", b"rubbish\0\0rubbish"),
        chunk(b"iCCP", b"name without end"),
        chunk(b"iCCP", b""),
        with_wrong_checksum(b"tEXt", b"Title\0Cat"),
        with_wrong_checksum(b"iCCP", b"swapped\0\0" + zlib.compress(profile())),
        with_wrong_checksum(b"pHYs", bytes(9)),
        with_wrong_checksum(b"cICP", b"\x0c\x0d\0\1"),
        with_wrong_checksum(b"tRNS", bytes(6)),
        chunk(b"tRNS", b"\0"),
        chunk(b"pHYs", b""),
        chunk(b"gAMA", b"\0"),
        chunk(b"cHRM", b"\0"),
        chunk(b"gAMA", bytes(4)),
        chunk(b"cHRM", bytes(32)),
        chunk(b"sRGB", b""),
        chunk(b"acTL", b"\0"),
        chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(b"fcTL", bytes(26)),
        chunk(b"eXIf", b"rubbish"),
    ],
)
def test_chunks_beside_the_pixels_do_no_harm(beside):
    photo = load(with_chunks(encoded(SMALL), beside), SETTINGS)
    np.testing.assert_array_equal(photo.pixels, np.asarray(SMALL))
    assert photo.alpha is None


def test_a_large_profile_is_heeded():
    packed = zlib.compress(profile(2_000_000))
    photo = load(
        with_chunks(encoded(Image.new("RGB", (4, 4), (200, 0, 0))), chunk(b"iCCP", b"x\0\0" + packed)), SETTINGS
    )
    np.testing.assert_allclose(photo.pixels[0, 0], (0, 0, 200), atol=2)


def test_a_header_with_a_wrong_checksum_is_damage():
    data = encoded(SMALL)
    with pytest.raises(CutError) as caught:
        load(data[:29] + b"abcd" + data[33:], SETTINGS)
    assert caught.value.code == "unreadable_image"


def packed_rows(levels: np.ndarray, depth: int) -> bytes:
    bits = (levels[..., None] >> np.arange(depth)[::-1]) & 1
    return b"".join(
        b"\0" + row.tobytes() for row in np.packbits(bits.reshape(len(levels), -1).astype(np.uint8), axis=1)
    )


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_the_transparent_grey_of_any_depth(depth):
    most = (1 << depth) - 1
    levels = np.arange(8 * 8).reshape(8, 8) * most // 63
    for key in {0, int(levels[3, 3]), int(levels[4, 4]), most}:
        data = png(8, 8, depth, 0, packed_rows(levels, depth), chunk(b"tRNS", struct.pack(">H", key)))
        photo = load(data, SETTINGS)
        np.testing.assert_array_equal(photo.alpha, np.where(levels == key, 0, 255))
        np.testing.assert_array_equal(photo.pixels[..., 0], levels * 255 // most)


def test_the_transparent_colour_of_16_bits():
    colours = np.full((4, 5, 3), (0x1234, 0x8000, 0xFEDC), np.uint16)
    colours[1, 2] = 0x1235, 0x8000, 0xFEDC  # nearly the key: the same high bytes
    colours[3, 4] = 0x1234, 0x8000, 0xFE00
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in colours)
    photo = load(png(5, 4, 16, 2, rows, chunk(b"tRNS", struct.pack(">3H", 0x1234, 0x8000, 0xFEDC))), SETTINGS)
    expected = np.zeros((4, 5))
    expected[1, 2] = expected[3, 4] = 255
    np.testing.assert_array_equal(photo.alpha, expected)
    np.testing.assert_array_equal(photo.pixels[1, 2], (0x12, 0x80, 0xFE))


def code(primaries: int, transfer: int, matrix: int = 0, full: int = 1) -> bytes:
    return chunk(b"cICP", bytes([primaries, transfer, matrix, full]))


SWAPPED = chunk(b"iCCP", b"swapped\0\0" + zlib.compress(profile()))
SRGB = chunk(b"sRGB", b"\0")
P3 = chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))
BT709 = chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))


def gamma(number: int) -> bytes:
    return chunk(b"gAMA", struct.pack(">I", number))


# What Chromium 156 shows of (200, 100, 80); where it does not heed primaries without gamma, what a phone means by them.
@pytest.mark.parametrize(
    ("chunks", "colour"),
    [
        ((code(12, 13),), (215, 93, 73)),
        ((P3,), (215, 93, 73)),
        ((P3, gamma(45_455)), (216, 93, 72)),
        ((gamma(45_455),), (200, 100, 80)),
        ((gamma(45_455), BT709), (200, 100, 80)),
        ((gamma(100_000),), (229, 168, 152)),
        ((gamma(100_000), BT709), (229, 168, 152)),
        ((gamma(55_556),), (210, 119, 99)),
        ((code(1, 13),), (200, 100, 80)),
        ((code(2, 2),), (200, 100, 80)),
        ((code(250, 250),), (200, 100, 80)),
        ((code(12, 13, full=0),), (200, 100, 80)),
        ((SRGB, P3, gamma(100_000)), (200, 100, 80)),
        ((SWAPPED, SRGB, P3, gamma(100_000)), (80, 100, 200)),
        ((P3, gamma(100_000), SRGB, SWAPPED, code(12, 13)), (215, 93, 73)),
        ((code(1, 13), SWAPPED), (200, 100, 80)),
        ((code(12, 13, full=0), SWAPPED), (80, 100, 200)),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_the_colours_that_chunks_tell(chunks, colour, mode):
    image = Image.new("RGB", (8, 8), (200, 100, 80)).convert(mode) if mode != "P" else None
    if image is None:
        image = Image.new("P", (8, 8))
        image.putpalette([200, 100, 80])
    photo = load(with_chunks(encoded(image), *chunks), SETTINGS)
    np.testing.assert_allclose(photo.pixels[4, 4], colour, atol=2)


def test_a_grey_photo_with_a_gamma():
    data = with_chunks(encoded(Image.new("L", (8, 8), 128)), gamma(100_000))
    np.testing.assert_allclose(load(data, SETTINGS).pixels[4, 4], (188,) * 3, atol=1)
