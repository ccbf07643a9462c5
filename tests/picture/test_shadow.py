from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from scipy import ndimage

from objectcut.picture import shadow
from objectcut.picture.plane import take
from objectcut.picture.shadow import thrown


def ellipse(width: int, height: int, room: int = 0) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    y, x = np.mgrid[: height + 2 * room, : width + 2 * room]
    across, down = (x - room - width / 2 + 0.5) / (width / 2), (y - room - height / 2 + 0.5) / (height / 2)
    alpha = ((across**2 + down**2) <= 1).astype(np.uint8) * 255
    return alpha, (room, room, room + width, room + height)


def seen(made: shadow.Shadow, box: tuple[int, int, int, int]) -> np.ndarray:
    picture = np.asarray(made.picture(box))
    assert not picture[..., :3].any()
    return picture[..., 3].astype(float)


@pytest.mark.parametrize("size", [(40, 30), (300, 500), (1600, 900)])
def test_a_drop_shadow_is_a_gaussian_blur_moved_aside(size):
    alpha, box = ellipse(*size, room=200)
    length, whole = max(size), (0, 0, alpha.shape[1], alpha.shape[0])
    made = seen(thrown("drop", partial(take, alpha), box), whole)
    moved = ndimage.shift(alpha.astype(float), (round(0.03 * length), round(0.012 * length)), order=0)
    np.testing.assert_allclose(made, 0.45 * ndimage.gaussian_filter(moved, 0.025 * length), atol=5)
    assert made.sum() == pytest.approx(0.45 * alpha.sum(dtype=float), rel=0.03)


def test_a_contact_shadow_lies_on_the_ground_below_the_lowest_part():
    alpha, _ = ellipse(400, 600, room=100)
    alpha[100:400, 50:400] = 255  # what stands out above throws none
    made = seen(thrown("contact", partial(take, alpha), (50, 100, 500, 700)), (0, 0, 600, 800))
    rows, columns = np.nonzero(made > 10)
    assert 640 < rows.min() < 690
    assert 700 < rows.max() < 740
    assert columns.min() > 100
    assert made[:, 300].argmax() in range(660, 702)
    assert 60 < made.max() < 0.7 * 255 + 1


@pytest.mark.parametrize("kind", ["drop", "contact"])
@pytest.mark.parametrize("size", [(1, 1), (2, 9), (900, 3), (3, 900), (640, 480)])
def test_its_box_holds_all_of_it_and_parts_fit_together(kind, size):
    alpha, box = ellipse(*size)
    alpha[:] = 255
    made = thrown(kind, partial(take, alpha), box)
    around = -300, -300, size[0] + 300, size[1] + 300
    whole = seen(made, around)
    assert made.box is not None
    x0, y0, x1, y1 = (edge + 300 for edge in made.box)
    inside = whole[y0:y1, x0:x1].sum()
    assert inside > 0
    assert whole.sum() - inside <= 0.01 * whole.sum()
    strips = [seen(made, (around[0], top, around[2], min(top + 37, around[3]))) for top in range(-300, around[3], 37)]
    assert np.abs(np.concatenate(strips) - whole).max() <= 1


@pytest.mark.parametrize("kind", ["drop", "contact"])
def test_the_rows_that_are_read_at_once_change_nothing(kind, monkeypatch):
    alpha, box = ellipse(500, 700, room=3)
    whole = thrown(kind, partial(take, alpha), box)
    monkeypatch.setattr(shadow, "_ROWS", 1)
    np.testing.assert_array_equal(thrown(kind, partial(take, alpha), box).cells, whole.cells)


def test_of_faint_things_there_is_none():
    alpha = np.ones((30, 30), np.uint8)
    made = thrown("drop", partial(take, alpha), (0, 0, 30, 30))
    assert made.box is None
    assert not seen(made, (-9, -9, 50, 50)).any()
