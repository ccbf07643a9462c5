"""What a photo's header says of the work that it is."""

from __future__ import annotations

import pytest
from conftest import encoded
from PIL import Image
from pillow_heif import register_heif_opener

from gateway.work import Work
from objectcut.request import parse
from objectcut.settings import Settings

register_heif_opener()
LIMIT = 25_000_000


def megapixels(photo: bytes) -> float:
    """Of a photo, beside what every photo counts."""
    asked = (parse.from_values({"image_file": each}, "cut", Settings()) for each in (photo, b"none"))
    own, nothing = (Work.of(each, LIMIT).megapixels for each in asked)
    return own - nothing


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF"])
def test_a_photo_is_as_much_work_as_it_has_pixels(kind: str) -> None:
    assert megapixels(encoded(Image.new("RGB", (400, 500)), kind)) == pytest.approx(0.2, rel=1e-3)


def test_a_photo_that_is_too_large_is_refused_and_no_more_work_than_the_largest() -> None:
    assert megapixels(encoded(Image.new("1", (20_000, 20_000)), "PNG")) == pytest.approx(25, rel=1e-3)


@pytest.mark.parametrize("size", [1000, 3_000_000])
def test_where_no_size_is_found_the_bytes_say_about_how_much_it_may_be(size: int) -> None:
    assert megapixels(b"\xff\xd8\xff\xe1\0\x04no" + b"\xff\xe1\0\x02" * (size // 4)) == pytest.approx(
        3 * size / 1e6, rel=0.1
    )


@pytest.mark.parametrize(
    "header",
    [
        b"P6 400 500 255\n" + bytes(4000),
        b"P6 " + b"9" * 260_000 + b" 1 255\n",
        b"<svg width='400' height='500'></svg>" * 100,
        b"<?xml version='1.0'?>" + b"<a>" * 80_000,
        b"\xff\xd8" + b"\xff\xe5\0\2" * 65_000,
        b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0" + b"\xff" * 260_000,
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0\0\0\x08free" * 32_000,
    ],
    ids=["Netpbm", "digits", "SVG", "XML", "segments", "big TIFF", "boxes"],
)
def test_text_and_headers_without_end_say_no_size(header: bytes) -> None:
    assert megapixels(header) == pytest.approx(3 * len(header) / 1e6, rel=0.01)
