"""The measures of edges, on masks and alphas whose figures are known."""

from __future__ import annotations

import numpy as np
import pytest

from training.measures import alpha_error, colour_error, mask_score


def square(x: int, y: int, side: int = 40):
    mask = np.zeros((100, 100), bool)
    mask[y : y + side, x : x + side] = True
    return mask


def test_the_same_mask_is_perfect():
    score = mask_score(square(20, 20), square(20, 20))
    assert (score.iou, score.boundary_iou, score.f2, score.f4) == (1, 1, 1, 1)


def test_what_is_off_by_three_pixels_passes_at_four_and_not_at_two():
    score = mask_score(square(20, 20, 40), square(17, 17, 46))
    assert score.f4 > 0.95  # the corners are further apart
    assert score.f2 == 0
    assert score.iou == pytest.approx(40**2 / 46**2)


def test_masks_apart_have_nothing_in_common():
    score = mask_score(square(0, 0, 20), square(60, 60, 20))
    assert (score.iou, score.boundary_iou, score.f2, score.f4) == (0, 0, 0, 0)


def test_the_border_of_the_photo_is_no_edge():
    left, right = square(0, 0, 50), square(0, 0, 50)
    left[:, 50:] = True  # everything but the lower right
    assert mask_score(left, left).f2 == 1
    assert mask_score(right, right).f2 == 1


def ramp(width: int):
    """An edge that takes as many px from 0 to 1."""
    return np.tile(((np.arange(100, dtype=np.float32) - 50) / width + 0.5).clip(0, 1), (100, 1))


def test_the_true_alpha_has_no_error():
    error = alpha_error(ramp(10), ramp(10))
    assert (error.sad, error.mse, error.gradient) == (0, 0, 0)


def test_a_hard_edge_for_a_soft_one_costs_its_difference():
    error = alpha_error((ramp(10) > 0.5).astype(np.float32), ramp(10))
    assert error.sad == pytest.approx(0.25, abs=0.01)  # 100 rows of two triangles, 5 px wide and 0.5 high
    assert error.mse == pytest.approx(1e3 * 2 * 5 * 0.25 / 3 / 100, rel=0.1)
    assert error.gradient > alpha_error(ramp(8), ramp(10)).gradient > 0


def test_colours_count_along_the_edge_as_much_as_they_show():
    foreground = np.full((100, 100, 3), 200, np.uint8)
    half, none = np.full((100, 100), 0.5, np.float32), np.ones((100, 100), np.float32)
    assert colour_error(foreground, foreground, half) == 0
    assert colour_error(foreground - np.uint8(30), foreground, half) == pytest.approx(30)
    assert colour_error(foreground - np.uint8(30), foreground, none) == 0  # nothing is soft
