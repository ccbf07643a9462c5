"""Photos on the page as the server turns them, in a real browser and against the real server."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import Server, encoded
from PIL import Image, ImageOps
from pillow_heif import register_heif_opener
from playwright.sync_api import Browser, Page, expect
from window import window

register_heif_opener()
ORIENTATION = 0x0112
LYING = {  # how an upright picture lies in a file of this orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    with window(browser) as page:
        page.goto(server.url)
        yield page


def turned(upright: Image.Image, orientation: int, kind: str) -> bytes:
    """A file that is to be shown as `upright`."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    lying = upright if orientation == 1 else upright.transpose(LYING[orientation])
    options = {
        "WEBP": {"lossless": True},
        "JPEG": {"quality": 98, "subsampling": 0},
        "AVIF": {"quality": 95},
        "HEIF": {"quality": 90},
    }
    return encoded(lying, kind, exif=exif.tobytes(), **options.get(kind, {}))


def shown(page: Page, content: bytes, kind: str) -> np.ndarray:
    """The photo as the page shows it beside the outlines: (H, W, 3)."""
    told = page.evaluate(
        """async ([bytes, type]) => {
            const { upright } = await import("./photo/upright.js");
            const image = new Image();
            image.src = URL.createObjectURL(await upright(new Blob([new Uint8Array(bytes)], { type })));
            await image.decode();
            const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
            canvas.getContext("2d").drawImage(image, 0, 0);
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return [canvas.height, canvas.width, [...data]];
        }""",
        [list(content), f"image/{kind.lower()}"],
    )
    return np.array(told[2], np.uint8).reshape(told[0], told[1], 4)[..., :3]


def ramp(width: int = 36, height: int = 20) -> Image.Image:
    """No two corners alike."""
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([x * 7, y * 12, np.full_like(x, 90)], axis=-1).astype(np.uint8))


@pytest.mark.parametrize("kind", ["WEBP", "PNG", "JPEG", "AVIF"])
def test_every_orientation_is_shown_upright(page: Page, kind: str):
    for orientation in range(1, 9):
        got = shown(page, turned(ramp(), orientation, kind), kind).astype(int)
        assert got.shape == (20, 36, 3), orientation
        most = 0 if kind in {"WEBP", "PNG"} else 24  # the others lose something
        assert np.abs(got - np.array(ramp())).max() <= most, orientation


def chunks(png: bytes) -> list[bytes]:
    found, at = [], 8
    while at < len(png):
        (size,) = struct.unpack_from(">I", png, at)
        found.append(png[at : at + 12 + size])
        at += 12 + size
    return found


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">' + (
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


def entry(order: str, kind: int, value: int) -> bytes:
    """EXIF with nothing but an orientation, of this type of value."""
    mark = b"II" if order == "<" else b"MM"
    packed = struct.pack(f"{order}I" if kind == 4 else f"{order}HH", *([value] if kind == 4 else [value, 0]))
    return mark + struct.pack(f"{order}HIHHHI", 42, 8, 1, ORIENTATION, kind, 1) + packed + bytes(4)


def webp(**parts: bytes) -> bytes:
    return encoded(ramp(), "WEBP", lossless=True, **parts)


FILES = {
    "big-endian": (webp(exif=entry(">", 3, 6)), 6),
    "little-endian": (webp(exif=entry("<", 3, 6)), 6),
    "a long number": (webp(exif=entry(">", 4, 6)), 6),
    "with the name that JPEG has": (webp(exif=b"Exif\0\0" + entry("<", 3, 6)), 6),
    "no such orientation": (webp(exif=entry("<", 3, 9)), 1),
    "none": (webp(exif=entry("<", 3, 0)), 1),
    "cut short": (webp(exif=entry("<", 3, 6)[:12]), 1),
    "no EXIF": (webp(exif=b"nothing of the kind"), 1),
    "XMP alone": (webp(xmp=XMP), 1),
}


