"""TIFF files: what their tags say, and the forms of pixels that Pillow reads wrongly or not at all.

Owns the first picture of a file. Decoders get only the tags that make its pixels, so that broken ones of other kinds do
no harm. What Pillow gets right, up to 8 bits and 16 bits of unsigned colours side by side, it decodes. Of the rest it
only unpacks the bytes, told that they are a grey picture of 8 bits; what they mean is worked out here. So deep integers
and floats, colours in separate planes and inks with alpha are read with any of the lossless compressions.

Format: Adobe, TIFF Revision 6.0, and its Technical Note 3 for the predictor of floats.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from objectcut import directory as directories
from objectcut import kinds, levels, orientation
from objectcut.directory import Directory
from objectcut.source import Decoded, Source

_KIND, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 254, 256, 257, 258, 259, 262, 266
_MAKE, _STRIPS, _SAMPLES, _STRIP_ROWS, _STRIP_BYTES, _PLANAR, _PREDICTOR = 271, 273, 277, 278, 279, 284, 317
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _SUB, _EXTRA, _FORMAT = 322, 323, 324, 325, 330, 338, 339
_ICC, _DNG_VERSION = 34_675, 50_706
_OF_PIXELS = {_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER, _STRIPS, _SAMPLES, _STRIP_ROWS} | {
    *(_STRIP_BYTES, _PLANAR, _PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _EXTRA, _FORMAT),
    *(292, 293, 320, 332, *range(512, 522), 347, 529, 530, 531, 532),  # fax, palette, inks, JPEG, YCbCr
}
_MOST_TAG_BYTES = 8 << 20
_LOSSLESS = {1, 5, 8, 32_773, 32_946, 34_925, 50_000}  # none, LZW, Deflate, PackBits, old Deflate, LZMA, Zstandard
_COMPRESSIONS = _LOSSLESS | {2, 3, 4, 6, 7, 9, 10}
_MOST_OWN_NUMBERS = 32_766  # from here on, those that firms were given
_PHOTOMETRICS = {*range(6), 8, 9, 10, 32_844, 32_845}
_DEPTHS = {1, 2, 4, 6, 8, 10, 12, 14, 16, 24, 32, 64}
_MOST_SAMPLES = 16
_MOST_TILE_PIXELS = 1 << 24  # tiles may be larger than the photo, but not without end
_PREDICTED = _LOSSLESS - {1, 32_773}  # the compressions that a predictor goes with
_WHITE_IS_ZERO, _GREY, _RGB, _CMYK, _CIELAB, _ICCLAB, _CFA, _LINEAR_RAW = 0, 1, 2, 5, 8, 9, 32_803, 34_892
_COLOURS = MappingProxyType({_WHITE_IS_ZERO: 1, _GREY: 1, _RGB: 3, _CMYK: 4, _CIELAB: 3, _ICCLAB: 3})
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_PREMULTIPLIED, _STRAIGHT = 1, 2
_MOST_BYTES_A_PIXEL = 12
_RAW_KINDS = MappingProxyType(
    {"NIKON": "NEF", "SONY": "ARW", "PENTAX": "PEF", "RICOH": "PEF", "SAMSUNG": "SRW", "HASSELBLAD": "3FR"}
)


@dataclass(frozen=True)
class _Layout:
    """How a file stores its pixels, by its tags.

    Attributes:
        width, height: px.
        bits: of a sample; 0 when samples differ.
        samples, colours: of a pixel; of these, how many are colours (0: an unknown kind of colours).
        form: of numbers, unsigned, signed or float.
        photometric, compression, predictor, fill_order: the tags' own numbers.
        planar: whether each sample has a plane to itself.
        alpha: what the sample behind the colours is: 0 nothing, 1 premultiplied, 2 straight alpha.
        tile_width: px; the whole width for strips.
        order: of bytes, as in `struct`.
    """

    width: int
    height: int
    bits: int
    samples: int
    colours: int
    form: int
    photometric: int
    compression: int
    predictor: int
    fill_order: int
    planar: bool
    alpha: int
    tile_width: int
    order: str

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """Of a sample, in the file's order of bytes."""
        code = {_UNSIGNED: "u", _SIGNED: "i", _FLOAT: "f"}.get(self.form)
        if code is None or self.bits not in ({16, 32, 64} if code == "f" else {8, 16, 32, 64}):
            return None
        return np.dtype(f"{self.order}{code}{self.bits // 8}")

    @property
    def is_plausible(self) -> bool:
        """Whether programs write such files: else the tags are damaged."""
        return (
            self.bits in _DEPTHS
            and (self.bits >= 8 or self.samples == 1)
            and self.form in {_UNSIGNED, _SIGNED, _FLOAT}
            and self.photometric in _PHOTOMETRICS
            and (self.compression in _COMPRESSIONS or self.compression >= _MOST_OWN_NUMBERS)
            and self.colours <= self.samples <= _MOST_SAMPLES
        )

    def __str__(self) -> str:
        form = {_UNSIGNED: "", _SIGNED: " signed", _FLOAT: " float"}.get(self.form, " unknown")
        return f"TIFF ({self.samples} x {self.bits} bits{form}, colours {self.photometric})"


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
    layout = _layout(tags)
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
        profile=None if icc is None or len(icc.content) > _MOST_TAG_BYTES else bytes(icc.content) or None,
    )


