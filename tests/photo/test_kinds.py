from __future__ import annotations

import struct

import pytest
from conftest import encoded
from PIL import Image

from imagefiles import segment, tags, with_segments
from objectcut.errors import CutError
from objectcut.photo import kinds
from objectcut.photo.decode import load, preview
from objectcut.settings import Settings

SETTINGS = Settings()
SMALL = Image.new("RGB", (24, 16), "teal")


def refused(data: bytes) -> CutError:
    with pytest.raises(CutError) as caught:
        load(data, SETTINGS)
    with pytest.raises(CutError) as also:
        preview(data, SETTINGS, 8)
    assert also.value.code == caught.value.code
    return caught.value


def camera_raw(make: bytes = b"", *, dng: bool = False, kind: int = 1, photometric: int = 32_803) -> bytes:
    """A file whose first directory is a readable thumbnail; the sensor's picture is in another one."""

    def long(number: int) -> bytes:
        return struct.pack("<I", number)

    thumbnail = bytes([90]) * 24 * 16 * 3
    sensor = tags("<", [(256, 4, 1, long(8000)), (257, 4, 1, long(6000)), (262, 4, 1, long(photometric))])

    def file(start: int) -> bytes:
        """With the thumbnail at this offset, and the other directory behind it."""
        entries = [(254, 4, 1, long(kind)), (256, 4, 1, long(24)), (257, 4, 1, long(16))]
        entries += [(258, 3, 3, struct.pack("<3H", 8, 8, 8)), (259, 4, 1, long(1)), (262, 4, 1, long(2))]
        entries += [(271, 2, len(make) + 1, make + b"\0"), (273, 4, 1, long(start)), (277, 4, 1, long(3))]
        entries += [(278, 4, 1, long(16)), (279, 4, 1, long(len(thumbnail))), (330, 4, 1, long(start + len(thumbnail)))]
        return tags("<", entries + [(50_706, 1, 4, b"\1\4\0\0")] * dng)

    return file(len(file(0))) + thumbnail + sensor[8:]


NOT_ACCEPTED = {
    "PPM": encoded(SMALL, "PPM"),
    "PGM": encoded(SMALL.convert("L"), "PPM"),
    "TGA": encoded(SMALL, "TGA"),
    "packed TGA": encoded(SMALL, "TGA", compression="tga_rle"),
    "PCX": encoded(SMALL, "PCX"),
    "SGI": encoded(SMALL, "SGI"),
    "QOI": encoded(SMALL, "QOI"),
    "XBM": encoded(SMALL.convert("1"), "XBM"),
    "SPIDER": encoded(SMALL.convert("F"), "SPIDER"),
    "JPEG 2000": encoded(SMALL, "JPEG2000"),
    "JPEG 2000 stream": encoded(SMALL, "JPEG2000", no_jp2=True),
    "JPEG XL": b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(40),
    "JPEG XL stream": b"\xff\x0a" + bytes(40),
    "JPEG XR": b"II\xbc\1\x08\0\0\0" + bytes(40),
    "JPEG-LS": b"\xff\xd8" + segment(0xF7, b"\x08\0\x10\0\x18\1\1\x11\0") + bytes(40),
    "PSD": b"8BPS\0\1" + bytes(60),
    "EPS": encoded(SMALL, "EPS"),
    "EPS of Windows": b"\xc5\xd0\xd3\xc6" + bytes(60),
    "PDF": encoded(SMALL, "PDF"),
    "ICO": encoded(SMALL, "ICO"),
    "ICNS": encoded(SMALL.resize((32, 32)), "ICNS"),
    "DDS": encoded(SMALL, "DDS"),
    "OpenEXR": b"v/1\1" + bytes(60),
    "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "12-bit JPEG": with_segments(
        encoded(SMALL, "JPEG"), segment(0xC1, b"\x0c\0\x10\0\x18\3\1\x22\0\2\x11\1\3\x11\1"), segment(0xFE, b"x")
    ),
    "CR2": b"II*\0\x10\0\0\0CR\2\0" + bytes(60),
    "CR3": b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
    "RAF": b"FUJIFILMCCD-RAW 0201" + bytes(60),
    "ORF": b"IIRO\x08\0\0\0" + bytes(60),
    "RW2": b"IIU\0\x18\0\0\0" + bytes(60),
    "DNG": camera_raw(dng=True),
    "DNG without a thumbnail": camera_raw(b"Google", dng=True, kind=0, photometric=1),
    "NEF": camera_raw(b"NIKON CORPORATION"),
    "NEF whose sensor is not told": camera_raw(b"NIKON CORPORATION", photometric=1),
    "ARW": camera_raw(b"SONY", kind=0),
    "PEF": camera_raw(b"PENTAX Corporation"),
}
NAMES = {
    "PGM": "PPM",
    "packed TGA": "TGA",
    "JPEG 2000 stream": "JPEG 2000",
    "JPEG XL stream": "JPEG XL",
    "EPS of Windows": "EPS",
    "DNG without a thumbnail": "DNG",
    "NEF whose sensor is not told": "NEF",
}


@pytest.mark.parametrize("kind", NOT_ACCEPTED)
def test_an_image_of_another_kind_is_named(kind):
    error = refused(NOT_ACCEPTED[kind])
    assert (error.code, error.status) == ("unsupported_image", 415)
    name = NAMES.get(kind, kind)
    assert name in error.details["kind"]
    assert error.message.startswith(f"{error.details['kind']} files are not accepted. ")
    assert error.message.endswith("Send JPEG, PNG, WebP, HEIC, AVIF, BMP, GIF or TIFF.")


def test_a_camera_that_is_not_known_by_name():
    assert refused(camera_raw(b"Acme")).details == {"kind": "Camera raw"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"P",
        b"P6",
        b"hello",
        b"Python is a language\n" * 20,
        b"<html><body>404</body></html>",
        b'{"error": true}',
        bytes(200),
        b"\xff" * 200,
        bytes(range(256)),
        b"PK\3\4" + bytes(60),
        b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41",
        b"\x89PNG",
        b"\xff\xd8\xff",
        b"II*\0",
        b"RIFF\x10\0\0\0WAVEfmt ",
    ],
)
def test_what_is_no_image_is_not_named(data):
    assert refused(data).code == "unreadable_image"


@pytest.mark.parametrize("start", [b"II*\0", b"MM\0*"])
def test_a_tiff_file_without_pixels(start):
    order = "<" if start[:1] == b"I" else ">"
    assert refused(tags(order, [(271, 2, 5, b"ACME\0")])).code == "unreadable_image"


@pytest.mark.parametrize(
    ("brands", "kind"),
    [
        (b"avif\0\0\0\0avifmif1", "AVIF"),
        (b"mif1\0\0\0\0mif1avif", "AVIF"),
        (b"avis\0\0\0\0msf1avis", "AVIF"),
        (b"heic\0\0\0\0mif1heic", "HEIF"),
        (b"mif1\0\0\0\0mif1heic", "HEIF"),
        (b"hevc\0\0\0\0msf1hevc", "HEIF"),
    ],
)
def test_heic_and_avif_by_their_brands(brands, kind):
    assert kinds.of((8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands) == kind


def test_the_accepted_kinds_by_their_content():
    for kind in kinds.FORMATS:
        assert kinds.of(encoded(SMALL, kind)) == kind
