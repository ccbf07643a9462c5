"""The one public port: the page, the interface and its docs, in front of a TorchServe that nobody else can reach.

Checks the request, fetches a photo from its URL, forwards bytes and passes the answer through. Never decodes a
picture and never imports torch.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import coloraide  # noqa: F401  # takes a moment, for which the first coloured background would wait
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from fastapi_offline import FastAPIOffline
from opentelemetry.trace import SpanKind
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect

from gateway import accesslog, openapi, ownmodels, rembg, samples, traces, unhandled
from gateway.administrators import Administrators
from gateway.asked import Asked
from gateway.body import BodyLimit
from gateway.callers import Caller, Callers
from gateway.canonical import CanonicalPath
from gateway.compression import TextCompression
from gateway.docs import ASSETS, docs
from gateway.exchange import Exchanges
from gateway.incoming import read
from gateway.keyfile import KeyFile
from gateway.lifetime import Lifetime, while_connected
from gateway.limiter import Limiter
from gateway.metrics import CONTENT_TYPE, Metrics
from gateway.models import Models, summary
from gateway.removebg import RemoveBg
from gateway.requestid import RequestId
from gateway.security import Security
from gateway.sites import Sites
from gateway.work import Work
from objectcut.errors import CutError
from objectcut.network.card import BUNDLED
from objectcut.photo.fetch import Fetcher
from objectcut.request.accept import negotiate
from objectcut.request.labels import Labels
from objectcut.request.options import Task
from objectcut.request.parse import CutRequest
from objectcut.settings import Settings

STATIC = Path(__file__).parents[1] / "static"


def create_app(settings: Settings) -> FastAPI:
    """Return the gateway for these settings."""
    measured = Metrics(settings.abandoned)
    models = Models(settings, measured)
    lifetime = Lifetime(settings.stop_s)
    fetcher = Fetcher(settings)
    key_file = KeyFile(settings.keys)
    callers = Callers(key_file, need_keys=settings.callers == "keys")
    limiter = Limiter(settings.rate, settings.rate_store.get_secret_value())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sleeping = asyncio.ensure_future(models.put_to_sleep())
        yield
        sleeping.cancel()
        await models.close()
        await limiter.close()

    app = FastAPIOffline(
        title="ObjectCut",
        version=version("objectcut"),
        lifespan=lifespan,
        docs_url=None,  # `docs` makes the page; these are the files that it needs
        redoc_url=None,
        static_url=f"/{ASSETS}",
        # Its own traces tell the queries of addresses, which may hold a photo's address with a password in it.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )

    app.state.lifetime = lifetime

    async def answer(request: Request, receive: Callable[[], Awaitable[Asked]]) -> Response:
        caller = callers.check(request)
        request.state.caller = caller.name
        await limiter.check(caller)
        return await lifetime.finish(read_and_cut(request, receive, caller))

    async def read_and_cut(request: Request, receive: Callable[[], Awaitable[Asked]], caller: Caller) -> Response:
        with traces.span("receive"):
            asked = await receive()
        return await while_connected(request.receive, cut_out(asked, request.state.id, caller))

    async def received(request: Request, task: Task) -> Asked:
        asked = await read(request, task, settings)
        return Asked(asked, negotiate(asked, ",".join(request.headers.getlist("accept"))).header)

    async def cut_out(asked: Asked, request_id: str, caller: Caller) -> Response:
        # Neither check needs a worker: an unknown name or a bad URL never waits in the queue.
        cut = asked.request
        model = models.get(cut.options.model)
        card = await model.description.card()
        Labels.of(card["classes"], card.get("unlisted", ())).resolve(cut.options.objects)
        if cut.url is not None:
            cut = replace(cut, photo=await fetched(cut.url), url=None)
        if asked.backdrop_url is not None:
            cut = replace(cut, backdrop=await fetched(asked.backdrop_url))
        cut.check_bytes(settings)
        cut, work = await asyncio.to_thread(weighed, asked, cut)
        limits = await limiter.charge(caller, work.megapixels)
        try:
            reply = await model.predict(cut, work, asked.accept, request_id)
        except CutError:
            later = models.get(cut.options.model)  # it may have been replaced or removed meanwhile
            if later is model:
                raise
            reply = await later.predict(cut, work, asked.accept, request_id)
        return Response(reply.body, reply.status, {**reply.headers, **limits})

    def weighed(asked: Asked, cut: CutRequest) -> tuple[CutRequest, Work]:
        fitted = asked.fitted(cut)
        return fitted, Work.of(fitted, settings.max_pixels)

    async def fetched(url: str) -> bytes:
        with traces.span("fetch", SpanKind.CLIENT):
            return await fetcher.fetch(url)

    @app.post("/cut", openapi_extra=openapi.CUT, summary="Cut objects out of a photo", tags=["pictures"])
    async def cut(request: Request) -> Response:
        return await answer(request, partial(received, request, "cut"))

    @app.post("/detect", openapi_extra=openapi.DETECT, summary="List the objects in a photo", tags=["pictures"])
    async def detect(request: Request) -> Response:
        return await answer(request, partial(received, request, "detect"))

    @app.post(
        "/v1.0/removebg",
        openapi_extra=openapi.REMOVEBG,
        summary="Cut the main subject out, for programs written for remove.bg",
        tags=["for programs of others"],
    )
    async def removebg(request: Request) -> Response:
        door = RemoveBg(request, settings)
        try:
            reply = await answer(request, door.read)
        except CutError as error:
            reply = unhandled.answer(error, request.state.id)
        return await asyncio.to_thread(door.answered, reply)

    @app.get(
        "/api/remove",
        openapi_extra=openapi.REMBG_GET,
        summary="Cut the main subject out of a photo with an address, for programs written for rembg",
        tags=["for programs of others"],
    )
    @app.post(
        "/api/remove",
        openapi_extra=openapi.REMBG_POST,
        summary="Cut the main subject out, for programs written for rembg",
        tags=["for programs of others"],
    )
    async def remove(request: Request) -> Response:
        return rembg.answered(await answer(request, partial(rembg.read, request, settings)))

    @app.api_route("/cut", methods=_NOT_POST, include_in_schema=False)
    @app.api_route("/detect", methods=_NOT_POST, include_in_schema=False)
    @app.api_route("/v1.0/removebg", methods=_NOT_POST, include_in_schema=False)
    async def needs_post() -> Response:
        raise HTTPException(405, "send the photo with POST, /docs shows how", {"Allow": "POST"})

    @app.get(
        "/labels",
        summary="A model and the names it knows, and which other models there are",
        tags=["server"],
        responses=openapi.errors("unknown_model"),
    )
    async def labels(model: str = "") -> JSONResponse:
        described = dict(await models.get(model).description.whole())
        described["models"] = summary(models.entries)
        bundled = described["model"] == BUNDLED
        described["note"] = _BUNDLED_NOTE.format(count=len(described["classes"])) if bundled else None
        described["limits"] = settings.model_dump(include={"max_body_bytes", "max_pixels", "max_side", "max_names"})
        return JSONResponse({"error": False, "response": described})

    @app.get(_DOCS, include_in_schema=False)
    async def interactive() -> HTMLResponse:
        return docs(app.title)

    @app.get("/health/live", summary="Whether the gateway runs", tags=["server"])
    async def live() -> JSONResponse:
        return JSONResponse({"status": "live"})

    @app.get(
        "/health/ready", summary="Whether a photo sent now would be cut", tags=["server"], responses=openapi.errors()
    )
    async def ready() -> JSONResponse:
        if lifetime.stopping:
            raise CutError("not_ready", "The server is stopping.", retry_after=10)
        if not await models.ready():
            raise CutError("not_ready", "No model worker is ready yet.", retry_after=5)
        return JSONResponse({"status": "ready", "in_flight": models.in_flight})

    @app.get(
        "/metrics",
        summary="Metrics of the gateway, TorchServe and its workers for Prometheus",
        tags=["server"],
        response_class=PlainTextResponse,
        responses=openapi.errors(),
    )
    async def metrics() -> PlainTextResponse:
        torchserves, ready = await asyncio.gather(models.metrics(), models.ready())
        own = measured.text(ready and not lifetime.stopping)
        return PlainTextResponse(own + torchserves, media_type=CONTENT_TYPE)

    @app.exception_handler(CutError)
    async def on_cut_error(request: Request, error: CutError) -> Response:
        return unhandled.answer(error, request.state.id)

    @app.exception_handler(HTTPException)
    async def on_http_error(request: Request, error: HTTPException) -> Response:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
        problem = f"{request.method} {request.url.path[:200]}: {error.detail.rstrip('.')}."
        answer = await on_cut_error(request, CutError(code, problem))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(ClientDisconnect)
    async def on_disconnect(_request: Request, _error: ClientDisconnect) -> Response:
        return Response(status_code=499)  # nobody reads it; nginx's number for a sender who left

    # From the inside out: an answer passes the last one last. FastAPI would answer defects outside of all these.
    app.add_middleware(
        BodyLimit,
        limit=settings.max_body_bytes,
        together=settings.bodies_mb * 1_000_000,
        refusal=models.refusal,
        others={ownmodels.PATH},
    )
    app.add_middleware(Sites, listens_on=settings.host, hosts=settings.hosts, origins=settings.origins)
    app.add_middleware(unhandled.UnhandledErrors)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "X-Api-Key"),
            expose_headers=(
                *("X-Object-Count", "X-Object-Ids", "X-Object-Labels", "X-Foreground-Box", "X-Width", "X-Height"),
                *("X-Type", "X-Credits-Charged", "X-Foreground-Top", "X-Foreground-Left", "X-Foreground-Width"),
                *("X-Foreground-Height", "X-Request-Id", "Retry-After", "RateLimit", "RateLimit-Policy"),
            ),
        )
    app.add_middleware(Exchanges, traced=traces.request, observers=(accesslog.write, measured.ended))
    app.add_middleware(RequestId)
    app.add_middleware(Security, docs_path=_DOCS)
    app.add_middleware(TextCompression)
    app.add_middleware(CanonicalPath)

    app.include_router(samples.router)
    app.include_router(ownmodels.router(settings, models, lifetime, Administrators(key_file)))
    app.mount("/", StaticFiles(directory=STATIC, html=True))
    return app


_DOCS = "/docs"
_NOT_POST = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]
_BUNDLED_NOTE = (
    "The small bundled model runs: {count} names. For the full one (80 names, better edges) run `make weights` "
    "once, then start the server again."
)
