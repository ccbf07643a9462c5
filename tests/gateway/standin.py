"""A TorchServe on loopback that says what it is told to: for answers that the real one rarely gives."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from conftest import serving
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from objectcut.request import wire
from objectcut.settings import Settings

HANDLERS = {"X-Model": "bundled", "X-Worker": "7", "Content-Type": "image/png"}
"""By which the gateway knows an answer of the handler's."""


@dataclass(frozen=True)
class Says:
    """One answer to a prediction.

    Attributes:
        cut_short: whether the connection ends in the middle of the body.
        after_s: seconds before it begins.
        dead_s: how long no worker is ready from then on.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    cut_short: bool = False
    after_s: float = 0.0
    dead_s: float = 0.0


_BATCH_S = 0.3
_TRIPPED = {"code": 500, "type": "ConcurrentModificationException", "message": "ConcurrentModificationException"}
_REFUSED = {"type": "InvalidKeyException", "message": "Token Authorization failed."}
CUT = Says(200, b"a picture", HANDLERS)
WORKER_DIED = Says(500, b'{"code": 500, "type": "InternalServerException", "message": "Worker died."}')


@dataclass
class Standin:
    """What it says and what it was sent.

    Attributes:
        script: answers to the predictions, in order; the last one is given to all others.
        key: that it accepts.
        workers: states of the model's workers.
        asleep: the paths of models without a worker until one is asked for, and the seconds until that is ready.
        woken: when a worker was asked for, by path.
        tokens: of the predictions.
        refused: how many calls had another key.
        deadly: what is in a photo that makes the worker die, with all that it has.
        beside: how many others it had each time.
        crashes: where the worker leaves a trace each time; None: it is killed from outside.
        hangs: whether the worker hangs, until another one is asked for.
        begins: how many processes the workers have been so far; with `restless`, another one each time somebody looks.
        restless: whether they die while they start.
        scaled: how many workers were asked for each time.
        trips: how many calls of the management fail from now on, as TorchServe's do while it starts and stops workers.
    """

    script: list[Says]
    key: str = "right"
    workers: list[str] = field(default_factory=lambda: ["READY"])
    asleep: dict[str, float] = field(default_factory=dict)
    woken: dict[str, float] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    refused: int = 0
    deadly: bytes = b""
    beside: list[int] = field(default_factory=list)
    crashes: Path | None = None
    hangs: bool = False
    begins: int = 0
    restless: bool = False
    scaled: list[str] = field(default_factory=list)
    trips: int = 0
    _dead_until: float = 0.0
    _batch: list[bytes] = field(default_factory=list)

    async def answer(self, body: bytes) -> Says:
        """What a prediction is answered with."""
        if self.deadly:
            return await self._worked(body)
        says = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        await asyncio.sleep(says.after_s)
        while self.hangs:
            await asyncio.sleep(0.05)
        self._dead_until = time.monotonic() + says.dead_s
        return says

    async def _worked(self, body: bytes) -> Says:
        """A batch is what comes until the first of it is done."""
        batch = self._batch
        batch.append(body)
        await asyncio.sleep(_BATCH_S)
        self._batch = []
        if self.deadly in body:
            self.beside.append(len(batch) - 1)
            if self.crashes is not None:
                (self.crashes / str(len(self.beside))).write_text("Fatal Python error: Segmentation fault")
        return WORKER_DIED if any(self.deadly in each for each in batch) else self.script[0]

    def states(self, path: str) -> list[str]:
        """The states of a model's workers now."""
        if path not in self.asleep:
            return ["UNLOADING"] if time.monotonic() < self._dead_until else self.workers
        if path not in self.woken:
            return []
        return ["READY" if time.monotonic() > self.woken[path] + self.asleep[path] else "UNLOADING"]


@dataclass
class Recorder(Standin):
    """Keeps what it was asked for.

    Attributes:
        asked: the fields of each request.
    """

    asked: list[dict[str, str | bytes]] = field(default_factory=list)

    async def answer(self, body: bytes) -> Says:
        self.asked.append(wire.unpack(body))
        return await super().answer(body)


@contextlib.contextmanager
def torchserve(standin: Standin, folder: Path, port: int | None = None, **settings: object) -> Iterator[Settings]:
    """The settings of a gateway in front of it; its key file lies in `folder`."""

    def refused(request: Request) -> bool:
        fits = request.headers["authorization"] == f"Bearer {standin.key}"
        standin.refused += not fits
        return not fits

    def tripped() -> bool:
        standin.trips -= 1
        return standin.trips >= 0

    async def describe(request: Request) -> Response:
        if refused(request):
            return JSONResponse(_REFUSED, 400)
        if tripped():
            return JSONResponse(_TRIPPED, 500)
        if "customized" in request.query_params:
            return JSONResponse([{"customizedMetadata": {"card": {"classes": ["__background__", "cat"]}}}])
        states = standin.states(request.path_params["path"])
        standin.begins += standin.restless
        workers = [{"pid": 7 + place + standin.begins, "status": state} for place, state in enumerate(states)]
        queue = {"remainingCapacity": 64, "pendingRequests": 0}
        return JSONResponse([{"workers": workers, "batchSize": 8, "maxWorkers": len(workers), "jobQueueStatus": queue}])

    async def scale(request: Request) -> Response:
        if tripped():
            return JSONResponse(_TRIPPED, 500)
        path = request.path_params["path"]
        standin.scaled.append(request.query_params["max_worker"])
        if standin.scaled[-1] == "0":
            standin.hangs = False
            standin.woken.pop(path, None)
        else:
            standin.woken[path] = time.monotonic()
        return JSONResponse({"status": "Processing worker updates..."}, 202)

    async def predict(request: Request) -> Response:
        body = await request.body()
        if refused(request):
            return JSONResponse(_REFUSED, 400)
        standin.tokens.append(request.headers["authorization"])
        says = await standin.answer(body)
        headers = {**says.headers, "Content-Length": str(len(says.body) + says.cut_short)}
        return Response(says.body, says.status, headers)  # uvicorn ends the connection where some of it is missing

    app = Starlette(
        routes=[
            Route("/models/{path:path}", describe),
            Route("/models/{path:path}", scale, methods=["PUT"]),
            Route("/predictions/{path:path}", predict, methods=["POST"]),
        ]
    )
    write_keys(folder, standin.key)
    with serving(app, port) as url:
        keys = folder / "key_file.json"
        yield Settings(inference_url=url, management_url=url, key_file=keys, **settings)  # type: ignore[arg-type]


def write_keys(folder: Path, key: str) -> None:
    """Write the file that TorchServe writes at its start."""
    new = folder / "new.json"
    new.write_text(json.dumps({name: {"key": key} for name in ("inference", "management")}))
    new.replace(folder / "key_file.json")
