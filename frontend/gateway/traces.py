"""Traces of requests for OpenTelemetry: what the gateway did when, and the stages of the worker that it was told.

Without `send_to` the library's own functions do nothing. The worker sends no spans itself: its sandbox lets it reach no
collector. All else is set by OpenTelemetry's own variables, such as `OTEL_TRACES_SAMPLER`. No address of a photo, no
name and nothing of a picture goes into a span.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version

from opentelemetry import propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from starlette.datastructures import Headers

from gateway.exchange import Exchange
from objectcut.worker import timer

_NS = 1_000_000_000
_EXPORT_S = 3  # for a batch of spans; a collector that does not answer shall not keep a server that stops
_UNCHANGING = {"GET", "HEAD", "OPTIONS"}  # the page's files, health, metrics: none is about a photo, but for one
_BY_GET = "/api/remove"
_tracer = trace.get_tracer("objectcut")


def send_to(collector: str) -> Callable[[], None]:
    """Send the spans of this process to a collector from now on; return what sends the last ones.

    Args:
        collector: base address, of OTLP over HTTP.
    """
    # A moment to import, for which only those wait who use it.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(endpoint=f"{collector.rstrip('/')}/v1/traces", timeout=_EXPORT_S)
    resource = Resource.create({"service.name": "objectcut", "service.version": version("objectcut")})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider.shutdown


@contextmanager
def request(exchange: Exchange) -> Iterator[None]:
    """Trace a request while the block runs, as a part of its sender's trace if it has one."""
    scope = exchange.scope
    if scope["method"] in _UNCHANGING and scope["path"] != _BY_GET:
        yield
        return
    parent = propagate.extract(Headers(scope=scope))
    with _tracer.start_as_current_span(
        scope["method"], parent, SpanKind.SERVER, record_exception=False, set_status_on_exception=False
    ) as made:
        yield
        route = getattr(scope.get("route"), "path", "")
        made.update_name(f"{scope['method']} {route}".rstrip())
        made.set_attributes(
            {
                "http.request.method": scope["method"],
                "http.route": route,
                "http.request.body.size": exchange.bytes_in,
                "http.response.status_code": exchange.status,
                "http.response.body.size": exchange.bytes_out,
                "objectcut.request_id": scope["state"]["id"],
            }
        )
        if exchange.code:
            made.set_attribute("error.type", exchange.code)
        if exchange.status >= 500:
            made.set_status(Status(StatusCode.ERROR))


@contextmanager
def span(name: str, kind: SpanKind = SpanKind.INTERNAL) -> Iterator[Span]:
    """Trace a part of a request while the block runs."""
    with _tracer.start_as_current_span(name, kind=kind, record_exception=False, set_status_on_exception=False) as made:
        yield made


def header() -> dict[str, str]:
    """Return the header by which the current span goes on elsewhere; none when nothing is traced."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def worker_did(headers: Mapping[str, str]) -> None:
    """Add what a worker did for the current span, by the headers of its answer."""
    for stage in timer.parsed(headers.get("x-stages", "")):
        begin = int(stage.begin * _NS)
        made = _tracer.start_span(stage.name, start_time=begin)
        made.set_attribute("process.pid", int(headers["x-worker"]))
        made.end(begin + int(stage.seconds * _NS))
