"""What sharp, grow and feather do to an alpha."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import ndimage

from objectcut.picture import adjust
from objectcut.request.options import CutOptions


def disc(radius: float, row: int = 50, column: int = 50, softness: float = 0.0) -> np.ndarray:
    y, x = np.mgrid[:100, :120]
    distance = radius - np.hypot(y - row, x - column)
    return ((distance / softness + 0.5).clip(0, 1) * 255 if softness else (distance >= 0) * 255).astype(np.uint8)


@pytest.mark.parametrize("grow", [5, 12.5, -5, -12.5])
def test_growing_moves_the_edge_by_as_many_pixels(grow):
    moved = adjust.grown(disc(25), grow) > 127
    assert np.sqrt(np.count_nonzero(moved) / np.pi) == pytest.approx(25 + grow, abs=1)


@pytest.mark.parametrize("grow", [0.3, 1, 7.5, 40, 300, -0.3, -1, -7.5, -40, -300])
@pytest.mark.parametrize(
    "alpha",
    [disc(25), disc(30, softness=9), disc(40, 5, 110, 3), np.maximum(disc(9, 20, 20), disc(12, 80, 90)), disc(300)],
    ids=["disc", "soft", "at the border", "two", "everything"],
)
def test_tiles_and_windows_change_nothing(alpha, grow, monkeypatch):
    """As from the distances of the whole plane at once, however small the tiles are."""
    inside = alpha > 127
    if grow > 0:
        reach = ((grow + 0.5 - ndimage.distance_transform_edt(~inside)) * 255).clip(0, 255)
        expected = np.maximum(alpha, reach.astype(np.uint8))
    elif inside.all():
        expected = alpha
    else:
        depth = ((ndimage.distance_transform_edt(inside) + grow + 0.5) * 255).clip(0, 255)
        expected = np.minimum(alpha, depth.astype(np.uint8))
    for side in (1, 16, 128):
        monkeypatch.setattr(adjust, "_TILE", side)
        assert np.abs(adjust.grown(alpha, grow).astype(int) - expected).max() <= 1


def test_shrinking_by_more_than_there_is_leaves_nothing():
    assert not adjust.grown(disc(10), -30).any()


@pytest.mark.parametrize("feather", [0.5, 8, 60, 1000])
@pytest.mark.parametrize("alpha", [disc(25), disc(40, 5, 110, 3)], ids=["disc", "at the border"])
def test_feathering_is_a_blur_of_the_whole_plane(alpha, feather):
    deviation = min(feather, 120) / 2
    expected = np.asarray(Image.fromarray(alpha).filter(ImageFilter.GaussianBlur(deviation))).astype(int)
    assert np.abs(adjust.feathered(alpha, feather) - expected).max() <= 1


def test_feathering_softens_and_keeps_the_place_of_the_edge():
    soft = adjust.feathered(disc(25), 8)
    assert np.count_nonzero((soft > 10) & (soft < 245)) > 1000
    assert np.count_nonzero(soft > 127) == pytest.approx(np.count_nonzero(disc(25)), rel=0.1)


@pytest.mark.parametrize("options", [{"grow": 5}, {"grow": -5}, {"feather": 5}, {"edges": "sharp"}])
def test_nothing_stays_nothing(options):
    nothing = np.zeros((10, 12), np.uint8)
    assert not adjust.adjusted(nothing, CutOptions(**options)).any()


def test_what_is_asked_for_comes_in_order_and_the_drawn_alpha_stays():
    alpha = disc(25, softness=9)
    before = alpha.copy()
    assert adjust.adjusted(alpha, CutOptions()) is alpha
    sharp = adjust.adjusted(alpha, CutOptions(edges="sharp"))
    assert set(np.unique(sharp)) == {0, 255}
    everything = adjust.adjusted(alpha, CutOptions(edges="sharp", grow=4, feather=6))
    np.testing.assert_array_equal(everything, adjust.feathered(adjust.grown(sharp, 4), 6))
    np.testing.assert_array_equal(alpha, before)
