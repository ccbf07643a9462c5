"""From a coarse mask to an alpha whose edge follows the photo, at the photo's resolution.

The refiner draws the edge in a small picture of the object's surroundings, `guided` carries it to the photo's pixels.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from torch import nn

from objectcut.edges import refiner as refiners
from objectcut.edges.coloursampling import resolved
from objectcut.edges.guided import enlarge
from objectcut.edges.matte import Matte, box_plane, nearest_inside, probability
from objectcut.edges.refiner import STRIDE
from objectcut.instance import Box, Instance

_ROOM = 0.15  # of the box's longer side, on each side: how far beyond the box an object may reach
_FURTHER, _CROSSING = 0.3, 0.04  # shares of a side: of more room, and that the object must cross to get it
_AREA = 256 * 256  # px of the small picture
_SAMPLES = 2  # of the photo, along a side of a small px
_BORDER = 1  # small px beside the photo's border, where nothing but the object beside them is believed
_DOUBTED, _BELIEVED = 0.35, 0.6  # probabilities of the coarse mask deep inside of it, between which trust in it grows
_STRICTER = 0.2  # taken off the refiner's logits: a strip of background disturbs more than a missing hair
_FIRMER = 1.5  # the edges of photos are harder than those of the composites that taught the refiner softness
_ISLAND, _HOLE = 0.02, 0.01  # shares of the object; smaller ones are doubt, not parts of it or gaps in it
_SURE_OF = 0.5  # mean probability of the coarse mask in a part that does not touch the object's largest one
_AT_ONCE = 32  # pictures in a batch
_RIM = 7  # small px across: of the square around each pixel of a speck, which takes its soft rim along
Plane = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Sketch:
    """An object as the refiner draws it, in a small picture of its surroundings.

    Attributes:
        window: what the picture shows, px of the photo.
        small: (h, w, 3) float32, 0 to 1; beyond the photo's border goes on what lies at it.
        alpha: (h, w) float32, 0 to 1.
        hardness: (h, w) float32, 0 to 1, 1 where the edge is a hard one.
    """

    window: Box
    small: Plane
    alpha: Plane
    hardness: Plane


def draw(pixels: NDArray[np.uint8], instance: Instance, refiner: nn.Module) -> Matte:
    """Return the refined alpha of an instance that has a mask.

    Args:
        pixels: (H, W, 3) uint8, sRGB, the whole photo.
        instance: with its mask.
        refiner: as `refiner.load` gives it.
    """
    (drawn,) = sketch(pixels, [instance], refiner)
    return enlarged(drawn, pixels)


def sketch(pixels: NDArray[np.uint8], instances: Sequence[Instance], refiner: nn.Module) -> list[Sketch]:
    """Draw instances that have masks, as many at once as have pictures of one shape.

    Args:
        pixels: (H, W, 3) uint8, sRGB, the whole photo.
        instances: with their masks.
        refiner: on any device, in any precision.
    """
    photo = 0, 0, pixels.shape[1], pixels.shape[0]
    drafts = _drafts(pixels, instances, [_window(instance.box) for instance in instances], refiner)
    wider = [_wider(each.window, each.alpha, photo) for each in drafts]
    crossed = [place for place, each in enumerate(drafts) if wider[place] != each.window]
    again = _drafts(pixels, [instances[place] for place in crossed], [wider[place] for place in crossed], refiner)
    for place, each in zip(crossed, again, strict=True):
        drafts[place] = each
    return [
        replace(each, alpha=_decided(each, instance, pixels)) for each, instance in zip(drafts, instances, strict=True)
    ]


def enlarged(sketch: Sketch, pixels: NDArray[np.uint8]) -> Matte:
    """Return the alpha of a sketch at the resolution of its photo, (H, W, 3) uint8."""
    # The network's box often ends a little before the border, and so does what the refiner draws.
    photo = 0, 0, pixels.shape[1], pixels.shape[0]
    rows, columns = nearest_inside(_small_size(sketch.window), sketch.window, photo, _BORDER)
    alpha = sketch.alpha[rows[:, None], columns]
    return Matte(*enlarge(alpha, sketch.hardness, sketch.small, pixels, sketch.window))


def _drafts(
    pixels: NDArray[np.uint8], instances: Sequence[Instance], windows: Sequence[Box], refiner: nn.Module
) -> list[Sketch]:
    """Return what the refiner draws, before colours decide where it is in doubt."""
    views = [_view(pixels, instance, window) for instance, window in zip(instances, windows, strict=True)]
    drafts: dict[int, Sketch] = {}
    for places in _batches([view.shape for view in views]):
        alphas, hardness = _drawn(np.stack([views[place] for place in places]), refiner)
        for place, alpha, hard in zip(places, alphas, hardness, strict=True):
            core = _on_small(_core(instances[place], pixels), instances[place], windows[place], pixels)
            drafts[place] = Sketch(windows[place], views[place][..., :3], np.maximum(alpha, core), hard)
    return [drafts[place] for place in range(len(views))]


def _decided(draft: Sketch, instance: Instance, pixels: NDArray[np.uint8]) -> Plane:
    """Return the alpha of a draft where colours decide what is in doubt, tidied."""
    alpha = resolved(draft.alpha, draft.hardness, draft.small, _inside(draft.window, pixels))
    assert instance.mask is not None
    return _tidied(alpha, _on_small(instance.mask, instance, draft.window, pixels))


def _batches(shapes: Sequence[tuple[int, ...]]) -> Iterator[list[int]]:
    """Return the places of the pictures that are drawn at once: of one shape, and not too many."""
    alike: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, shape in enumerate(shapes):
        alike[shape].append(place)
    for places in alike.values():
        for start in range(0, len(places), _AT_ONCE):
            yield places[start : start + _AT_ONCE]


def _view(pixels: NDArray[np.uint8], instance: Instance, window: Box) -> Plane:
    """Return what the refiner sees of a window, (h, w, 5), 0 to 1: colours, coarse mask and box."""
    assert instance.mask is not None
    size = _small_size(window)
    view = np.empty((size[1], size[0], 5), np.float32)
    view[..., :3] = _beyond(_small_picture(pixels, window, size), window, pixels)
    view[..., 3] = _on_small(instance.mask, instance, window, pixels)
    view[..., 4] = _beyond(box_plane(instance.box, window, size), window, pixels)
    return view


def _on_small(mask: Plane, instance: Instance, window: Box, pixels: NDArray[np.uint8]) -> Plane:
    """Return a mask of the instance's box in the small picture of a window."""
    return _beyond(probability(mask, instance.box, window, _small_size(window)), window, pixels)