def _refuse_camera_raw(data: bytes, tags: Directory) -> None:
    """Of a camera's raw file, the first picture is a thumbnail or the raw one."""
    if _DNG_VERSION in tags.entries:
        raise kinds.unsupported("Camera raw (DNG)")
    subs = []
    for offset in tags.numbers(_SUB)[:8]:
        try:
            subs.append(directories.read(data, offset))
        except ValueError:
            continue
    is_raw = any(each.number(_PHOTOMETRIC, 0) in {_CFA, _LINEAR_RAW} for each in (tags, *subs))
    is_thumbnail = bool(subs) and tags.number(_KIND, 0) & 1
    if is_raw or is_thumbnail:
        make = tags.text(_MAKE).upper()
        name = next((f" ({kind})" for brand, kind in _RAW_KINDS.items() if brand in make), "")
        raise kinds.unsupported(f"Camera raw{name}")


def _layout(tags: Directory) -> _Layout | None:
    width, height = tags.number(_WIDTH, 0), tags.number(_HEIGHT, 0)
    if width <= 0 or height <= 0 or not ({_STRIPS, _TILES} & set(tags.entries)):
        return None
    tile_width, tile_height = width, 1
    if _TILES in tags.entries:
        tile_width, tile_height = tags.number(_TILE_WIDTH, 0), tags.number(_TILE_HEIGHT, 0)
    if not 0 < tile_width * tile_height <= max(width * height, _MOST_TILE_PIXELS):
        return None
    photometric = tags.number(_PHOTOMETRIC, _WHITE_IS_ZERO)
    bits = tags.numbers(_BITS) or (1,)
    samples = tags.number(_SAMPLES, 1)
    colours = _COLOURS.get(photometric, 0)
    extra = tags.numbers(_EXTRA)
    alpha = extra[0] if extra and extra[0] in {_PREMULTIPLIED, _STRAIGHT} else 0
    if not extra and photometric == _RGB and samples == 4:
        alpha = _STRAIGHT  # as Pillow has it
    return _Layout(
        width=width,
        height=height,
        bits=bits[0] if len(set(bits[:samples])) == 1 else 0,
        samples=samples,
        colours=colours,
        form=tags.number(_FORMAT, _UNSIGNED),
        photometric=photometric,
        compression=tags.number(_COMPRESSION, 1),
        predictor=tags.number(_PREDICTOR, 1),
        fill_order=tags.number(_FILL_ORDER, 1),
        planar=tags.number(_PLANAR, 1) == 2 and samples > 1,
        alpha=alpha if samples > colours else 0,
        tile_width=tile_width,
        order=tags.order,
    )


