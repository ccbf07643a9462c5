from __future__ import annotations

import numpy as np
import pytest

from objectcut.errors import CutError
from objectcut.photo.decode import Photo
from objectcut.picture import compose
from objectcut.picture.compose import Cutout
from objectcut.request.options import CutOptions

WIDTH, HEIGHT = 40, 30
X0, Y0, X1, Y1 = 12, 8, 28, 18  # the object
PIXELS = np.random.default_rng(0).integers(1, 256, (HEIGHT, WIDTH, 3), np.uint8)
OBJECT = np.zeros((HEIGHT, WIDTH), np.uint8)
OBJECT[Y0:Y1, X0:X1] = 255


def cut(alpha: np.ndarray = OBJECT, source_alpha: np.ndarray | None = None, **options: object) -> Cutout:
    made = compose.cut(Photo(PIXELS, source_alpha), alpha, CutOptions(**options))
    assert made is not None
    return made


def array(made: Cutout) -> np.ndarray:
    return np.array(made.pixels)


def test_transparent_outside_and_the_photos_own_pixels_inside():
    made = cut()
    assert made.pixels.shape == (HEIGHT, WIDTH, 4)
    assert made.box == (X0, Y0, X1, Y1)
    got = array(made)
    np.testing.assert_array_equal(got[..., 3], OBJECT)
    np.testing.assert_array_equal(got[OBJECT == 255][:, :3], PIXELS[OBJECT == 255])
    assert not got[OBJECT == 0].any()


@pytest.mark.parametrize(
    ("options", "mode", "outside"),
    [
        ({"return_white_bg": True}, "RGB", (255, 255, 255)),
        ({"background": "white"}, "RGB", (255, 255, 255)),
        ({"background": "#ff8800"}, "RGB", (255, 136, 0)),
        ({"background": "rgba(255, 136, 0, 0.5)"}, "RGBA", (255, 136, 0, 128)),
        ({"background": "#ff880000"}, "RGBA", (0, 0, 0, 0)),
    ],
)
def test_a_colour_behind_the_object(options, mode, outside):
    made = cut(**options)
    assert made.pixels.shape[2] == len(mode)
    got = array(made)
    assert {tuple(pixel) for pixel in got[OBJECT == 0].tolist()} == {outside}
    np.testing.assert_array_equal(got[OBJECT == 255][:, :3], PIXELS[OBJECT == 255])


def test_half_transparent_pixels_are_mixed_with_the_background():
    half = np.where(OBJECT, 128, 0).astype(np.uint8)
    mixed = (PIXELS[Y0, X0].astype(float) * 128 + 255 * 127) / 255
    np.testing.assert_allclose(array(cut(half, background="white", edges="raw"))[Y0, X0], mixed, atol=1)


def test_inverted_the_object_is_gone():
    made = cut(invert=True)
    assert made.box == (0, 0, WIDTH, HEIGHT)
    got = array(made)
    np.testing.assert_array_equal(got[..., 3], 255 - OBJECT)
    assert not got[Y0:Y1, X0:X1].any()
    np.testing.assert_array_equal(got[0, 0, :3], PIXELS[0, 0])


@pytest.mark.parametrize("margin", [0, 3, "10%", 20, "100%"])
def test_cropped_with_room_around_even_beyond_the_photo(margin):
    room = {"10%": 2, "100%": 16}.get(margin, margin)  # of 16 px, the longer side; 1.6 is rounded up
    made = cut(crop=True, margin=margin)
    assert made.pixels.shape[:2] == (Y1 - Y0 + 2 * room, X1 - X0 + 2 * room)
    assert made.box == (X0, Y0, X1, Y1)
    got = array(made)
    np.testing.assert_array_equal(got[room : room + Y1 - Y0, room : room + X1 - X0, :3], PIXELS[Y0:Y1, X0:X1])
    assert np.count_nonzero(got[..., 3]) == np.count_nonzero(OBJECT)


def test_beyond_the_photo_the_background_goes_on():
    got = array(cut(np.full_like(OBJECT, 255), crop=True, margin=2, background="lime"))
    assert got.shape == (HEIGHT + 4, WIDTH + 4, 3)
    assert {tuple(pixel) for pixel in (*got[:2].reshape(-1, 3).tolist(), *got[:, -2:].reshape(-1, 3).tolist())} == {
        (0, 255, 0)
    }


