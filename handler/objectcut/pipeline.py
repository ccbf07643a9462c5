"""The stages in their order: `decode`, `detect`, `choose`, `refine`, `compose`, `encode`.

The only place where they are wired. TorchServe's handler runs whole batches (`run`); Python programs cut a photo
(`Pipeline.load("bundled").cut("photo.jpg", ["cat"])`). Knows nothing of TorchServe or of HTTP servers.

A request that fails must not fail its batch, so errors travel as values through `run` and are raised by the verbs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections import deque
from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import objectcut.network.torchprivate  # noqa: F401  # first: it decides how torchvision is imported
from objectcut import selection
from objectcut.edges import matte, refiner
from objectcut.edges.matte import Drawn, Extent, Found
from objectcut.edges.refine import refine
from objectcut.errors import CutError, unknown_model
from objectcut.instance import Detection, Instance
from objectcut.item import Answer, Job, Order
from objectcut.network import checkpoint, official
from objectcut.network.detector import Detector
from objectcut.network.fuse import fuse
from objectcut.network.layers import DTYPES, best_dtype, dtype_name
from objectcut.network.weightfiles import stored
from objectcut.photo import decode
from objectcut.photo.decode import Photo
from objectcut.photo.fetch import Fetcher
from objectcut.picture import backdrop, compose, reply
from objectcut.picture.compose import Cutout
from objectcut.picture.reply import described
from objectcut.recent import RecentPhoto, RecentPhotos
from objectcut.request.labels import Labels
from objectcut.request.parse import from_values
from objectcut.result import CutResult, encoded
from objectcut.settings import Settings
from objectcut.subject import main_subject
from objectcut.worker.isolation import is_gpu_lost, isolated
from objectcut.worker.memory import Memory
from objectcut.worker.pool import Pool
from objectcut.worker.threads import NetworkThreads
from objectcut.worker.timer import Observe, Stage, StageTimer

logger = logging.getLogger(__name__)
Made = TypeVar("Made")


class Pipeline:
    """A model with everything that turns photos into cut-outs. One batch at a time.

    Args:
        weights: model file.
        refiner_weights: file of the network that draws the edges.
        settings: limits, precision and threads.
        device: of both networks. The rest runs on the CPU.
        observe: receives the duration of each stage and the size of each batch.
        abandoned: tickets of requests that nobody waits for any more; they are not begun.

    Raises:
        ModelError: a file is missing or does not fit.
    """

    def __init__(
        self,
        weights: Path,
        refiner_weights: Path,
        settings: Settings,
        device: torch.device,
        observe: Observe | None = None,
        abandoned: Container[str] = frozenset(),
    ) -> None:
        self.settings = settings
        self.device = device
        # How many bytes a photo has is a matter of those who receive it; its pixels are bounded here too.
        self._local = settings.model_copy(update={"max_body_bytes": sys.maxsize})
        self._timed = StageTimer(observe)
        self._abandoned = abandoned
        self._threads = NetworkThreads(settings.threads)  # before the model is made
        model, self.card = checkpoint.load(weights)
        self.labels = Labels.of(self.card.classes, self.card.unlisted)
        self._furniture = self.labels.of_group("furniture")
        dtype = DTYPES.get(settings.dtype)
        self.refiner = fuse(refiner.load(refiner_weights), dtype or best_dtype(device), device)
        self.detector = Detector(model, self.card, device, dtype)
        self.dtype = dtype_name(self.detector.dtype)
        self._pool = Pool(settings.threads, "photo")
        self._mask_pool = Pool(settings.threads, "mask")  # a second one: photos wait for their masks
        self._memory = Memory()
        self._recent = RecentPhotos(settings.remember_mb * 1_000_000, settings.remember_s, self._memory.tidy)

    @classmethod
    def load(
        cls, model: str | os.PathLike[str] = "bundled", settings: Settings | None = None, device: str | None = None
    ) -> Pipeline:
        """Return a pipeline for Python programs.

        Args:
            model: `bundled`; `coco` or `coco-v1`, which are downloaded the first time; or a model file.
            settings: limits; from the environment by default.
            device: `cpu`, `cuda` or `cuda:1`; the first GPU where there is one, else the CPU, by default.

        Raises:
            ModelError: no such model, or it cannot be downloaded.
        """
        chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        weights = official.find(os.fspath(model))
        return cls(weights, stored("refiner.safetensors"), settings or Settings.from_environment(), chosen)

    def cut(
        self,
        photo: str | os.PathLike[str] | bytes | Image.Image,
        objects: Sequence[str] = (),
        *,
        background_image: bytes | None = None,
        **options: Any,
    ) -> CutResult:
        """Cut objects out of a photo.

        Args:
            photo: file, encoded bytes or picture.
            objects: names; empty for every object.
            background_image: encoded picture to put behind the cut-out.
            **options: those of `/cut`, such as `edges="sharp"`, `background="white"`, `crop=True`.

        Raises:
            CutError: what `/cut` answers with, for instance `unknown_object` or `object_not_found`.
            OSError: the file cannot be read.
            torch.AcceleratorError: the GPU cannot be used any more by this process.
        """
        values = {"image_file": encoded(photo), "objects": list(objects), **options}
        if background_image is not None:
            values["background_image"] = background_image
        job = self.decode(Order(from_values(values, "cut", self._local)))
        (detection,) = self._detect([job])
        if isinstance(detection, CutError):
            raise detection
        made, extents = self.draw(job, detection)
        self._recent.trim()
        return CutResult(made.pixels, made.box, [described(extent, self.labels) for extent in extents])

    def run(
        self, orders: Sequence[Callable[[], Order]], answer: Callable[[int, Answer | CutError], Made]
    ) -> list[Made]:
        """Work off a batch.

        Args:
            orders: each returns a checked request or raises.
            answer: called with the index of an order and its answer, as soon as that is there, in any order and in any
                thread. What it returns is returned, in the order of `orders`.

        Raises:
            torch.AcceleratorError: the GPU is lost (`is_gpu_lost`); a new process is needed.
        """
        self._threads.adjust()
        self._timed.observe("objectcut_batch_size", len(orders), "count")
        stages: list[Stage] = []
        with self._timed("decode", stages):
            decoding = isolated(lambda index: self.decode(orders[index](), ahead=index < self.settings.threads))
            jobs = list(self._pool.map(decoding, range(len(orders))))
        with self._timed("detect", stages):
            detections = self.detect(jobs)
        for job in jobs:
            if isinstance(job, Job):
                job.stages.extend(stages)
        self._recent.trim()
        items = deque(enumerate(zip(jobs, detections, strict=True)))
        del jobs, detections  # each photo is released as soon as it is answered
        finish = isolated(lambda item: self._finish(*item))
        coming = (items.popleft() for _ in range(len(items)))
        answers = list(self._pool.spread(lambda item: answer(item[0], finish(item[1])), coming))
        self._memory.tidy()
        return answers

    def decode(self, order: Order, ahead: bool = False) -> Job:
        """Read the photo of a checked request, as far as the network needs it.

        Args:
            order: the request.
            ahead: whether the whole photo is decoded while the network runs.

        Raises:
            CutError: another model, unknown names, a photo that cannot be fetched or read, a box beside it, or nobody
                waits.
        """
        self._check_wanted(order)
        asked = order.request
        if asked.options.model not in {"", self.card.name}:
            raise unknown_model(asked.options.model, [self.card.name])
        wanted = self.labels.resolve(asked.options.objects)
        if asked.photo is None:  # only a direct caller of TorchServe: the gateway fetches by itself
            assert asked.url is not None
            asked = replace(asked, photo=asyncio.run(Fetcher(self.settings).fetch(asked.url)), url=None)
            order = replace(order, request=asked)
        assert asked.photo is not None
        # The others of the batch have to wait anyway, and would fill memory.
        submit = self._pool.submit if asked.task == "cut" and ahead else None
        data, spread = asked.photo, self._mask_pool.spread
        recent = self._recent.recall(
            data, lambda: RecentPhoto(*decode.begin(data, self.settings, self.card.min_size, submit, spread))
        )
        if recent.photo is None and submit is not None:
            recent.photo = submit(decode.load, data, self.settings, spread)
        preview = recent.preview
        return Job(order, recent, wanted, selection.boxed(asked.options, preview.width, preview.height))

    def detect(self, jobs: Sequence[Job | CutError]) -> list[Detection | CutError]:
        """Find the instances of each photo, with masks for those that may be wanted. Errors stay where they are."""
        found = iter(self._detect([job for job in jobs if isinstance(job, Job)]))
        return [next(found) if isinstance(job, Job) else job for job in jobs]

    def _detect(self, jobs: Sequence[Job]) -> list[Detection | CutError]:
        if len(jobs) < 2:
            return list(map(isolated(lambda job: self.detector.detect([selection.query(job)])[0]), jobs))
        try:
            return list(self.detector.detect([selection.query(job) for job in jobs]))
        except Exception as error:
            if is_gpu_lost(error):
                raise
            logger.warning("A batch of %d photos failed (%r); its halves are tried", len(jobs), error)
        # All together, or one of them, may have been too much for the memory. Behind the `except`, whose error holds
        # what the network had made.
        half = len(jobs) // 2
        return [*self._detect(jobs[:half]), *self._detect(jobs[half:])]

    def choose(self, job: Job, masks: Iterator[Found], detection: Detection) -> list[Instance]:
        """Return the instances that are wanted, by their masks, which may be small ones.

        Raises:
            CutError: `object_not_found`.
        """
        main = partial(
            main_subject,
            width=job.preview.width,
            height=job.preview.height,
            furniture=self._furniture,
        )
        chosen = selection.choose(masks, job.request.options, main)
        if not chosen:
            raise selection.nothing_found(detection.found, job.request.options, self.labels)
        return chosen

    def refine(
        self, pixels: NDArray[np.uint8], chosen: Sequence[Instance], raw: bool = False, before: Drawn | None = None
    ) -> tuple[NDArray[np.uint8], list[Extent]]:
        """Draw the edges along the photo.

        Args:
            pixels: (H, W, 3) uint8, the whole upright photo, sRGB.
            chosen: the wanted instances, with their masks.
            raw: whether the masks stay as the network made them.
            before: what was drawn of this photo, and what is drawn now.

        Returns:
            (H, W) uint8, the alpha of all together, and what each covers.
        """
        on_gpu = self.device.type == "cuda"
        return refine(pixels, chosen, None if raw else self.refiner, self._mask_pool.spread, on_gpu, before)

    def compose(self, job: Job, photo: Photo, alpha: NDArray[np.uint8]) -> Cutout:
        """Make the picture that was asked for.

        Raises:
            CutError: `object_not_found` when nothing is left, or the picture behind cannot be read.
        """
        sent = job.request.backdrop
        behind = None if sent is None else backdrop.load(sent, self.settings)
        picture = compose.cut(
            photo, alpha, job.request.options, behind, self.settings.max_result_pixels, self._mask_pool.spread
        )
        if picture is None:
            raise CutError(
                "object_not_found",
                "Nothing is left: the objects fill the whole photo, or it is transparent.",
                details={"reason": "nothing_left"},
            )
        return picture

    def draw(self, job: Job, detection: Detection) -> tuple[Cutout, list[Extent]]:
        """Choose, refine and compose: return the picture of one photo, and what each object in it covers.

        Raises:
            CutError: `object_not_found`, or the photo or the picture behind cannot be read.
        """
        if job.request.options.output == "photo":
            with self._timed("decode", job.stages):
                photo = self._whole(job)
            with self._timed("cutout", job.stages):
                return compose.uncut(photo, job.request.options.max_size, self._mask_pool.spread), []
        with self._timed("matte", job.stages):
            size = job.preview.width, job.preview.height
            chosen = self.choose(job, (matte.glance(each, *size) for each in detection.kept), detection)
        with self._timed("decode", job.stages):
            photo = self._whole(job)
        with self._timed("edges", job.stages):
            raw = job.request.options.edges == "raw"
            alpha, extents = self.refine(photo.pixels, chosen, raw, job.recent.drawn if job.recent.kept else None)
        with self._timed("cutout", job.stages):
            return self.compose(job, photo, alpha), extents

    def encode(self, order: Order, picture: Cutout, extents: Sequence[Extent]) -> Answer:
        """Return the answer to `/cut`, in the format that was asked for."""
        return reply.picture(order, extents, picture, self.labels, self.card.name, self._mask_pool.spread)

    def _finish(self, job: Job, detection: Detection) -> Answer:
        """One item from its detections to its answer. In one go, so that few full-size pictures exist at a time."""
        self._check_wanted(job.order)
        try:
            return replace(self._answered(job, detection), stages=job.stages)
        finally:
            self._recent.trim()

    def _answered(self, job: Job, detection: Detection) -> Answer:
        if job.request.task == "detect":
            with self._timed("matte", job.stages):
                return reply.listing(job, self._pasted(job, detection), self.labels, self.card.name)
        picture, extents = self.draw(job, detection)
        with self._timed("encode", job.stages):
            return self.encode(job.order, picture, extents)

    def _pasted(self, job: Job, detection: Detection) -> Iterator[Found]:
        """Masks at full size, made as they are asked for: together they may be many times as large as the photo."""
        size = job.preview.width, job.preview.height
        return self._mask_pool.spread(lambda instance: Found(instance, matte.paste(instance, *size)), detection.kept)

    def _whole(self, job: Job) -> Photo:
        """Return all pixels of a photo, in most cases decoded while the network ran."""
        if job.recent.photo is None:
            assert job.request.photo is not None
            whole: Future[Photo] = Future()
            whole.set_result(decode.load(job.request.photo, self.settings, self._mask_pool.spread))
            job.recent.photo = whole
        return job.recent.photo.result()

    def _check_wanted(self, order: Order) -> None:
        """Raise an error that nobody reads when the sender has left."""
        if order.ticket in self._abandoned:
            raise CutError("not_ready", "The sender left.")
