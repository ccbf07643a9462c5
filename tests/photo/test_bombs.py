"""Files that would cost a decoder far more than a photo of their size: each is refused before it is decoded."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from conftest import encoded

from bombs import BOMBS, GIF, JPEG, SMALL, bmp_of, gif_after, heif_of, profile_of, with_scans
from imagefiles import chunk, png, segment, tiff, with_segments
from objectcut.errors import CutError
from objectcut.photo.decode import load, preview
from objectcut.settings import Settings

SETTINGS = Settings()


@pytest.mark.parametrize("file", BOMBS)
def test_what_would_cost_a_decoder_too_much_is_refused(file):
    make, code = BOMBS[file]
    data = make()
    for read in (lambda: load(data, SETTINGS), lambda: preview(data, SETTINGS, 16)):
        with pytest.raises(CutError) as caught:
            read()
        assert caught.value.code == code


def test_bytes_beyond_the_pixels_cost_nothing():
    rows = b"".join(b"\0" + row.tobytes() for row in np.asarray(SMALL))
    photo = load(png(64, 48, 8, 2, rows + bytes(200_000_000)), SETTINGS)
    np.testing.assert_array_equal(photo.pixels, np.asarray(SMALL))


@pytest.mark.parametrize(
    "data",
    [
        JPEG + JPEG[2:] * 100,
        JPEG + b"\xff\xda" * 100_000,
        JPEG[:2] + b"\xff" * 10_000_000 + JPEG[2:],
        with_segments(JPEG, segment(0xE2, b"ICC_PROFILE\0\1\xff") * 255, segment(0xE1, bytes(65_000)) * 200),
    ],
    ids=["more photos behind it", "more bytes behind it", "padding", "full segments"],
)
def test_a_jpeg_file_with_much_beside_its_pixels(data):
    np.testing.assert_array_equal(load(data, SETTINGS).pixels, load(JPEG, SETTINGS).pixels)


def test_a_small_jpeg_file_with_many_scans():
    assert load(with_scans(JPEG, 80), SETTINGS).pixels.shape == (48, 64, 3)


def test_a_png_file_with_a_piece_for_each_byte():
    packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in np.asarray(SMALL)))
    pieces = b"".join(chunk(b"IDAT", packed[at : at + 1]) for at in range(len(packed)))
    data = encoded(SMALL)[:33] + pieces + chunk(b"IEND", b"")
    np.testing.assert_array_equal(load(data, SETTINGS).pixels, np.asarray(SMALL))


@pytest.mark.parametrize("rows", [1, 7, 48])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_a_tiff_file_with_a_strip_for_each_row(rows, planar):
    values = np.asarray(SMALL) if planar == "contig" else np.ascontiguousarray(np.moveaxis(np.asarray(SMALL), -1, 0))
    data = tiff(values, photometric="rgb", planarconfig=planar, rowsperstrip=rows)
    np.testing.assert_array_equal(load(data, SETTINGS).pixels, np.asarray(SMALL))


def test_a_gif_file_with_much_before_its_picture():
    before = b"!\xfe" + b"\x50" + bytes(80) + b"\0" + b"!\xff\x0bXMP DataXMP" + (b"\x50" + bytes(80)) * 20_000 + b"\0"
    photo = load(gif_after(before), SETTINGS)
    np.testing.assert_array_equal(photo.pixels, load(GIF, SETTINGS).pixels)


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_a_picture_among_items(kind):
    assert load(heif_of(kind), SETTINGS).pixels.shape == (1024, 1024, 3)


def test_a_picture_of_tiles():
    for side in (3000, 2050):  # the last tiles nearly in sight, and nearly out of it
        assert load(heif_of("HEIF", tiles=(3, 3), size=side), SETTINGS).pixels.shape == (side, side, 3)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "HEIF", "AVIF", "TIFF"])
def test_a_profile_of_endless_steps_is_left_out(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    plain, with_profile = (encoded(SMALL, kind, icc_profile=each, **options) for each in (None, profile_of(50_000)))
    np.testing.assert_array_equal(load(with_profile, SETTINGS).pixels, load(plain, SETTINGS).pixels)


@pytest.mark.parametrize(("bits", "compression", "pixel"), [(8, 1, 5), (4, 2, 0x55)])
def test_a_bmp_file_in_runs(bits, compression, pixel):
    runs = (bytes([64, pixel]) + b"\0\0") * 64 + b"\0\1"
    assert (load(bmp_of(64, bits, compression, runs), SETTINGS).pixels == (22, 21, 20)).all()
