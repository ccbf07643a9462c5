from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import solid
from torchvision.models.detection.roi_heads import paste_masks_in_image

from objectcut.edges import matte
from objectcut.edges.matte import Found, Matte, glance, paste
from objectcut.instance import Instance

WIDTH, HEIGHT = 90, 60


def blob(seed: int) -> np.ndarray:
    """(28, 28) probabilities of a smooth shape, as a mask head gives them."""
    chance = np.random.default_rng(seed)
    y, x = np.mgrid[:28, :28]
    cy, cx, radius = chance.uniform(8, 20, 3)
    return (1 / (1 + np.exp(np.hypot(y - cy, x - cx) - radius))).astype(np.float32)


@pytest.mark.parametrize(
    "box",
    [
        (10.0, 5.0, 70.0, 50.0),
        (10.4, 5.6, 70.3, 50.9),
        (0.0, 0.0, 90.0, 60.0),
        (-12.0, -7.5, 40.0, 30.0),
        (60.0, 30.0, 120.0, 90.0),
        (20.0, 20.0, 20.6, 20.6),
        (30.0, 5.0, 33.0, 55.0),
        (-0.4, -0.4, 0.3, 0.3),
        (89.2, 59.2, 90.0, 60.0),
    ],
)
def test_pastes_as_torchvision_does(box):
    for seed in range(3):
        mask = matte.paste(Instance(0, 1, 0.9, box, blob(seed)), WIDTH, HEIGHT)
        pasted = paste_masks_in_image(torch.from_numpy(blob(seed))[None, None], torch.tensor([box]), (HEIGHT, WIDTH))
        np.testing.assert_array_equal(matte.union([mask], WIDTH, HEIGHT) > 0, pasted[0, 0].numpy() > 0.5)


def test_a_mask_is_no_larger_than_its_box_and_never_leaves_the_photo():
    mask = matte.paste(Instance(0, 1, 0.9, (50.0, 20.0, 130.0, 40.0), blob(0)), WIDTH, HEIGHT)
    assert mask.inside.shape[0] < 24
    assert mask.x + mask.inside.shape[1] == WIDTH


def test_area_and_box_are_those_of_the_pixels():
    inside = np.zeros((5, 6), bool)
    inside[1:3, 2] = inside[2, 2:5] = True
    mask = solid(10, 20, inside)
    assert mask.area == 4
    assert mask.box == (12, 21, 15, 23)


@pytest.mark.parametrize(
    ("x", "y", "covered"),
    [
        (10, 20, True),
        (12.9, 21.9, True),
        (13, 20, False),
        (10, 22, False),
        (9.9, 20, False),
        (10, 19.5, False),
        (1e300, -1e300, False),
    ],
)
def test_which_points_a_mask_covers(x, y, covered):
    assert solid(10, 20, np.ones((2, 3), bool)).covers(x, y) is covered


def test_a_point_just_outside_the_photo_is_not_its_first_pixel():
    corner = solid(0, 0, np.ones((2, 2), bool))
    assert not corner.covers(-0.5, 0.5)
    assert not corner.covers(0.5, -0.5)


def test_a_box_seen_through_a_window():
    plane = matte.box_plane((2, 4, 10, 8), (0, 0, 12, 12), (6, 3))
    assert plane.tolist() == [[0] * 6, [0, 1, 1, 1, 1, 0], [0] * 6]


def test_the_union_of_overlapping_masks():
    alpha = matte.union([solid(0, 0, np.ones((2, 3), bool)), solid(2, 1, np.array([[1, 0], [0, 1]], bool))], 5, 4)
    assert alpha.dtype == np.uint8
    assert (alpha // 255).tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]]
    assert not matte.union([], 5, 4).any()


@pytest.mark.parametrize(
    ("one", "other", "union", "highest"),
    [(100, 155, 255, 155), (100, 100, 200, 100), (100, 200, 255, 200), (0, 7, 7, 7), (255, 255, 255, 255)],
)
def test_soft_edges_of_different_things_add_up_and_those_of_one_do_not(one, other, union, highest):
    mattes = [Matte(0, 0, np.full((4, 4), one, np.uint8)), Matte(2, 3, np.full((4, 4), other, np.uint8))]
    together = matte.union(mattes, 8, 9)
    assert (together[0, 0], together[3, 3], together[6, 5], together[8, 7]) == (one, union, other, 0)
    thing = matte.highest(mattes)
    assert (thing.x, thing.y, thing.alpha.shape) == (0, 0, (7, 6))
    assert (thing.alpha[0, 0], thing.alpha[3, 3], thing.alpha[6, 5], thing.alpha[6, 0]) == (one, highest, other, 0)


@pytest.mark.parametrize(
    ("pixels", "box"),
    [
        ([], None),
        ([(0, 0)], (0, 0, 1, 1)),
        ([(3, 5)], (5, 3, 6, 4)),
        ([(1, 4), (2, 2)], (2, 1, 5, 3)),
        ([(0, 5), (3, 0)], (0, 0, 6, 4)),
    ],
)
def test_bounding_box(pixels, box):
    plane = np.zeros((4, 6), np.uint8)
    for pixel in pixels:
        plane[pixel] = 1
    assert matte.bounding_box(plane) == box


@pytest.mark.parametrize(
    "box", [(100.0, 200.0, 3100.0, 2900.0), (-20.0, 1000.0, 900.0, 3020.0), (5.0, 5.0, 60.0, 80.0)]
)
def test_a_glance_tells_what_the_whole_mask_does(box: tuple[float, float, float, float]):
    rows, columns = np.mgrid[:28, :28]
    blob = ((rows - 12) ** 2 + (columns - 15) ** 2 < 90).astype(np.float32)
    instance = Instance(0, 1, 0.9, box, blob)
    whole, seen = Found(instance, paste(instance, 4000, 3000)), glance(instance, 4000, 3000)
    assert seen.matte.alpha.size < 80_000
    assert seen.area == pytest.approx(whole.area, rel=0.02)
    x0, y0, x1, y1 = box
    for across, down in ((0.54, 0.43), (0.54, 0.7), (0.1, 0.1), (0.95, 0.5)):
        point = x0 + across * (x1 - x0), y0 + down * (y1 - y0)
        assert seen.covers(*point) == whole.covers(*point), point
