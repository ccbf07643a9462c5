"""What the refiner learns from: windows of photos with a coarse mask and the true one.

The coarse mask is what the bundled model finds of the object, or says for its true box, jittered, with or without its
name. Now and then the true mask is degraded instead: blurred to 28 x 28 cells, grown or shrunk here and there, with
whole parts lost, surroundings taken in, holes filled and the box cut short. Some windows are composites, whose soft
edges are known, some of them before a plain wall. Beyond the photo's border goes on what lies at it, as the refiner
sees it in use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter
from scipy import ndimage
from torchvision.ops import box_iou

from objectcut.edges.matte import bounding_box, box_plane, nearest_inside, probability
from objectcut.edges.refiner import STRIDE
from objectcut.instance import UNNAMED, Instance, Query
from objectcut.network.detector import Detector
from training.annotations import Annotation
from training.composites import KINDS, compose

CELLS = 28
SIDE = 224
"""Of the windows, px."""
_ROOM, _KEPT = 1.8, 360  # of a view: times the box's longer side, and px at most
_BORDER = 2  # px of photos beside their border, where masks drawn by hand end too early
_COMPOSITES = 0.25  # share of the windows
_PLAIN = 0.4  # share of the composites that lie before a plain wall
_FOUND_SCORE, _SAME = 0.3, 0.5  # of a detection, and IoU from which it is one of a true box
_LOST, _TAKEN, _FILLED, _CUT_SHORT = 0.35, 0.2, 0.2, 0.25  # shares of the degraded masks
Box = tuple[float, float, float, float]
Plane = NDArray[np.float32]
Seen = list[tuple[Box, torch.Tensor]]
"""Boxes and (28, 28) float16 masks of the network for one thing."""


@dataclass(frozen=True, eq=False)
class View:
    """A thing and its surroundings, ready to be learnt from.

    Attributes:
        photo: RGB.
        truth: L, of the same size, 255 on the thing.
        bounds: of the photo, px of the view.
        box: of the thing, likewise.
        seen: boxes and (28, 28) masks of the network for them; empty when it finds nothing there.
    """

    photo: Image.Image
    truth: Image.Image
    bounds: Box
    box: Box
    seen: Sequence[tuple[Box, NDArray[np.float32]]]


def look(
    pixels: NDArray[np.uint8], things: Sequence[Annotation], detector: Detector, rng: np.random.Generator
) -> list[Seen]:
    """Return what the network finds of each thing of a photo, and says for jittered boxes of it.

    A box is asked for as a request does: by its class, where the network knows it, and without a name.

    Args:
        pixels: (H, W, 3) uint8, the photo.
        things: of the photo.
        detector: the network.
        rng: source of randomness.
    """
    classes = detector.card.classes
    bounds = 0.0, 0.0, float(pixels.shape[1]), float(pixels.shape[0])
    labels = [(thing, label) for thing in things for label in (_label(thing, classes), UNNAMED)]
    boxes = [(thing, label, _inside(_jittered(thing.box, rng, 0.06), bounds)) for thing, label in labels]
    asked = [Instance(i, label, 1.0, box) for i, (_, label, box) in enumerate(boxes)]
    kept = detector.detect([Query(pixels, _FOUND_SCORE, lambda found: [*asked, *found])])[0].kept
    owners = [thing for thing, _ in labels] + [_owner(instance, things) for instance in kept[len(boxes) :]]
    seen: dict[int, Seen] = {id(thing): [] for thing in things}
    for thing, instance in zip(owners, kept, strict=True):
        assert instance.mask is not None
        if thing is not None:
            x0, y0, x1, y1 = map(float, instance.box)
            seen[id(thing)].append(((x0, y0, x1, y1), torch.from_numpy(instance.mask).half()))
    return [seen[id(thing)] for thing in things]


def _label(thing: Annotation, classes: Sequence[str]) -> int:
    return classes.index(thing.name) if thing.name in classes else UNNAMED


def _owner(instance: Instance, things: Sequence[Annotation]) -> Annotation | None:
    """Return the thing that a detection shows."""
    overlaps = box_iou(torch.tensor([instance.box]), torch.tensor([thing.box for thing in things]))[0]
    best = int(overlaps.argmax())
    return things[best] if overlaps[best] >= _SAME else None


def view(pixels: NDArray[np.uint8], thing: Annotation, seen: Seen, shrink: int) -> View:
    """Return a thing with its surroundings.

    Args:
        pixels: (H, W, 3) uint8, the photo.
        thing: what it shows.
        seen: what the network says of it.
        shrink: px by which the true mask is too wide.
    """
    x0, y0, x1, y1 = map(round, square(thing.box, _ROOM))
    scale = min(1.0, _KEPT / (x1 - x0))
    size = round((x1 - x0) * scale), round((y1 - y0) * scale)
    truth = thing.mask()
    if shrink:
        truth = ndimage.binary_erosion(truth, iterations=shrink, border_value=1)
    height, width = truth.shape
    within = _BORDER, _BORDER, width - _BORDER, height - _BORDER
    rows, columns = nearest_inside((x1 - x0, y1 - y0), (x0, y0, x1, y1), within)
    # From places in the window to places in the photo.
    rows, columns = (rows + y0).clip(0, height - 1), (columns + x0).clip(0, width - 1)

    def resized(plane: NDArray[np.uint8]) -> Image.Image:
        part = Image.fromarray(plane[rows[:, None], columns])
        return part.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)

    shown, inside = resized(pixels), resized(truth.astype(np.uint8) * 255)

    def moved(box: Box) -> Box:
        return (box[0] - x0) * scale, (box[1] - y0) * scale, (box[2] - x0) * scale, (box[3] - y0) * scale

    bounds = moved((0, 0, width, height))
    return View(shown, inside, bounds, moved(thing.box), [(moved(box), mask.float().numpy()) for box, mask in seen])


def sample(view: View, other: View, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a window for the refiner, (5, 224, 224), and its true alpha, (1, 224, 224), 0 to 1.

    Args:
        view: of the thing.
        other: what may be laid behind it.
        rng: source of randomness.
    """
    if rng.random() < _COMPOSITES:
        photo, alpha, inside, boxed = _composite(view, other, rng)
    else:
        if view.seen and rng.random() < 0.75:
            box, mask = view.seen[int(rng.integers(len(view.seen)))]
        else:
            box = _inside(_cut_short(_jittered(view.box, rng, 0.05), rng), view.bounds)
            mask = degraded_mask(view.truth, box, rng)
        window = square(box, rng.uniform(1.15, 1.5), rng)
        photo = _shown(view.photo, window)
        alpha = np.asarray(_shown(view.truth, window), np.float32) * np.float32(1 / 255)
        rows, columns = nearest_inside((SIDE, SIDE), window, view.bounds)
        inside, boxed = (
            plane[rows[:, None], columns]
            for plane in (probability(mask, box, window, (SIDE, SIDE)), box_plane(box, window, (SIDE, SIDE)))
        )
    if rng.random() < 0.5:
        angle = rng.uniform(-15, 15)
        photo = photo.rotate(angle, Image.Resampling.BILINEAR)
        alpha, inside, boxed = (
            np.asarray(Image.fromarray(plane).rotate(angle, Image.Resampling.BILINEAR))
            for plane in (alpha, inside, boxed)
        )
    colours = _altered(photo, rng).transpose(2, 0, 1) * np.float32(1 / 127.5) - 1
    inputs, target = np.concatenate((colours, 2 * inside[None] - 1, 2 * boxed[None] - 1)), alpha[None]
    if rng.random() < 0.5:
        inputs, target = inputs[..., ::-1], target[..., ::-1]
    return np.ascontiguousarray(inputs), np.ascontiguousarray(target)


