"""From a finished picture to the bytes of a file, without any of the photo's metadata."""

from __future__ import annotations

import io
import zipfile

import numpy as np
from PIL import Image

from objectcut import png
from objectcut.errors import CutError
from objectcut.request import Format

# px: WEBP_MAX_DIMENSION, JPEG_MAX_DIMENSION
_LONGEST: dict[Format, int] = {"webp": 16_383, "jpeg": 65_500, "zip": 65_500}


def encode(image: Image.Image, kind: Format) -> bytes:
    """The file. JPEG has no transparency: what is transparent becomes white there.

    A ZIP holds `cutout.jpg`, the colours as they are, black where alpha is zero, and `alpha.png`, grey.

    Raises:
        CutError: `image_too_large` for a picture that is longer than the format allows.
    """
    if max(image.size) > _LONGEST.get(kind, max(image.size)):
        raise CutError(
            "image_too_large",
            f"The picture has {image.width} x {image.height} pixels; {kind} holds at most {_LONGEST[kind]} a side. "
            "Send a smaller 'max_size', or ask for png.",
            details={
                "field": "format",
                "format": kind,
                "width": image.width,
                "height": image.height,
                "max_side": _LONGEST[kind],
            },
        )
    if kind == "png":
        return png.encode(np.asarray(image))
    if kind == "zip":
        return _zipped(image.convert("RGBA"))
    out = io.BytesIO()
    if kind == "webp":
        # Lossless colour: the pixels of the cut-out stay those of the photo.
        image.save(out, "WEBP", lossless=True, quality=0, method=0)
    else:
        if image.mode == "RGBA":
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
        image.save(out, "JPEG", quality=92)
    return out.getvalue()


def _zipped(image: Image.Image) -> bytes:
    colours, out = io.BytesIO(), io.BytesIO()
    # Colour at full resolution: at half of it, the black outside would run into the edge.
    image.convert("RGB").save(colours, "JPEG", quality=95, subsampling="4:4:4")
    files = {"cutout.jpg": colours.getvalue(), "alpha.png": png.encode(np.asarray(image.getchannel("A")))}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        for name, data in files.items():
            packed.writestr(zipfile.ZipInfo(name), data)  # of the year 1980: the same cut-out is the same file
    return out.getvalue()
