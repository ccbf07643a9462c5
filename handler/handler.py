"""TorchServe's entry: wires the stages of `objectcut` over a batch and answers each item by itself.

Owns nothing but the order of the stages, their metrics and the translation between TorchServe and the stages. An
exception that left `handle` would fail every request of the batch, so each item is answered in one place (`_answer`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from ts.metrics.metric_type_enum import MetricTypes
from ts.torch_handler.base_handler import BaseHandler

import objectcut.lean  # noqa: F401  # first: it decides how torchvision is imported
from objectcut import backdrop, cutout, edges, matte, models, photo, refiner, reply, request, selection
from objectcut.detector import Detection, Detector, Query
from objectcut.errors import CutError, internal
from objectcut.fetch import fetch
from objectcut.fuse import fuse
from objectcut.item import Answer, Job
from objectcut.labels import Labels
from objectcut.network import DTYPES, dtype_name
from objectcut.pool import pool, spread
from objectcut.request import CutRequest
from objectcut.settings import Settings

logger = logging.getLogger(__name__)
Made = TypeVar("Made")


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
        self.device = _device(context.system_properties.get("gpu_id"))
        weights = Path(context.system_properties["model_dir"]) / context.manifest["model"]["serializedFile"]
        model, self.card = models.load(weights)
        self.labels = Labels.of(self.card.classes)
        self.refiner = fuse(refiner.load(weights.with_name("refiner.safetensors")), torch.float32, torch.device("cpu"))
        self.detector = Detector(model, self.card, self.device, DTYPES.get(self.settings.dtype))
        self.pool = pool(self.settings.threads, "photo")
        self.paste_pool = pool(self.settings.threads, "paste")  # its own: photos wait for their masks
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
        self._observe("objectcut_batch_size", len(data), "count")
        with self._timed("objectcut_decode_seconds"):
            jobs = list(self.pool.map(_each(lambda index: self._read(data[index], index, context)), range(len(data))))
        with self._timed("objectcut_detect_seconds"):
            detections = self._detect(jobs)
        answers = spread(self.pool, _each(self._finish), list(zip(jobs, detections, strict=True)))
        replies = [self._answer(index, answer, context) for index, answer in enumerate(answers)]
        self._report()
        return replies

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
        task: request.Task = "detect" if headers.get("url_path", "").strip("/") == "detect" else "cut"
        cut_request = _parse(fields, headers, task, self.settings)
        wanted = self.labels.resolve(cut_request.options.objects)
        if cut_request.photo is not None:
            encoded = cut_request.photo
        else:  # only a direct caller: the gateway fetches by itself
            assert cut_request.url is not None
            encoded = asyncio.run(fetch(cut_request.url, self.settings))
        preview, whole = self._decode(encoded, task)
        return Job(cut_request, preview, whole, wanted, headers.get("accept", ""))

    def _decode(self, encoded: bytes, task: request.Task) -> tuple[photo.Preview, Future[photo.Photo] | None]:
        """What the network needs of the photo now, and what the cut-out needs of it later."""
        preview = photo.preview(encoded, self.settings, self.card.min_size)
        if preview is None:
            whole: Future[photo.Photo] = Future()
            whole.set_result(photo.load(encoded, self.settings))
            pixels = whole.result().pixels
            return photo.Preview(pixels, pixels.shape[1], pixels.shape[0]), whole
        return preview, self.pool.submit(photo.load, encoded, self.settings) if task == "cut" else None

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
        options, width, height = job.request.options, job.preview.width, job.preview.height
        with self._timed("objectcut_matte_seconds"):
            masks = spread(self.paste_pool, lambda kept: matte.paste(kept, width, height), detection.kept)
            pasted = [selection.Found(*found) for found in zip(detection.kept, masks, strict=True)]
            chosen = selection.choose(pasted, options)
        if job.request.task == "detect":
            with self._timed("objectcut_encode_seconds"):
                return reply.listing(job, chosen, self.labels, self.card.name)
        if not chosen:
            raise selection.nothing_found(detection.found, options, self.labels)
        with self._timed("objectcut_decode_seconds"):
            assert job.photo is not None
            whole = job.photo.result()  # decoded while the network ran
        with self._timed("objectcut_edges_seconds"):
            if options.edges != "raw":
                chosen = self._drawn(whole, chosen)
            alpha = matte.union((found.matte for found in chosen), whole.width, whole.height)
            if options.edges == "sharp":
                alpha = edges.sharp(alpha)
            alpha = edges.adjusted(alpha, options.grow, options.feather)
        with self._timed("objectcut_cutout_seconds"):
            sent = job.request.backdrop
            behind = None if sent is None else backdrop.load(sent, self.settings)
            picture = cutout.cut(whole, alpha, options, behind)
        if picture is None:
            raise CutError(
                "object_not_found",
                "Nothing is left: the objects fill the whole photo, or it is transparent.",
                details={"reason": "nothing_left"},
            )
        with self._timed("objectcut_encode_seconds"):
            return reply.picture(job, chosen, picture, self.labels, self.card.name)

    def _drawn(self, whole: photo.Photo, chosen: Sequence[selection.Found]) -> list[selection.Found]:
        """The chosen ones with edges along the photo; where the refiner sees no object, the plain mask is better."""
        drawn = spread(self.paste_pool, lambda found: edges.draw(whole.pixels, found.instance, self.refiner), chosen)
        pairs = zip(chosen, drawn, strict=True)
        return [replace(found, matte=new) if new.inside.any() else found for found, new in pairs]

    def _answer(self, index: int, answer: Answer | CutError, context: Any) -> bytes:
        """Send one item's reply: the only place where an error becomes one."""
        request_id = _headers(context, index).get("x-request-id") or context.get_request_id(index)
        if isinstance(answer, CutError):
            answer = reply.failure(answer, request_id)
        context.set_response_content_type(index, answer.media_type)
        context.set_response_status(answer.status, "", index)
        # By X-Model the gateway tells an answer of ours from one that TorchServe made up, by X-Worker that one is gone.
        ours = {"X-Request-Id": request_id, "X-Model": self.card.name, "X-Worker": str(os.getpid())}
        for name, value in {**answer.headers, **ours}.items():
            context.set_response_header(index, name, value)
        return answer.body

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