def test_a_margin_without_crop_changes_nothing():
    np.testing.assert_array_equal(array(cut(margin=5)), array(cut()))


def test_a_margin_out_of_all_proportion_is_refused():
    with pytest.raises(CutError, match="99996 x 99990") as caught:
        cut(crop=True, margin=49_990)
    assert caught.value.code == "image_too_large"
    assert caught.value.details == {"field": "margin", "width": 99_996, "height": 99_990, "max_pixels": 25_000_000}


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"max_size": 20}, (20, 15)),
        ({"max_size": 1}, (1, 1)),
        ({"max_size": 40}, (40, 30)),
        ({"max_size": 4000}, (40, 30)),
        ({"max_size": 8, "crop": True}, (8, 5)),
        ({"max_size": 8, "output": "mask"}, (8, 6)),
        ({"max_size": 8, "background": "red"}, (8, 6)),
    ],
)
def test_the_longer_side_is_bounded_and_never_enlarged(options, size):
    assert cut(**options).pixels.shape[1::-1] == size


@pytest.mark.parametrize("max_size", [39, 31, 17])
def test_made_smaller_nothing_hidden_shines_through(max_size):
    scattered = np.where(np.random.default_rng(1).random(OBJECT.shape) < 0.1, 255, OBJECT).astype(np.uint8)
    got = array(cut(scattered, max_size=max_size))
    clear = got[..., 3] == 0
    assert clear.any()
    assert not got[clear].any()


def test_made_smaller_the_edge_keeps_its_colour():
    white = compose.cut(Photo(np.full_like(PIXELS, 255)), OBJECT, CutOptions(max_size=17))
    assert white is not None
    got = array(white)
    edge = (got[..., 3] > 8) & (got[..., 3] < 255)
    assert edge.any()
    assert got[edge][:, :3].min() > 240


def test_the_photos_own_transparency_stays():
    source = np.full((HEIGHT, WIDTH), 100, np.uint8)
    source[:, :20] = 0
    made = cut(source_alpha=source)
    assert made.box == (20, Y0, X1, Y1)
    np.testing.assert_array_equal(array(made)[..., 3], np.minimum(OBJECT, source))
    assert not array(made)[:, :20].any()
    assert array(cut(source_alpha=source, invert=True))[0, -1, 3] == 100


def flat(inside: tuple[int, ...], outside: tuple[int, ...]) -> np.ndarray:
    return np.where(OBJECT[..., None] == 255, inside, outside).astype(np.uint8)


RED, GREY = (255, 0, 0), (90, 90, 90)


@pytest.mark.parametrize("background", ["blur", "blur:2", "blur:300"])
def test_the_photo_itself_blurred_behind_the_object(background):
    made = cut(background=background)
    assert made.pixels.shape[2] == 3
    assert made.box == (X0, Y0, X1, Y1)
    got = array(made)
    np.testing.assert_array_equal(got[OBJECT == 255], PIXELS[OBJECT == 255])
    assert got[OBJECT == 0].std() < 0.7 * PIXELS[OBJECT == 0].std()


@pytest.mark.parametrize(
    ("options", "inside", "outside"),
    [
        ({}, RED, GREY),
        ({"crop": True}, RED, None),
        ({"invert": True}, RED, GREY),
        ({"max_size": 20}, RED, GREY),
    ],
)
def test_neither_object_nor_background_has_a_halo(options, inside, outside):
    made = compose.cut(Photo(flat(RED, GREY)), OBJECT, CutOptions(background="blur:6", **options))
    assert made is not None
    got, share = array(made).astype(int), made.pixels.shape[1] / (X1 - X0 if outside is None else WIDTH)
    centre = got[round(13 * share) if outside else 5, round(20 * share) if outside else 8]
    assert np.abs(centre - inside).max() <= 4
    if outside is not None:
        assert np.abs(got[round(4 * share), round(20 * share)] - outside).max() <= 4


def test_inverted_it_is_the_object_that_is_blurred():
    got = array(cut(invert=True, background="blur:9"))
    np.testing.assert_array_equal(got[OBJECT == 0], PIXELS[OBJECT == 0])
    assert got[OBJECT == 255].std() < 0.5 * PIXELS[OBJECT == 255].std()


