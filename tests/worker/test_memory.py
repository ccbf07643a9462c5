"""What a cut-out takes of memory is bounded by the photo, whatever the options."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, wait_until
from PIL import Image

from objectcut.worker.memory import Memory, resident

BYTES_PER_PIXEL = 12
LIBWEBP = 24
"""Bytes per pixel that the only encoder of WebP takes by itself, whatever its settings."""
CASES = [
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
    ({"rotate": 45, "crop": True}, "png"),
    ({"rotate": 30, "canvas": "1:1", "shadow": "drop", "outline": "9 white"}, "png"),
    ({}, "webp"),
]


@pytest.fixture(scope="module")
def peaks(chelsea: Image.Image, tmp_path_factory: pytest.TempPathFactory) -> dict:
    photo = tmp_path_factory.mktemp("peaks") / "photo.png"
    chelsea.save(photo)
    command = [sys.executable, Path(__file__).with_name("peaks.py"), photo, json.dumps(CASES)]
    paths = os.pathsep.join(str(ROOT / folder) for folder in ("handler", "scripts"))
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": paths}, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("case", range(len(CASES)), ids=[f"{options} {kind}" for options, kind in CASES])
def test_a_cut_out_takes_twelve_bytes_for_each_pixel(peaks: dict, case: int):
    _, kind = CASES[case]
    assert peaks["cuts"][case] <= (LIBWEBP if kind == "webp" else BYTES_PER_PIXEL)


def test_a_picture_behind_it_takes_no_more(peaks: dict):
    assert peaks["behind"] <= BYTES_PER_PIXEL


def test_drawing_an_object_that_fills_the_photo_takes_no_more(peaks: dict):
    assert peaks["drawn"] <= BYTES_PER_PIXEL


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


def test_large_pieces_are_kept_for_the_next_photo_where_that_was_asked_for():
    """Pages of what was freed and taken again need not be cleared a second time."""
    program = (
        "import resource, sys\n"
        "from objectcut.worker.memory import keep_freed\n"
        "if sys.argv[1] == 'keep': keep_freed()\n"
        "def faults():\n"
        "    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for _ in range(3): bytearray(48_000_000)\n"
        "before = faults()\n"
        "for _ in range(10): bytearray(48_000_000)\n"
        "print(faults() - before)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT / "handler")}
    plain, kept = (
        int(
            subprocess.run(
                [sys.executable, "-c", program, word], env=env, check=True, capture_output=True, text=True
            ).stdout
        )
        for word in ("plain", "keep")
    )
    assert kept < plain / 10
