"""The order of the measurements, from the models and sizes that were chosen to the results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from PIL import Image
from torchvision.transforms.functional import to_tensor

from benchmark import server, stages
from benchmark.measure import (
    MATRIX_MULTIPLY_ADDS,
    BackgroundLoad,
    Machine,
    Task,
    interleaved,
    matrix_product,
    medians,
    multiply_adds,
    peak_memory,
)
from benchmark.photos import Size, jpegs, pictures
from benchmark.progress import Start
from benchmark.results import CrowdedScene, Figures, Layers, NetworkOnly, Refinement, Results, SurroundingStages, Timing
from benchmark.sides import MIN_SCORE, MOST, Scene, Subject, eager_layers, sides
from fetch_weights import STORE
from objectcut.edges import drawing, foreground, matte
from objectcut.edges.refiner import load
from objectcut.errors import CutError
from objectcut.instance import Query
from objectcut.network import checkpoint
from objectcut.network.detector import Detector
from objectcut.network.fuse import fuse
from objectcut.network.layers import DTYPES, best_dtype, dtype_name
from objectcut.photo import decode
from objectcut.settings import Settings
from parity import Reference, Summary, compare

_PLAIN, _LARGE = (640, 480), (4000, 3000)
SIZES: tuple[Size, ...] = (_PLAIN, (1920, 1080), _LARGE)
"""Of photos, unless others are chosen."""
_FEW = 4  # photos for a precision that the processor only imitates
_OFTEN = 4  # times as many rounds for what takes little time
_REQUESTS = 40
_PARITY_SIDE = 600  # px, of one's own photos: larger ones are resized in another way than torchvision's
_CPU = torch.device("cpu")
_FAST = {best_dtype("any", _CPU)} - {torch.float32}
"""Number types beside fp32 that this processor multiplies natively."""


@dataclass(frozen=True)
class Choice:
    """What the caller asked for.

    Attributes:
        models: names, as in `MODEL=`.
        sizes: of the photos.
        rounds: runs of each side.
        photos: folder with photos to compare detections on; None for pictures of our own.
        server: whether to send requests to a real server.
    """

    models: Sequence[str]
    sizes: Sequence[Size]
    rounds: int
    photos: Path | None
    server: bool


def run(choice: Choice, start: Start) -> Results:
    """Measure everything that was asked for.

    Raises:
        Failed: the server did not start or did not answer.
    """
    others = BackgroundLoad()
    often = choice.rounds * _OFTEN
    peaks = _peaks(often, start)
    figures: list[Figures] = []
    layers = alone = crowd = requests = None
    parity: dict[str, Summary] = {}
    refinements: tuple[Refinement, ...] = ()
    for name in choice.models:
        start(f"{name}: loading", 1)("")
        subject = Subject.load(name)
        figures.append(_figures(subject, choice, start))
        if name == "coco-v1":
            layers = _layers(subject, often, start)
        if name == "bundled":
            alone = _alone(subject, often, start)
            crowd = _crowd(subject, start) if _LARGE in choice.sizes else None
            refinements = tuple(_refinement(subject.detector, size, often, start) for size in choice.sizes)
            parity = _parity(choice.photos, start)
            requests = _requests(subject.detector, start) if choice.server else None
    around = tuple(_around(size, often, start) for size in choice.sizes)
    return Results(
        machine=Machine.this(),
        rounds=choice.rounds,
        others=others.share(),
        peaks=peaks,
        models=tuple(figures),
        around=around,
        refinements=refinements,
        layers=layers,
        alone=alone,
        crowd=crowd,
        parity=parity,
        requests=requests,
    )


def _figures(subject: Subject, choice: Choice, start: Start) -> Figures:
    scene = Scene.invent()
    pinned = subject.pin(scene)
    timings: list[Timing] = []
    inside = {}
    for size in choice.sizes:
        photos = [decode.load(jpeg, Settings()).pixels for jpeg in jpegs(size, MOST)]
        timings += _timings(subject, scene, size, photos, choice.rounds, start)
        advance = start(f"{subject.name}, {_words(size)}", choice.rounds)
        inside[_words(size)] = stages.inside(subject.detector, scene.query(photos[0]), choice.rounds, advance)
    dtype = dtype_name(subject.detector.dtype)
    return Figures(subject.name, subject.weights, dtype, pinned.proposals, tuple(timings), inside)


def _timings(
    subject: Subject, scene: Scene, size: Size, photos: Sequence[NDArray[np.uint8]], rounds: int, start: Start
) -> Iterator[Timing]:
    """Every side on photos of one size. Those that this machine's memory cannot hold are left out."""
    free = psutil.virtual_memory().available
    able = [side for side in sides(subject, scene, photos) if side.full_masks * 4 * size[0] * size[1] < free]
    advance = start(f"{subject.name}, {_words(size)}", (rounds + 1) * len(able))
    peaks = {}
    for side in able:  # the first run, which does not count for speed
        advance(side.name)
        peaks[side.name] = peak_memory(side.run)
    seconds = medians(interleaved({side.name: side.run for side in able}, rounds, advance))
    for side in able:
        yield Timing(_words(size), side.name, side.batch, seconds[side.name] / side.batch, peaks[side.name])


def _around(size: Size, rounds: int, start: Start) -> SurroundingStages:
    advance = start(f"around the detector, {_words(size)}", rounds * len(stages.AROUND))
    seconds, lengths = stages.around(jpegs(size, 1)[0], size, Scene.invent(), rounds, advance)
    return SurroundingStages(_words(size), seconds, lengths)


