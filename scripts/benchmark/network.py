"""The network, run the way of the first program, the way of TorchServe's example, and ours.

A network with random weights finds nonsense, and different nonsense in every precision. So each side runs the whole
network, and then what was found is replaced by the same invented detections, ten of them of the class that is wanted.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.transforms.functional import to_tensor

from benchmark.figures import Figures, ratio
from benchmark.measure import Task, interleaved, peak_memory, tracked
from benchmark.photos import SMALL, Size, label, photos
from objectcut.edges import matte
from objectcut.instance import Instance, Query
from objectcut.network import architectures, checkpoint
from objectcut.network.detector import Detector
from objectcut.network.layers import best_dtype, dtype_name
from objectcut.network.official import OFFICIAL, card_of
from objectcut.network.roialign import Pyramid
from objectcut.network.weightfiles import stored

SPEED, MEMORY, STAGES = "From pixels to the wanted masks", "Memory of that", "Stages of the detector, ms"
PRODUCTS, BACKBONE, ALONE = "Large matrix products", "Backbone and FPN, 640x480", "The network alone, 640x480"
MODELS = ("coco-v1", "coco", "bundled")
SIDES = ("original", "stock, 4", "ours, 1", "ours, 4", "ours, 8")
"""Each with how many photos it takes at once."""
CPU = torch.device("cpu")
NATIVE = list(dict.fromkeys((torch.float32, best_dtype(CPU))))
"""Number types that this processor multiplies; it only imitates others, slowly."""
FOUND = 50
"""Detections in a photo, all above torchvision's lowest score, unless it is told otherwise."""
_WANTED = 1  # label
_MATRIX = 3072  # rows and columns; large enough that multiplying is all that counts


