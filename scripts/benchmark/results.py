"""What the benchmark measured, and what it should have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from benchmark.aims import Aim
from benchmark.measure import Machine
from benchmark.server import Requests
from parity import Summary


@dataclass(frozen=True)
class Timing:
    """One way to run a model on photos of one size.

    Attributes:
        photo: its size in words.
        side, batch: the way, and how many photos it takes at once.
        seconds: median, for one photo.
        peak_bytes: memory that it takes at most, for the whole batch.
    """

    photo: str
    side: str
    batch: int
    seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Figures:
    """Of one model.

    Attributes:
        weights: trained or random.
        dtype: precision that ours runs it in.
        proposals: boxes that its box head had to look at.
        inside: seconds of each stage of our detector, for each size of photo.
    """

    model: str
    weights: str
    dtype: str
    proposals: int
    timings: tuple[Timing, ...]
    inside: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class SurroundingStages:
    """Seconds of each stage around the detector, and bytes of the files that were written."""

    photo: str
    seconds: Mapping[str, float]
    bytes: Mapping[str, int]


@dataclass(frozen=True)
class Layers:
    """Backbone and FPN of coco-v1 beside the most that the machine can do.

    Attributes:
        shape: height and width of the network's input, px.
        dtype: the precision of ours.
        multiply_adds: of the layers as they are written.
        seconds: median of ours.
    """

    shape: tuple[int, int]
    dtype: str
    multiply_adds: float
    seconds: float

    @property
    def speed(self) -> float:
        """Multiply-adds a second."""
        return self.multiply_adds / self.seconds


@dataclass(frozen=True)
class NetworkOnly:
    """Seconds of the bundled network on a photo of 640x480, masks of 28 x 28 cells included.

    Attributes:
        eager: torchvision's layers in inference mode, fp32, with a mask for each of 50 detections.
        eager_wanted: the same with a mask for each of the 10 wanted ones, which it cannot choose by itself.
        ours: with a mask for each of the 10.
    """

    eager: float
    eager_wanted: float
    ours: float


@dataclass(frozen=True)
class CrowdedScene:
    """Bytes that many detections in a large photo take at most."""

    detections: int
    photo: str
    original: int
    ours: int


@dataclass(frozen=True)
class Refinement:
    """What it takes to draw the edge of one object along the photo and to clean its colours.

    Attributes:
        photo: its size in words.
        network: seconds of the bundled network on the same photo.
        edge, colours: seconds of each, medians.
        bytes_a_pixel: memory that both take at most, for a pixel of the photo.
    """

    photo: str
    network: float
    edge: float
    colours: float
    bytes_a_pixel: float

    @property
    def seconds(self) -> float:
        return self.edge + self.colours


@dataclass(frozen=True)
class Results:
    """Everything of one run.

    Attributes:
        others: share of the processor that other programs kept busy, 0 to 1.
        peaks: multiply-adds a second of a large matrix product in each precision.
        models, around: for each model, and for each size of photo.
        refinements: for each size of photo; empty when they were not measured.
        layers, alone, crowd, requests: None when they were not measured.
        parity: for each precision; empty when it was not measured.
    """

    machine: Machine
    rounds: int
    others: float
    peaks: Mapping[str, float]
    models: tuple[Figures, ...]
    around: tuple[SurroundingStages, ...]
    refinements: tuple[Refinement, ...]
    layers: Layers | None
    alone: NetworkOnly | None
    crowd: CrowdedScene | None
    parity: Mapping[str, Summary]
    requests: Requests | None

    def seconds(self, model: str, photo: str, *sides: str) -> float | None:
        """For one photo, of the fastest of these sides; None when it was not measured."""
        timings = (timing for figures in self.models if figures.model == model for timing in figures.timings)
        return min((each.seconds for each in timings if each.photo == photo and each.side in sides), default=None)


def aims(results: Results) -> list[Aim]:
    """What ObjectCut wants to reach, and what this run did."""
    ours = ("ours, 1", "ours, 4", "ours, 8")

    def faster(model: str, *sides: str) -> float | None:
        before, now = (results.seconds(model, "640x480", *names) for names in (("original",), sides))
        return before / now if before and now else None

    share = alone = memory = request = added = ready = first = refined = beside = extra = None
    if results.layers is not None:
        share = results.layers.speed / results.peaks[results.layers.dtype]
    if results.alone is not None:
        alone = results.alone.eager / results.alone.ours
    if (crowd := results.crowd) is not None:
        memory = crowd.original / crowd.ours
    for refinement in results.refinements:
        if refinement.photo == "4000x3000":
            refined, beside = refinement.seconds * 1e3, refinement.seconds / refinement.network
            extra = refinement.bytes_a_pixel
    if (requests := results.requests) is not None:
        request, added = requests.gateway / requests.network, requests.gateway_overhead * 1e3
        ready, first = requests.ready, requests.first / requests.gateway
    return [
        Aim("coco-v1, 640x480: original's time over ours", 6.0, faster("coco-v1", *ours)),
        Aim("coco, 640x480: original's time over ours", 4.0, faster("coco", *ours)),
        Aim("bundled, 640x480, network alone: eager fp32's time over ours", 2.5, alone),
        Aim("coco-v1: backbone and FPN, share of the machine's peak", 0.9, share),
        Aim("bundled, 12 MP, 100 detections: original's memory over ours", 4.0, memory),
        Aim("refinement of one object, 12 MP", 400.0, refined, most=True, unit=" ms"),
        Aim("refinement of one object, 12 MP, over the bundled network", 1.0, beside, most=True),
        Aim("refinement of one object, 12 MP, memory", 6.0, extra, most=True, unit=" bytes a pixel"),
        Aim("bundled, 640x480: whole request over the network alone", 1.6, request, most=True),
        Aim("gateway and TorchServe add to a request", 12.0, added, most=True, unit=" ms"),
        Aim("bundled: ready after", 10.0, ready, most=True, unit=" s"),
        Aim("first request over the later ones", 2.0, first, most=True),
    ]