def _refinement(detector: Detector, size: Size, rounds: int, start: Start) -> Refinement:
    """The woman of the first photo."""
    refiner = fuse(load(STORE / "refiner.safetensors"), torch.float32, _CPU)
    pixels = _pixels(size)
    query = Query(pixels, MIN_SCORE, lambda found: found[:1])
    (person,) = detector.detect([query])[0].kept
    alpha = matte.union([drawing.draw(pixels, person, refiner)], *size)
    tasks: dict[str, Task] = {
        "network": lambda: detector.detect([query]),
        "edge": lambda: drawing.draw(pixels, person, refiner),
        "colours": lambda: _cleaned(pixels, alpha),
    }
    for task in tasks.values():
        task()
    seconds = medians(interleaved(tasks, rounds, start(f"edges, {_words(size)}", rounds * len(tasks))))
    peak = max(peak_memory(tasks["edge"]), peak_memory(tasks["colours"]))
    return Refinement(_words(size), **seconds, bytes_a_pixel=peak / (size[0] * size[1]))


def _cleaned(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    cleaned: NDArray[np.uint8] = pixels.copy()
    foreground.estimate(pixels, alpha).paint(cleaned)
    return cleaned


def _peaks(rounds: int, start: Start) -> dict[str, float]:
    """Multiply-adds a second of matrix products in the precisions that the processor multiplies."""
    tasks = {dtype_name(dtype): matrix_product(dtype) for dtype in (torch.float32, *_FAST)}
    seconds = interleaved(tasks, rounds, start("matrix products", rounds * len(tasks)))
    return {name: MATRIX_MULTIPLY_ADDS / min(taken) for name, taken in seconds.items()}


def _layers(subject: Subject, rounds: int, start: Start) -> Layers:
    """Backbone and FPN of ours on a photo of 640x480."""
    shape = subject.model.transform([to_tensor(_pixels(_PLAIN))])[0].tensors.shape
    network, dtype = subject.detector._network, subject.detector.dtype  # noqa: SLF001
    batch = torch.rand(shape).to(dtype, memory_format=torch.channels_last)
    tasks = {"layers": torch.inference_mode()(lambda: network.pyramid(batch))}
    seconds = medians(interleaved(tasks, rounds, start(f"{subject.name}, backbone and FPN", rounds)))
    work = multiply_adds(subject.model.backbone, shape)
    return Layers((shape[2], shape[3]), dtype_name(dtype), work, seconds["layers"])


def _alone(subject: Subject, rounds: int, start: Start) -> NetworkOnly:
    """The network alone on a photo of 640x480, without pasting."""
    pixels, scene, wanted = _pixels(_PLAIN), Scene.invent(), Scene.invent(10)
    query = scene.query(pixels)

    def eager(scene: Scene) -> object:
        subject.pin(scene)
        return eager_layers(subject.model, pixels)

    tasks: dict[str, Task] = {
        "eager": lambda: eager(scene),
        "eager_wanted": lambda: eager(wanted),
        "ours": lambda: subject.detector.detect([query]),
    }
    seconds = interleaved(tasks, rounds, start(f"{subject.name}, the network alone", rounds * len(tasks)))
    return NetworkOnly(**medians(seconds))


def _crowd(subject: Subject, start: Start) -> CrowdedScene | None:
    """The memory for a hundred detections in a large photo, ten of them wanted."""
    scene = Scene.invent(100)
    subject.pin(scene)
    original, _, ours, *_ = sides(subject, scene, [_pixels(_LARGE)] * MOST)
    if original.full_masks * 4 * _LARGE[0] * _LARGE[1] > psutil.virtual_memory().available:
        return None
    advance = start(f"memory for 100 detections, {_words(_LARGE)}", 2)
    peaks = []
    for side in (original, ours):
        advance(side.name)
        peaks.append(peak_memory(side.run))
    return CrowdedScene(100, _words(_LARGE), *peaks)


def _parity(folder: Path | None, start: Start) -> dict[str, Summary]:
    """How far the bundled model's detections are from torchvision's, in each precision."""
    model, card = checkpoint.load(STORE / "bundled.safetensors")
    photos = list(pictures() if folder is None else _own(folder))
    advance = start("torchvision's detections", len(photos))
    references = []
    for pixels in photos:
        advance("")
        references.append(Reference.of(model, pixels))
    summaries = {}
    for name, dtype in DTYPES.items():
        detector = Detector(model, card, _CPU, dtype)
        # A processor only imitates the other types, slowly.
        some = references if dtype in (torch.float32, *_FAST) else references[:_FEW]
        advance = start(f"detections in {name}", len(some))
        comparisons = []
        for reference in some:
            advance("")
            comparisons.append(compare(reference, detector))
        summaries[name] = Summary.of(comparisons)
    return summaries


def _own(folder: Path) -> Iterator[NDArray[np.uint8]]:
    """The photos of a folder, made so small that torchvision resizes them as we do."""
    for path in sorted(folder.iterdir()):
        with suppress(CutError, OSError):
            image = Image.fromarray(decode.load(path.read_bytes(), Settings()).pixels)
            image.thumbnail((_PARITY_SIDE, _PARITY_SIDE))
            yield np.array(image)


def _requests(detector: Detector, start: Start) -> server.Requests:
    """Whole requests to a real server, with what the network itself finds."""
    query = Query(_pixels(_PLAIN), MIN_SCORE, lambda found: found)
    start("starting a server", 1)("")
    with server.running() as running:
        advance = start("requests", _REQUESTS)
        return server.measure(running, jpegs(_PLAIN, 1)[0], lambda: detector.detect([query]), _REQUESTS, advance)


def _pixels(size: Size) -> NDArray[np.uint8]:
    """The first photo of this size."""
    return decode.load(jpegs(size, 1)[0], Settings()).pixels


def _words(size: Size) -> str:
    return f"{size[0]}x{size[1]}"
