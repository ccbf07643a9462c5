"""The measurements of what is served, with the bundled model: its detections, its stages, and requests to a server."""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median

import httpx
import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image

from benchmark.figures import Figures
from benchmark.measure import Task, interleaved, peak_memory, tracked
from benchmark.network import CPU, NATIVE
from benchmark.photos import Size, another, label, photos, pictures, woman, women
from benchmark.rembg_process import Rembg
from launch import Failed, Server
from objectcut.edges import foreground, matte
from objectcut.errors import CutError
from objectcut.instance import Detection, Query
from objectcut.item import Answer, Job, Order
from objectcut.network import checkpoint
from objectcut.network.detector import Detector
from objectcut.network.layers import DTYPES
from objectcut.network.weightfiles import stored
from objectcut.photo import decode
from objectcut.pipeline import Pipeline
from objectcut.recent import RecentPhoto
from objectcut.request.parse import from_values
from objectcut.settings import Settings
from parity import Reference, Summary, compare
from rundir import Ports

PARITY, STAGES = "Beside torchvision's own forward in fp32", "Stages of a request, ms"
EDGE, REQUEST, CROWD = "The edge of one object", "One request", "Senders at once, smooth edges, PNG"
SMOOTH, AGAIN, REMBG = "smooth", "smooth, the same photo again", "rembg, u2netp"
SENDERS = (1, 4, 16)
OBJECTS, COUNTS, _MIDDLE = "Objects in a photo of 1920x1440, ms", (1, 2, 4, 8), (1920, 1440)
_MODEL = stored("bundled.safetensors")
_AGAIN = "png, the same photo again"
_FEW = 4  # photos for a precision that the processor only imitates
_PARITY_SIDE = 600  # px, of one's own photos: larger ones are resized in another way than torchvision's
_OFTEN = 8  # requests in each round
_ANSWER_S, _TELL_S = 240.0, 10.0
_TOLD = re.compile(r"^objectcut_(decode|detect|matte|edges|cutout|encode)_seconds_(count|sum){.*} (\S+)$", re.M)


def parity(figures: Figures, folder: Path | None) -> None:
    """Measure in each precision how far the detections are from torchvision's, on the photos of a folder or our own."""
    model, card = checkpoint.load(_MODEL)
    chosen = list(pictures() if folder is None else _read(folder))
    references = [Reference.of(model, pixels) for pixels in tracked("torchvision's detections", chosen)]
    for name, dtype in DTYPES.items():
        detector = Detector(model, card, CPU, dtype)
        some = tracked(f"detections in {name}", references if dtype in NATIVE else references[:_FEW])
        for what, number in asdict(Summary.of([compare(reference, detector) for reference in some])).items():
            figures.add(PARITY, {"what": what}, {name: number})


def _read(folder: Path) -> Iterator[NDArray[np.uint8]]:
    """The photos of a folder, made so small that torchvision resizes them as we do."""
    for path in sorted(folder.iterdir()):
        with suppress(CutError, OSError):
            image = Image.fromarray(decode.load(path.read_bytes(), Settings()).pixels)
            image.thumbnail((_PARITY_SIDE, _PARITY_SIDE))
            yield np.array(image)