def _plain(data: bytes, tags: Directory) -> bytes:
    kept = {
        tag: entry for tag, entry in tags.entries.items() if tag in _OF_PIXELS and len(entry.content) <= _MOST_TAG_BYTES
    }
    return directories.rewritten(data, tags, kept)


def _is_for_pillow(layout: _Layout) -> bool:
    """Whether Pillow gets these pixels right. Of planes it does not, if they are deep, Lab or alpha of grey."""
    own_planes = layout.planar and layout.colours and layout.bits >= 8 and layout.compression in _LOSSLESS
    return layout.form == _UNSIGNED and layout.bits <= 16 and not own_planes


def _opened(plain: bytes) -> Image.Image | None:
    """None when Pillow does not know the form of the pixels."""
    try:
        return Image.open(io.BytesIO(plain), formats=("TIFF",))
    except (UnidentifiedImageError, KeyError):
        return None


def _decoded_by_pillow(image: Image.Image, layout: _Layout) -> Decoded:
    image.load()
    if layout.photometric == _WHITE_IS_ZERO and image.mode.startswith("I;16"):  # Pillow heeds it in 8 bits only
        deep = np.asarray(image)[..., None]
        grey = levels.eight_bits(lambda top, end: deep[top:end], deep.shape, 1, inverted=True)
        image = Image.fromarray(grey[..., 0])
    return Decoded(image)


def _check_form(layout: _Layout) -> None:
    if not layout.is_plausible:
        raise kinds.unreadable()
    if (
        layout.dtype is None
        or not layout.colours
        or layout.compression not in _LOSSLESS
        or layout.predictor not in {1, 2, 3}
        or (layout.predictor == 3 and layout.form != _FLOAT)
        or layout.fill_order != 1
        or (layout.photometric in {_CIELAB, _ICCLAB} and (layout.bits > 16 or layout.form == _FLOAT))
    ):
        raise kinds.unsupported(str(layout))
    if layout.samples * layout.bits > 8 * _MOST_BYTES_A_PIXEL and layout.compression != 1:
        raise kinds.unsupported(f"Compressed {layout}")


def _decoded(plain: bytes, tags: Directory, layout: _Layout) -> Decoded:
    planes = [_Plane(plain, tags, layout, plane) for plane in range(layout.samples if layout.planar else 1)]
    used = layout.colours + bool(layout.alpha)

    def rows(top: int, end: int) -> NDArray[Any]:
        return np.concatenate([plane.rows(top, end) for plane in planes], axis=2)[..., :used]

    shape = (layout.height, layout.width, used)
    if layout.photometric in {_CIELAB, _ICCLAB}:
        return Decoded(_lab(rows, layout))
    pixels = levels.eight_bits(rows, shape, layout.colours, inverted=layout.photometric == _WHITE_IS_ZERO)
    alpha = np.ascontiguousarray(pixels[..., -1]) if layout.alpha else None
    if layout.photometric == _CMYK:
        return Decoded(_image("CMYK", pixels[..., :4]), alpha)
    modes = ("La", "RGBa") if layout.alpha == _PREMULTIPLIED else ("LA", "RGBA")
    grey, colour = modes if layout.alpha else ("L", "RGB")
    return Decoded(_image(grey if layout.colours == 1 else colour, pixels))


def _image(mode: str, pixels: NDArray[np.uint8]) -> Image.Image:
    return Image.frombytes(mode, pixels.shape[1::-1], np.ascontiguousarray(pixels).data)


def _lab(rows: levels.Rows, layout: _Layout) -> Image.Image:
    """Pillow's LAB has a and b signed, as CIELab has; ICCLab has them from 0."""
    out = np.empty((layout.height, layout.width, 3), np.uint8)
    shift = layout.bits - 8
    for top in range(0, layout.height, 256):
        end = min(top + 256, layout.height)
        out[top:end] = (rows(top, end)[..., :3].astype(np.int64) >> shift) & 255
    if layout.photometric == _ICCLAB:
        out[..., 1:] ^= 128
    return _image("LAB", out)