def test_beyond_the_photo_nothing_is_blurred():
    got = array(cut(crop=True, margin=20, background="blur"))  # 12 px to the left and 8 to the top are there
    assert got.shape == (Y1 - Y0 + 40, X1 - X0 + 40, 4)
    beyond = np.ones(got.shape[:2], bool)
    beyond[20 - Y0 : 20 - Y0 + HEIGHT, 20 - X0 : 20 - X0 + WIDTH] = False
    assert not got[beyond].any()
    assert (got[~beyond][:, 3] == 255).all()


def test_a_transparent_photo_stays_so_when_it_is_blurred():
    source = np.full((HEIGHT, WIDTH), 100, np.uint8)
    source[:, :20], source[:, 30:] = 0, 255
    got = array(cut(source_alpha=source, background="blur:5"))
    np.testing.assert_array_equal(got[..., 3], source)
    assert not got[:, :20].any()
    np.testing.assert_array_equal(got[Y0:Y1, 20:X1, :3], PIXELS[Y0:Y1, 20:X1])


LIME = Photo(np.full((7, 9, 3), (0, 255, 0), np.uint8))


@pytest.mark.parametrize(
    "options",
    [{}, {"crop": True, "margin": 15}, {"max_size": 20}, {"invert": True}],
    ids=["", "crop", "size", "invert"],
)
def test_another_picture_behind_the_object(options):
    made = compose.cut(Photo(PIXELS), OBJECT, CutOptions(**options), LIME)
    bare = compose.cut(Photo(PIXELS), OBJECT, CutOptions(**options))
    assert made is not None
    assert bare is not None
    assert (made.box, made.pixels.shape) == (bare.box, (*bare.pixels.shape[:2], 3))
    got, alpha = array(made), array(bare)[..., 3]
    assert {tuple(pixel) for pixel in got[alpha == 0].tolist()} == {(0, 255, 0)}
    np.testing.assert_array_equal(got[alpha == 255], array(bare)[alpha == 255][:, :3])


