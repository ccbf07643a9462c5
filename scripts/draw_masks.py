#!/usr/bin/env python3
"""Draw the masks of objects that were labelled with a box alone, for train.py --masks.

  draw_masks.py --recipe recipe.yaml --data FOLDER --output DIR

Boxes are quick to draw by hand, masks are not. The model draws what is in each true box, the refiner improves it. A
mask is kept where the two agree and it fills the box, beyond which nothing is drawn; other masks stay unknown. For each
folder of the recipe that has boxes without a mask, DIR/NAME.json is its labels with the masks drawn, in COCO's format.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as rle
from rich.console import Console
from rich.progress import track

from objectcut.edges import matte
from objectcut.instance import UNNAMED, Instance, Query
from objectcut.network.weightfiles import stored
from objectcut.pipeline import Pipeline
from objectcut.settings import Settings
from training.folder import Content, FolderError, content
from training.scenes import sources

_SMALLEST = 12.0  # px, of a box's sides: the network sees too little of smaller objects
# On COCO's and VOC's objects with known masks these two raise the mean IoU of the masks that are kept.
_FILLED, _AGREED = 0.75, 0.6  # IoU of the mask's bounding box with the true box, and of the two masks
console = Console(stderr=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, required=True, help="YAML of train.py: which folders")
    parser.add_argument("--data", type=Path, required=True, help="where the recipe's folders are")
    parser.add_argument("--model", type=Path, default=stored("bundled.safetensors"), help="model file")
    parser.add_argument("--refiner", type=Path, default=stored("refiner.safetensors"), help="the refiner's weights")
    parser.add_argument("--output", type=Path, required=True, help="folder for the files with masks")
    options = parser.parse_args()
    pipeline = Pipeline(options.model, options.refiner, Settings(), torch.device("cpu"))
    options.output.mkdir(parents=True, exist_ok=True)
    try:
        for source in sources(yaml.safe_load(options.recipe.read_text()), options.data):
            labelled, name = content(source.folder, source.held_out), source.folder.name
            missing = sum(_lacks_mask(thing) for thing in labelled["annotations"])
            if missing:
                drawn = _draw(labelled, pipeline, name)
                told = json.dumps(labelled, default=lambda path: str(path.resolve()))
                (options.output / f"{name}.json").write_text(told)
                console.print(f"{name}: {drawn} of {missing} masks drawn")
    except FolderError as error:
        console.print(str(error), style="red", soft_wrap=True)
        return 1
    return 0


def _lacks_mask(thing: dict[str, Any]) -> bool:
    return thing["segmentation"] is None and not thing.get("iscrowd") and min(thing["bbox"][2:]) > 0


def _draw(labelled: Content, pipeline: Pipeline, name: str) -> int:
    """Draw the masks that are missing in a folder's labels, and return how many were kept."""
    names = {category["id"]: category["name"] for category in labelled["categories"]}
    files = {image["id"]: image["path"] for image in labelled["images"]}
    by_image: dict[int, list[dict[str, Any]]] = {}
    for thing in filter(_lacks_mask, labelled["annotations"]):
        by_image.setdefault(thing["image_id"], []).append(thing)
    drawn = 0
    for image, things in track(by_image.items(), f"Drawing masks of {name}", console=console):
        with Image.open(files[image]) as file:
            pixels = np.array(file.convert("RGB"))
        labels = [names.get(thing["category_id"], "") for thing in things]
        for thing, mask in zip(things, masks(pixels, [t["bbox"] for t in things], labels, pipeline), strict=True):
            if mask is not None:
                coded = rle.encode(np.asfortranarray(mask))
                thing["segmentation"] = {"size": coded["size"], "counts": coded["counts"].decode("ascii")}
                drawn += 1
    return drawn


def masks(
    pixels: NDArray[np.uint8], boxes: Sequence[Sequence[float]], names: Sequence[str], pipeline: Pipeline
) -> list[NDArray[np.bool_] | None]:
    """Return the mask of what is in each box.

    Args:
        pixels: (H, W, 3) uint8, sRGB.
        boxes: COCO's: x, y, width, height, px.
        names: of the objects; those that the model does not know are drawn without a name.
        pipeline: the model and the refiner.

    Returns:
        (H, W) bool each, True on the object; None where the mask is not good enough to learn from.
    """
    classes = pipeline.card.classes
    labels = [classes.index(name) if name in classes else UNNAMED for name in names]
    asked = [
        Instance(place, label, 1.0, (x, y, x + width, y + height))
        for place, (label, (x, y, width, height)) in enumerate(zip(labels, boxes, strict=True))
    ]
    (detection,) = pipeline.detector.detect([Query(pixels, 1.0, lambda _: asked)])
    return [_mask(pixels, instance, pipeline) for instance in detection.kept]


def _mask(pixels: NDArray[np.uint8], instance: Instance, pipeline: Pipeline) -> NDArray[np.bool_] | None:
    x0, y0, x1, y1 = instance.box
    height, width = pixels.shape[:2]
    if min(x1 - x0, y1 - y0) < _SMALLEST or not matte.paste(instance, width, height).inside.any():
        return None
    drawn, coarse = (pipeline.refine(pixels, [instance], raw)[0] > 127 for raw in (False, True))
    agreed = (drawn & coarse).sum() / max(1, (drawn | coarse).sum())
    if agreed < _AGREED:
        return None
    box = matte.bounding_box(drawn)
    assert box is not None  # it shares something with the coarse mask
    left, top, right, bottom = box
    shared = max(0.0, min(right, x1) - max(left, x0)) * max(0.0, min(bottom, y1) - max(top, y0))
    filled = shared / ((right - left) * (bottom - top) + (x1 - x0) * (y1 - y0) - shared)
    if filled < _FILLED:
        return None
    inside = np.zeros_like(drawn)
    inside[math.floor(y0) : math.ceil(y1), math.floor(x0) : math.ceil(x1)] = True
    return np.asarray(drawn & inside)


if __name__ == "__main__":
    sys.exit(main())
