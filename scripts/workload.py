"""What the workers of one model had to do between two looks at the metrics of a running server."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

from management import Unreachable
from rundir import Ports, RunDir

_ANSWER_S = 10.0
_TORCHSERVES = "ts_inference_requests_total"


@dataclass(frozen=True)
class Counted:
    """What was counted since the server started.

    Attributes:
        at: when, s of the monotonic clock.
        photos: that workers took.
        batches: in which they took them.
        busy_s: seconds that workers had a batch, all workers together.
        passed: photos that waited in TorchServe.
        passed_s: seconds that they waited there together.
        admitted: photos that waited in the gateway, whatever their model.
        admitted_s: seconds that they waited there together.
        waiting: photos that wait in the gateway now.
    """

    at: float
    photos: float
    batches: float
    busy_s: float
    passed: float
    passed_s: float
    admitted: float
    admitted_s: float
    waiting: int


@dataclass(frozen=True)
class Workload:
    """What happened between two looks.

    Attributes:
        seconds: between them.
        photos: that workers took.
        batches: in which they took them.
        busy: workers that had a batch, on average.
        waited_s: seconds that a photo waited in gateway and TorchServe together, on average.
    """

    seconds: float
    photos: float
    batches: float
    busy: float
    waited_s: float


def look(run: RunDir, served_as: str) -> Counted:
    """Return what a server has counted by now. Where no gateway answers, what waits there counts for nothing.

    Args:
        run: of the server.
        served_as: TorchServe's name of the model.

    Raises:
        Unreachable: TorchServe does not tell its metrics.
    """
    return counted(_metrics(run), served_as, time.monotonic())


def _metrics(run: RunDir) -> str:
    """Return the gateway's metrics, which have TorchServe's among them, or those alone, in Prometheus' text format."""
    addresses = [f"http://127.0.0.1:{(run.ports() or Ports()).metrics}"]
    with suppress(OSError):
        addresses.insert(0, run.gateway.read_text().strip())
    for address in addresses:
        with suppress(httpx.TransportError):
            reply = httpx.get(f"{address}/metrics", timeout=_ANSWER_S, trust_env=False)
            if reply.status_code == httpx.codes.OK and _TORCHSERVES in reply.text:
                return reply.text
    raise Unreachable(f"TorchServe does not tell its metrics on {' or '.join(addresses)}.")


def counted(text: str, served_as: str, at: float) -> Counted:
    """Return what metrics tell of a model.

    Args:
        text: in Prometheus' text format.
        served_as: TorchServe's name of the model.
        at: when they were told, s of the monotonic clock.
    """
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]

    def total(name: str, **labels: str) -> float:
        return sum(each.value for each in samples if each.name == name and labels.items() <= each.labels.items())

    # The parser gives counters the ending that Prometheus wants, which TorchServe leaves out.
    ours, passed = {"ModelName": served_as}, {"model_name": served_as}
    return Counted(
        at,
        total("objectcut_batch_size_sum", **ours),
        total("objectcut_batch_size_count", **ours),
        total("objectcut_batch_seconds_sum", **ours),
        total(_TORCHSERVES, **passed),
        total("ts_queue_latency_microseconds_total", **passed) / 1e6,
        total("objectcut_queue_seconds_count"),
        total("objectcut_queue_seconds_sum"),
        int(total("objectcut_waiting")),
    )


def between(before: Counted, now: Counted) -> Workload | None:
    """Return what happened between two looks; None where a part was started anew, which counts from nothing again."""
    photos, batches = now.photos - before.photos, now.batches - before.batches
    passed, admitted = now.passed - before.passed, now.admitted - before.admitted
    seconds = now.at - before.at
    if seconds <= 0 or min(photos, batches, passed, admitted) < 0:
        return None
    waited_s = _mean(now.passed_s - before.passed_s, passed) + _mean(now.admitted_s - before.admitted_s, admitted)
    return Workload(seconds, photos, batches, (now.busy_s - before.busy_s) / seconds, waited_s)


def _mean(total: float, count: float) -> float:
    return total / count if count else 0.0
