from __future__ import annotations

import numpy as np
import pytest
from conftest import solid
from pycocotools import mask as coco

from objectcut.edges import matte
from objectcut.edges.matte import Matte
from objectcut.instance import Instance
from objectcut.picture import rle

WIDTH, HEIGHT = 11, 7


def plane(mask: Matte, width: int, height: int) -> np.ndarray:
    return matte.union([mask], width, height) > 0


def assert_as_coco(mask: Matte, width: int, height: int) -> None:
    expected = coco.encode(np.asfortranarray(plane(mask, width, height), np.uint8))
    got = rle.encode(mask, width, height)
    assert got == {"size": [height, width], "counts": expected["counts"].decode()}
    np.testing.assert_array_equal(coco.decode(got), plane(mask, width, height))


MASKS = {
    "full": (0, 0, np.ones((HEIGHT, WIDTH))),
    "empty": (0, 0, np.zeros((HEIGHT, WIDTH))),
    "blank": (3, 2, np.zeros((2, 2))),
    "no size": (5, 3, np.zeros((0, 0))),
    "no width": (WIDTH, 0, np.zeros((HEIGHT, 0))),
    "top left": (0, 0, np.ones((1, 1))),
    "top right": (WIDTH - 1, 0, np.ones((1, 1))),
    "bottom left": (0, HEIGHT - 1, np.ones((1, 1))),
    "bottom right": (WIDTH - 1, HEIGHT - 1, np.ones((1, 1))),
    "one pixel": (4, 3, np.ones((1, 1))),
    "rows": (0, 2, np.ones((2, WIDTH))),
    "columns": (3, 0, np.ones((HEIGHT, 2))),
    "at the bottom": (2, 3, np.ones((HEIGHT - 3, 4))),
    "at the top": (2, 0, np.ones((3, 4))),
    "bottom meets top": (2, 0, [[1, 1, 0], *[[1, 0, 0]] * 5, [1, 0, 1]]),
    "chequered": (0, 0, np.indices((HEIGHT, WIDTH)).sum(axis=0) % 2),
}


@pytest.mark.parametrize("name", MASKS)
def test_edges(name):
    x, y, inside = MASKS[name]
    assert_as_coco(solid(x, y, np.array(inside, bool)), WIDTH, HEIGHT)


@pytest.mark.parametrize("density", [0.02, 0.3, 0.7, 0.98])
def test_random_masks_anywhere_in_the_photo(density):
    chance = np.random.default_rng(int(100 * density))
    for _ in range(100):
        height, width, rows, columns = chance.integers(1, 60, 4)
        y, x = chance.integers(0, height), chance.integers(0, width)
        inside = chance.random((min(rows, height - y), min(columns, width - x))) < density
        assert_as_coco(solid(int(x), int(y), inside), int(width), int(height))


def test_runs_longer_than_one_letter():
    assert_as_coco(solid(700, 300, np.ones((400, 900), bool)), 4000, 3000)


@pytest.mark.parametrize(
    "box", [(-20.0, -10.0, 30.0, 25.0), (30.0, 20.0, 90.0, 70.0), (-9.0, -9.0, 99.0, 99.0), (60.5, 10, 60.5, 30)]
)
def test_a_box_partly_outside_the_photo(box):
    mask = matte.paste(Instance(0, 1, 0.9, box, np.ones((28, 28), np.float32)), 64, 48)
    assert_as_coco(mask, 64, 48)
