"""What the refiner learns from: windows of photos with a coarse mask and the true one.

The coarse mask is what the bundled model's mask head says for the true box, jittered, where it knows the class. For
everything else, and now and then instead, the true mask is spoilt: blurred to 28 x 28 cells, grown or shrunk here and
there, with pieces lost and pieces of the surroundings taken in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageEnhance
from scipy import ndimage

from objectcut.detector import Detector, Instance, Query
from objectcut.matte import probability
from objectcut.refiner import STRIDE
from refining.objects import Thing

CELLS = 28
SIDE = 192
"""Of the windows, px."""
Box = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Coarse:
    """A thing as the network saw it.

    Attributes:
        thing: with its true mask.
        seen: boxes and (28, 28) masks of the network for them; empty when it does not know the class.
    """

    thing: Thing
    seen: Sequence[tuple[Box, NDArray[np.float32]]]


def look(things: Sequence[Thing], detector: Detector, numbers: np.random.Generator) -> list[Coarse]:
    """What the network's mask head says of things of one photo, for three jittered boxes each."""
    classes = detector.card.classes
    known = [thing for thing in things if thing.name in classes]
    boxes = [(thing, _jittered(thing.box, numbers, 0.06)) for thing in known for _ in range(3)]
    if not boxes:
        return [Coarse(thing, ()) for thing in things]
    asked = [Instance(i, classes.index(thing.name), 1.0, box) for i, (thing, box) in enumerate(boxes)]
    kept = detector.detect([Query(things[0].pixels(), 0.0, lambda _: asked)])[0].kept
    seen: dict[int, list[tuple[Box, NDArray[np.float32]]]] = {}
    for (thing, box), instance in zip(boxes, kept, strict=True):
        assert instance.mask is not None
        seen.setdefault(id(thing), []).append((box, instance.mask))
    return [Coarse(thing, seen.get(id(thing), ())) for thing in things]


def sample(coarse: Coarse, numbers: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A window for the refiner, (4, 192, 192), and its true alpha, (1, 192, 192), 0 to 1."""
    thing = coarse.thing
    truth = Image.fromarray(thing.mask().astype(np.uint8) * 255)
    if coarse.seen and numbers.random() < 0.7:
        box, mask = coarse.seen[int(numbers.integers(len(coarse.seen)))]
    else:
        box = _jittered(thing.box, numbers, 0.05)
        mask = _spoilt(truth, box, numbers)
    window = square(box, numbers.uniform(1.15, 1.5), numbers)
    photo = _shown(Image.fromarray(thing.pixels()), window)
    photo = ImageEnhance.Brightness(photo).enhance(numbers.uniform(0.75, 1.25))
    photo = ImageEnhance.Contrast(photo).enhance(numbers.uniform(0.75, 1.25))
    photo = ImageEnhance.Color(photo).enhance(numbers.uniform(0.5, 1.3))
    inside = probability(mask, box, window, (SIDE, SIDE))
    colours = np.asarray(photo, np.float32).transpose(2, 0, 1) / 127.5 - 1
    inputs = np.concatenate((colours, 2 * inside[None] - 1))
    alpha = np.asarray(_shown(truth, window), np.float32)[None] / 255
    if numbers.random() < 0.5:
        inputs, alpha = inputs[..., ::-1], alpha[..., ::-1]
    return np.ascontiguousarray(inputs), np.ascontiguousarray(alpha)


def square(box: Box, room: float, numbers: np.random.Generator | None = None) -> Box:
    """A window around a box, `room` times as large as its longer side, a little off centre."""
    side = max(box[2] - box[0], box[3] - box[1]) * room
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    if numbers is not None:
        x, y = x + numbers.uniform(-0.05, 0.05) * side, y + numbers.uniform(-0.05, 0.05) * side
    return x - side / 2, y - side / 2, x + side / 2, y + side / 2


def _shown(image: Image.Image, window: Box) -> Image.Image:
    """The window at `SIDE` px; black where it lies outside of the photo."""
    x0, y0, x1, y1 = (round(edge) for edge in window)
    return image.crop((x0, y0, x1, y1)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)


def _jittered(box: Box, numbers: np.random.Generator, share: float) -> Box:
    width, height = box[2] - box[0], box[3] - box[1]
    dx0, dy0, dx1, dy1 = numbers.normal(0, share / 2, 4).clip(-share, share)
    return box[0] + dx0 * width, box[1] + dy0 * height, box[2] + dx1 * width, box[3] + dy1 * height


def _spoilt(truth: Image.Image, box: Box, numbers: np.random.Generator) -> NDArray[np.float32]:
    """A mask of 28 x 28 cells as a network might have made it."""
    corners = tuple(round(edge) for edge in box)
    cells = truth.crop((corners[0], corners[1], max(corners[2], corners[0] + 1), max(corners[3], corners[1] + 1)))
    mask = np.asarray(cells.resize((CELLS, CELLS), Image.Resampling.BOX), np.float32) / 255
    mask = ndimage.gaussian_filter(mask, numbers.uniform(0.4, 1.6))
    waves = ndimage.gaussian_filter(numbers.normal(size=(CELLS, CELLS)), numbers.uniform(1.5, 4))
    waves *= numbers.uniform(0, 0.35) / max(waves.std(), 1e-6)
    lean = numbers.normal(0, 0.08)
    logits = (mask - 0.5 + waves * (0.25 + (np.abs(mask - 0.5) < 0.4)) + lean) * numbers.uniform(6, 14)
    spoilt: NDArray[np.float32] = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return spoilt


def batch(samples: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Stacked windows and alphas."""
    assert SIDE % STRIDE == 0
    inputs, alphas = zip(*samples, strict=True)
    return torch.from_numpy(np.stack(inputs)), torch.from_numpy(np.stack(alphas))
