"""Which part of the plane a picture shows; tests/picture/finishes.json has more cases, which the page shares."""

from __future__ import annotations

import math

import pytest

from objectcut.errors import CutError
from objectcut.picture.frame import Frame, framed
from objectcut.request.options import CutOptions

BOX = (100, 50, 500, 250)  # 400 x 200
PHOTO = (640, 480)


def frame(box=BOX, extent=None, photo=PHOTO, max_pixels=25_000_000, **options: object) -> Frame:
    return framed(box, extent or box, photo, CutOptions(**options), max_pixels)


@pytest.mark.parametrize(
    ("options", "window"),
    [
        ({}, (0, 0, 640, 480)),
        ({"crop": True}, (90, 50, 520, 300)),
        ({"crop": True, "margin": "10%"}, (47, 7, 563, 343)),
        ({"crop": True, "background": "blur"}, (90, 50, 520, 300)),
        ({"canvas": "2:1"}, BOX),
        ({"canvas": "2:1", "crop": True}, BOX),
        ({"canvas": "1:1"}, (100, -50, 500, 350)),
        ({"canvas": "400x300"}, (100, 0, 500, 300)),
        ({"canvas": "800x400", "scale": 50, "position": "0% 100%"}, (100, -150, 900, 250)),
    ],
)
def test_what_is_shown_px_by_px(options, window):
    assert frame(extent=(90, 50, 520, 300), **options).window == window


def test_a_shadow_that_falls_beyond_the_photo_is_trimmed_with_the_blur():
    reaching = (90, 20, 700, 500)
    assert frame(extent=reaching, crop=True).window == reaching
    assert frame(extent=reaching, crop=True, background="blur:3").window == (90, 20, 640, 480)


@pytest.mark.parametrize("canvas", ["1:1", "4:5", "16:9", "9:16", "13:17"])
@pytest.mark.parametrize("margin", [0, 7, "5%", "12.5%"])
@pytest.mark.parametrize("scale", [10, 33.3, 100])
@pytest.mark.parametrize("box", [BOX, (3, 3, 4, 4), (0, 0, 11, 97)])
def test_a_shape_holds_the_cut_out_at_its_own_size(canvas, margin, scale, box):
    across, down = map(int, canvas.split(":"))
    options = {"canvas": canvas, "scale": scale, "margin": margin}
    made = frame(box, max_pixels=10**9, **options)
    width, height = made.size
    assert made.scale == (1, 1)
    assert abs(width * down - height * across) < max(across, down)
    room = 7 if margin == 7 else math.ceil(float(str(margin).rstrip("%")) * max(made.size) / 100)
    free = [(side - 2 * room) * scale / 100 for side in made.size]
    # A margin in percent is rounded up to whole px, on both sides.
    assert all(side <= most + 2 for side, most in zip((box[2] - box[0], box[3] - box[1]), free, strict=True))


def test_a_shape_is_no_larger_than_it_may_be():
    made = frame(canvas="1:1", scale=10, max_pixels=1_000_000)
    assert made.size == (1000, 1000)
    assert made.scale == (4, 4)  # 400 px of the photo on a tenth of 1000 px
    long = frame((0, 0, 6000, 100), canvas="100:1", scale=10)
    assert max(long.size) <= 16_384
    assert long.size[0] * long.size[1] <= 25_000_000


def test_a_longest_side_bounds_a_shape_in_one_resampling():
    made = frame(canvas="1:1", max_size=100)
    assert (made.size, made.scale) == ((100, 100), (4, 4))
    assert made.corner == (100, -50)


@pytest.mark.parametrize(
    "options",
    [
        {"canvas": "100x100", "margin": 50},
        {"canvas": "100x100", "margin": "50%"},
        {"canvas": "100x10", "margin": "5%"},
        {"canvas": "1x1", "margin": 99_999},
        {"canvas": "1:1", "margin": "50%"},
        {"canvas": "1:1", "margin": "100%"},
        {"canvas": "1:1", "margin": 99_999},
        {"canvas": "16:9", "margin": "30%"},
        {"scale": 50, "margin": 240},
        {"position": "center", "margin": 99_999},
    ],
)
def test_a_margin_that_leaves_no_room_is_refused(options):
    with pytest.raises(CutError, match="'margin' leaves no room for the cut-out on a canvas") as caught:
        frame(**options)
    assert (caught.value.code, caught.value.details) == ("invalid_request", {"field": "margin"})


@pytest.mark.parametrize("canvas", ["1x1", "16384x1", "1x16384", "5000x5000"])
@pytest.mark.parametrize("box", [(0, 0, 1, 1), (0, 0, 6000, 4000), (0, 0, 1, 4000), (-3, -3, 6003, 1)])
def test_on_any_canvas_the_box_is_inside(canvas, box):
    made = frame(box, canvas=canvas)
    for axis in (0, 1):
        first = (box[axis] - made.corner[axis]) / made.scale[axis]
        last = (box[axis + 2] - made.corner[axis]) / made.scale[axis]
        assert first >= -1e-6
        assert last <= made.size[axis] + 1e-6
        assert last - first >= 1 - 1e-6
