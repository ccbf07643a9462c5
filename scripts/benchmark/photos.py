"""The photos of the benchmarks, made of those that scikit-image's wheel carries."""

from __future__ import annotations

import io
import math
import secrets
from collections.abc import Iterator
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Size = tuple[int, int]
"""Width and height, px."""
SMALL, LARGE = (640, 480), (4000, 3000)
_NAMES = ("astronaut", "chelsea", "coffee", "motorcycle_left")


def label(size: Size) -> str:
    """Return the size as tables name it."""
    return f"{size[0]}x{size[1]}"


def photographs() -> list[Image.Image]:
    """Return a woman, a cat, a cup and a motorcycle, RGB, 451 to 741 px wide."""
    paths = (files("skimage") / "data" / f"{name}.png" for name in _NAMES)
    return [Image.open(io.BytesIO(path.read_bytes())).convert("RGB") for path in paths]


def photos(size: Size) -> list[NDArray[np.uint8]]:
    """Return eight photos of this size, (H, W, 3) uint8: the four, and the four mirrored."""
    images = [image.resize(size) for image in photographs()]
    return [np.array(image) for image in (*images, *map(ImageOps.mirror, images))]


def woman(size: Size) -> bytes:
    """Return the first of them as a JPEG file."""
    return _jpeg(photographs()[0].resize(size))


def another(photo: bytes) -> bytes:
    """Return a JPEG file that shows the same and that no server has seen: decoders stop before what is added."""
    return photo + secrets.token_bytes(8)


def pair(size: Size) -> bytes:
    """Return a JPEG file of this size: the woman on the left, the cat on the right."""
    width, height = size
    image = Image.new("RGB", size)
    for number, photograph in enumerate(photographs()[:2]):
        image.paste(ImageOps.fit(photograph, (width // 2, height)), (number * width // 2, 0))
    return _jpeg(image)


def women(count: int, size: Size) -> bytes:
    """Return a JPEG file of this size with as many women, in rows."""
    across = math.ceil(math.sqrt(count))
    down = math.ceil(count / across)
    cell = size[0] // across, size[1] // down
    image = Image.new("RGB", size, "white")
    for place in range(count):
        row, column = divmod(place, across)
        image.paste(ImageOps.fit(photographs()[0], cell), (column * cell[0], row * cell[1]))
    return _jpeg(image)


def pictures() -> Iterator[NDArray[np.uint8]]:
    """Return twenty-four pictures that show a network different things, (H, W, 3) uint8, 225 to 741 px wide."""
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
        yield from map(np.array, views)


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()