@lru_cache
def scene(width: int, height: int, count: int) -> tuple[Instance, ...]:
    """Return invented detections, best first, from a twentieth to most of a photo of this size. Ten are wanted."""
    numbers = torch.Generator().manual_seed(0)
    sides = 0.05 * 16 ** torch.rand(count, 2, generator=numbers)  # as many small as large
    corners = torch.rand(count, 2, generator=numbers) * (1 - sides)
    boxes = (torch.cat((corners, corners + sides), 1) * torch.tensor([width, height, width, height])).tolist()
    labels = (2 if rank % (count // 10) else _WANTED for rank in range(count))
    return tuple(map(Instance, range(count), labels, torch.linspace(0.99, 0.51, count).tolist(), map(tuple, boxes)))


def query(photo: NDArray[np.uint8], count: int = FOUND) -> Query:
    """Return a photo, (H, W, 3) uint8, in which ours shall find the wanted ones of a scene."""
    wanted = [each for each in scene(photo.shape[1], photo.shape[0], count) if each.label == _WANTED]
    return Query(photo, 0.5, lambda _: wanted)


@dataclass(frozen=True, eq=False)
class Subject:
    """A model that is measured: torchvision's own in fp32, and ours as it is served."""

    name: str
    weights: str
    model: MaskRCNN
    detector: Detector

    @classmethod
    def load(cls, name: str) -> Subject:
        """Load a model by its name as in `MODEL=`; the weights are random unless they are in the store."""
        path = stored(f"{name}.safetensors")
        if path.exists():
            model, card = checkpoint.load(path)
        else:
            torch.manual_seed(0)
            model = architectures.build(card := card_of(OFFICIAL[name]))
        if name in OFFICIAL:
            # torchvision lets all but the first layers learn unless it is told otherwise, and nobody told it.
            for layer in (model.backbone.body.layer2, model.backbone.body.layer3, model.backbone.body.layer4):
                layer.requires_grad_()
        return cls(name, "trained" if path.exists() else "random", model, Detector(model, card, CPU))

    def pin(self, count: int = FOUND) -> list[int]:
        """Make torchvision's model find a scene in every photo; return a list that gets the proposals of each run."""
        choose, proposed = partial(RoIHeads.postprocess_detections, self.model.roi_heads), list[int]()

        def pinned(
            logits: Tensor, deltas: Tensor, proposals: list[Tensor], shapes: list[tuple[int, int]]
        ) -> tuple[list[Tensor], ...]:
            choose(logits, deltas, proposals, shapes)
            proposed.append(len(proposals[0]))
            scenes = [scene(width, height, count) for height, width in shapes]
            return tuple(
                [torch.tensor([getattr(each, name) for each in found]) for found in scenes]
                for name in ("box", "score", "label")
            )

        self.model.roi_heads.postprocess_detections = pinned
        return proposed


class Side(NamedTuple):
    """A way to run a model on `batch` photos at once, which holds `planes` float32 numbers per pixel of a photo."""

    batch: int
    planes: int
    run: Task


def sides(subject: Subject, size: Size, count: int = FOUND) -> dict[str, Side]:
    """Return every way from pixels to the wanted masks at the photos' size that this machine has the memory for."""
    pixels, free = photos(size), psutil.virtual_memory().available
    stock = torch.inference_mode()(_torchvision)
    every = (
        Side(1, 2 * count, partial(_torchvision, subject.model, pixels[:1])),  # torchvision copies masks to stack them
        Side(4, 5 * count, partial(stock, subject.model, pixels[:4])),
        *(Side(n, 0, partial(_ours, subject.detector, pixels[:n], count)) for n in (1, 4, 8)),
    )
    room = free / (4 * size[0] * size[1])
    return {name: side for name, side in zip(SIDES, every, strict=True) if side.planes < room}


def _torchvision(model: MaskRCNN, photos: Sequence[NDArray[np.uint8]]) -> list[Tensor]:
    found = model([to_tensor(photo) for photo in photos])
    return [each["masks"][each["labels"] == _WANTED] > 0.5 for each in found]


def _ours(detector: Detector, photos: Sequence[NDArray[np.uint8]], count: int) -> list[list[matte.Matte]]:
    detections = detector.detect([query(photo, count) for photo in photos])
    return [
        [matte.paste(instance, photo.shape[1], photo.shape[0]) for instance in detection.kept]
        for photo, detection in zip(photos, detections, strict=True)
    ]


def memory(figures: Figures, subject: Subject, size: Size, count: int = FOUND) -> None:
    """Measure how much memory each side takes, and how many proposals the network looks at."""
    proposed = subject.pin(count)
    able = sides(subject, size, count)
    for name in tracked(f"{subject.name}, {label(size)}, memory", list(able)):
        row = {"model": subject.name, "photo": label(size), "detections": str(count), "side": name}
        figures.add(MEMORY, row, {"peak MB": peak_memory(able[name].run) / 1e6})
    row = {"model": subject.name, "weights": subject.weights, "ours in": dtype_name(subject.detector.dtype)}
    figures.add("Models", row, {"proposals": proposed[-1]})


def speed(figures: Figures, subject: Subject, size: Size, rounds: int) -> None:
    """Measure how long each side takes. They must have run before."""
    subject.pin()
    able = sides(subject, size)
    words = {"model": subject.name, "photo": label(size)}
    tasks = {name: side.run for name, side in able.items()}
    for name, seconds in interleaved(f"{subject.name}, {label(size)}", tasks, rounds):
        each = seconds / able[name].batch
        figures.add(SPEED, {**words, "side": name}, {"ms per photo": each * 1e3, "photos/s": 1 / each})
    medians = {name: figures.median(SPEED, "ms per photo", **words, side=name) for name in able}
    for name in able:
        if (faster := ratio(medians.get("original"), medians[name])) is not None:
            figures.add(SPEED, {**words, "side": name}, {"original x": faster})


def stages(figures: Figures, subject: Subject, size: Size, rounds: int) -> None:
    """Measure the stages inside of our detector with one photo. Each lasts until the next one begins."""
    detector, photo = subject.detector, query(photos(size)[0])
    marks: list[tuple[str, float]] = []

    def marked(stage: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any) -> Any:
            marks.append((stage, time.perf_counter()))
            return method(*args)

        return run

    begin = {
        "resize": (detector, "_network_input"),
        "rest": (detector, "_groups"),
        "backbone + FPN": (detector._network, "pyramid"),  # noqa: SLF001
        "RPN": (detector._network, "objectness"),  # noqa: SLF001
        "box head": (Pyramid, "__init__"),
        "mask head": (detector, "_masks"),
    }
    with ExitStack() as patches:
        for stage, (owner, name) in begin.items():
            patches.enter_context(patch.object(owner, name, marked(stage, getattr(owner, name))))
        task = {"whole": lambda: detector.detect([photo])}
        for name, seconds in interleaved(f"{subject.name}, {label(size)}, stages", task, rounds):
            ends = [start for _, start in marks[1:]] + [marks[0][1] + seconds]
            lasted = [(stage, end - start) for (stage, start), end in zip(marks, ends, strict=True)]
            for stage, taken in (*lasted, (name, seconds)):
                figures.add(STAGES, {"model": subject.name, "stage": stage}, {label(size): taken * 1e3})
            marks.clear()


def alone(figures: Figures, subject: Subject, rounds: int) -> None:
    """Measure the network as far as masks of 28 x 28 cells."""
    photo = photos(SMALL)[0]

    def eager(count: int) -> object:
        subject.pin(count)
        return subject.model([to_tensor(photo)])

    tasks: dict[str, Task] = {
        "eager fp32, 50 masks": partial(eager, 50),
        "eager fp32, the 10 wanted": partial(eager, 10),  # which torchvision cannot choose by itself
        "ours, the 10 wanted": partial(subject.detector.detect, [query(photo)]),
    }
    unpasted = patch.object(subject.model.transform, "postprocess", lambda found, *_: found)
    with torch.inference_mode(), unpasted:
        for name, seconds in interleaved(f"{subject.name}, the network alone", tasks, rounds):
            figures.add(ALONE, {"side": name}, {"ms": seconds * 1e3})


def backbone(figures: Figures, subject: Subject, rounds: int) -> None:
    """Measure backbone and FPN of ours beside the multiply-adds of torchvision's layers."""
    shape = subject.model.transform([to_tensor(photos(SMALL)[0])])[0].tensors.shape
    with FlopCounterMode(display=False) as counter:  # nothing is computed
        copy.deepcopy(subject.model.backbone).to("meta")(torch.empty(shape, device="meta"))
    work = counter.get_total_flops() / 2 / 1e9
    dtype = subject.detector.dtype
    batch = torch.rand(shape).to(dtype, memory_format=torch.channels_last)
    tasks = {dtype_name(dtype): partial(subject.detector._network.pyramid, batch)}  # noqa: SLF001
    with torch.inference_mode():
        for name, seconds in interleaved(f"{subject.name}, backbone and FPN", tasks, rounds):
            numbers = {"ms": seconds * 1e3, "G multiply-adds": work, "G multiply-adds/s": work / seconds}
            figures.add(BACKBONE, {"model": subject.name, "precision": name}, numbers)


def matrix_products(figures: Figures, rounds: int) -> None:
    """Measure the best that the machine can do."""
    tasks: dict[str, Task] = {}
    for dtype in NATIVE:
        left, right = torch.rand(_MATRIX, _MATRIX).to(dtype), torch.rand(_MATRIX, _MATRIX).to(dtype)
        tasks[dtype_name(dtype)] = partial(torch.mm, left, right, out=torch.empty_like(left))
    for name, seconds in interleaved("matrix products", tasks, rounds):
        figures.add(PRODUCTS, {"precision": name}, {"G multiply-adds/s": _MATRIX**3 / seconds / 1e9})
