"""Where the time of ours goes: the stages inside of the detector, and those around it."""

from __future__ import annotations

import io
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, TypeVar
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmark.measure import Task, interleaved, medians
from benchmark.photos import Size
from benchmark.sides import Scene
from objectcut.edges import matte
from objectcut.instance import Query
from objectcut.network.detector import Detector
from objectcut.network.roialign import Pyramid
from objectcut.photo import decode
from objectcut.picture import compose, encode
from objectcut.request.options import CutOptions
from objectcut.settings import Settings

Made = TypeVar("Made")
INSIDE = ("resize", "backbone + FPN", "RPN", "box head", "mask head", "rest")
"""Stages of the detector, in order."""
AROUND = ("decode", "paste", "cut", "png", "png by Pillow", "webp", "jpeg")
"""Stages before and after it; one of the four last writes the file."""


def inside(detector: Detector, query: Query, rounds: int, advance: Callable[[str], object]) -> dict[str, float]:
    """Median seconds of each stage of the detector on one photo."""
    layers, boxes = detector._network, detector._boxes  # noqa: SLF001
    clock = _Clock()
    methods = [
        ("resize", detector, "_network_input"),
        ("backbone + FPN", layers, "pyramid"),
        ("RPN", layers, "objectness"),
        ("RPN", boxes, "propose"),
        ("box head", Pyramid, "__init__"),
        ("box head", Pyramid, "pool"),
        ("box head", layers, "box_head"),
        ("box head", boxes, "classify"),
        ("mask head", detector, "_masks"),
    ]
    taken: dict[str, list[float]] = {stage: [] for stage in INSIDE}
    with ExitStack() as stack:
        for stage, owner, name in methods:
            stack.enter_context(patch.object(owner, name, clock.around(stage, getattr(owner, name))))
        for _ in range(rounds):
            advance("stages")
            clock.seconds.clear()
            start = time.perf_counter()
            detector.detect([query])
            clock.seconds["rest"] = time.perf_counter() - start - sum(clock.seconds.values())
            for stage in INSIDE:
                taken[stage].append(clock.seconds[stage])
    return medians(taken)


def around(
    jpeg: bytes, size: Size, scene: Scene, rounds: int, advance: Callable[[str], object]
) -> tuple[dict[str, float], dict[str, int]]:
    """Median seconds of each stage around the detector, and bytes of the files, for the wanted ones of a scene."""
    settings, options = Settings(), CutOptions()
    width, height = size
    instances = scene.masked(width, height)
    decoded = decode.load(jpeg, settings)
    masks = [matte.paste(instance, width, height) for instance in instances]

    def cut() -> NDArray[np.uint8]:
        made = compose.cut(decoded, matte.union(masks, width, height), options)
        assert made is not None
        return made.pixels

    picture = cut()
    writers: dict[str, Callable[[], bytes]] = {
        "png": lambda: encode.encode(picture, "png"),
        "png by Pillow": lambda: _pillows_png(picture),
        "webp": lambda: encode.encode(picture, "webp"),
        "jpeg": lambda: encode.encode(picture, "jpeg"),
    }
    tasks: dict[str, Task] = {
        "decode": lambda: decode.load(jpeg, settings),
        "paste": lambda: [matte.paste(instance, width, height) for instance in instances],
        "cut": cut,
        **writers,
    }
    lengths = {name: len(write()) for name, write in writers.items()}
    return medians(interleaved(tasks, rounds, advance)), lengths


class _Clock:
    """Seconds of each stage. Of calls inside one another only the outermost counts."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._runs = False

    def around(self, stage: str, method: Callable[..., Made]) -> Callable[..., Made]:
        """The method, timed."""

        def timed(*args: Any) -> Made:
            if self._runs:
                return method(*args)
            self._runs = True
            start = time.perf_counter()
            try:
                return method(*args)
            finally:
                self.seconds[stage] += time.perf_counter() - start
                self._runs = False

        return timed


def _pillows_png(picture: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG", compress_level=1)
    return out.getvalue()
