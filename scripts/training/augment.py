"""Random views of labelled photos for training: scale, crop, aspect, flip, colours, and objects from other photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from torch import Tensor

from training.partial import Target
from training.scenes import Box, Scene

_MOST = 24  # objects per photo, the largest; the rest is ignored
_SEEN = 0.3  # share of an object that must be in the view; of less nothing is learnt
_SMALLEST = 4.0  # px, of a box's sides
_PASTED = 0.35  # probability
_ENHANCERS = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
_BILINEAR = Image.Resampling.BILINEAR


@dataclass(eq=False)
class _Object:
    """An object in the view; `mask` (H, W) bool is None when it is unknown, `box` is in px of the view."""

    label: int
    box: Box
    mask: NDArray[np.bool_] | None
    area: float  # of all of it, px of the view, also of what lies outside


class Augmenter:
    """Makes views.

    Args:
        scenes: to choose from.
        probabilities: of each.
    """

    def __init__(self, scenes: Sequence[Scene], probabilities: NDArray[np.float64]) -> None:
        self._scenes = scenes
        self._probabilities = probabilities
        masked = [any(thing.coded is not None for thing in scene.things) for scene in scenes]
        pasteable = probabilities * masked
        self._pasteable = pasteable / pasteable.sum()

    def view(self, size: tuple[int, int], rng: np.random.Generator) -> tuple[Tensor, Target]:
        """Return a view of a random photo and its target.

        Args:
            size: width and height of the view, px.
            rng: source of randomness.

        Returns:
            (3, H, W) float32 sRGB, 0 to 1, and the target of `partial`.
        """
        scene = self._scenes[rng.choice(len(self._scenes), p=self._probabilities)]
        canvas, objects, ignored = _placed(scene, size, rng)
        if rng.random() < _PASTED:
            other = self._scenes[rng.choice(len(self._scenes), p=self._pasteable)]
            canvas = _paste(canvas, objects, other, rng)
        pixels = np.asarray(_recoloured(canvas, rng))
        target = _target(objects, ignored, scene.complete, size)
        if rng.random() < 0.5:
            pixels = pixels[:, ::-1]
            width = size[0]
            for name in ("boxes", "ignored"):
                x0, y0, x1, y1 = target[name].unbind(1)
                target[name] = torch.stack((width - x1, y0, width - x0, y1), 1)
            target["masks"] = target["masks"].flip(2)
        image = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
        return image.float() / 255, target


def _placed(
    scene: Scene, size: tuple[int, int], rng: np.random.Generator
) -> tuple[Image.Image, list[_Object], list[Box]]:
    """Return the photo on a canvas of this size, its objects, and the boxes of what cannot be learnt from."""
    photo = scene.pixels()
    aspect = np.exp(rng.uniform(-0.45, 0.45) if scene.stretched else rng.normal(0, 0.06))
    kind = rng.random()
    zoom = rng.uniform(0.92, 1.12) if kind < 0.6 else rng.uniform(1.12, 2.0) if kind < 0.85 else rng.uniform(0.5, 0.92)
    wide, high = photo.width * np.sqrt(aspect), photo.height / np.sqrt(aspect)
    scale = min(size[0] / wide, size[1] / high) * zoom
    width, height = max(8, round(wide * scale)), max(8, round(high * scale))
    left, top = _shift(size[0] - width, rng), _shift(size[1] - height, rng)

    def shown(image: Image.Image, fill: tuple[int, ...] | int) -> Image.Image:
        canvas = Image.new(image.mode, size, fill)
        canvas.paste(image.resize((width, height), _BILINEAR), (left, top))
        return canvas

    colour = tuple(int(value) for value in rng.integers(0, 256, 3))
    across, down = width / photo.width, height / photo.height
    objects, ignored = [], [_moved(box, across, down, left, top) for box in scene.ignored]
    for thing in sorted(scene.things, key=lambda thing: -_area(thing.box))[:_MOST]:
        coded = thing.mask(photo.height, photo.width)
        mask = None if coded is None else np.asarray(shown(Image.fromarray(coded * np.uint8(255)), 0)) > 127
        area = _area(thing.box) * across * down if coded is None else float(coded.sum()) * across * down
        objects.append(_Object(thing.label, _moved(thing.box, across, down, left, top), mask, area))
    for thing in sorted(scene.things, key=lambda thing: -_area(thing.box))[_MOST:]:
        ignored.append(_moved(thing.box, across, down, left, top))
    return shown(photo, colour), objects, ignored


def _paste(canvas: Image.Image, objects: list[_Object], other: Scene, rng: np.random.Generator) -> Image.Image:
    """Paste one object of another photo, and take what it covers from the objects below it."""
    photo = other.pixels()
    things = [thing for thing in other.things if thing.coded is not None]
    thing = things[rng.integers(len(things))]
    coded = thing.mask(photo.height, photo.width)
    x0, y0, x1, y1 = map(round, thing.box)
    if coded is None or min(x1 - x0, y1 - y0) < 16:
        return canvas
    longest = rng.uniform(0.25, 0.9) * max(canvas.size)
    scale = min(longest / max(x1 - x0, y1 - y0), 2.0)
    shape = max(8, round((x1 - x0) * scale)), max(8, round((y1 - y0) * scale))
    cut = photo.crop((x0, y0, x1, y1)).resize(shape, _BILINEAR)
    alpha = Image.fromarray(coded * np.uint8(255)).crop((x0, y0, x1, y1)).resize(shape, _BILINEAR)
    if rng.random() < 0.5:
        cut, alpha = ImageOps.mirror(cut), ImageOps.mirror(alpha)
    place = (
        round(float(rng.uniform(-0.2 * shape[0], canvas.width - 0.8 * shape[0]))),
        round(float(rng.uniform(-0.2 * shape[1], canvas.height - 0.8 * shape[1]))),
    )
    softened = alpha.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 1.2))))
    canvas.paste(cut, place, softened)
    layer = Image.new("L", canvas.size)
    layer.paste(alpha, place)
    mask = np.asarray(layer) > 127
    if not mask.any():
        return canvas
    for item in objects:
        if item.mask is not None:
            item.mask = item.mask & ~mask
    area = float(coded[y0:y1, x0:x1].sum()) * scale * scale
    objects.append(_Object(thing.label, (0.0, 0.0, 0.0, 0.0), mask, area))
    return canvas


def _recoloured(canvas: Image.Image, rng: np.random.Generator) -> Image.Image:
    for enhancer in _ENHANCERS:
        if rng.random() < 0.5:
            canvas = enhancer(canvas).enhance(float(rng.uniform(0.7, 1.35)))
    if rng.random() < 0.04:
        canvas = canvas.convert("L").convert("RGB")
    if rng.random() < 0.06:
        canvas = canvas.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 1.5))))
    return canvas


def _target(
    objects: Sequence[_Object],
    ignored: Sequence[Box],
    complete: NDArray[np.bool_],
    size: tuple[int, int],
) -> Target:
    width, height = size
    boxes, labels, masks, masked, unclear = [], [], [], [], list(ignored)
    for item in objects:
        x0, y0, x1, y1 = item.box
        clipped = max(x0, 0.0), max(y0, 0.0), min(x1, float(width)), min(y1, float(height))
        seen = _area(clipped)
        if item.mask is not None:
            rows, columns = np.flatnonzero(item.mask.any(1)), np.flatnonzero(item.mask.any(0))
            if not rows.size:
                continue
            clipped = float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
            seen = float(item.mask.sum())
        sides = clipped[2] - clipped[0], clipped[3] - clipped[1]
        if min(sides) <= 0:
            continue
        if seen < _SEEN * item.area or min(sides) < _SMALLEST:
            unclear.append(clipped)
            continue
        boxes.append(clipped)
        labels.append(item.label)
        masked.append(item.mask is not None)
        masks.append(np.zeros((height, width), bool) if item.mask is None else item.mask)
    stacked = np.stack(masks) if masks else np.zeros((0, height, width), bool)
    return {
        "boxes": torch.tensor(boxes, dtype=torch.float32).view(-1, 4),
        "labels": torch.tensor(labels, dtype=torch.int64),
        "masks": torch.from_numpy(stacked.astype(np.uint8)),
        "masked": torch.tensor(masked, dtype=torch.bool),
        "complete": torch.from_numpy(complete),
        "ignored": torch.tensor(unclear, dtype=torch.float32).view(-1, 4),
    }


def _moved(box: Box, across: float, down: float, left: float, top: float) -> Box:
    return box[0] * across + left, box[1] * down + top, box[2] * across + left, box[3] * down + top


def _shift(room: int, rng: np.random.Generator) -> int:
    """Return where a photo begins that is smaller than the view by `room` px, or larger where that is negative."""
    return round(float(rng.uniform(min(0, room), max(0, room))))


def _area(box: Sequence[float]) -> float:
    return max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)
