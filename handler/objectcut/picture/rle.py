"""Masks as compressed COCO run lengths, by pycocotools."""

from __future__ import annotations

import numpy as np
from pycocotools import mask

from objectcut.edges.matte import Matte


def encode(matte: Matte, width: int, height: int) -> dict[str, list[int] | str]:
    """Return the mask in a photo of this size as `{"size": [height, width], "counts": "..."}`."""
    plane = np.zeros((height, width), np.uint8, order="F")
    rows, columns = matte.alpha.shape
    plane[matte.y : matte.y + rows, matte.x : matte.x + columns] = matte.inside
    return {"size": [height, width], "counts": mask.encode(plane)["counts"].decode("ascii")}
