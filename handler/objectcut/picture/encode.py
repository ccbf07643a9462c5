"""From a finished picture to the bytes of a file, without any of the photo's metadata."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from objectcut.errors import CutError
from objectcut.picture import png
from objectcut.request.options import Format
from objectcut.worker.spread import Spread, do_all

_ROWS = 256  # that are processed at once
# px: WEBP_MAX_DIMENSION, JPEG_MAX_DIMENSION
_LONGEST: dict[Format, int] = {"webp": 16_383, "jpeg": 65_500, "zip": 65_500}


def encode(pixels: NDArray[np.uint8], kind: Format, spread: Spread = map) -> bytes:
    """Return the file. JPEG has no transparency: what is transparent becomes white there.

    A ZIP holds `cutout.jpg`, the colours as they are, black where alpha is zero, and `alpha.png`, grey.

    Args:
        pixels: uint8; (h, w, 4) RGBA with straight alpha, (h, w, 3) RGB or (h, w) grey.
        kind: of the file.
        spread: distributes parts of it over cores, where the format allows it.

    Raises:
        CutError: `image_too_large` for a picture that is longer than the format allows.
    """
    height, width = pixels.shape[:2]
    if max(height, width) > _LONGEST.get(kind, max(height, width)):
        raise CutError(
            "image_too_large",
            f"The picture has {width} x {height} pixels; {kind} holds at most {_LONGEST[kind]} a side. "
            "Send a smaller 'max_size', or ask for png.",
            details={"field": "format", "format": kind, "width": width, "height": height, "max_side": _LONGEST[kind]},
        )
    if kind == "png":
        return png.encode(pixels, spread)
    if kind == "zip":
        return _zipped(pixels, spread)
    if kind == "webp":
        # Lossless colour: the pixels of the cut-out stay those of the photo.
        return _saved(Image.fromarray(pixels), "WEBP", lossless=True, quality=0, method=0)
    return _jpeg(_on_white(pixels, spread), 92, "420")


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _jpeg(pixels: NDArray[np.uint8], quality: int, subsampling: str) -> bytes:
    """Return the colours of a picture as a file; what the alpha of one says does not matter."""
    if pixels.ndim == 2:
        pixels, channels, subsampling = pixels[..., None], "GRAY", "Gray"
    else:
        channels = "RGB" if pixels.shape[2] == 3 else "RGBX"
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality, channels, subsampling))


def _on_white(pixels: NDArray[np.uint8], spread: Spread) -> NDArray[np.uint8]:
    """Without transparency."""
    if pixels.shape[2:] != (4,):
        return pixels
    opaque = np.empty((*pixels.shape[:2], 3), np.uint8)

    def lay(top: int) -> None:
        strip = Image.fromarray(pixels[top : top + _ROWS])
        base = Image.new("RGB", strip.size, "white")
        base.paste(strip.convert("RGB"), None, strip.getchannel("A"))
        opaque[top : top + _ROWS] = np.asarray(base)

    do_all(spread, lay, range(0, len(pixels), _ROWS))
    return opaque


def _zipped(pixels: NDArray[np.uint8], spread: Spread) -> bytes:
    alpha = pixels[..., 3] if pixels.shape[2:] == (4,) else np.full(pixels.shape[:2], 255, np.uint8)
    # Colour at full resolution: at half of it, the black outside would run into the edge.
    jpeg = _jpeg(pixels, 95, "444")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        for name, data in {"cutout.jpg": jpeg, "alpha.png": png.encode(alpha, spread)}.items():
            packed.writestr(zipfile.ZipInfo(name), data)  # of the year 1980: the same cut-out is the same file
    return out.getvalue()
