"""Prints what cut-outs take of memory at most, in bytes per pixel of the photo, as JSON.

A program of its own: in a process that did much before, the same cut-out takes up to half as much again, as freed
pieces of other sizes cannot be used.

  peaks.py PHOTO CASES     CASES is a list of [options, format] in JSON
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmark.measure import peak_memory
from objectcut.edges import drawing, refiner
from objectcut.instance import Instance
from objectcut.network.fuse import fuse
from objectcut.photo.decode import Photo
from objectcut.picture import compose
from objectcut.picture.encode import encode
from objectcut.request.options import CutOptions

WIDTH, HEIGHT = 5000, 3600
REFINER = Path(__file__).resolve().parents[2] / "model_store" / "refiner.safetensors"


def disc() -> np.ndarray:
    """Alpha with a soft edge, on half of the photo."""
    y, x = np.ogrid[:HEIGHT, :WIDTH]
    share = (1300 - np.hypot(y - HEIGHT / 2, x - WIDTH / 2)) / 8 + 0.5
    return (share.clip(0, 1) * 255).astype(np.uint8)


def main(path: str, cases: str) -> None:
    with Image.open(path) as image:
        photo = Photo(np.asarray(image.convert("RGB").resize((WIDTH, HEIGHT))).copy())
    alpha = disc()

    def cut(options: dict, kind: str, behind: Photo | None = None) -> float:
        checked = CutOptions(**options)
        return peak_memory(lambda: encode(compose.cut(photo, alpha, checked, behind).pixels, kind)) / (WIDTH * HEIGHT)

    trained = fuse(refiner.load(REFINER), torch.float32, torch.device("cpu"))
    y, x = np.mgrid[:28, :28] - 13.5
    box = 50.0, 50.0, WIDTH - 50.0, HEIGHT - 50.0
    instance = Instance(0, 1, 0.9, box, (np.hypot(x, y) < 12).astype(np.float32))
    drawing.draw(photo.pixels[:500, :500], instance, trained)  # what is set up once does not count
    cut({}, "png")
    told = {
        "cuts": [cut(options, kind) for options, kind in json.loads(cases)],
        "behind": cut({}, "png", photo),
        "drawn": peak_memory(lambda: drawing.draw(photo.pixels, instance, trained)) / (WIDTH * HEIGHT),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
