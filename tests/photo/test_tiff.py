from __future__ import annotations

import itertools

import numpy as np
import pytest
from conftest import encoded
from PIL import Image, ImageCms

from imagefiles import tiff
from objectcut.errors import CutError
from objectcut.photo.decode import Photo, load, preview
from objectcut.settings import Settings

SETTINGS = Settings()
LIGHT = np.random.default_rng(0).uniform(0, 1, (40, 37, 4))  # odd in width, more than one strip and tile
LIGHT[0, 0], LIGHT[0, 1] = 0, 1


def read(data: bytes) -> Photo:
    assert preview(data, SETTINGS, 8) is None
    return load(data, SETTINGS)


def levels(light: np.ndarray, kind: str) -> np.ndarray:
    """Light from 0 to 1 in a type's own levels."""
    dtype = np.dtype(kind)
    if dtype.kind == "f":
        return light.astype(dtype)
    return np.round(light * (65_535 if dtype.itemsize > 2 else np.iinfo(dtype).max)).astype(dtype)


LAYOUTS = [
    {"rowsperstrip": 7},
    {"tile": (16, 16)},
    {"rowsperstrip": 7, "planarconfig": "separate"},
    {"tile": (16, 16), "planarconfig": "separate"},
]


@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=["strips", "tiles", "planes in strips", "planes in tiles"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_every_type_order_and_layout_is_the_same_photo(kind, layout, order, compression):
    values = levels(LIGHT[..., :3], order + kind)
    if "planarconfig" in layout:
        values = np.ascontiguousarray(np.moveaxis(values, -1, 0))
    data = tiff(values, photometric="rgb", byteorder=order, compression=compression, **layout)
    if (kind, compression) == ("f8", "zlib"):  # may unpack to more than a photo should take
        with pytest.raises(CutError) as caught:
            read(data)
        assert caught.value.code == "unsupported_image"
        return
    np.testing.assert_allclose(read(data).pixels, LIGHT[..., :3] * 255, atol=1.6)


@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8"])
@pytest.mark.parametrize("layout", [{"rowsperstrip": 7}, {"tile": (16, 16)}], ids=["strips", "tiles"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_grey_of_every_type(kind, layout, order, compression, photometric):
    light = LIGHT[..., 0] if photometric == "minisblack" else 1 - LIGHT[..., 0]
    data = tiff(
        levels(light, order + kind), photometric=photometric, byteorder=order, compression=compression, **layout
    )
    np.testing.assert_allclose(read(data).pixels, np.dstack([LIGHT[..., 0] * 255] * 3), atol=1.6)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("layout", LAYOUTS[2:], ids=["strips", "tiles"])
def test_planes_of_16_bits(order, layout):
    planes = np.empty((3, 40, 37), f"{order}u2")
    planes[:] = np.array([0x1234, 0x8000, 0xFEDC])[:, None, None]
    pixels = read(tiff(planes, photometric="rgb", byteorder=order, **layout)).pixels
    assert (pixels == (18, 128, 254)).all()


@pytest.mark.parametrize("kind", ["u1", "u2", "f2", "f4"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("photometric", "colours"), [("minisblack", 1), ("rgb", 3), ("separated", 4)])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_alpha_beside_any_colours(kind, order, photometric, colours, planar):
    values = levels(np.dstack([LIGHT[..., :colours], LIGHT[::-1, :, :1]]), order + kind)
    stored = np.moveaxis(values, -1, 0) if planar == "separate" else values
    options = {"photometric": photometric, "planarconfig": planar, "extrasamples": ["unassalpha"]}
    photo = read(tiff(np.ascontiguousarray(stored), byteorder=order, **options))
    np.testing.assert_allclose(photo.alpha, LIGHT[::-1, :, 0] * 255, atol=1.6)
    if colours == 4:
        inks = 1 - LIGHT
        np.testing.assert_allclose(photo.pixels, inks[..., :3] * inks[..., 3:] * 255, atol=3)
    else:
        expected = np.broadcast_to(LIGHT[..., :colours] * 255, photo.pixels.shape)
        np.testing.assert_allclose(photo.pixels, expected, atol=1.6)


def test_premultiplied_alpha():
    alpha = 0.25 + 0.75 * LIGHT[..., 3:]
    values = levels(np.dstack([LIGHT[..., :3] * alpha, alpha]), "f4")
    photo = read(tiff(values, photometric="rgb", extrasamples=["assocalpha"]))
    np.testing.assert_allclose(photo.pixels, LIGHT[..., :3] * 255, atol=5)
    np.testing.assert_allclose(photo.alpha, alpha[..., 0] * 255, atol=1)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "zstd", "lzma"])
@pytest.mark.parametrize("kind", ["i4", "f4"])
def test_every_lossless_compression(compression, kind):
    image = Image.fromarray(levels(LIGHT[..., 0], kind))
    photo = read(encoded(image, "TIFF", compression=compression))
    np.testing.assert_allclose(photo.pixels[..., 0], LIGHT[..., 0] * 255, atol=1.6)


@pytest.mark.parametrize(("kind", "predictor"), [("i4", 2), ("f4", 2), ("f4", 3)])
def test_the_predictors_of_one_sample(kind, predictor):
    image = Image.fromarray(levels(LIGHT[..., 0], kind))
    photo = read(encoded(image, "TIFF", compression="tiff_adobe_deflate", tiffinfo={317: predictor}))
    np.testing.assert_allclose(photo.pixels[..., 0], LIGHT[..., 0] * 255, atol=1.6)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["u2", "u4", "i2"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=["strips", "tiles", "planes in strips", "planes in tiles"])
def test_the_predictor_of_several_samples(order, kind, layout):
    values = levels(LIGHT[..., :3], order + kind)
    if "planarconfig" in layout:
        values = np.ascontiguousarray(np.moveaxis(values, -1, 0))
    data = tiff(values, photometric="rgb", byteorder=order, compression="zlib", predictor=2, **layout)
    np.testing.assert_allclose(read(data).pixels, LIGHT[..., :3] * 255, atol=1.6)


FLOAT = LIGHT[..., 0].astype(np.float32)


def with_value(value: float) -> np.ndarray:
    values = FLOAT.copy()
    values[5, 6] = value
    return values


@pytest.mark.parametrize(
    ("value", "level"),
    [(1.5, 255), (1e30, 255), (np.inf, 255), (np.nan, 0), (-np.inf, 0), (-1.0, 0), (-1e30, 0)],
)
@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
def test_one_wrong_float_leaves_the_others_as_they_are(value, level, photometric):
    values = with_value(value)
    if photometric == "miniswhite":
        values = 1 - values
    pixels = read(tiff(values, photometric=photometric)).pixels[..., 0]
    expected = FLOAT * 255
    expected[5, 6] = level
    np.testing.assert_allclose(pixels, expected, atol=1.6)


@pytest.mark.parametrize("white", [1.0, 1.2, 255.0, 65_535.0, 1e6])
def test_floats_of_every_range(white):
    pixels = read(tiff((FLOAT * white).astype(np.float32), photometric="minisblack")).pixels[..., 0]
    expected = np.minimum(FLOAT * (white if white < 2 else 1), 1) * 255
    np.testing.assert_allclose(pixels, expected, atol=1.6 if white != 1e6 else 4)


def test_floats_that_are_none():
    assert not read(tiff(np.full((8, 8), np.nan, np.float32), photometric="minisblack")).pixels.any()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_signed_levels_with_and_without_negative_ones(order, compression):
    for black, white in ((-32_768, 32_767), (0, 32_767)):
        values = np.round(black + LIGHT[..., 0] * (white - black)).astype(f"{order}i2")
        data = tiff(values, photometric="minisblack", byteorder=order, compression=compression)
        np.testing.assert_allclose(read(data).pixels[..., 0], LIGHT[..., 0] * 255, atol=1.6)


COLOURS = np.array([(200, 100, 80), (0, 0, 0), (255, 255, 255), (30, 140, 90), (128, 128, 128)], np.uint8)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("photometric", ["cielab", "icclab"])
@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_lab_becomes_srgb(order, bits, photometric, planar):
    image = Image.fromarray(np.broadcast_to(COLOURS, (6, *COLOURS.shape)).copy())
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    values = np.asarray(ImageCms.profileToProfile(image, srgb, lab, outputMode="LAB")).astype(np.int64)
    if photometric == "icclab":
        values[..., 1:] ^= 128
    values = (values << (bits - 8)).astype(f"{order}u{bits // 8}")
    if planar == "separate":
        values = np.ascontiguousarray(np.moveaxis(values, -1, 0))
    data = tiff(values, photometric=photometric, planarconfig=planar, byteorder=order)
    np.testing.assert_allclose(read(data).pixels[3], COLOURS, atol=4)


def test_a_profile_and_an_orientation_go_with_deep_pixels():
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    icc = icc.replace(b"rXYZ", b"?").replace(b"bXYZ", b"rXYZ").replace(b"?", b"bXYZ")
    values = levels(np.rot90(LIGHT[..., :3]), "f4")
    data = tiff(values, photometric="rgb", iccprofile=icc, extratags=[(0x0112, "H", 1, 6)])
    np.testing.assert_allclose(read(data).pixels, LIGHT[..., 2::-1] * 255, atol=3)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_big_tiff(big, order):
    values = levels(LIGHT[..., :3], f"{order}u2")
    for planes in (values, np.ascontiguousarray(np.moveaxis(values, -1, 0))):
        planar = "contig" if planes is values else "separate"
        data = tiff(planes, photometric="rgb", planarconfig=planar, byteorder=order, bigtiff=big, rowsperstrip=7)
        np.testing.assert_allclose(read(data).pixels, LIGHT[..., :3] * 255, atol=1.6)


@pytest.mark.parametrize(
    "data",
    [
        tiff(levels(LIGHT[..., 0], "u2"), photometric="minisblack").replace(
            b"\2\1\3\0\1\0\0\0\x10", b"\2\1\3\0\1\0\0\0\x0e"
        ),
        tiff(LIGHT[..., 0].astype(np.complex64), photometric="minisblack"),
        tiff(np.zeros((4, 5, 20), np.uint16), photometric="minisblack", planarconfig="contig"),
        tiff(levels(LIGHT[..., :3], "u2"), photometric="ycbcr"),
    ],
    ids=["14 bits", "complex", "20 samples", "YCbCr of 16 bits"],
)
def test_forms_that_are_not_read(data):
    with pytest.raises(CutError) as caught:
        read(data)
    assert caught.value.code in {"unsupported_image", "unreadable_image"}


@pytest.mark.parametrize(
    ("kind", "compression", "planar"),
    [*itertools.product(["u2", "f4"], [None, "zlib"], ["contig", "separate"])],
)
def test_a_deep_file_cut_short(kind, compression, planar):
    values = levels(LIGHT[..., :3], kind)
    if planar == "separate":
        values = np.ascontiguousarray(np.moveaxis(values, -1, 0))
    data = tiff(values, photometric="rgb", compression=compression, planarconfig=planar, rowsperstrip=7)
    for share in (0.1, 0.5, 0.95):
        with pytest.raises(CutError) as caught:
            read(data[: int(len(data) * share)])
        assert caught.value.code == "unreadable_image"


@pytest.mark.parametrize("tag", [322, 323])
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
@pytest.mark.parametrize("side", [0, 16_777_232, 2**32 - 16])
def test_tiles_without_end_are_damage(tag, kind, side):
    data = bytearray(tiff(levels(LIGHT[..., :3], kind), photometric="rgb", tile=(16, 16), compression="zlib"))
    at = data.index(tag.to_bytes(2, "little") + b"\4\0\1\0\0\0") + 8
    data[at : at + 4] = side.to_bytes(4, "little")
    with pytest.raises(CutError) as caught:
        read(bytes(data))
    assert caught.value.code == "unreadable_image"


@pytest.mark.parametrize("size", [(16_385, 1), (1, 16_385), (5001, 5000), (60_000, 60_000)])
def test_size_limits_hold_before_a_pixel_is_decoded(size):
    data = bytearray(tiff(levels(LIGHT[..., 0], "f4"), photometric="minisblack"))
    for tag, value in zip((256, 257), size, strict=True):
        at = data.index(tag.to_bytes(2, "little") + b"\4\0\1\0\0\0") + 8
        data[at : at + 4] = value.to_bytes(4, "little")
    with pytest.raises(CutError) as caught:
        read(bytes(data))
    assert caught.value.code == "image_too_large"