def _altered(photo: Image.Image, rng: np.random.Generator) -> NDArray[np.float32]:
    """(H, W, 3), 0 to 255: the photo in other light, through another lens, by another sensor."""
    photo = ImageEnhance.Brightness(photo).enhance(rng.uniform(0.7, 1.3))
    photo = ImageEnhance.Contrast(photo).enhance(rng.uniform(0.7, 1.3))
    photo = ImageEnhance.Color(photo).enhance(rng.choice((0.0, rng.uniform(0.5, 1.4)), p=(0.1, 0.9)))
    if rng.random() < 0.2:
        photo = photo.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.2)))
    colours = np.asarray(photo, np.float32) * rng.uniform(0.88, 1.12, 3).astype(np.float32)
    if rng.random() < 0.25:
        colours += rng.normal(0, rng.uniform(2, 10), colours.shape).astype(np.float32)
    return colours.clip(0, 255)


def _composite(view: View, other: View, rng: np.random.Generator) -> tuple[Image.Image, Plane, Plane, Plane]:
    """Return a window, its alpha, the mask that a network might see in it, and the box."""
    kind = (*KINDS, None)[int(rng.integers(len(KINDS) + 1))]
    window = square(view.box, rng.uniform(1.15, 1.6), rng)
    behind = _wall(rng) if rng.random() < _PLAIN else other.photo.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    made = compose(kind, _shown(view.photo, window), _shown(view.truth, window), behind, rng)
    tight = bounding_box(made.alpha > 0.3) or (0, 0, SIDE, SIDE)
    box = (float(tight[0]), float(tight[1]), float(tight[2]), float(tight[3]))
    box = _cut_short(_jittered(box, rng, 0.05), rng)
    mask = degraded_mask(Image.fromarray((made.alpha * 255).astype(np.uint8)), box, rng)
    whole, size = (0, 0, SIDE, SIDE), (SIDE, SIDE)
    inside, boxed = probability(mask, box, whole, size), box_plane(box, whole, size)
    return Image.fromarray(made.pixels), made.alpha, inside, boxed


