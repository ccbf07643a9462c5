"""Edges that follow the photo, with the trained refiner."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import ROOT

from objectcut.edges import drawing, matte, refiner
from objectcut.edges.refine import refine
from objectcut.instance import Instance
from objectcut.network.fuse import fuse


@pytest.fixture(scope="module")
def trained() -> torch.nn.Module:
    return fuse(refiner.load(ROOT / "model_store" / "refiner.safetensors"), torch.float32, torch.device("cpu"))


def scene(scale: int):
    """An egg on a table: the photo, the egg's pixels and what a network might have made of it."""
    side = 200 * scale
    y, x = np.mgrid[:side, :side] / scale
    inside = ((x - 100) / 45) ** 2 + ((y - 105) / 60) ** 2 < 1
    numbers = np.random.default_rng(0)
    photo = np.where(inside[..., None], [205, 170, 130], [60, 80, 70]) + (y / 4)[..., None]
    photo = (photo + numbers.normal(0, 4, photo.shape)).clip(0, 255).astype(np.uint8)
    box = tuple(side * scale for side in (52.0, 42.0, 148.0, 168.0))
    rows, columns = np.mgrid[:28, :28] / 27 * 2 - 1
    mask = 1 / (1 + np.exp(8 * (columns**2 + rows**2 - 0.75 + 0.2 * np.sin(4 * columns + 3 * rows))))
    return photo, inside, Instance(0, 1, 0.9, box, mask.astype(np.float32))


def iou(ours, truth):
    return np.count_nonzero(ours & truth) / np.count_nonzero(ours | truth)


@pytest.mark.parametrize("scale", [1, 2, 8])
def test_the_edge_moves_to_where_the_photo_has_it(scale, trained):
    photo, inside, instance = scene(scale)
    side = len(photo)
    raw = matte.union([matte.paste(instance, side, side)], side, side)
    drawn = matte.union([drawing.draw(photo, instance, trained)], side, side)
    assert iou(drawn > 127, inside) > iou(raw > 127, inside)


@pytest.mark.parametrize(
    "box", [(-40.0, -30.0, 60.0, 90.0), (150.0, 150.0, 260.0, 240.0), (0.0, 0.0, 200.0, 3.0), (5.0, 5.0, 6.0, 6.0)]
)
def test_objects_at_the_border_and_thin_ones_stay_inside_of_the_photo(box, trained):
    photo, _, instance = scene(1)
    drawn = drawing.draw(photo, Instance(0, 1, 0.9, box, instance.mask), trained)
    rows, columns = drawn.alpha.shape
    assert drawn.x >= 0
    assert drawn.y >= 0
    assert drawn.x + columns <= 200
    assert drawn.y + rows <= 200


@pytest.mark.parametrize("scale", [1, 2, 8])
def test_an_object_that_goes_on_beyond_the_photo_reaches_its_border(scale, trained):
    photo, inside, instance = scene(scale)
    top, left = 90 * scale, 80 * scale  # through the egg
    box = tuple(side - cut for side, cut in zip(instance.box, (left, top) * 2, strict=True))
    box = (max(box[0], 0.0), max(box[1], 0.0), box[2], box[3])
    part, truth = np.ascontiguousarray(photo[top:, left:]), inside[top:, left:]
    height, width = truth.shape
    seen = Instance(0, 1, 0.9, box, np.ascontiguousarray(instance.mask[11:, 8:]))
    alpha = matte.union([drawing.draw(part, seen, trained)], width, height)
    middle = slice(4 * scale, 40 * scale)
    assert truth[0, middle].all()
    assert (alpha[0, middle] == 255).mean() > 0.95
    assert (alpha[middle, 0] == 255).mean() > 0.95


def test_objects_drawn_at_once_are_those_drawn_one_by_one(trained):
    photo, _, egg = scene(2)
    left, _, right, low = egg.box
    far = Instance(1, 1, 0.9, (10.0, 20.0, 120.0, 60.0), egg.mask)  # a picture of another shape
    cut = Instance(2, 1, 0.9, (left, egg.box[1] + 90, right, low), egg.mask)  # crosses its window
    alone, _ = refine(photo, [egg, far, cut], trained)
    together, _ = refine(photo, [egg, far, cut], trained, batched=True)
    assert np.abs(alone.astype(int) - together).max() <= 1


class Bright(torch.nn.Module):
    """Sees what is bright in the photo, whatever it is told of box and mask."""

    def forward(self, window: torch.Tensor) -> torch.Tensor:
        return torch.cat((8 * window[:, 1:2], torch.ones_like(window[:, :1])), 1)


def test_a_box_that_ends_too_early_still_gives_the_whole_object():
    photo = np.zeros((300, 300, 3), np.uint8)
    photo[100:200, 40:260] = 255
    short = Instance(0, 1, 0.9, (40.0, 95.0, 180.0, 205.0), np.ones((28, 28), np.float32))
    alpha = matte.union([drawing.draw(photo, short, Bright())], 300, 300)
    assert iou(alpha > 127, photo[..., 0] > 127) > 0.95


def test_an_object_that_fills_the_photo():
    photo = np.full((120, 90, 3), 255, np.uint8)
    whole = Instance(0, 1, 0.9, (0.0, 0.0, 90.0, 120.0), np.ones((28, 28), np.float32))
    assert (matte.union([drawing.draw(photo, whole, Bright())], 90, 120) == 255).all()


class Doubtful(torch.nn.Module):
    """Sees a disc with holes in it and islands beside it, small and large ones."""

    def forward(self, window: torch.Tensor) -> torch.Tensor:
        height, width = window.shape[2:]
        y, x = np.mgrid[:height, :width] / height * 256

        def disc(row, column, radius):
            return np.hypot(y - row, x - column) < radius

        seen = disc(128, 128, 80) & ~disc(100, 128, 3) & ~disc(150, 128, 20)
        seen |= disc(45, 45, 4) | disc(205, 205, 18) | disc(205, 50, 18)
        return torch.from_numpy(np.stack((np.where(seen, 4, -4), np.ones(seen.shape)))[None]).float()


def test_specks_are_no_part_of_an_object_but_its_parts_and_gaps_are():
    photo = np.zeros((256, 256, 3), np.uint8)
    mask = np.full((28, 28), 0.3, np.float32)  # doubts everything but the lower right
    mask[22:, 22:] = 0.55
    box = tuple(float(side) for side in (33, 33, 223, 223))
    alpha = matte.union([drawing.draw(photo, Instance(0, 1, 0.9, box, mask), Doubtful())], 256, 256)
    side = 190 * 1.3 / 256  # px of the photo that one px of the drawing is

    def at(row, column):
        corner = 128 - 128 * side
        return alpha[round(corner + row * side), round(corner + column * side)]

    assert at(128, 60) == 255
    assert at(100, 128) == 255  # a speck of doubt
    assert at(150, 128) == 0  # a gap
    assert at(45, 45) == 0  # a speck
    assert at(205, 205) == 255  # a part
    assert at(205, 50) == 0  # something else: the network's mask is not sure of it


def test_a_photo_of_one_pixel(trained):
    _, _, instance = scene(1)
    drawn = drawing.draw(
        np.zeros((1, 1, 3), np.uint8), Instance(0, 1, 0.9, (0.0, 0.0, 1.0, 1.0), instance.mask), trained
    )
    assert matte.union([drawn], 1, 1).shape == (1, 1)
