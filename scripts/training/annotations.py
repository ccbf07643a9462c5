"""Objects with known masks, from folders of labelled photos."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as rle

from training.folder import content


@dataclass(frozen=True, eq=False)
class Annotation:
    """One object of a photo.

    Attributes:
        photo: its file.
        name: of its class; empty when it has none.
        box: x0, y0, x1, y1, px of the photo.
    """

    photo: Path
    name: str
    box: tuple[float, float, float, float]
    _size: tuple[int, int]
    _segmentation: Any

    def mask(self) -> NDArray[np.bool_]:
        """(H, W), True on the object."""
        return decode(self._segmentation, *self._size).astype(bool)

    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8, sRGB, of the whole photo."""
        with Image.open(self.photo) as image:
            return np.array(image.convert("RGB"))


def decode(segmentation: Any, height: int, width: int) -> NDArray[np.uint8]:
    """Return a mask of COCO's format, polygons or run lengths, as (height, width), 1 on the object."""
    if isinstance(segmentation, list):
        segmentation = rle.merge(rle.frPyObjects(segmentation, height, width))
    elif isinstance(segmentation["counts"], list):
        segmentation = rle.frPyObjects(segmentation, height, width)
    mask: NDArray[np.uint8] = rle.decode(segmentation)
    return mask


def read(folder: Path, split: str, smallest: float) -> list[Annotation]:
    """Return the objects of a folder's `train` or `val` photos with sides of `smallest` px or more; no crowds.

    Objects whose mask is unknown are left out.
    """
    told = content(folder)
    photos = {photo["id"]: photo for photo in told["images"] if photo.get("split", "train") == split}
    names = {category["id"]: category["name"] for category in told["categories"]}
    things = []
    for thing in told["annotations"]:
        photo = photos.get(thing["image_id"])
        x, y, width, height = thing["bbox"]
        if photo is None or thing.get("iscrowd") or thing["segmentation"] is None or min(width, height) < smallest:
            continue
        box = (x, y, x + width, y + height)
        path = photo["path"]
        size = photo["height"], photo["width"]
        things.append(Annotation(path, names.get(thing["category_id"], ""), box, size, thing["segmentation"]))
    return things
