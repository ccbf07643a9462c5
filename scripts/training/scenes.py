"""Photos with all their labels, for detectors: what is in them, and what is known not to be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.annotations import decode
from training.folder import content as labelled

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Source:
    """A folder in COCO's format and how far it can be trusted.

    Attributes:
        folder: of labelled photos, of any kind that `folder` reads.
        weight: how often its photos are drawn, beside 1.
        complete: names of the classes that are completely labelled; None leaves that to the file, whose images may say
            `annotated_category_ids`, and without them have every class labelled.
        stretched: whether photos lost their aspect ratio.
        labels: what draw_masks.py wrote in place of the folder's own labels.
        held_out: share of the photos that are not learnt from, where the folder itself does not say which.
    """

    folder: Path
    weight: float = 1.0
    complete: tuple[str, ...] | None = None
    stretched: bool = False
    labels: Path | None = None
    held_out: float = 0.0


@dataclass(frozen=True, eq=False)
class Thing:
    """One labelled object.

    Attributes:
        label: index into the model's classes.
        box: x0, y0, x1, y1, px of the photo.
        coded: COCO's run lengths or polygons; None when the mask is unknown.
    """

    label: int
    box: Box
    coded: Any

    def mask(self, height: int, width: int) -> NDArray[np.uint8] | None:
        """Return (height, width), 1 on the object; None when it is unknown."""
        return None if self.coded is None else decode(self.coded, height, width)


@dataclass(frozen=True, eq=False)
class Scene:
    """A photo and its labels.

    Attributes:
        path: of the photo.
        things: objects of the model's classes.
        complete: (classes,) bool, True where every object of the class is labelled.
        ignored: regions in which nothing is known, such as crowds.
        weight: how often it is drawn, beside 1.
        stretched: whether it lost its aspect ratio.
    """

    path: Path
    things: tuple[Thing, ...]
    complete: NDArray[np.bool_]
    ignored: tuple[Box, ...]
    weight: float
    stretched: bool

    def pixels(self) -> Image.Image:
        """Return the photo, RGB."""
        with Image.open(self.path) as image:
            photo: Image.Image = image.convert("RGB")
        return photo


def sources(recipe: Mapping[str, Any], data: Path, masks: Path | None = None) -> list[Source]:
    """Return the folders of a recipe, whose fields scripts/training/bundled.yaml explains.

    Args:
        recipe: as YAML holds it.
        data: where the folders are.
        masks: where draw_masks.py has put labels for some of them, in place of their own.
    """
    found = []
    for name, how in recipe["sources"].items():
        complete = how.get("complete")
        trusted = None if complete is None else tuple(complete)
        drawn = None if masks is None else masks / f"{name}.json"
        labels = drawn if drawn is not None and drawn.exists() else None
        weight, held_out = float(how.get("weight", 1.0)), float(how.get("held_out", 0.0))
        found.append(Source(data / name, weight, trusted, bool(how.get("stretched", False)), labels, held_out))
    return found


def read(source: Source, split: str, classes: Sequence[str]) -> list[Scene]:
    """Return the photos of a folder.

    Args:
        source: the folder.
        split: `train` or `val`.
        classes: the model's, the background first.
    """
    content = json.loads(source.labels.read_text()) if source.labels else labelled(source.folder, source.held_out)
    names: Mapping[int, str] = {category["id"]: category["name"] for category in content["categories"]}
    by_image: dict[int, list[dict[str, Any]]] = {}
    for annotation in content["annotations"]:
        by_image.setdefault(annotation["image_id"], []).append(annotation)
    scenes = []
    for image in content["images"]:
        if image.get("split", "train") != split:
            continue
        if source.complete is not None:
            complete = set(source.complete)
        else:
            ids = image.get("annotated_category_ids")
            complete = set(classes) if ids is None else {names[number] for number in ids}
        things, ignored = [], []
        for annotation in by_image.get(image["id"], ()):
            x, y, width, height = annotation["bbox"]
            box = (x, y, x + width, y + height)
            name = names.get(annotation["category_id"], "")
            if annotation.get("iscrowd"):
                ignored.append(box)
            elif name in classes:
                things.append(Thing(classes.index(name), box, annotation["segmentation"]))
        known = np.array([name in complete for name in classes])
        known[0] = True
        scenes.append(Scene(Path(image["path"]), tuple(things), known, tuple(ignored), source.weight, source.stretched))
    return scenes


def frequencies(scenes: Sequence[Scene], classes: int) -> NDArray[np.float64]:
    """Return the probability of each scene: rare classes are drawn more often.

    The repeat factor of Gupta et al. 2019, LVIS, section 5.2 (arXiv:1908.03195), times the scene's own weight.
    """
    present = np.zeros((len(scenes), classes), bool)
    for row, scene in zip(present, scenes, strict=True):
        row[[thing.label for thing in scene.things]] = True
    share = present.mean(0)
    factor = np.maximum(1.0, np.sqrt(_COMMON / np.maximum(share, 1e-6)))
    repeats = np.where(present, factor, 1.0).max(1) * [scene.weight for scene in scenes]
    return np.asarray(repeats / repeats.sum(), np.float64)


_COMMON = 0.15  # share of the photos from which on a class is common