def _wall(rng: np.random.Generator) -> Image.Image:
    """Return a plain background: one colour, often near white, a little darker towards one side."""
    colour = rng.uniform(225, 255) * np.ones(3) if rng.random() < 0.4 else rng.uniform(0, 255, 3)
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 + rng.uniform(0, 0.3) * (rows * np.sin(angle) + columns * np.cos(angle))
    noise = rng.normal(0, rng.uniform(0, 3), (SIDE, SIDE, 3))
    return Image.fromarray((colour * light[..., None] + noise).clip(0, 255).astype(np.uint8))


def square(box: Box, room: float, rng: np.random.Generator | None = None) -> Box:
    """Return a window around a box, `room` times as large as its longer side, a little off centre."""
    side = max(box[2] - box[0], box[3] - box[1]) * room
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    if rng is not None:
        x, y = x + rng.uniform(-0.05, 0.05) * side, y + rng.uniform(-0.05, 0.05) * side
    return x - side / 2, y - side / 2, x + side / 2, y + side / 2


def _shown(image: Image.Image, window: Box) -> Image.Image:
    """Return the window at `SIDE` px."""
    x0, y0, x1, y1 = map(round, window)
    return image.crop((x0, y0, x1, y1)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)


def _jittered(box: Box, rng: np.random.Generator, share: float) -> Box:
    width, height = box[2] - box[0], box[3] - box[1]
    dx0, dy0, dx1, dy1 = rng.normal(0, share / 2, 4).clip(-share, share)
    return box[0] + dx0 * width, box[1] + dy0 * height, box[2] + dx1 * width, box[3] + dy1 * height


def _cut_short(box: Box, rng: np.random.Generator) -> Box:
    """Return the box, now and then without up to a quarter of it at one side."""
    sides = list(box)
    if rng.random() < _CUT_SHORT:
        side = int(rng.integers(4))
        sides[side] += rng.uniform(0.05, 0.25) * (sides[(side + 2) % 4] - sides[side])
    return sides[0], sides[1], sides[2], sides[3]


def _inside(box: Box, bounds: Box) -> Box:
    x0, y0, x1, y1 = bounds
    return max(box[0], x0), max(box[1], y0), min(box[2], x1), min(box[3], y1)


def degraded_mask(truth: Image.Image, box: Box, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a mask of 28 x 28 cells of the box as a network might have made it of an L image, 255 on the object."""
    corners = tuple(round(edge) for edge in box)
    cells = truth.crop((corners[0], corners[1], max(corners[2], corners[0] + 1), max(corners[3], corners[1] + 1)))
    mask: Plane = np.asarray(cells.resize((CELLS, CELLS), Image.Resampling.BOX), np.float32) * np.float32(1 / 255)
    mask = _with_wrong_parts(mask, rng)
    mask = ndimage.gaussian_filter(mask, rng.uniform(0.4, 1.6))
    waves = ndimage.gaussian_filter(rng.normal(size=(CELLS, CELLS)), rng.uniform(1.5, 4))
    waves *= rng.uniform(0, 0.35) / max(waves.std(), 1e-6)
    lean = rng.normal(0, 0.08)
    logits = (mask - 0.5 + waves * (0.25 + (np.abs(mask - 0.5) < 0.4)) + lean) * rng.uniform(6, 14)
    wrong: NDArray[np.float32] = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return wrong


def _with_wrong_parts(mask: Plane, rng: np.random.Generator) -> Plane:
    """Return the cells without some part of the object, with some of its surroundings, or without its holes."""
    rows, columns = np.mgrid[:CELLS, :CELLS]

    def ellipse(inside: NDArray[np.bool_], largest: float) -> NDArray[np.bool_]:
        """One around a random cell of those inside."""
        places = np.argwhere(inside)
        if not len(places):
            return inside
        row, column = places[rng.integers(len(places))]
        radii = rng.uniform(2, largest, 2)
        return np.asarray(((rows - row) / radii[0]) ** 2 + ((columns - column) / radii[1]) ** 2 < 1)

    if rng.random() < _FILLED:
        mask = np.maximum(mask, ndimage.binary_fill_holes(mask > 0.5).astype(np.float32))
    if rng.random() < _LOST:
        if rng.random() < 0.5:
            lost = ellipse(mask > 0.5, 9)
        else:  # all beyond a line
            angle, place = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 0.95)
            along = (rows - CELLS / 2) * np.sin(angle) + (columns - CELLS / 2) * np.cos(angle)
            inside = along[mask > 0.5]
            lost = along > (np.quantile(inside, place) if inside.size else CELLS)
        mask = np.where(lost, mask * np.float32(rng.uniform(0, 0.4)), mask)
    if rng.random() < _TAKEN:
        mask = np.maximum(mask, ellipse(mask < 0.5, 7) * np.float32(rng.uniform(0.6, 1)))
    return mask


def batch(samples: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Stacked windows and alphas."""
    assert SIDE % STRIDE == 0
    inputs, alphas = zip(*samples, strict=True)
    return torch.from_numpy(np.stack(inputs)), torch.from_numpy(np.stack(alphas))
