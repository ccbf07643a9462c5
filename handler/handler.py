"""Connects TorchServe to the pipeline: reads the items of a batch, sets statuses and headers, reports metrics.

An exception that left `handle` would fail every request of the batch, so `_answer` alone answers each item.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from ts.handler_utils.utils import send_intermediate_predict_response
from ts.metrics.metric_type_enum import MetricTypes
from ts.torch_handler.base_handler import BaseHandler

from objectcut.catalogue import description
from objectcut.errors import CutError
from objectcut.item import Answer, Order
from objectcut.picture import reply
from objectcut.pipeline import Pipeline
from objectcut.request import parse, wire
from objectcut.request.options import Task
from objectcut.request.parse import CutRequest
from objectcut.settings import Settings
from objectcut.worker import timer
from objectcut.worker.abandoned import Abandoned
from objectcut.worker.crashes import Crashes
from objectcut.worker.isolation import is_gpu_lost
from objectcut.worker.memory import keep_freed

logger = logging.getLogger(__name__)
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
        keep_freed()
        self.context = context  # its metrics stay the same object for the worker's life
        self.settings = Settings(**(context.model_yaml_config or {}).get("objectcut", {}))
        Crashes(self.settings.crashes).record()
        logger.info("ObjectCut settings: %s", self.settings.model_dump_json())
        weights = Path(context.system_properties["model_dir"]) / context.manifest["model"]["serializedFile"]
        self.pipeline = Pipeline(
            weights,
            weights.with_name("refiner.safetensors"),
            self.settings,
            _device(context.system_properties.get("gpu_id")),
            self._observe,
            Abandoned(self.settings.abandoned),
        )
        self._sending = threading.Lock()  # of the one connection to TorchServe
        self._observed: list[tuple[str, float, str]] = []
        self.initialized = True
        logger.info(
            "ObjectCut model %s ready on %s in %s", self.pipeline.card.name, self.pipeline.device, self.pipeline.dtype
        )

    def handle(self, data: Sequence[dict[str, Any]], context: Any) -> list[Any]:
        """Return one reply per item, in order.

        Args:
            data: one dict per item, as TorchServe parsed the body.
            context: TorchServe's, with the headers of each item.
        """
        # TorchServe asks by a header, alone and with an empty body; a sender's own header must not break a batch.
        if len(data) == 1 and not data[0].get("body") and context.get_request_header(0, "describe") == "True":
            return [self.describe_handle()]
        start = time.perf_counter()
        orders = [partial(self._order, fields, _headers(context, index)) for index, fields in enumerate(data)]
        try:
            replies = self.pipeline.run(orders, partial(self._answer, context))
        except torch.AcceleratorError as error:
            if is_gpu_lost(error):
                logger.critical("The GPU cannot be used any more by this process", exc_info=error)
                os._exit(1)  # TorchServe starts a fresh one
            raise
        self._observe("objectcut_batch_seconds", time.perf_counter() - start, "s")
        self._report()
        return replies

    def describe_handle(self) -> dict[str, Any]:
        """Return what `GET /models/objectcut?customized=true` tells: the model's card and the words it knows."""
        return description(self.pipeline.card, str(self.pipeline.device), self.pipeline.dtype)

    def _order(self, fields: dict[str, Any], headers: dict[str, str]) -> Order:
        task: Task = "detect" if headers.get("url_path", "").strip("/") == "detect" else "cut"
        request = _parse(fields, headers, task, self.settings)
        return Order(request, headers.get("accept", ""), headers.get("x-ticket", ""))

    def _answer(self, context: Any, index: int, answer: Answer | CutError) -> bytes:
        """Give one item its reply: the only place where an error becomes one."""
        headers = _headers(context, index)
        request_id = headers.get("x-request-id") or context.get_request_id(index)
        if isinstance(answer, CutError):
            if answer.code in {"internal", "overloaded"}:  # `not_ready` is said of those who left
                logger.warning("Request %s is answered with %s", request_id, answer.code)
            answer = reply.failure(answer, request_id)
        context.set_response_content_type(index, answer.media_type)
        context.set_response_status(answer.status, "", index)
        # By X-Model the gateway tells an answer of ours from one that TorchServe made up, by X-Worker that one is gone.
        ours = {"X-Request-Id": request_id, "X-Model": self.pipeline.card.name, "X-Worker": str(os.getpid())}
        if answer.stages and "traceparent" in headers:  # W3C's: the sender traces this request
            ours["X-Stages"] = timer.written(answer.stages)
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

    def _observe(self, metric: str, value: float, unit: str) -> None:
        """One observation of a histogram that `metrics.yaml` declares."""
        self._observed.append((metric, value, unit))

    def _report(self) -> None:
        """Tell TorchServe what was observed. At the end of a batch: it reads along, and would disturb the network."""
        for metric, value, unit in self._observed:
            self.context.metrics.add_metric(metric, value, unit, dimensions=[], metric_type=MetricTypes.HISTOGRAM)
        self._observed.clear()


def _device(gpu_id: int | None) -> torch.device:
    """Return the device that TorchServe chose for this worker; never another one in silence."""
    if gpu_id is None:
        return torch.device("cpu")
    usable = torch.cuda.device_count()
    if gpu_id >= usable:
        raise RuntimeError(
            f"TorchServe gave this worker GPU {gpu_id}, but torch {torch.__version__} can use {usable} GPUs. Install a "
            "driver that fits, or run on the processor: TS_NUMBER_OF_GPU=0 make serve."
        )
    return torch.device("cuda", gpu_id)


def _headers(context: Any, index: int) -> dict[str, str]:
    """Return an item's HTTP headers by lower-case name; TorchServe mixes a form's parts in as dicts."""
    sent = context.get_all_request_header(index)
    return {name.lower(): value for name, value in sent.items() if isinstance(value, str)}


def _parse(fields: dict[str, Any], headers: dict[str, str], task: Task, settings: Settings) -> CutRequest:
    """Return a request from what TorchServe made of the body: parsed JSON, bytes, or the fields of a form."""
    content_type = headers.get("content-type", "")
    if set(fields) not in ({"body"}, {"data"}):
        urlencoded = content_type.lower().startswith("application/x-www-form-urlencoded")
        return parse.from_form(fields, task, settings, urlencoded)
    body = fields["body"] if "body" in fields else fields["data"]
    if content_type == wire.MEDIA_TYPE and isinstance(body, bytes | bytearray):
        return parse.from_form(wire.unpack(body), task, settings)
    if isinstance(body, bytes | bytearray | str):
        sent = body.encode() if isinstance(body, str) else bytes(body)
        return parse.from_body(sent, content_type, {}, task, settings)
    return parse.from_json(body, task, settings)
