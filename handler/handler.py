"""TorchServe's entry: wires the stages of `objectcut` over a batch and answers each item by itself.

Owns nothing but the order of the stages, their metrics and the translation between TorchServe and the stages. An
exception that left `handle` would fail every request of the batch, so each item is answered in one place (`_answer`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from ts.handler_utils.utils import send_intermediate_predict_response
from ts.metrics.metric_type_enum import MetricTypes
from ts.torch_handler.base_handler import BaseHandler

import objectcut.lean  # noqa: F401  # first: it decides how torchvision is imported
from objectcut import backdrop, cutout, edges, matte, models, photo, refiner, reply, request, selection
from objectcut.abandoned import Abandoned
from objectcut.cores import workers
from objectcut.detector import Detection, Detector, Instance, Query
from objectcut.errors import CutError, internal
from objectcut.fetch import fetch
from objectcut.fuse import fuse
from objectcut.item import Answer, Job
from objectcut.labels import Labels
from objectcut.memory import Memory
from objectcut.network import DTYPES, dtype_name
from objectcut.overlap import same_things
from objectcut.pool import Pool
from objectcut.request import CutRequest
from objectcut.settings import Settings

logger = logging.getLogger(__name__)
Made = TypeVar("Made")
_SHARE_S = 10.0  # after which it is worth a look how many workers share the cores
_WHOLE = 256_000  # bytes; an answer up to this size goes out with those of its batch
_PIECE = 4_000_000


class ObjectCutHandler(BaseHandler):  # type: ignore[misc]  # torchserve ships no types
    """Photo and names in, cut-out out."""

    def initialize(self, context: Any) -> None:
        """Load settings and model, and run the network once.

        Raises:
            RuntimeError: TorchServe gave this worker a GPU that torch cannot use.
            ModelError: the weights in the archive are missing or do not fit.
        """
        self.context = context  # its metrics stay the same object for the worker's life
        self.settings = Settings(**(context.model_yaml_config or {}).get("objectcut", {}))
        logger.info("ObjectCut settings: %s", self.settings.model_dump_json())
        self._share_cores()
        self.device = _device(context.system_properties.get("gpu_id"))
        weights = Path(context.system_properties["model_dir"]) / context.manifest["model"]["serializedFile"]
        model, self.card = models.load(weights)
        self.labels = Labels.of(self.card.classes)
        self.refiner = fuse(refiner.load(weights.with_name("refiner.safetensors")), torch.float32, torch.device("cpu"))
        self.detector = Detector(model, self.card, self.device, DTYPES.get(self.settings.dtype))
        self.pool = Pool(self.settings.threads, "photo")
        self.mask_pool = Pool(self.settings.threads, "mask")  # its own: photos wait for their masks
        self._memory = Memory()
        self._abandoned = Abandoned(self.settings.abandoned)
        self._sending = threading.Lock()  # of the one connection to TorchServe
        self._observed: list[tuple[str, float, str]] = []
        self.initialized = True
        self.dtype = dtype_name(self.detector.dtype)
        logger.info("ObjectCut model %s ready on %s in %s", self.card.name, self.device, self.dtype)

    def handle(self, data: Sequence[dict[str, Any]], context: Any) -> list[Any]:
        """One reply an item, in order.

        Args:
            data: one dict an item, as TorchServe parsed the body.
            context: TorchServe's, with the headers of each item.
        """
        # TorchServe asks by a header, alone and with an empty body; a sender's own header must not break a batch.
        if len(data) == 1 and not data[0].get("body") and context.get_request_header(0, "describe") == "True":
            return [self.describe_handle()]
        if time.monotonic() > self._shared + _SHARE_S:
            self._share_cores()
        self._observe("objectcut_batch_size", len(data), "count")
        with self._timed("objectcut_decode_seconds"):
            jobs = list(self.pool.map(_each(lambda index: self._read(data[index], index, context)), range(len(data))))
        with self._timed("objectcut_detect_seconds"):
            detections = self._detect(jobs)
        items = deque(enumerate(zip(jobs, detections, strict=True)))
        del jobs, detections  # each photo is let go as soon as it is answered
        finish = _each(self._finish)

        def answer(item: tuple[int, tuple[Any, Any]]) -> bytes:
            return self._answer(item[0], finish(item[1]), context)

        replies = list(self.pool.spread(answer, (items.popleft() for _ in range(len(items)))))
        self._report()
        self._memory.tidy()
        return replies

    def _share_cores(self) -> None:
        """Let the network use this worker's part of the cores. Looked at now and then: workers come and go."""
        self._shared = time.monotonic()
        threads = max(1, self.settings.threads // workers())
        if threads != torch.get_num_threads():
            logger.info("The network runs on %d threads", threads)
            torch.set_num_threads(threads)

    def describe_handle(self) -> dict[str, Any]:
        """What `GET /models/objectcut?customized=true` tells: the model's card and the words it knows."""
        return {
            "model": self.card.name,
            "device": str(self.device),
            "dtype": self.dtype,
            "classes": list(self.labels.names),
            "synonyms": self.labels.synonyms(),
            "names": self.labels.translated(),
            "card": self.card.as_dict(),
        }

    def _read(self, fields: dict[str, Any], index: int, context: Any) -> Job:
        headers = _headers(context, index)
        self._is_wanted(ticket := headers.get("x-ticket", ""))
        task: request.Task = "detect" if headers.get("url_path", "").strip("/") == "detect" else "cut"
        cut_request = _parse(fields, headers, task, self.settings)
        wanted = self.labels.resolve(cut_request.options.objects)
        if cut_request.photo is not None:
            encoded = cut_request.photo
        else:  # only a direct caller: the gateway fetches by itself
            assert cut_request.url is not None
            encoded = asyncio.run(fetch(cut_request.url, self.settings))
            cut_request = replace(cut_request, photo=encoded, url=None)
        preview = photo.preview(encoded, self.settings, self.card.min_size)
        whole: Future[photo.Photo] | None = None
        if preview is None:
            whole = Future()
            whole.set_result(photo.load(encoded, self.settings))
            pixels = whole.result().pixels
            preview = photo.Preview(pixels, pixels.shape[1], pixels.shape[0])
        elif task == "cut" and index < self.settings.threads:
            # Decoded while the network runs. Those behind it in the batch have to wait anyway, and would fill memory.
            whole = self.pool.submit(photo.load, encoded, self.settings)
        return Job(cut_request, preview, whole, wanted, headers.get("accept", ""), ticket)

    def _is_wanted(self, ticket: str) -> None:
        """Raise what ends the work on a request whose sender left. It is an answer that nobody reads."""
        if ticket in self._abandoned:
            raise CutError("not_ready", "The sender left.")

    def _detect(self, jobs: Sequence[Job | CutError]) -> list[Detection | CutError]:
        ready = [job for job in jobs if isinstance(job, Job)]
        try:
            found: Iterator[Detection | CutError] = iter(self.detector.detect([_query(job) for job in ready]))
        except Exception as error:
            _leave_if_gpu_is_lost(error)
            # One photo may have been too much for the memory: find out which, and answer the others.
            logger.warning("The batch failed (%r); its photos are tried one by one", error)  # each logs its own trace
            found = map(_each(lambda job: self.detector.detect([_query(job)])[0]), ready)
        return [next(found) if isinstance(job, Job) else job for job in jobs]

    def _finish(self, item: tuple[Job, Detection]) -> Answer:
        """One item from its detections to its answer. In one go, so that few full-size pictures exist at a time."""
        job, detection = item
        self._is_wanted(job.ticket)
        options, size = job.request.options, (job.preview.width, job.preview.height)
        # Pasted as they are asked for and let go again: together they may be many times as large as the photo.
        masks = self.mask_pool.spread(
            lambda instance: selection.Found(instance, matte.paste(instance, *size)), detection.kept
        )
        if job.request.task == "detect":
            with self._timed("objectcut_matte_seconds"):
                return reply.listing(job, masks, self.labels, self.card.name)
        with self._timed("objectcut_matte_seconds"):
            chosen = selection.choose(masks, options)
        if not chosen:
            raise selection.nothing_found(detection.found, options, self.labels)
        with self._timed("objectcut_decode_seconds"):
            whole = self._whole(job)
        with self._timed("objectcut_edges_seconds"):
            alpha, extents = self._draw(whole, chosen, raw=options.edges == "raw")
        with self._timed("objectcut_cutout_seconds"):
            sent = job.request.backdrop
            behind = None if sent is None else backdrop.load(sent, self.settings)
            picture = cutout.cut(whole, alpha, options, behind, self.settings.max_result_pixels)
        del whole, alpha, behind
        if picture is None:
            raise CutError(
                "object_not_found",
                "Nothing is left: the objects fill the whole photo, or it is transparent.",
                details={"reason": "nothing_left"},
            )
        with self._timed("objectcut_encode_seconds"):
            return reply.picture(job, extents, picture, self.labels, self.card.name)

    def _whole(self, job: Job) -> photo.Photo:
        """All pixels of a photo, in most cases decoded while the network ran."""
        assert job.request.photo is not None
        return photo.load(job.request.photo, self.settings) if job.photo is None else job.photo.result()

    def _draw(
        self, whole: photo.Photo, chosen: Sequence[Instance], raw: bool
    ) -> tuple[NDArray[np.uint8], list[selection.Extent]]:
        """The alpha of the chosen ones together, with edges along the photo unless they are to be raw, and theirs."""

        def drawn(instance: Instance) -> matte.Matte:
            made = None if raw else edges.draw(whole.pixels, instance, self.refiner)
            # Where the refiner sees no object, the plain mask is better.
            return made if made is not None and made.inside.any() else matte.paste(instance, whole.width, whole.height)

        groups = same_things(chosen)
        mattes = self.mask_pool.spread(drawn, [instance for group in groups for instance in group])
        extents: dict[int, selection.Extent] = {}

        def things() -> Iterator[matte.Matte]:
            for group in groups:
                found = [selection.Found(instance, next(mattes)) for instance in group]
                extents.update((each.instance.id, each.extent) for each in found)
                yield matte.highest([each.matte for each in found])

        alpha = matte.union(things(), whole.width, whole.height)
        return alpha, [extents[instance.id] for instance in chosen]

    def _answer(self, index: int, answer: Answer | CutError, context: Any) -> bytes:
        """Give one item its reply: the only place where an error becomes one."""
        request_id = _headers(context, index).get("x-request-id") or context.get_request_id(index)
        if isinstance(answer, CutError):
            answer = reply.failure(answer, request_id)
        context.set_response_content_type(index, answer.media_type)
        context.set_response_status(answer.status, "", index)
        # By X-Model the gateway tells an answer of ours from one that TorchServe made up, by X-Worker that one is gone.
        ours = {"X-Request-Id": request_id, "X-Model": self.card.name, "X-Worker": str(os.getpid())}
        for name, value in {**answer.headers, **ours}.items():
            context.set_response_header(index, name, value)
        return self._sent_ahead(index, answer.body, context) if len(answer.body) > _WHOLE else answer.body

    def _sent_ahead(self, index: int, body: bytes, context: Any) -> bytes:
        """Send a large answer as soon as it is made, in pieces; what is left to send with its batch: nothing.

        TorchServe reads the answers of a batch as one message, and each time that another 64 kB of it have arrived it
        takes all of it apart from the beginning, copies and all: eight pictures of 20 MB would take it minutes, and all
        the memory that it may have. Pieces of single answers pass through it at once.
        """
        ids = {index: context.get_request_id(index)}
        with self._sending:
            for begin in range(0, len(body), _PIECE):
                piece = {index: body[begin : begin + _PIECE]}
                send_intermediate_predict_response(piece, ids, "Prediction success", 200, context)
        return b""

    @contextmanager
    def _timed(self, metric: str) -> Iterator[None]:
        """Report the seconds that a stage takes."""
        start = time.perf_counter()
        yield
        self._observe(metric, time.perf_counter() - start, "s")

    def _observe(self, metric: str, value: float, unit: str) -> None:
        """One observation of a histogram that `metrics.yaml` declares."""
        self._observed.append((metric, value, unit))

    def _report(self) -> None:
        """Tell TorchServe what was observed. At the end of a batch: it reads along, and would disturb the network."""
        for metric, value, unit in self._observed:
            self.context.metrics.add_metric(metric, value, unit, dimensions=[], metric_type=MetricTypes.HISTOGRAM)
        self._observed.clear()


def _device(gpu_id: int | None) -> torch.device:
    """The device that TorchServe chose for this worker; never another one in silence."""
    if gpu_id is None:
        return torch.device("cpu")
    usable = torch.cuda.device_count()
    if gpu_id >= usable:
        raise RuntimeError(
            f"TorchServe gave this worker GPU {gpu_id}, but torch {torch.__version__} can use {usable} GPUs. Install a "
            "driver that fits, or run on the processor: TS_NUMBER_OF_GPU=0 make serve."
        )
    return torch.device("cuda", gpu_id)


def _leave_if_gpu_is_lost(error: Exception) -> None:
    """End this worker after an error of CUDA that every later call would repeat; TorchServe starts a fresh one."""
    if isinstance(error, torch.AcceleratorError) and not isinstance(error, torch.OutOfMemoryError):
        logger.critical("The GPU cannot be used any more by this process", exc_info=error)
        os._exit(1)


def _headers(context: Any, index: int) -> dict[str, str]:
    """An item's HTTP headers by lower-case name; TorchServe mixes a form's parts in as dicts."""
    sent = context.get_all_request_header(index)
    return {name.lower(): value for name, value in sent.items() if isinstance(value, str)}


def _parse(fields: dict[str, Any], headers: dict[str, str], task: request.Task, settings: Settings) -> CutRequest:
    """A request from what TorchServe made of the body: parsed JSON, bytes, or the fields of a form."""
    content_type = headers.get("content-type", "")
    if set(fields) not in ({"body"}, {"data"}):
        urlencoded = content_type.lower().startswith("application/x-www-form-urlencoded")
        return request.from_form(fields, task, settings, urlencoded)
    body = fields["body"] if "body" in fields else fields["data"]
    if isinstance(body, bytes | bytearray | str):
        sent = body.encode() if isinstance(body, str) else bytes(body)
        return request.from_body(sent, content_type, {}, task, settings)
    return request.from_json(body, task, settings)


def _query(job: Job) -> Query:
    options = job.request.options
    size = job.preview.width, job.preview.height
    return Query(
        job.preview.pixels, options.min_score, lambda found: selection.candidates(found, options, job.wanted), size
    )


def _each(stage: Callable[[Any], Made]) -> Callable[[Any], Made | CutError]:
    """The stage for one item: an error of an earlier stage passes through, one of its own is caught."""

    def run(item: Any) -> Made | CutError:
        earlier = item if isinstance(item, tuple) else (item,)
        for part in earlier:
            if isinstance(part, CutError):
                return part
        try:
            return stage(item)
        except CutError as error:
            return error
        except (MemoryError, torch.OutOfMemoryError):
            logger.exception("An item of the batch needs more memory than there is")
            return CutError("overloaded", "The server has no memory left for this photo.", retry_after=10)
        except Exception:
            logger.exception("An item of the batch failed")
            return internal()

    return run
