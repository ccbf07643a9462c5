"""TIFF files: what their tags say, and the forms of pixels that Pillow reads wrongly or not at all.

Owns the first picture of a file. Decoders get only the tags that make its pixels, so that broken ones of other kinds do
no harm. What Pillow gets right, up to 16 bits of unsigned colours side by side, it decodes. The rest comes by way of
`tiffplanes`, with any of the lossless compressions: deep integers and floats, colours in separate planes, Lab, and
alpha beside grey or inks.

Format: Adobe, TIFF Revision 6.0.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from objectcut.photo import directory as directories
from objectcut.photo import kinds, levels, orientation
from objectcut.photo import tifflayout as form
from objectcut.photo.directory import Directory
from objectcut.photo.source import Decoded, Source
from objectcut.photo.tifflayout import Layout
from objectcut.photo.tiffplanes import Plane

_KIND, _MAKE, _SUB, _ICC, _DNG_VERSION = 254, 271, 330, 34_675, 50_706
_COLOUR_MAP = 320
_OF_PIXELS = {
    *(form.WIDTH, form.HEIGHT, form.BITS, form.COMPRESSION, form.PHOTOMETRIC, form.FILL_ORDER, form.SAMPLES),
    *(form.STRIPS, form.STRIP_ROWS, form.STRIP_BYTES, form.TILES, form.TILE_WIDTH, form.TILE_HEIGHT, form.TILE_BYTES),
    *(form.PLANAR, form.PREDICTOR, form.EXTRA, form.FORMAT),
    *(292, 293, _COLOUR_MAP, 332, *range(512, 522), 347, 529, 530, 531, 532),  # fax, palette, inks, JPEG, YCbCr
}
_MOST_PROFILE_BYTES = 8 << 20
_MOST_TAG_BYTES = 1 << 16  # of the others; several may point to the same bytes, and each is read
_MOST_BYTES_OF_TAG = MappingProxyType({**dict.fromkeys(form.PARTS, 8 << 20), _COLOUR_MAP: 3 << 17})
_MOST_BYTES_A_PIXEL = 12
_CFA, _LINEAR_RAW = 32_803, 34_892  # what a camera's sensor saw
_RAW_KINDS = MappingProxyType(
    {"NIKON": "NEF", "SONY": "ARW", "PENTAX": "PEF", "RICOH": "PEF", "SAMSUNG": "SRW", "HASSELBLAD": "3FR"}
)


def read(data: bytes, check: Callable[[tuple[int, int]], None]) -> Source:
    """Read the header of a TIFF file.

    Args:
        check: is told width and height before anything else is read.

    Raises:
        CutError: what `check` raises; `unsupported_image` for camera raw and rare forms of pixels.
        Exception: whatever Pillow raises for a broken header.
    """
    tags = directories.read(data)
    _refuse_camera_raw(data, tags)
    layout = form.layout_of(tags)
    if layout is None:
        raise kinds.unreadable()
    size = (layout.width, layout.height)
    check(size)
    plain = _plain(data, tags)
    decode: Callable[[], Decoded]
    if _is_for_pillow(layout) and (image := _opened(plain)) is not None:
        decode = lambda: _decoded_by_pillow(image, layout)  # noqa: E731
    else:
        decode = lambda: _decoded(plain, tags, layout)  # noqa: E731
        _check_form(layout)
    icc = tags.entries.get(_ICC)
    return Source(
        size,
        decode,
        orientation=orientation.of_tags(tags) or 1,
        profile=None if icc is None or len(icc.content) > _MOST_PROFILE_BYTES else bytes(icc.content) or None,
    )


def _refuse_camera_raw(data: bytes, tags: Directory) -> None:
    """Refuse a camera's raw file: its first picture is a thumbnail or the raw one."""
    if _DNG_VERSION in tags.entries:
        raise kinds.unsupported("Camera raw (DNG)")
    subs = []
    for offset in tags.numbers(_SUB)[:8]:
        try:
            subs.append(directories.read(data, offset))
        except ValueError:
            continue
    is_raw = any(each.number(form.PHOTOMETRIC, 0) in {_CFA, _LINEAR_RAW} for each in (tags, *subs))
    is_thumbnail = bool(subs) and tags.number(_KIND, 0) & 1
    if is_raw or is_thumbnail:
        make = tags.text(_MAKE).upper()
        name = next((f" ({kind})" for brand, kind in _RAW_KINDS.items() if brand in make), "")
        raise kinds.unsupported(f"Camera raw{name}")


