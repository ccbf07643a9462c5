"""Cut-outs that are turned; tests/picture/finishes.json has more cases, which the page shares."""

from __future__ import annotations

import math

import numpy as np
import pytest

from objectcut.errors import CutError
from objectcut.photo.decode import Photo
from objectcut.picture import compose
from objectcut.request.options import CutOptions

WIDTH, HEIGHT = 300, 260
PIXELS = np.random.default_rng(0).integers(1, 256, (HEIGHT, WIDTH, 3), np.uint8)


def rectangle(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
    alpha[y0:y1, x0:x1] = 255
    return alpha


def disc(radius: float, x: float, y: float) -> np.ndarray:
    down, across = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    return ((radius + 0.5 - np.hypot(down - y, across - x)).clip(0, 1) * 255).astype(np.uint8)


def turned(alpha: np.ndarray, degrees: float, pixels: np.ndarray = PIXELS, **options: object) -> np.ndarray:
    made = compose.cut(Photo(pixels), alpha, CutOptions(edges="raw", rotate=degrees, **options))
    assert made is not None
    return made.pixels


@pytest.mark.parametrize(("degrees", "quarters"), [(90, -1), (180, 2), (-180, 2), (-90, 1)])
@pytest.mark.parametrize("box", [(20, 30, 60, 50), (20, 30, 61, 50), (0, 0, WIDTH, HEIGHT)])
def test_by_multiples_of_90_degrees_every_pixel_stays_as_it_is(degrees, quarters, box):
    x0, y0, x1, y1 = box
    got = turned(rectangle(*box), degrees, crop=True)
    np.testing.assert_array_equal(got[..., :3], np.rot90(PIXELS[y0:y1, x0:x1], quarters))
    assert (got[..., 3] == 255).all()


@pytest.mark.parametrize("degrees", [15, -15, 30, 44.9, 100, -170])
def test_it_is_trimmed_to_the_box_it_takes_then(degrees):
    width, height = 180, 60
    cos, sin = (abs(part(math.radians(degrees))) for part in (math.cos, math.sin))
    got = turned(rectangle(50, 100, 50 + width, 100 + height), degrees, crop=True)
    wanted = width * cos + height * sin, width * sin + height * cos
    assert got.shape[1::-1] == pytest.approx(wanted, abs=2)
    assert got[..., 3].sum(dtype=float) == pytest.approx(255 * width * height, rel=0.005)


@pytest.mark.parametrize("degrees", [15, -40, 90, 123.4])
def test_what_is_round_looks_the_same_and_stays_where_it_is(degrees):
    alpha = disc(70, 140, 120)
    got = turned(alpha, degrees)[..., 3].astype(int)
    assert np.abs(got - alpha).max() <= 110  # one px further or nearer along the edge
    assert np.abs(got - alpha).mean() < 0.5


def test_it_is_turned_clockwise():
    got = turned(rectangle(50, 120, 250, 140), 20)[..., 3]
    assert got[120 + 40, 220] == 255
    assert got[120 - 20, 80] == 255
    assert got[100, 220] == got[160, 80] == 0


@pytest.mark.parametrize("degrees", [0.3, 12, 45, -77.7, 179])
@pytest.mark.parametrize("options", [{"crop": True}, {"canvas": "1:1"}, {"canvas": "90x120", "scale": 70}, {}])
def test_no_edge_has_a_dark_or_coloured_rim(degrees, options):
    alpha = disc(60, 140, 120)
    hidden = np.where(alpha[..., None] > 0, (240, 230, 220), (0, 0, 255)).astype(np.uint8)
    got = turned(alpha, degrees, hidden, **options)
    assert not got[got[..., 3] == 0].any()
    edge = got[(got[..., 3] >= 40) & (got[..., 3] < 255)][:, :3].astype(int)
    assert len(edge)
    assert np.abs(edge - (240, 230, 220)).max() <= 12


def test_its_edge_is_smooth():
    alpha = turned(rectangle(60, 60, 200, 180), 10, crop=True)[..., 3]
    upper = alpha[:60, 40:120].argmax(axis=0)  # where it is whole: the upper edge, which falls to the right
    assert set(np.diff(upper.astype(int))) == {0, 1}
    assert ((alpha > 0) & (alpha < 255)).sum() > 400


@pytest.mark.parametrize("options", [{}, {"crop": True}, {"canvas": "1:1"}, {"canvas": "90x120", "margin": 5}])
@pytest.mark.parametrize("degrees", [33, 90])
def test_a_mask_is_turned_with_it(degrees, options):
    alpha = disc(60, 140, 120) | rectangle(60, 110, 260, 130)
    mask, picture = turned(alpha, degrees, output="mask", **options), turned(alpha, degrees, **options)
    assert np.abs(mask.astype(int) - picture[..., 3]).max() <= 1


@pytest.mark.parametrize("background", [{"return_white_bg": True}, {"background": "#ff00ff"}])
def test_what_stands_behind_is_not_turned(background):
    colour = (255, 255, 255) if "return_white_bg" in background else (255, 0, 255)
    got = turned(rectangle(100, 100, 200, 160), 30, canvas="1:1", margin="20%", **background)
    assert got.shape[2] == 3
    assert {tuple(pixel) for pixel in got[[0, 0, -1, -1], [0, -1, 0, -1]].tolist()} == {colour}


def test_where_it_stands_it_is_cut_off_at_the_border_of_the_photo():
    got = turned(rectangle(0, 100, WIDTH, 160), 90)
    assert got.shape[1::-1] == (WIDTH, HEIGHT)
    rows, columns = np.nonzero(got[..., 3])
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (120, 179, 0, HEIGHT - 1)


def test_its_box_is_told_in_the_photo():
    made = compose.cut(Photo(PIXELS), rectangle(50, 100, 250, 140), CutOptions(rotate=45, crop=True))
    assert made is not None
    assert made.box == (50, 100, 250, 140)


def test_a_shadow_falls_below_it_however_it_is_turned():
    upright = turned(disc(60, 140, 120), 0, shadow="drop", crop=True)
    got = turned(disc(60, 140, 120), 135, shadow="drop", crop=True)
    assert np.abs(np.subtract(got.shape, upright.shape)).max() <= 2
    dark = (got[..., 3] > 20) & (got[..., :3].max(axis=2) == 0)
    rows, columns = np.nonzero(dark)
    assert rows.mean() > got.shape[0] / 2
    assert columns.mean() > got.shape[1] / 2


def test_an_outline_is_as_wide_around_what_is_turned():
    plain, drawn = (turned(disc(60, 140, 120), 30, crop=True, **more) for more in ({}, {"outline": "5 white"}))
    wider = np.subtract(drawn.shape, plain.shape)[:2].tolist()
    assert wider == pytest.approx([9, 9], abs=1)  # a px that is faint lies outside of the line's inner edge


@pytest.mark.parametrize(
    ("options", "field"), [({"crop": True}, "rotate"), ({"crop": True, "margin": 1}, "margin"), ({}, None)]
)
def test_a_picture_that_it_makes_too_large_is_refused(options, field):
    """A photo may always be as large as it is: only what is larger is refused."""
    everything = rectangle(0, 0, WIDTH, HEIGHT)
    checked = CutOptions(rotate=45, **options)
    if field is None:
        assert compose.cut(Photo(PIXELS), everything, checked, max_pixels=1) is not None
        return
    with pytest.raises(CutError, match=f"With that '{field}' the picture has") as caught:
        compose.cut(Photo(PIXELS), everything, checked, max_pixels=1)
    assert (caught.value.code, caught.value.details["field"]) == ("image_too_large", field)


def test_a_long_strip_that_would_take_too_much_memory_is_refused():
    strip = Photo(np.zeros((10, 3000, 3), np.uint8))
    with pytest.raises(CutError, match="Turned by 45 degrees the cut-out takes") as caught:
        compose.cut(strip, np.full((10, 3000), 255, np.uint8), CutOptions(rotate=45, canvas="100x100"), max_pixels=1)
    assert (caught.value.code, caught.value.details["field"]) == ("image_too_large", "rotate")
