"""Files that would cost a decoder far more than a photo of their size: each is refused before it is decoded."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from conftest import encoded
from imagefiles import chunk, png, segment, tags, tiff, with_chunks, with_segments
from PIL import Image

from objectcut.errors import CutError
from objectcut.photo.decode import load, preview
from objectcut.settings import Settings

SETTINGS = Settings()
SMALL = Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))
JPEG = encoded(SMALL, "JPEG", progressive=True)
GIF = encoded(SMALL.quantize(16), "GIF")
PALETTE = bytes(range(256)) * 4


def with_scans(data: bytes, more: int, junk: bytes = b"") -> bytes:
    """A JPEG file whose last scan is repeated, behind segments that a walk may lose its way in."""
    return data[:-2] + (junk + data[data.rindex(b"\xff\xda") : -2]) * more + data[-2:]


def large_jpeg(more: int) -> bytes:
    return with_scans(encoded(Image.new("RGB", (5000, 5000)), "JPEG", progressive=True), more)


def png_of(*chunks: bytes) -> bytes:
    return with_chunks(encoded(SMALL), *chunks)


def tiff_of(parts: int, tile: int = 0, depth: int = 8, kind: int = 1) -> bytes:
    """A TIFF file of 100 x 100 px, three colours, whose strips or tiles are all at the same place."""

    def entries(start: int) -> list[tuple[int, int, int, bytes]]:
        numbers = {256: 100, 257: 100, 259: 1, 262: 2, 277: 3, **({322: tile, 323: tile} if tile else {278: 1})}
        lists = {324: start, 325: 4096} if tile else {273: start, 279: 4096}
        longs = [(tag, 4, 1, struct.pack("<I", number)) for tag, number in numbers.items()]
        longs += [(tag, 4, parts, struct.pack("<I", number) * parts) for tag, number in lists.items()]
        shorts = [(tag, 3, 3, struct.pack("<3H", *[number] * 3)) for tag, number in ((258, depth), (339, kind))]
        return sorted(longs + shorts)

    return tags("<", entries(len(tags("<", entries(0))))) + bytes(4096)


def gif_of(screen: int, frame: int) -> bytes:
    """A GIF file of these sides, whose frame is to be cleared before the next one."""
    head = b"GIF89a" + struct.pack("<HHBBB", screen, screen, 0x80, 0, 0) + b"\0\0\0\xff\0\0"
    control = b"!\xf9\4\x08\0\0\0\0"
    return head + control + b"," + struct.pack("<4HB", 0, 0, frame, frame, 0) + b"\2\2\x4c\1\0;"


def gif_after(before: bytes) -> bytes:
    """A GIF file with more blocks before its picture."""
    at = 13 + 3 * 16
    return GIF[:at] + before + GIF[at:]


def bmp_of(side: int, bits: int, compression: int, runs: bytes) -> bytes:
    palette = PALETTE[: 4 << bits]
    head = struct.pack("<IiiHHIIiiII", 40, side, side, 1, bits, compression, len(runs), 0, 0, 0, 0)
    start = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(runs), 0, 0, start) + head + palette + runs


def heif_of(kind: str, *, copies: int = 1, tiles: tuple[int, int] | None = None, size: int = 1024) -> bytes:
    """A HEIC or AVIF file of a flat picture of 1024 x 1024 px.

    Args:
        copies: of the picture, one after the other in the same item.
        tiles: columns and rows of a grid of that picture, which is the main one then.
        size: that the main picture is said to have.
    """
    codec, config = {"HEIF": (b"hvc1", b"hvcC"), "AVIF": (b"av01", b"av1C")}[kind]
    usual = encoded(Image.new("RGB", (1024, 1024), "teal"), kind, quality=30)
    at = usual.index(config) - 4
    settings = usual[at : at + int.from_bytes(usual[at : at + 4], "big")]
    at = usual.index(b"mdat") + 4
    picture = usual[at : at - 8 + int.from_bytes(usual[at - 8 : at - 4], "big")] * copies
    columns, rows = tiles or (0, 0)
    grid = bytes([0, 1, max(rows - 1, 0), max(columns - 1, 0)]) + struct.pack(">II", size, size)

    def box(name: bytes, *content: bytes) -> bytes:
        return struct.pack(">I", 8 + sum(map(len, content))) + name + b"".join(content)

    own_size = size if tiles is None else 1024
    sizes = [box(b"ispe", bytes(4), struct.pack(">II", each, each)) for each in (own_size, size)]
    depths = box(b"pixi", bytes(4), b"\3\x08\x08\x08")
    of_items = struct.pack(">IHB3BHB2B", 2, 1, 3, 1, 0x83, 4, 2, 2, 2, 4)
    properties = box(b"iprp", box(b"ipco", *sizes, settings, depths), box(b"ipma", bytes(4), of_items))
    items = [
        box(b"infe", b"\2\0\0\0", struct.pack(">HH", number, 0), name, b"\0")
        for number, name in ((1, codec), (2, b"grid"))
    ]
    parts = box(b"dimg", struct.pack(f">{2 + columns * rows}H", 2, columns * rows, *[1] * columns * rows))
    head = box(b"ftyp", {"HEIF": b"heic", "AVIF": b"avif"}[kind], bytes(4), b"mif1miaf")

    def meta(start: int) -> bytes:
        places = struct.pack(">HHHIIHHHII", 1, 0, 1, start, len(picture), 2, 0, 1, start + len(picture), len(grid))
        return box(
            b"meta",
            bytes(4),
            box(b"hdlr", bytes(8), b"pict", bytes(13)),
            box(b"pitm", bytes(4), struct.pack(">H", 1 if tiles is None else 2)),
            box(b"iinf", bytes(4), struct.pack(">H", 2), *items),
            box(b"iref", bytes(4), parts) if tiles else b"",
            box(b"iloc", bytes(4), b"\x44\0\0\2" + places),
            properties,
        )

    return head + meta(len(head) + len(meta(0)) + 8) + box(b"mdat", picture, grid)


def profile_of(steps: int) -> bytes:
    """An ICC profile whose way from RGB has that many steps, all of them the same one."""
    step = b"cvst" + bytes(4) + struct.pack(">HH", 3, 3) + struct.pack(">II", 36, 40) * 3
    step += b"curf" + bytes(4) + struct.pack(">HH", 1, 0) + b"parf" + bytes(8) + struct.pack(">4f", 1.01, 1, 0, 0)
    start = 16 + 8 * steps
    way = b"mpet" + bytes(4) + struct.pack(">HHI", 3, 3, steps) + struct.pack(">II", start, len(step)) * steps + step
    white = struct.pack(">3i", 63190, 65536, 54061)
    content = way + b"XYZ " + bytes(4) + white
    rows = struct.pack(">I4sII4sII", 2, b"D2B0", 156, len(way), b"wtpt", 156 + len(way), 20)
    head = struct.pack(">I4xI4s4s4s12x4s28x", 156 + len(content), 0x04300000, b"mntr", b"RGB ", b"Lab ", b"acsp")
    return head + white + bytes(48) + rows + content


HOSTILE = {
    "JPEG of 5,000 scans": (with_scans(JPEG, 5000), "unreadable_image"),
    "JPEG of 5,000 scans behind a marker without a length": (
        with_scans(JPEG, 5000, b"\xff\x01\xff\xf0"),
        "unreadable_image",
    ),
    "JPEG of 5,000 scans of all colours": (with_scans(encoded(SMALL, "JPEG"), 5000), "unreadable_image"),
    "large JPEG of 40 scans": (large_jpeg(30), "unreadable_image"),
    "JPEG of 1,000,000 segments": (with_segments(JPEG, segment(0xE5, b"") * 1_000_000), "unreadable_image"),
    "JPEG of 1,000,000 tables": (with_segments(JPEG, segment(0xDB, b"") * 1_000_000), "unreadable_image"),
    "PNG of 1,000,000 pieces": (png_of(chunk(b"IDAT", b"") * 1_000_000), "unreadable_image"),
    "PNG of 1,000,000 chunks": (png_of(chunk(b"abCd", b"") * 1_000_000), "unreadable_image"),
    "TIFF of 1,000,000 strips": (tiff_of(1_000_000), "unreadable_image"),
    "TIFF of 1,000,000 tiles": (tiff_of(1_000_000, tile=1), "unreadable_image"),
    "float TIFF of 1,000,000 strips": (tiff_of(1_000_000, depth=32, kind=3), "unreadable_image"),
    "GIF of 5,000,000 comments": (gif_after(b"!\xfe" + b"\1a" * 5_000_000 + b"\0"), "unreadable_image"),
    "GIF of 1,000,000 extensions": (gif_after(b"!\xfe\1a\0" * 1_000_000), "unreadable_image"),
    "GIF of 5,000,000 bytes between blocks": (gif_after(bytes(5_000_000)), "unreadable_image"),
    "GIF of a huge screen": (gif_of(65_535, 16), "image_too_large"),
    "GIF of a huge frame": (gif_of(16, 65_535), "image_too_large"),
    "BMP of 5,000,000 runs": (bmp_of(2000, 8, 1, b"\1\5" * 5_000_000), "unsupported_image"),
    "BMP of 5,000,000 steps": (bmp_of(64, 8, 1, b"\0\2\0\0" * 2_500_000), "unsupported_image"),
    "BMP of large runs of four bits": (bmp_of(5000, 4, 2, b"\xff\x12" * 98_100), "unsupported_image"),
    "AVIF of 5,000 frames": (heif_of("AVIF", copies=5000), "unreadable_image"),
    "AVIF of far more pixels than it says": (heif_of("AVIF", copies=5, size=64), "unreadable_image"),
    "HEIC of 10,000 tiles that are out of sight": (heif_of("HEIF", tiles=(100, 100)), "unreadable_image"),
    "AVIF of 10,000 tiles that are out of sight": (heif_of("AVIF", tiles=(100, 100)), "unreadable_image"),
}


@pytest.mark.parametrize("file", HOSTILE)
def test_what_would_cost_a_decoder_too_much_is_refused(file):
    data, code = HOSTILE[file]
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