def _plain(data: bytes, tags: Directory) -> bytes:
    kept = {
        tag: entry
        for tag, entry in tags.entries.items()
        if tag in _OF_PIXELS and len(entry.content) <= _MOST_BYTES_OF_TAG.get(tag, _MOST_TAG_BYTES)
    }
    return directories.rewritten(data, tags, kept)


def _is_for_pillow(layout: Layout) -> bool:
    """Return whether Pillow gets these pixels right. Of planes it does not, if they are deep, Lab or alpha of grey."""
    own_planes = layout.planar and layout.colours and layout.bits >= 8 and layout.compression in form.LOSSLESS
    return layout.form == form.UNSIGNED and layout.bits <= 16 and not own_planes


def _opened(plain: bytes) -> Image.Image | None:
    """None when Pillow does not know the form of the pixels."""
    try:
        return Image.open(io.BytesIO(plain), formats=("TIFF",))
    except (UnidentifiedImageError, KeyError):
        return None


def _decoded_by_pillow(image: Image.Image, layout: Layout) -> Decoded:
    image.load()
    if layout.photometric == form.WHITE_IS_ZERO and image.mode.startswith("I;16"):  # Pillow heeds it in 8 bits only
        deep = np.asarray(image)[..., None]
        grey = levels.eight_bits(lambda top, end: deep[top:end], deep.shape, 1, inverted=True)
        image = Image.fromarray(grey[..., 0])
    return Decoded(image)


def _check_form(layout: Layout) -> None:
    if not layout.is_plausible:
        raise kinds.unreadable()
    if (
        layout.dtype is None
        or not layout.colours
        or layout.compression not in form.LOSSLESS
        or layout.predictor not in {1, 2, 3}
        or (layout.predictor == 3 and layout.form != form.FLOAT)
        or layout.fill_order != 1
        or (layout.photometric in {form.CIELAB, form.ICCLAB} and (layout.bits > 16 or layout.form == form.FLOAT))
    ):
        raise kinds.unsupported(layout.name)
    if layout.samples * layout.bits > 8 * _MOST_BYTES_A_PIXEL and layout.compression != 1:
        raise kinds.unsupported(f"Compressed {layout.name}")


def _decoded(plain: bytes, tags: Directory, layout: Layout) -> Decoded:
    planes = [Plane(plain, tags, layout, plane) for plane in range(layout.samples if layout.planar else 1)]
    used = layout.colours + bool(layout.alpha)

    def rows(top: int, end: int) -> NDArray[Any]:
        return np.concatenate([plane.rows(top, end) for plane in planes], axis=2)[..., :used]

    shape = (layout.height, layout.width, used)
    if layout.photometric in {form.CIELAB, form.ICCLAB}:
        return Decoded(_lab(rows, layout))
    pixels = levels.eight_bits(rows, shape, layout.colours, inverted=layout.photometric == form.WHITE_IS_ZERO)
    alpha = np.ascontiguousarray(pixels[..., -1]) if layout.alpha else None
    if layout.photometric == form.CMYK:
        return Decoded(_image("CMYK", pixels[..., :4]), alpha)
    modes = ("La", "RGBa") if layout.alpha == form.PREMULTIPLIED else ("LA", "RGBA")
    grey, colour = modes if layout.alpha else ("L", "RGB")
    return Decoded(_image(grey if layout.colours == 1 else colour, pixels))


def _image(mode: str, pixels: NDArray[np.uint8]) -> Image.Image:
    return Image.frombytes(mode, pixels.shape[1::-1], np.ascontiguousarray(pixels).data)


def _lab(rows: levels.Rows, layout: Layout) -> Image.Image:
    """Pillow's LAB has a and b signed, as CIELab has; ICCLab has them from 0."""
    out = np.empty((layout.height, layout.width, 3), np.uint8)
    shift = layout.bits - 8
    for top in range(0, layout.height, 256):
        end = min(top + 256, layout.height)
        out[top:end] = (rows(top, end)[..., :3].astype(np.int64) >> shift) & 255
    if layout.photometric == form.ICCLAB:
        out[..., 1:] ^= 128
    return _image("LAB", out)
