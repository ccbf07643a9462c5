"""What the gateway measures of itself, for Prometheus: requests, bytes, seconds, and what waits.

Labels have few values, whatever is sent: the declared calls, statuses, and codes of `errors.STATUS`. What TorchServe
and its workers measure is declared in `handler/metrics.yaml`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from gateway.exchange import Exchange

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
"""Of the text, which can be followed by TorchServe's: OpenMetrics would want an end mark."""
_OTHER = "other"
# From a refusal, which takes a millisecond, to OBJECTCUT_ANSWER_S, after which no photo is waited for.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 130.0)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter, which nothing asks for


class Waiting(Protocol):
    """What is asked at each scrape."""

    @property
    def in_flight(self) -> int:
        """Photos that wait or that TorchServe has."""

    @property
    def waiting(self) -> tuple[int, float]:
        """Photos that wait, and the megapixels of their work."""


class Metrics:
    """The metrics of one gateway.

    Args:
        folder: on the disk whose free space is told; None where the gateway writes nothing.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._ready = Gauge(
            "objectcut_ready", "Whether a photo sent now would be cut, as /health/ready tells", registry=registry
        )
        self._requests = Counter(
            "objectcut_requests",
            "Requests that ended; `other` are the page's files and what no call is declared for",
            ["route", "status", "code"],
            registry=registry,
        )
        self._seconds = Histogram(
            "objectcut_request_seconds",
            "Seconds from a request's head to the end of its answer",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._received = Counter("objectcut_received_bytes", "Bytes of requests' bodies", registry=registry)
        self._sent = Counter("objectcut_sent_bytes", "Bytes of answers' bodies, uncompressed", registry=registry)
        self._queue_seconds = Histogram(
            "objectcut_queue_seconds",
            "Seconds that a photo waited in the gateway for its turn, until its sender left at the latest",
            buckets=_SECONDS,
            registry=registry,
        )
        if folder is not None:
            free = Gauge("objectcut_free_bytes", "Bytes free on the disk of the run folder", registry=registry)
            free.set_function(lambda: _free(folder))

    def watch(self, photos: Waiting) -> None:
        """Tell from now on how many photos there are."""
        for name, text, value in (
            ("in_flight", "Photos that wait for their turn or that TorchServe has", lambda: photos.in_flight),
            ("waiting", "Photos that wait in the gateway for their turn", lambda: photos.waiting[0]),
            (
                "waiting_megapixels",
                "Megapixels of the work of these, as OBJECTCUT_QUEUE_MEGAPIXELS counts them",
                lambda: photos.waiting[1],
            ),
        ):
            Gauge(f"objectcut_{name}", text, registry=self._registry).set_function(value)

    def ended(self, exchange: Exchange) -> None:
        """Count a request that is over."""
        route = getattr(exchange.scope.get("route"), "path", _OTHER)
        self._requests.labels(route, str(exchange.status), exchange.code).inc()
        self._seconds.labels(route).observe(exchange.seconds)
        self._received.inc(exchange.bytes_in)
        self._sent.inc(exchange.bytes_out)

    def waited(self, seconds: float) -> None:
        """Count a photo that waited so long for its turn."""
        self._queue_seconds.observe(seconds)

    def text(self, ready: bool) -> str:
        """Return all of it in Prometheus' format.

        Args:
            ready: whether a photo sent now would be cut.
        """
        self._ready.set(ready)
        return generate_latest(self._registry).decode()


def _free(folder: Path) -> float:
    try:
        disk = os.statvfs(folder)
    except OSError:  # the folder was deleted
        return float("nan")
    return float(disk.f_bavail * disk.f_frsize)
