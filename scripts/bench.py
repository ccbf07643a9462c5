#!/usr/bin/env python3
"""Measure ObjectCut beside torchvision's own way to run the same models, on this machine's processor.

  bench.py                                            every model and size, half an hour on two cores
  bench.py --models bundled --sizes 640x480 --server  the small model, and whole requests to a real server
  bench.py --json figures.json --plot figures.png     the same in other forms

original: the way of the first ObjectCut. Eager, fp32, gradients on, one photo after the other, every mask at full size.
stock: the way of TorchServe's object detection example. The same model in inference mode, a list of four photos.
ours: the detector as it is served, with 1, 4 and 8 photos, and masks of the wanted objects alone.

All sides run in one process on the same photos, in turn, and find the same 50 invented detections, 10 of them wanted.
Models whose weights are not in model_store/ get random ones.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

import objectcut.network.torchprivate  # noqa: F401  # first: it decides how torchvision is imported
from benchmark import network, protections, served
from benchmark.figures import Figures, Goal, ratio
from benchmark.network import ALONE, BACKBONE, MEMORY, MODELS, PRODUCTS, SIDES, SPEED, Subject
from benchmark.photos import LARGE, SMALL, Size, label
from benchmark.protections import ADMITTED
from benchmark.rembg_process import rembg
from benchmark.served import AGAIN, COUNTS, CROWD, EDGE, OBJECTS, REMBG, REQUEST, SENDERS, SMOOTH, STAGES
from launch import Failed, running

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SIZES: tuple[Size, ...] = (SMALL, (1920, 1080), LARGE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="*", choices=MODELS, default=MODELS, help="which (default: all)")
    parser.add_argument("--sizes", nargs="+", type=_size, default=SIZES, metavar="WxH", help="of the photos, px")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each side, of which the median counts")
    parser.add_argument("--photos", type=Path, metavar="DIR", help="compare detections on the photos of this folder")
    parser.add_argument("--server", action="store_true", help="also start a server and send requests to it")
    parser.add_argument(
        "--protections", action="store_true", help="also measure what the sandbox, caller keys and limits cost"
    )
    parser.add_argument("--rembg", type=Path, metavar="DIR", help="environment with rembg, to send it the same photos")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw charts of speed and cost there")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("at least one round is needed")
    if options.photos and not options.photos.is_dir():
        parser.error(f"{options.photos} is not a folder")
    figures = Figures(rounds=options.rounds)
    try:
        _measure(figures, options)
    except Failed as error:
        Console(stderr=True, markup=False).print(str(error), style="red")
        return 1
    figures.report(_goals(figures), options.json)
    if options.plot:
        _plot(figures, options.models, options.sizes, options.plot)
    return 0


def _measure(figures: Figures, options: argparse.Namespace) -> None:
    often = 4 * options.rounds  # what takes little time
    network.matrix_products(figures, often)
    for name in options.models:
        subject = Subject.load(name)
        for size in options.sizes:
            network.memory(figures, subject, size)
            network.speed(figures, subject, size, options.rounds)
            network.stages(figures, subject, size, options.rounds)
        if name == "coco-v1":
            network.backbone(figures, subject, often)
        if name == "bundled":
            network.alone(figures, subject, often)
            if LARGE in options.sizes:
                network.memory(figures, subject, LARGE, 100)
            served.parity(figures, options.photos)
            served.stages(figures, options.sizes, often)
            if options.server:
                with running() as server:
                    with rembg(options.rembg) if options.rembg else nullcontext() as other:
                        served.requests(figures, server, subject.detector, options.sizes, options.rounds, other)
                    served.senders(figures, server, options.sizes, options.rounds)
    if options.protections:
        protections.admission(figures, often)
        protections.requests(figures, options.rounds)


def _goals(figures: Figures) -> list[Goal]:
    """Return what ObjectCut should reach, beside what this run measured."""
    small, large = label(SMALL), label(LARGE)

    def faster(model: str) -> float | None:
        found = (figures.get(SPEED, "original x", model=model, photo=small, side=side) for side in SIDES[2:])
        return max(chain(*found), default=None)

    median = figures.median
    request = partial(median, REQUEST, "ms")
    gateway, own = request(photo=small, what="gateway"), request(photo=small, what="network")
    eager, ours = median(ALONE, "ms", side="eager fp32, 50 masks"), median(ALONE, "ms", side="ours, the 10 wanted")
    hundred = partial(median, MEMORY, "peak MB", model="bundled", photo=large, detections="100")
    memory = ratio(hundred(side="original"), hundred(side="ours, 1"))
    product = max(figures.get(PRODUCTS, "G multiply-adds/s"), default=None)
    share = ratio(median(BACKBONE, "G multiply-adds/s"), product)
    edge = partial(median, EDGE, photo=large)
    added = median(REQUEST, "beside the handler, ms", photo=small, what="gateway")
    ready, first = request(what="ready"), request(photo=small, what="first")
    crowd = partial(median, CROWD, "photos/s", senders="16")
    held = median(CROWD, "resident after, MB", senders="16", photo=large)
    whole = request(photo=large, what=SMOOTH)
    webp = median(STAGES, "webp", photo=large, stage="encode")
    return [
        Goal("coco-v1, 640x480: original's time over ours", 6, faster("coco-v1"), at_most=False),
        Goal("coco, 640x480: original's time over ours", 4, faster("coco"), at_most=False),
        Goal("bundled, 640x480, network alone: eager fp32's time over ours", 2.5, ratio(eager, ours), at_most=False),
        Goal("coco-v1: backbone and FPN, share of the machine's peak", 0.9, share, at_most=False),
        Goal("bundled, 12 MP, 100 detections: original's memory over ours", 4, memory, at_most=False),
        Goal("refinement of one object, 12 MP", 400, edge("edge and colours, ms"), " ms"),
        Goal("refinement of one object, 12 MP, over the bundled network", 1, edge("over the network")),
        Goal("refinement of one object, 12 MP, memory", 6, edge("bytes per px"), " bytes per px"),
        Goal("bundled, 640x480: whole request over the network alone", 1.6, ratio(gateway, own)),
        Goal("gateway and TorchServe add to a request", 12, added, " ms"),
        Goal("bundled: ready after", 10, ratio(ready, 1e3), " s"),
        Goal("first request over the later ones", 2, ratio(first, gateway)),
        Goal("640x480, smooth edges, PNG: whole request", 65, request(photo=small, what=SMOOTH), " ms"),
        Goal("the same photo again", 25, request(photo=small, what=AGAIN), " ms"),
        Goal("12 MP, smooth edges, PNG: whole request", 260, whole, " ms"),
        Goal("rembg's time over ours, 12 MP", 12, ratio(request(photo=large, what=REMBG), whole), at_most=False),
        Goal("the same photo again, 12 MP", 150, request(photo=large, what=AGAIN), " ms"),
        Goal("12 MP as WebP: encode", 250, webp, " ms"),
        Goal("16 senders, 640x480", 25, crowd(photo=small), " photos/s", at_most=False),
        Goal("16 senders, 12 MP", 3, crowd(photo=large), " photos/s", at_most=False),
        Goal("resident after these, whole service", 1800, held, " MB"),
        Goal("caller keys and limits", 0.3, median(ADMITTED, "ms a request"), " ms a request"),
    ]


def _plot(figures: Figures, models: Sequence[str], sizes: Sequence[Size], path: Path) -> None:
    """Draw photos per second of every side, one panel per model; below, what pixels, objects and senders cost."""
    from matplotlib.figure import Figure  # only here: it takes long to import

    figure = Figure(figsize=(15, 5 + 1.5 * len(sizes)), layout="constrained")
    upper, lower = figure.subfigures(2, 1, squeeze=False)[:, 0]
    _draw_models(figures, models, sizes, upper.subplots(1, len(models), squeeze=False)[0])
    pixels, objects, senders = lower.subplots(1, 3)
    photos = list(map(label, sizes))
    _draw_stages(pixels, photos, lambda photo, stage: figures.median(STAGES, "png", photo=photo, stage=stage))
    pixels.set(title="a request for one object, by the photo", ylabel="ms")
    counts = list(map(str, COUNTS))
    _draw_stages(objects, counts, lambda count, stage: figures.median(OBJECTS, stage, objects=count))
    objects.set(title="a request for a photo of 1920x1440, by its objects", ylabel="ms")
    crowds = list(map(str, SENDERS))
    for photo in photos:
        speed = [figures.median(CROWD, "photos/s", photo=photo, senders=crowd) or 0 for crowd in crowds]
        senders.plot(crowds, speed, marker="o", label=photo)
    senders.set(title="people who send at once", ylabel="photos per second", ylim=(0, None))
    senders.legend()
    figure.suptitle(f"{figures.machine['processor']}, {figures.machine['cores']} cores")
    figure.savefig(path)


def _draw_models(figures: Figures, models: Sequence[str], sizes: Sequence[Size], panels: Iterable[Axes]) -> None:
    colours = dict(zip(SIDES, ("tab:red", "tab:orange", *["tab:blue"] * 3), strict=True))
    for panel, model in zip(panels, models, strict=True):
        for photo in map(label, sizes):
            for side, colour in colours.items():
                speed = figures.median(SPEED, "photos/s", model=model, photo=photo, side=side)
                panel.bar_label(panel.barh(f"{photo}, {side}", speed or 0, color=colour), fmt="%.3g", padding=2)
        panel.invert_yaxis()  # the first one on top
        panel.margins(x=0.15)
        panel.set(title=model, xlabel="photos per second")


def _draw_stages(panel: Axes, bars: Sequence[str], took: Callable[[str, str], float | None]) -> None:
    """Draw a bar for each name, of what its stages took, ms, on top of one another."""
    below = [0.0] * len(bars)
    for stage in ("decode", "detect", "matte", "edges", "cutout", "encode"):
        times = [took(bar, stage) or 0 for bar in bars]
        panel.bar(bars, times, bottom=below, label=stage)
        below = [sum(both) for both in zip(below, times, strict=True)]
    panel.legend()


def _size(text: str) -> Size:
    width, height = map(int, text.split("x"))
    return width, height


if __name__ == "__main__":
    sys.exit(main())
