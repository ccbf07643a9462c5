from __future__ import annotations

import zlib

import numpy as np
import pytest
from conftest import encoded
from PIL import Image

from imagefiles import ORIENTATION, chunk, exif, segment, spoilt, tiff, with_chunks, with_segments
from objectcut.errors import CutError
from objectcut.photo.decode import Photo, load, preview
from objectcut.photo.orientation import of_exif
from objectcut.settings import Settings

SETTINGS = Settings()
TALL = np.zeros((48, 32, 3), np.uint8)  # a red top left corner on blue
TALL[...] = 0, 0, 200
TALL[:16, :16] = 200, 0, 0
LYING = Image.fromarray(np.ascontiguousarray(np.rot90(TALL)))  # what orientation 6 turns upright
SIZE = (32, 48)
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


def in_jpeg(tags: bytes) -> bytes:
    return with_segments(encoded(LYING, "JPEG", quality=95), segment(0xE1, b"Exif\0\0" + tags))


def in_png(tags: bytes) -> bytes:
    return with_chunks(encoded(LYING), chunk(b"eXIf", tags))


def in_webp(tags: bytes) -> bytes:
    return encoded(LYING, "WEBP", lossless=True, exif=tags)


def is_upright(photo: Photo) -> bool:
    red = photo.pixels[..., 0] > 100
    return photo.pixels.shape == TALL.shape and red[:16, :16].mean() > 0.9 and red.sum() < 320


def sizes(data: bytes) -> tuple[tuple[int, int], tuple[int, int] | None]:
    """Of the photo, and as its preview says."""
    whole, small = load(data, SETTINGS), preview(data, SETTINGS, 8)
    return (whole.width, whole.height), None if small is None else (small.width, small.height)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("put", [in_jpeg, in_png, in_webp], ids=["JPEG", "PNG", "WebP"])
def test_no_other_tag_hides_the_orientation(put, order):
    for tag, tags in spoilt(exif(order, 6)):
        data = put(tags)
        whole, small = sizes(data)
        assert small in {whole, None}
        assert (small is None) == (put is not in_jpeg)
        if tag == ORIENTATION:
            assert whole == LYING.size
        else:
            assert is_upright(load(data, SETTINGS)), hex(tag)


@pytest.mark.parametrize("order", ["<", ">"])
def test_no_other_tag_hides_the_orientation_of_a_tiff_file(order):
    more = [(ORIENTATION, "H", 1, 6), (0x010F, "s", 5, "ACME"), (0x0131, "s", 4, "1.0"), (700, "B", len(XMP), XMP)]
    of_pixels = {256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 339}
    codes = set()
    for compression in (None, "zlib"):
        told = {"resolution": (72, 72), "resolutionunit": 2, "extratags": more}
        data = tiff(np.asarray(LYING), byteorder=order, compression=compression, photometric="rgb", **told)
        for tag, broken in spoilt(data):
            try:
                whole, small = sizes(broken)
            except CutError as error:
                assert tag in of_pixels
                codes.add(error.code)
                continue
            assert small is None
            if tag not in of_pixels | {ORIENTATION}:
                assert whole == SIZE, tag
                assert is_upright(load(broken, SETTINGS))
    assert codes <= {"unreadable_image", "unsupported_image", "image_too_large"}


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_broken_exif_in_a_file_that_is_turned_by_itself(kind):
    data = encoded(LYING, kind, quality=95, exif=exif("<", 6))  # written as a rotation of the file's own
    start = data.index(b"ACME") - 200
    at = max(data.rfind(b"II*\0", start, start + 200), data.rfind(b"MM\0*", start, start + 200))
    assert at > 0
    for offset, junk in ((0, b"????"), (4, b"\xff\xff\xff\xff"), (8, b"\xff\xff"), (12, b"\xff\xff\xff\xff")):
        broken = data[: at + offset] + junk + data[at + offset + len(junk) :]
        assert is_upright(load(broken, SETTINGS))


@pytest.mark.parametrize(
    "data",
    [
        with_segments(encoded(LYING, "JPEG"), segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP)),
        with_chunks(encoded(LYING), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)),
        encoded(LYING, "WEBP", xmp=XMP),
        encoded(LYING, "AVIF", xmp=XMP),
        encoded(LYING, "HEIF", xmp=XMP).replace(b"irot", b"free"),
        encoded(LYING, "TIFF", tiffinfo={700: XMP}),
    ],
    ids=["JPEG", "PNG", "WebP", "AVIF", "HEIC", "TIFF"],
)
def test_xmp_does_not_turn_a_photo(data):
    assert b'tiff:Orientation="6"' in data
    assert sizes(data)[0] == LYING.size


def test_a_text_of_a_png_file_does_not_turn_it():
    tags = b"Exif\0\0" + exif(">", 6)
    text = b"Raw profile type exif\0\nexif\n%8d\n%s\n" % (len(tags), tags.hex().encode())
    assert sizes(with_chunks(encoded(LYING), chunk(b"tEXt", text)))[0] == LYING.size
    packed = text.replace(b"exif\0", b"exif\0\0", 1)
    packed = packed[:23] + zlib.compress(packed[23:])
    assert sizes(with_chunks(encoded(LYING), chunk(b"zTXt", packed)))[0] == LYING.size


def test_exif_behind_the_pixels_of_a_png_file_counts():
    data = encoded(LYING)
    assert is_upright(load(data[:-12] + chunk(b"eXIf", exif("<", 6)) + data[-12:], SETTINGS))


def test_exif_with_a_wrong_checksum_does_not_count():
    data = in_png(exif("<", 6))
    at = data.index(b"eXIf") + 4
    assert sizes(data[:at] + b"JJ" + data[at + 2 :])[0] == LYING.size


# Each as Chromium takes it.
@pytest.mark.parametrize(
    ("tags", "orientation"),
    [
        (exif("<", 6), 6),
        (exif(">", 8), 8),
        (b"Exif\0\0" + exif(">", 3), 3),
        (exif("<", 0), None),
        (exif("<", 9), None),
        (exif("<", 6, kind=4), None),
        (exif(">", 6, kind=4), None),
        (exif("<", 6, kind=1), None),
        (exif("<", 6, kind=9), None),
        (exif("<", 6, count=0), None),
        (exif("<", 6, count=2), None),
        (b"", None),
        (None, None),
        (b"Exif\0\0", None),
        (b"rubbish!", None),
        (b"II*\0\x08\0\0\0\xff\xff12", None),
        (b"II*\0\xff\xff\xff\xff", None),
    ],
)
def test_the_orientation_by_exif(tags, orientation):
    assert of_exif(tags) == orientation


def test_of_two_orientations_the_first_counts():
    segments = [segment(0xE1, b"Exif\0\0" + exif("<", orientation)) for orientation in (1, 6)]
    lying = encoded(LYING, "JPEG")
    assert sizes(with_segments(lying, *segments)) == (LYING.size, LYING.size)
    assert sizes(with_segments(lying, *reversed(segments))) == (SIZE, SIZE)
    assert sizes(with_segments(lying, segment(0xE1, b"Exif\0\0"), segments[1])) == (SIZE, SIZE)