def stages(figures: Figures, sizes: Sequence[Size], rounds: int) -> None:
    """Measure the stages of whole requests for each format, and of the edge of one object."""
    ms: defaultdict[str, float] = defaultdict(float)

    def observe(metric: str, value: float, unit: str) -> None:
        if unit == "s":
            ms[metric.removeprefix("objectcut_").removesuffix("_seconds")] += value * 1e3

    pipeline = Pipeline(_MODEL, stored("refiner.safetensors"), Settings(), CPU, observe)
    for size in sizes:
        photo = woman(size)
        for kind in tracked(f"requests, {label(size)}", ("png", "webp", "jpeg", _AGAIN) * rounds):
            # A new photo each time; or the one before with another option, as people on the page ask.
            new = photo if kind == _AGAIN else another(photo)
            options = {"background": "white"} if kind == _AGAIN else {"format": kind}
            ms.clear()
            start = time.perf_counter()
            (answer,) = pipeline.run([partial(_order, new, **options)], lambda _, made: made)
            ms["whole"] = (time.perf_counter() - start) * 1e3
            photo = new
            assert isinstance(answer, Answer)
            for stage, taken in ms.items():
                figures.add(STAGES, {"photo": label(size), "stage": stage}, {kind: taken})
            figures.add("Files of the answers, kB", {"photo": label(size)}, {kind: len(answer.body) / 1e3})
        _edge(figures, pipeline, size, rounds)
    for count in COUNTS:
        photo = women(count, _MIDDLE)
        for _ in tracked(f"requests, {count} objects", range(rounds)):
            ms.clear()
            start = time.perf_counter()
            pipeline.run([partial(_order, another(photo))], lambda _, made: made)
            figures.add(OBJECTS, {"objects": str(count)}, {**ms, "whole": (time.perf_counter() - start) * 1e3})


def _edge(figures: Figures, pipeline: Pipeline, size: Size, rounds: int) -> None:
    """What it takes to draw the edge of one object along the photo, and to clean its colours."""
    photo = woman(size)
    job, pixels = pipeline.decode(_order(photo, pick="best")), decode.load(photo, pipeline.settings).pixels
    (detection,) = pipeline.detect([job])
    assert isinstance(detection, Detection)
    chosen = pipeline.choose(job, (matte.glance(instance, *size) for instance in detection.kept), detection)
    alpha, _ = pipeline.refine(pixels, chosen)

    def unseen() -> Job:
        return replace(job, recent=RecentPhoto(job.preview, None))

    tasks: dict[str, Task] = {
        "network, ms": lambda: pipeline.detect([unseen()]),
        "edge, ms": lambda: pipeline.refine(pixels, chosen),
        "colours, ms": lambda: foreground.estimate(pixels, alpha).paint(pixels.copy()),
    }
    for name, seconds in interleaved(f"edges, {label(size)}", tasks, rounds):
        figures.add(EDGE, {"photo": label(size)}, {name: seconds * 1e3})
    medians = {name: median(figures.get(EDGE, name, photo=label(size))) for name in tasks}
    both = medians["edge, ms"] + medians["colours, ms"]
    numbers = {"edge and colours, ms": both, "over the network": both / medians["network, ms"]}
    peak = max(peak_memory(tasks["edge, ms"]), peak_memory(tasks["colours, ms"])) / (size[0] * size[1])
    figures.add(EDGE, {"photo": label(size)}, {**numbers, "bytes per px": peak})


def _order(photo: bytes, **options: str) -> Order:
    request = from_values({"image_file": photo, "objects": ["person"], **options}, "cut", Settings())
    return Order(request, accept="image/*")