def _beyond(plane: Plane, window: Box, pixels: NDArray[np.uint8]) -> Plane:
    """Return a small picture in which what lies at the photo's border goes on beyond it.

    Black there would be an edge to the refiner.
    """
    photo = 0, 0, pixels.shape[1], pixels.shape[0]
    for axis, places in enumerate(nearest_inside(_small_size(window), window, photo)):
        if places[0] or places[-1] < len(places) - 1:
            plane = plane.take(places, axis)
    return plane


def _inside(window: Box, pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which places of a window's small picture lie in the photo."""
    return box_plane((0, 0, pixels.shape[1], pixels.shape[0]), window, _small_size(window)) > 0.5


def _wider(window: Box, alpha: Plane, photo: Box) -> Box:
    """Return the window, enlarged on each side that the object crosses: some boxes end too early."""
    width, height = window[2] - window[0], window[3] - window[1]
    at_sides = alpha[:, 0], alpha[0], alpha[:, -1], alpha[-1]
    sides = []
    for place, (side, line) in enumerate(zip(window, at_sides, strict=True)):
        more = math.ceil(_FURTHER * (width, height)[place % 2]) if (line > 0.5).sum() > _CROSSING * len(line) else 0
        moved = side - more if place < 2 else side + more
        beyond = side <= photo[place] if place < 2 else side >= photo[place]  # there is nothing more to see
        sides.append(side if beyond else moved)
    return sides[0], sides[1], sides[2], sides[3]


def _drawn(views: Plane, refiner: nn.Module) -> tuple[Plane, Plane]:
    """Alpha and hardness of small pictures with their coarse masks and boxes; (B, h, w, 5) to (B, h, w) each."""
    own = next(refiner.parameters(), torch.empty(0))  # where it runs, and in which precision
    with torch.inference_mode():
        inputs = torch.from_numpy(2 * views - 1).to(own.device, own.dtype).permute(0, 3, 1, 2)
        drawn = refiner(inputs).float()
        drawn += torch.tensor((-_STRICTER, _FIRMER), device=drawn.device).view(1, 2, 1, 1)
        alpha, hardness = refiners.alpha(drawn)
    return alpha[:, 0].cpu().numpy(), hardness[:, 0].cpu().numpy()


def _window(box: tuple[float, float, float, float]) -> Box:
    room = _ROOM * max(box[2] - box[0], box[3] - box[1]) + 1
    x0, y0, x1, y1 = box
    return math.floor(x0 - room), math.floor(y0 - room), math.ceil(x1 + room), math.ceil(y1 + room)


def _small_size(window: Box) -> tuple[int, int]:
    """Width and height of the small picture: the window's shape, multiples of the refiner's stride."""
    width, height = window[2] - window[0], window[3] - window[1]
    scale = math.sqrt(_AREA / (width * height))
    return max(2, round(width * scale / STRIDE)) * STRIDE, max(2, round(height * scale / STRIDE)) * STRIDE


def _core(instance: Instance, pixels: NDArray[np.uint8]) -> Plane:
    """Return what lies so deep inside of the coarse mask that it is not the refiner's to take away, (28, 28), 0 to 1.

    An object ends where its box does, but not where it goes on beyond the photo.
    """
    mask, box, photo = instance.mask, instance.box, (0, 0, pixels.shape[1], pixels.shape[0])
    assert mask is not None
    padded = np.pad(mask, 1, mode="edge")
    cell = (box[2] - box[0]) / mask.shape[1], (box[3] - box[1]) / mask.shape[0]
    for axis, rows in ((0, padded.T), (1, padded)):
        if box[axis] > photo[axis] + cell[axis]:
            rows[0] = 0
        if box[axis + 2] < photo[axis + 2] - cell[axis]:
            rows[-1] = 0
    lowest: Plane = ndimage.minimum_filter(padded, 3)[1:-1, 1:-1]
    return ((lowest - _DOUBTED) / (_BELIEVED - _DOUBTED)).clip(0, 1)


def _tidied(alpha: Plane, coarse: Plane) -> Plane:
    """Remove small islands, islands that the coarse mask is unsure of, and small holes."""
    inside = alpha > 0.5
    area = np.count_nonzero(inside)
    parts, count = ndimage.label(inside)
    areas = np.bincount(parts.ravel(), minlength=count + 1)
    sums = np.bincount(parts.ravel(), coarse.ravel(), count + 1)
    areas[0] = 0
    wrong = (areas < _ISLAND * area) | (sums < _SURE_OF * areas)
    wrong[0] = wrong[areas.argmax()] = False
    islands = _with_rim(wrong[parts], inside)
    gaps, _ = ndimage.label(np.pad(~inside, 1, constant_values=True))  # one around, however the object divides it
    small = np.bincount(gaps.ravel()) < _HOLE * area
    small[0] = False
    holes = _with_rim(small[gaps][1:-1, 1:-1], ~inside)
    tidied: Plane = np.where(holes, np.float32(1), np.where(islands, np.float32(0), alpha))
    return tidied


def _with_rim(specks: NDArray[np.bool_], plane: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return some parts of a plane with their rims, but nothing of its other parts."""
    if not specks.any():
        return specks
    near = ndimage.maximum_filter(specks, _RIM) & (specks | ~plane)
    return np.asarray(near, bool)


def _small_picture(pixels: NDArray[np.uint8], window: Box, size: tuple[int, int]) -> Plane:
    """(h, w, 3) float32, 0 to 1, of the window; black outside of the photo."""
    x0, y0, x1, y1 = window
    height, width = pixels.shape[:2]
    # Of a fine photo some pixels stand for all: reading every one would take longer than all that follows.
    step = max(1, int(min((x1 - x0) / size[0], (y1 - y0) / size[1]) / _SAMPLES))
    columns, rows = np.arange(x0 + step // 2, x1, step), np.arange(y0 + step // 2, y1, step)
    taken = np.zeros((len(rows), len(columns), 3), np.uint8)
    top, bottom = np.searchsorted(rows, (0, height))
    left, right = np.searchsorted(columns, (0, width))
    if top < bottom and left < right:
        taken[top:bottom, left:right] = pixels[
            rows[top] : rows[bottom - 1] + 1 : step, columns[left] : columns[right - 1] + 1 : step
        ]
    box = 0, 0, min((x1 - x0) / step, len(columns)), min((y1 - y0) / step, len(rows))
    resized = Image.fromarray(taken).resize(size, Image.Resampling.BILINEAR, box)
    small: Plane = np.asarray(resized, np.float32) * np.float32(1 / 255)
    return small
