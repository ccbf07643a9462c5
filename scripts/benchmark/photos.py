"""The photos of the benchmarks, made of those that scikit-image's wheel carries."""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Size = tuple[int, int]
"""Width and height, px."""
_NAMES = ("astronaut", "chelsea", "coffee", "motorcycle_left")


def photographs() -> list[Image.Image]:
    """A woman, a cat, a cup and a motorcycle, RGB, 451 to 741 px wide."""
    return [Image.open(io.BytesIO((files("skimage") / "data" / f"{name}.png").read_bytes())) for name in _NAMES]


def jpegs(size: Size, count: int) -> list[bytes]:
    """JPEG files of this size: the four, then the four mirrored, and so on."""
    images = photographs()
    images += [ImageOps.mirror(image) for image in images]
    return [_jpeg(images[number % len(images)].convert("RGB").resize(size)) for number in range(count)]


def pair(size: Size) -> bytes:
    """A JPEG file of this size: the woman on the left, the cat on the right."""
    width, height = size
    image = Image.new("RGB", size)
    for number, photograph in enumerate(photographs()[:2]):
        image.paste(ImageOps.fit(photograph.convert("RGB"), (width // 2, height)), (number * width // 2, 0))
    return _jpeg(image)


def pictures() -> Iterator[NDArray[np.uint8]]:
    """Twenty-four pictures that show a network different things, (H, W, 3) uint8 each, 225 to 741 px wide."""
    for image in photographs():
        width, height = image.size
        views = (
            image,
            ImageOps.mirror(image),
            image.crop((0, 0, width * 2 // 3, height)),
            image.crop((width // 6, height // 6, width * 5 // 6, height * 5 // 6)),
            image.resize((width // 2, height // 2)),
            image.resize((480, 360)),
        )
        yield from (np.array(view.convert("RGB")) for view in views)


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()