def requests(
    figures: Figures, server: Server, detector: Detector, sizes: Sequence[Size], rounds: int, rembg: Rembg | None
) -> None:
    """Measure a photo on its way through the gateway, to TorchServe itself and through the network alone, in turn.

    Args:
        figures: take the numbers.
        server: that is asked.
        detector: of the network alone.
        sizes: of the photo.
        rounds: how often, in multiples.
        rembg: makes a PNG of the same photo, in its turn.

    Raises:
        Failed: a request was not answered with a picture.
    """
    port = (server.run.ports() or Ports()).inference
    key = json.loads(server.run.key_file.read_bytes())["inference"]["key"]
    gateway = httpx.Client(base_url=server.url, timeout=_ANSWER_S, trust_env=False)
    torchserve = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=_ANSWER_S, trust_env=False)
    torchserve.headers["Authorization"] = f"Bearer {key}"
    with gateway, torchserve:
        count, _ = _worked(gateway, 0)
        figures.add(REQUEST, {"photo": "", "what": "ready"}, {"ms": server.ready * 1e3})
        for size in sizes:
            photo, query = woman(size), Query(photos(size)[0], 0.5, list)
            ways: dict[str, Task] = {
                "network": partial(detector.detect, [query]),
                "gateway": partial(_send, gateway, "/cut", photo, "raw"),
                "torchserve": partial(_send, torchserve, "/predictions/objectcut", photo, "raw"),
                SMOOTH: partial(_send, gateway, "/cut", photo, "smooth"),
            }
            if rembg is not None:
                file = server.run.path / "photo.jpg"
                file.write_bytes(photo)
                ways[REMBG] = partial(rembg.cut, file)
            ((_, first),) = interleaved("first request", {"": ways["gateway"]}, 1)
            figures.add(REQUEST, {"photo": label(size), "what": "first"}, {"ms": first * 1e3})
            count, before = _worked(gateway, count + 1)
            for number, (way, seconds) in enumerate(
                interleaved(f"requests, {label(size)}", ways, (1 + _OFTEN) * rounds)
            ):
                told = {"ms": seconds * 1e3}
                if way not in {"network", REMBG}:
                    count, now = _worked(gateway, count + 1)
                    told["beside the handler, ms"], before = (seconds - (now - before)) * 1e3, now
                if number >= rounds * len(ways):  # the first ones warm up
                    figures.add(REQUEST, {"photo": label(size), "what": way}, told)
            for _ in tracked(f"the same photo again, {label(size)}", range(_OFTEN * rounds)):
                new = another(photo)
                _send(gateway, "/cut", new, "smooth", new=False)
                start = time.perf_counter()
                _send(gateway, "/cut", new, "smooth", new=False)
                figures.add(REQUEST, {"photo": label(size), "what": AGAIN}, {"ms": (time.perf_counter() - start) * 1e3})
            count, _ = _worked(gateway, count + 2 * _OFTEN * rounds)


def senders(figures: Figures, server: Server, sizes: Sequence[Size], rounds: int) -> None:
    """Measure how many photos a second a server cuts for people who all send at once, and what memory it then holds.

    Raises:
        Failed: a request was not answered with a picture.
    """
    with httpx.Client(base_url=server.url, timeout=_ANSWER_S, trust_env=False) as gateway:
        for size, count in product(sizes, SENDERS):
            photo = woman(size)
            sent = [another(photo) for _ in range((count + 4) * rounds)]

            def timed(each: bytes) -> float:
                start = time.perf_counter()
                _send(gateway, "/cut", each, "smooth", new=False)
                return time.perf_counter() - start

            start = time.perf_counter()
            with ThreadPoolExecutor(count) as pool:
                answered = pool.map(timed, sent)
                waits = [next(answered) for _ in tracked(f"{count} senders, {label(size)}", sent)]
            taken = time.perf_counter() - start
            held = sum(process.memory_info().rss for process in psutil.Process().children(recursive=True))
            told = {"photos/s": len(sent) / taken, "half within, s": median(waits), "resident after, MB": held / 1e6}
            figures.add(CROWD, {"senders": str(count), "photo": label(size)}, told)


def _worked(gateway: httpx.Client, least: int) -> tuple[int, float]:
    """How many photos the handler has told of, once there are so many, and the seconds that they took.

    TorchServe learns of them after it has answered.
    """
    deadline = time.monotonic() + _TELL_S
    while time.monotonic() < deadline:
        told = _TOLD.findall(gateway.get("/metrics").raise_for_status().text)
        count = sum(float(number) for stage, kind, number in told if (stage, kind) == ("encode", "count"))
        if count >= least:
            return int(count), sum(float(number) for _, kind, number in told if kind == "sum")
    raise Failed("the handler's seconds do not appear in /metrics")


def _send(client: httpx.Client, path: str, photo: bytes, edges: str, new: bool = True) -> None:
    files = {"image_file": another(photo) if new else photo}
    options = {"objects": "person", "edges": edges}
    reply = client.post(path, files=files, data=options, headers={"Accept": "image/png"})
    if reply.headers.get("content-type") != "image/png":
        raise Failed(f"{client.base_url} answered {reply.status_code}: {reply.text[:300]}")