@pytest.mark.parametrize("size", [(HEIGHT, WIDTH), (HEIGHT // 2, WIDTH // 2)])
def test_a_transparent_picture_behind_the_object_hides_nothing(size):
    clear = np.zeros(size, np.uint8)
    clear[: size[0] // 2] = 255
    hidden = Photo(np.where(clear[..., None] > 0, 200, 77).repeat(3, axis=2).astype(np.uint8), clear)
    made = compose.cut(Photo(PIXELS), OBJECT, CutOptions(), hidden)
    assert made is not None
    got = array(made)
    assert got[0, 0].tolist() == [200, 200, 200, 255]
    assert got[-1, -1].tolist() == [0, 0, 0, 0]
    assert not got[got[..., 3] == 0].any()


def test_a_mask_is_the_same_before_any_background():
    masks = [cut(output="mask", **options) for options in ({}, {"background": "blur"})]
    masks.append(compose.cut(Photo(PIXELS), OBJECT, CutOptions(output="mask"), LIME))
    for mask in masks:
        np.testing.assert_array_equal(array(mask), OBJECT)


def test_colours_and_alpha_together_are_the_transparent_cut_out():
    np.testing.assert_array_equal(array(cut(output="both", crop=True)), array(cut(crop=True)))


@pytest.mark.parametrize(("options", "kept"), [({}, OBJECT), ({"invert": True}, 255 - OBJECT)])
def test_a_mask_is_white_where_something_is_kept(options, kept):
    made = cut(output="mask", background="red", **options)
    assert made.pixels.ndim == 2
    np.testing.assert_array_equal(array(made), kept)


def test_a_cropped_mask_fits_the_cropped_image():
    options = {"crop": True, "margin": 15}
    np.testing.assert_array_equal(array(cut(output="mask", **options)), array(cut(**options))[..., 3])


@pytest.mark.parametrize(
    ("alpha", "source", "options"),
    [
        (np.zeros_like(OBJECT), None, {}),
        (np.full_like(OBJECT, 255), None, {"invert": True}),
        (OBJECT, 255 - OBJECT, {}),
        (OBJECT, OBJECT, {"invert": True, "output": "mask"}),
    ],
)
def test_nothing_left_is_none(alpha, source, options):
    assert compose.cut(Photo(PIXELS, source), alpha, CutOptions(**options)) is None


def lens(colour: tuple[int, ...], behind: tuple[int, ...]) -> tuple[Photo, np.ndarray]:
    """A disc of one colour whose edge is as soft as a lens draws it: the photo, and its true alpha."""
    y, x = np.mgrid[:120, :160]
    share = ((40 - np.hypot(y - 60, x - 80)) / 6 + 0.5).clip(0, 1)
    mixed = share[..., None] * colour + (1 - share[..., None]) * np.array(behind, float)
    return Photo(mixed.round().astype(np.uint8)), (share * 255).round().astype(np.uint8)


@pytest.mark.parametrize("grow", [0, 4, -4, 30])
@pytest.mark.parametrize("feather", [0, 3, 20, 200])
@pytest.mark.parametrize("edges", ["smooth", "sharp"])
def test_whatever_is_done_to_the_edge_no_colour_of_the_object_changes(edges, feather, grow):
    photo, alpha = lens((128, 128, 128), (255, 255, 255))
    made = compose.cut(photo, alpha, CutOptions(edges=edges, feather=feather, grow=grow))
    assert made is not None
    got = made.pixels[(alpha > 127) & (made.pixels[..., 3] > 0)]
    assert len(got)
    assert np.abs(got[:, :3].astype(int) - 128).max() <= 2


@pytest.mark.parametrize("invert", [False, True])
def test_sharp_edges_have_the_colours_of_smooth_ones(invert):
    photo, alpha = lens((110, 4, 4), (255, 255, 255))
    smooth, sharp = (
        compose.cut(photo, alpha, CutOptions(edges=edges, invert=invert)).pixels for edges in ("smooth", "sharp")
    )
    assert set(np.unique(sharp[..., 3])) == {0, 255}
    kept = sharp[..., 3] == 255
    np.testing.assert_array_equal(sharp[kept][:, :3], smooth[kept][:, :3])
    edge = kept & (alpha > 0) & (alpha < 255)
    assert np.abs(sharp[edge][:, 1].astype(int) - (255 if invert else 4)).max() <= 12


@pytest.mark.parametrize(
    "options",
    [
        *[{"background": "white"}, {"background": "blur:4"}, {"max_size": 130}, {"crop": True}],
        *[{"canvas": "1:1", "scale": 70}, {"canvas": "90x200"}, {"canvas": "500x400", "background": "white"}],
        {"canvas": "90x200", "output": "mask"},
        {"shadow": "drop", "outline": "5 rgb(255 255 0 / 60%)", "crop": True},
        {"shadow": "contact", "outline": "3 white", "background": "blur:4"},
        {"shadow": "drop", "canvas": "300x300"},
        *[{"rotate": 30, "crop": True}, {"rotate": 90, "canvas": "90x200"}, {"rotate": -7.5, "output": "mask"}],
        {"rotate": 30, "shadow": "drop", "canvas": "300x300"},
    ],
)
@pytest.mark.parametrize("own", [False, True], ids=["", "transparent"])
def test_a_picture_made_in_strips_is_the_one_made_at_once(options, own, monkeypatch):
    photo, alpha = lens((110, 4, 4), (200, 220, 255))
    if own:
        photo = Photo(
            photo.pixels, np.where(np.arange(160) < 90, 255, 70).repeat(120).reshape(160, 120).T.astype(np.uint8)
        )
    pictures = []
    for rows in (1000, 37, 8):
        monkeypatch.setattr(compose, "_STRIP", rows)
        got = compose.cut(photo, alpha, CutOptions(margin=25, **options)).pixels.astype(float)
        pictures.append(got * got[..., 3:] / 255 if got.shape[2:] == (4,) else got)  # as much as can be seen of it
    differences = [np.abs(other - pictures[0]) for other in pictures[1:]]
    # Pillow resizes rows or columns first, whichever is less work, and clips overshoot in between: near corners of hard
    # edges it matters which.
    assert all(each.max() <= 12 and (each > 2).mean() < 0.001 for each in differences)


def test_a_picture_is_no_larger_than_it_may_be_but_always_as_large_as_the_photo():
    assert compose.cut(Photo(PIXELS), OBJECT, CutOptions(), max_pixels=1) is not None
    with pytest.raises(CutError, match=r"216 x 210 pixels; at most 0.0012 megapixels") as caught:
        compose.cut(Photo(PIXELS), OBJECT, CutOptions(crop=True, margin=100), LIME, max_pixels=1000)
    assert caught.value.status == 413


def test_photo_and_alpha_are_left_as_they_were():
    pixels, alpha = PIXELS.copy(), OBJECT.copy()
    for background in ("red", "blur"):
        compose.cut(Photo(pixels), alpha, CutOptions(invert=True, background=background, max_size=5))
    np.testing.assert_array_equal(pixels, PIXELS)
    np.testing.assert_array_equal(alpha, OBJECT)


SHOP = [
    {"canvas": "1:1"},
    {"canvas": "400x30", "position": "100%"},
    {"canvas": "1x1"},
    {"scale": 10},
    {"outline": "3 white", "crop": True},
    {"shadow": "drop"},
    {"shadow": "contact", "crop": True, "margin": 3},
    {"shadow": "drop", "outline": "100 #ff000080", "canvas": "64x64"},
    {"rotate": 33.3},
    {"rotate": -90, "crop": True},
    {"rotate": 160, "shadow": "contact", "outline": "3 white", "canvas": "64x64"},
]


@pytest.mark.parametrize("options", SHOP, ids=str)
@pytest.mark.parametrize("background", [{}, {"background": "lime"}, {"background": "rgb(0 255 0 / 40%)"}])
@pytest.mark.parametrize("alpha", ["object", "everything", "one px", "faint", "corner"])
@pytest.mark.parametrize("own", [False, True], ids=["", "transparent"])
def test_any_cut_out_is_finished_and_nothing_hidden_shows(options, background, alpha, own):
    """Only colours of object, outline, shadow and background are there, and none where alpha is zero."""
    plane = {
        "object": OBJECT,
        "everything": np.full_like(OBJECT, 255),
        "one px": np.pad(np.full((1, 1), 255, np.uint8), ((29, 0), (39, 0))),
        "faint": OBJECT // 200,
        "corner": np.pad(np.full((4, 5), 255, np.uint8), ((0, 26), (0, 35))),
    }[alpha]
    hidden = np.where(plane[..., None] > 0, (200, 40, 40), (0, 0, 255)).astype(np.uint8)
    source = np.tile(np.linspace(30, 255, WIDTH).astype(np.uint8), (HEIGHT, 1)) if own else None
    made = compose.cut(Photo(hidden, source), plane, CutOptions(edges="raw", **options, **background))
    assert made is not None
    got = array(made).astype(int)
    if got.shape[2] == 4:
        assert not got[got[..., 3] == 0].any()
        got = got[got[..., 3] >= 32]  # below, 8 bits of premultiplied colour say little of the straight one
    assert got[..., 2].max(initial=0) <= (255 if "outline" in options else 60)


def test_where_a_canvas_is_put_a_mask_is_put_too():
    for options in ({"canvas": "1:1"}, {"canvas": "90x50", "scale": 80, "position": "10% 90%"}, {"scale": 30}):
        mask, picture = cut(output="mask", **options).pixels, cut(**options).pixels
        assert np.abs(mask.astype(int) - picture[..., 3]).max() <= 1


def test_an_outline_lies_below_the_cut_out_and_above_the_shadow():
    got = array(cut(edges="raw", outline="2 lime", shadow="drop", background="white"))
    np.testing.assert_array_equal(got[OBJECT == 255], PIXELS[OBJECT == 255])
    assert got[Y0 - 1, 20].tolist() == [0, 255, 0]
    assert got[Y0 - 4, 20].tolist() == [255, 255, 255]
    assert got[Y1 + 2, 20, 0] < 200


def test_on_the_blurred_photo_outline_and_shadow_are_drawn_too():
    plain, drawn = (array(cut(background="blur", **each)) for each in ({}, {"outline": "2 lime", "shadow": "drop"}))
    np.testing.assert_array_equal(drawn[OBJECT == 255], PIXELS[OBJECT == 255])
    assert drawn[Y0 - 1, 20].tolist() == [0, 255, 0]
    np.testing.assert_array_equal(drawn[0], plain[0])
    assert (drawn[Y1 + 2, X0:X1] < plain[Y1 + 2, X0:X1]).all()


def test_another_picture_fills_the_canvas():
    made = compose.cut(Photo(PIXELS), OBJECT, CutOptions(canvas="100x100", margin=10), LIME)
    assert made is not None
    assert made.pixels.shape == (100, 100, 3)
    assert made.pixels[0, 0].tolist() == [0, 255, 0]