class _Plane:
    """The samples of one plane, or of the only one.

    Args:
        plain, tags, layout: the file.
        index: of the plane.
    """

    def __init__(self, plain: bytes, tags: Directory, layout: _Layout, index: int) -> None:
        self._layout = layout
        self._samples = 1 if layout.planar else layout.samples
        self._bytes_a_pixel = self._samples * layout.bits // 8
        image = Image.open(io.BytesIO(self._as_bytes(plain, tags, index)), formats=("TIFF",))
        image.load()
        self._image = image

    def _as_bytes(self, plain: bytes, tags: Directory, index: int) -> bytes:
        """The same file, as a grey picture of 8 bits whose pixels are this plane's bytes."""
        layout, wide = self._layout, self._bytes_a_pixel
        numbers: dict[int, tuple[int, ...]] = {
            _WIDTH: (-(-layout.width // layout.tile_width) * layout.tile_width * wide,),  # whole tiles
            _HEIGHT: (layout.height,),
            _BITS: (8,),
            _COMPRESSION: (layout.compression,),
            _PHOTOMETRIC: (_GREY,),
            _SAMPLES: (1,),
        }
        tiled = _TILES in tags.entries
        if tiled:
            numbers |= {_TILE_WIDTH: (layout.tile_width * wide,), _TILE_HEIGHT: tags.numbers(_TILE_HEIGHT)}
        else:
            numbers[_STRIP_ROWS] = (min(tags.number(_STRIP_ROWS, layout.height), layout.height),)
        for tag in (_TILES, _TILE_BYTES) if tiled else (_STRIPS, _STRIP_BYTES):
            listed = tags.numbers(tag)
            each = len(listed) // (layout.samples if layout.planar else 1)
            numbers[tag] = listed[index * each : (index + 1) * each]
        kept = {tag: directories.of_numbers(tags, values) for tag, values in numbers.items() if values}
        return directories.rewritten(plain, tags, kept)

    def rows(self, top: int, end: int) -> NDArray[Any]:
        """(rows, W, samples), in the file's order of bytes."""
        layout = self._layout
        dtype = layout.dtype
        assert dtype is not None
        band = np.asarray(self._image.crop((0, top, self._image.width, end)))
        values = band.reshape(end - top, -1, layout.tile_width * self._bytes_a_pixel)
        if layout.compression in _PREDICTED and layout.predictor != 1:
            undone = _undo_predictor if layout.predictor == 2 else _undo_float_predictor
            values = undone(values, dtype, self._samples)
        return values.view(dtype).reshape(end - top, -1, self._samples)[:, : layout.width]


def _undo_predictor(tiles: NDArray[np.uint8], dtype: np.dtype[Any], samples: int) -> NDArray[np.uint8]:
    """Sums of differences between neighbours of a row, modulo their bits.

    Args:
        tiles: (rows, tiles in a row, bytes).
    """
    whole = np.dtype(f"{dtype.byteorder}u{dtype.itemsize}")
    differences = tiles.view(whole).reshape(*tiles.shape[:2], -1, samples)
    sums = np.cumsum(differences, axis=2, dtype=whole.newbyteorder("="))
    return np.asarray(sums.astype(whole).reshape(*tiles.shape[:2], -1).view(np.uint8))


def _undo_float_predictor(tiles: NDArray[np.uint8], dtype: np.dtype[Any], samples: int) -> NDArray[np.uint8]:
    """Sums of differences between bytes, of which a row has first all the highest, last all the lowest."""
    shape = tiles.shape[:2]
    sums = np.cumsum(tiles.reshape(*shape, -1, samples), axis=2, dtype=np.uint8).reshape(*shape, dtype.itemsize, -1)
    values = np.ascontiguousarray(sums.swapaxes(2, 3)).view(dtype.newbyteorder(">"))
    return np.asarray(values.astype(dtype).reshape(*shape, -1).view(np.uint8))
