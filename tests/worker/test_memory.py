"""What a cut-out takes of memory is bounded by the photo, whatever the options."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import ROOT, wait_until
from PIL import Image

from benchmark.measure import peak_memory
from objectcut.edges import drawing, refiner
from objectcut.instance import Instance
from objectcut.network.fuse import fuse
from objectcut.photo.decode import Photo
from objectcut.picture import compose
from objectcut.picture.encode import Format, encode
from objectcut.request.options import CutOptions
from objectcut.worker.memory import Memory, resident

WIDTH, HEIGHT = 5000, 3600
BYTES_A_PIXEL = 12
LIBWEBP = 24
"""Bytes a pixel that the only encoder of WebP takes by itself, whatever its settings."""


@pytest.fixture(scope="module")
def photo(chelsea: Image.Image) -> Photo:
    return Photo(np.asarray(chelsea.resize((WIDTH, HEIGHT))).copy())


@pytest.fixture(scope="module")
def alpha() -> np.ndarray:
    """A disc with a soft edge on half of the photo."""
    y, x = np.ogrid[:HEIGHT, :WIDTH]
    share = (1300 - np.hypot(y - HEIGHT / 2, x - WIDTH / 2)) / 8 + 0.5
    return (share.clip(0, 1) * 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, "png"),
        ({"invert": True, "edges": "sharp"}, "png"),
        ({"grow": 900}, "png"),
        ({"grow": -60, "feather": 900}, "png"),
        ({"background": "white"}, "jpeg"),
        ({"background": "rgba(9, 9, 9, 0.5)"}, "png"),
        ({"background": "blur:2"}, "png"),
        ({"background": "blur:500", "invert": True}, "jpeg"),
        ({"max_size": 4900}, "png"),
        ({"output": "mask"}, "png"),
        ({"output": "both"}, "zip"),
        ({"crop": True, "margin": "20%"}, "jpeg"),
    ],
)
def test_a_cut_out_takes_twelve_bytes_for_each_pixel(photo: Photo, alpha: np.ndarray, options: dict, kind: Format):
    checked = CutOptions(**options)
    taken = peak_memory(lambda: encode(compose.cut(photo, alpha, checked).pixels, kind))
    assert taken / (WIDTH * HEIGHT) <= BYTES_A_PIXEL


def test_a_webp_file_takes_what_its_encoder_takes(photo: Photo, alpha: np.ndarray):
    taken = peak_memory(lambda: encode(compose.cut(photo, alpha, CutOptions()).pixels, "webp"))
    assert taken / (WIDTH * HEIGHT) <= LIBWEBP


def test_a_picture_behind_it_takes_no_more(photo: Photo, alpha: np.ndarray):
    taken = peak_memory(lambda: encode(compose.cut(photo, alpha, CutOptions(), photo).pixels, "png"))
    assert taken / (WIDTH * HEIGHT) <= BYTES_A_PIXEL


def test_drawing_an_object_that_fills_the_photo_takes_no_more(photo: Photo):
    trained = fuse(refiner.load(ROOT / "model_store" / "refiner.safetensors"), torch.float32, torch.device("cpu"))
    box = 50.0, 50.0, WIDTH - 50.0, HEIGHT - 50.0
    y, x = np.mgrid[:28, :28] - 13.5
    instance = Instance(0, 1, 0.9, box, (np.hypot(x, y) < 12).astype(np.float32))
    drawing.draw(photo.pixels[:500, :500], instance, trained)  # what is set up once does not count
    taken = peak_memory(lambda: drawing.draw(photo.pixels, instance, trained))
    assert taken / (WIDTH * HEIGHT) <= BYTES_A_PIXEL


def test_memory_that_was_freed_is_given_back():
    """Pieces of a few kB with every second one freed again, as photos of many sizes leave them, and then the rest."""
    memory = Memory()
    memory.tidy()
    before = resident()
    pieces = [bytes(4000) for _ in range(150_000)]  # beyond Python's own arenas, below those of mmap
    keep = pieces[::50]
    grown = resident()
    assert grown > before + 300e6
    del pieces
    memory.tidy()
    wait_until(lambda: resident() < before + (grown - before) / 4, 30, "that it was given back")
    assert len(keep) == 3000