@pytest.mark.parametrize("name", FILES)
def test_what_the_file_tells_of_its_orientation(page: Page, name: str):
    content, orientation = FILES[name]
    expected = ramp() if orientation == 1 else ImageOps.exif_transpose(Image.open(io.BytesIO(turned_like(orientation))))
    np.testing.assert_array_equal(shown(page, content, "WEBP"), np.array(expected.convert("RGB")))


def turned_like(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    return encoded(ramp(), "PNG", exif=exif.tobytes())


@pytest.mark.parametrize("place", ["before the picture", "after it"])
def test_exif_of_a_png_counts_wherever_it_stands(page: Page, place: str):
    parts = chunks(encoded(ramp(), "PNG"))
    parts.insert(1 if place.startswith("before") else -1, chunk(b"eXIf", entry(">", 3, 6)))
    content = SIGNATURE + b"".join(parts)
    np.testing.assert_array_equal(shown(page, content, "PNG"), np.rot90(np.array(ramp()), -1))


SIGNATURE = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("content", [b"RIFF\x04\0\0\0WEBP", b"RIFF", SIGNATURE, SIGNATURE + b"\xff\xff"])
def test_a_file_that_ends_too_early_stays_as_it_is(page: Page, content: bytes):
    same = page.evaluate(
        """async (bytes) => {
            const { upright } = await import("./photo/upright.js");
            const blob = new Blob([new Uint8Array(bytes)]);
            return (await upright(blob)) === blob;
        }""",
        list(content),
    )
    assert same


@pytest.mark.parametrize(("kind", "orientation"), [("WEBP", 2), ("WEBP", 6), ("HEIF", 1), ("HEIF", 6), ("TIFF", 6)])
def test_outlines_box_preview_comparison_and_brush_fit_whatever_the_browser_can_show(
    page: Page, chelsea: Image.Image, kind: str, orientation: int
):
    nose = 225, 150
    page.get_by_label("Choose a photo").set_input_files(
        [{"name": "cat", "mimeType": f"image/{kind.lower()}", "buffer": turned(chelsea, orientation, kind)}]
    )
    cat = page.get_by_role("checkbox", name=re.compile("^cat, "))
    expect(cat).to_be_visible()
    expect(page.get_by_text(re.compile("^451 . 300 px$"))).to_be_visible()
    expect(page.get_by_role("button", name="Draw a box")).to_be_visible()
    cat.click()
    expect(page.get_by_role("img", name="Cut-out of cat")).to_be_visible()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Compare with the photo")).not_to_have_attribute("aria-disabled", "true")
    photo = page.locator(".viewer-world img").first
    assert photo.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [451, 300]
    # The brush brings back the photo's own pixels, in the corner where there is no cat.
    page.get_by_role("button", name="Bring back parts of the photo").click()
    viewer = page.get_by_role("group", name="Cut-out, zoomable")
    expect(page.locator(".brush-picture")).to_be_visible()
    expect(viewer).not_to_have_attribute("aria-busy", "true")
    viewer.scroll_into_view_if_needed()
    box = viewer.bounding_box()
    assert box is not None
    corner = 430, 20
    page.mouse.click(*(box[side] + at * box["width"] / chelsea.width for side, at in zip("xy", corner, strict=True)))
    expect(page.get_by_role("button", name="Undo")).not_to_have_attribute("aria-disabled", "true")
    with page.expect_download() as event:
        page.get_by_role("button", name="Download", exact=True).click()
    picture = Image.open(io.BytesIO(Path(event.value.path()).read_bytes()))
    assert picture.size == chelsea.size
    most = 0 if kind == "WEBP" else 20  # HEIC loses something, and so does what the server makes of it to be shown
    for point in (nose, corner):
        *colour, alpha = picture.getpixel(point)
        assert alpha == 255
        assert np.abs(np.subtract(colour, chelsea.getpixel(point))).max() <= most
