from __future__ import annotations

import struct

import numpy as np
import pytest
from conftest import encoded
from PIL import Image

from objectcut.errors import CutError
from objectcut.photo.decode import load
from objectcut.settings import Settings

SETTINGS = Settings()
KINDS = {
    kind: encoded(Image.new("RGB", (32, 24), (200, 100, 80)), kind, quality=100, **options)
    for kind, options in {"HEIF": {"chroma": 444}, "AVIF": {"subsampling": "4:4:4"}}.items()
}


def with_codes(data: bytes, primaries: int, transfer: int) -> bytes:
    at = data.index(b"colrnclx") + 8
    return data[:at] + struct.pack(">HH", primaries, transfer) + data[at + 4 :]


# What Chromium 156 shows of (200, 100, 80).
@pytest.mark.parametrize(
    ("codes", "colour"),
    [
        ((1, 13), (200, 101, 80)),
        ((2, 2), (200, 101, 80)),
        ((1, 1), (200, 101, 80)),
        ((1, 6), (200, 101, 80)),
        ((12, 13), (215, 94, 73)),
        ((12, 1), (215, 94, 73)),
        ((12, 2), (215, 94, 73)),
        ((11, 13), (211, 94, 73)),
        ((9, 14), (241, 77, 73)),
        ((5, 6), (203, 101, 80)),
        ((6, 6), (196, 104, 80)),
        ((1, 4), (201, 101, 79)),
        ((1, 5), (189, 77, 56)),
        ((1, 8), (229, 169, 152)),
        ((2, 9), (200, 101, 80)),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_colours_by_number_become_srgb(kind, codes, colour):
    photo = load(with_codes(KINDS[kind], *codes), SETTINGS)
    np.testing.assert_allclose(photo.pixels[12, 16], colour, atol=3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("transfer", [16, 18])
def test_high_dynamic_range_keeps_its_order_and_ends_at_white(kind, transfer):
    ramp = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], 16, axis=0).repeat(3, axis=2)
    data = encoded(Image.fromarray(ramp), kind, quality=100)
    levels = load(with_codes(data, 9, transfer), SETTINGS).pixels[8, :, 1].astype(int)
    assert levels[0] <= 2
    assert levels[-1] > 240
    assert (np.diff(levels) >= -4).all()  # but for the losses of the encoder
    assert len(set(levels.tolist())) > 30


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(17_000, 17_000), (17_000, 10), (40_000, 40_000), (5001, 5000)])
def test_a_photo_that_is_too_large_for_its_decoder_is_called_so(kind, size):
    data = KINDS[kind]
    at = data.index(b"ispe") + 8
    with pytest.raises(CutError) as caught:
        load(data[:at] + struct.pack(">II", *size) + data[at + 8 :], SETTINGS)
    assert caught.value.code == "image_too_large"
    assert (caught.value.details["width"], caught.value.details["height"]) == size


@pytest.mark.parametrize("kind", KINDS)
def test_boxes_that_are_damaged(kind):
    data = KINDS[kind]
    head = data.index(b"mdat")
    for at in range(head):
        for value in (0, 1, 127, 255):
            try:
                load(data[:at] + bytes([value]) + data[at + 1 :], SETTINGS)
            except CutError as error:
                assert error.code in {"unreadable_image", "unsupported_image", "image_too_large"}  # noqa: PT017
