from __future__ import annotations

import io

import pillow_heif
import pytest
from conftest import encoded
from PIL import Image

from objectcut.request.sniff import ACCEPTED, HEAD, body_kind, image_kind

pillow_heif.register_heif_opener()
PICTURE = Image.new("RGB", (20, 12), "teal")


def made(kind: str, **options: object) -> bytes:
    return encoded(PICTURE, kind, **options)


def animated() -> bytes:
    out = io.BytesIO()
    PICTURE.save(out, "PNG", save_all=True, append_images=[Image.new("RGB", (20, 12))])
    return out.getvalue()


REAL = [
    ("JPEG", made("JPEG")),
    ("PNG", made("PNG")),
    ("PNG", animated()),
    ("WebP", made("WEBP")),
    ("HEIC", made("HEIF")),
    ("AVIF", made("AVIF")),
    ("BMP", made("BMP")),
    ("BMP", encoded(PICTURE.convert("1"), "BMP")),
    ("GIF", encoded(PICTURE.convert("P"), "GIF")),
    ("TIFF", made("TIFF")),
    ("TIFF", made("TIFF", big_tiff=True)),
    ("JPEG 2000", made("JPEG2000")),
    ("JPEG 2000", made("JPEG2000", no_jp2=True)),
    ("ICO", made("ICO")),
    ("ICNS", made("ICNS")),
    ("PNM", made("PPM")),
    ("PCX", made("PCX")),
    ("PostScript", made("EPS")),
    ("PDF", made("PDF")),
    ("DDS", made("DDS")),
    ("SGI", made("SGI")),
    ("QOI", made("QOI")),
]
BY_HAND = [
    ("TIFF", b"MM\0*\0\0\0\x08"),
    ("HEIC", b"\0\0\0\x18ftypmif1\0\0\0\0"),
    ("camera raw", b"II*\0\x10\0\0\0CR\x02\0"),
    ("camera raw", b"\0\0\0\x18ftypcrx \0\0\0\x01"),
    ("camera raw", b"FUJIFILMCCD-RAW 0201"),
    ("JPEG XL", b"\xff\x0a\xfa\x1f"),
    ("JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n"),
    ("Photoshop (PSD)", b"8BPS\0\1"),
    ("GIMP (XCF)", b"gimp xcf v011\0"),
    ("OpenEXR", b"v/1\1\2\0\0\0"),
    ("Radiance HDR", b"#?RADIANCE\n"),
    ("FITS", b"SIMPLE  =                    T"),
    ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    ("SVG", b"\xef\xbb\xbf\n<?xml version='1.0'?>\n<!-- a drawing -->\n<svg/>"),
    ("SVG", b"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN'>"),
]


@pytest.mark.parametrize(("kind", "data"), REAL + BY_HAND)
def test_an_image_file_is_known_by_its_first_bytes(kind: str, data: bytes):
    assert image_kind(data) == image_kind(bytearray(data[:HEAD])) == kind


def test_every_accepted_kind_is_among_them():
    assert set(ACCEPTED) <= {kind for kind, _ in REAL}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"\xff\xd8",
        b"Dear photo",
        b"BMW and Mercedes",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"\0\0\0\x18ftypmp42\0\0\0\0",
        b"\0\5\x16\7\0\2\0\0Mac OS X        ",
        b"<!DOCTYPE html><svg></svg>",
        b"<html></html>",
        b"P5=1&objects=cat",
        b"PK\3\4",
        b"\x1f\x8b\x08\0",
        bytes(HEAD),
    ],
)
def test_what_is_no_image_file(data: bytes):
    assert image_kind(data) is None


JPEG = made("JPEG")
TYPES = (
    *("", "application/x-www-form-urlencoded", "binary/octet-stream", "application/octet-stream", "image/jpeg"),
    *("image/x-anything", "text/plain", "application/json", "multipart/form-data", "nonsense", "video/mp4; a=b"),
)


@pytest.mark.parametrize("content_type", TYPES)
def test_a_photo_is_one_whatever_its_type_says(content_type: str):
    for _, data in REAL:
        assert body_kind(data, content_type) == "photo"


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("body", [b"{}", b' \r\n{"image_url": "x"}', b'\xef\xbb\xbf{"image_url": "x"}'])
def test_json_is_json_whatever_its_type_says(content_type: str, body: bytes):
    assert body_kind(body, content_type) == "json"


@pytest.mark.parametrize(
    ("body", "content_type", "kind"),
    [
        (b"no picture", "image/png", "photo"),
        (b"no picture", "IMAGE/PNG; a=b", "photo"),
        (b"no picture", "application/octet-stream", "photo"),
        (b"\0\0\2\0 a TGA has no signature", "application/x-www-form-urlencoded", "photo"),
        (b"\xff\xfe\xfd", "", "photo"),
        (b"[1, 2]", "application/json", "json"),
        (b"nope", "application/vnd.example+json", "json"),
        (b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--", "", "multipart"),
        (b"--x\r\ncontent-type: image/png\r\n", "text/plain", "multipart"),
        (b"nonsense", "multipart/form-data; boundary=x", "multipart"),
        (b"objects=cat&image_base64=QUJD", "application/x-www-form-urlencoded", "urlencoded"),
        (b"objects=cat&image_base64=QUJD", "", "urlencoded"),
        (b"&image%5Furl=http%3A%2F%2F", "application/x-www-form-urlencoded; charset=UTF-8", "urlencoded"),
        (b"objects=cat", "text/plain", "text"),
        (b"Dear photo", "", "text"),
        (b"Dear photo", "application/x-www-form-urlencoded", "text"),
        (b"/9j/4AAQSkZJRg==", "application/x-www-form-urlencoded", "text"),
        ("ein Föto".encode(), "", "text"),
        ("ö".encode() * HEAD, "", "text"),
        (b"x" + "ö".encode() * HEAD, "", "text"),
        (b"", "", "text"),
    ],
)
def test_what_a_body_is(body: bytes, content_type: str, kind: str):
    assert body_kind(body, content_type) == kind
