"""The calls that change the models: for callers with an admin key."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from gateway import openapi
from gateway.administrators import Administrators
from gateway.changes import Changes, Tell
from gateway.lifetime import Lifetime
from gateway.models import Models
from gateway.uploads import discard, receive
from objectcut.catalogue import NAME, Entry
from objectcut.errors import CutError, internal, wrong_field
from objectcut.settings import Settings

logger = logging.getLogger(__name__)
PATH = "/models"
"""Where models are listed and uploaded."""
_LINES = "application/x-ndjson"
Facts = Mapping[str, Any]
_File = Annotated[str, Query(description="name of the file, for messages and where the model has no other")]
_Name = Annotated[str, Query(description="of the model; that in the file, else of the file, without")]
_Classes = Annotated[
    str, Query(description="names with commas, in the order of the training; those in the file without")
]


def router(settings: Settings, models: Models, lifetime: Lifetime, administrators: Administrators) -> APIRouter:
    """Return the calls; none for a gateway that was told of no list of models."""
    calls = APIRouter(tags=["models"])
    if settings.models is None:
        return calls
    run = settings.models.parent
    uploads = run / "uploads"
    shutil.rmtree(uploads, ignore_errors=True)  # of a gateway that was killed
    changes = Changes(run)

    @calls.get(
        PATH,
        summary="The models and what they need",
        responses=openapi.errors("unauthorized"),
        openapi_extra=openapi.ADMIN,
    )
    async def listed(request: Request) -> JSONResponse:
        administrators.check(request)
        return _done({"models": [_told(entry, not place) for place, entry in enumerate(models.entries)]})

    @calls.post(PATH, openapi_extra=openapi.ADD, summary="Add a model, or replace the one of its name")
    async def add(request: Request, file: _File = "model", name: _Name = "", classes: _Classes = "") -> Response:
        owner = administrators.check(request)
        changes.check_free()
        if name and not NAME.fullmatch(name):
            raise wrong_field("name", "must begin with a letter or digit; up to 64 letters, digits and . _ - do")
        path = await receive(request, uploads, file, settings.max_model_bytes)

        async def added(tell: Tell) -> Facts:
            administrators.check(request)  # the key may have been taken back meanwhile
            tell({"check": "upload", "found": f"{path.stat().st_size / 1e6:.1f} MB"})
            done = await changes.make(_words(path, name, classes), tell)
            logger.info("%s: by the key of %s", done["done"], owner)
            return {**done, "classes": list(models.catalogue.get(done["model"]).names)}

        return await _answer(request, lambda tell: lifetime.finish(added(tell)), partial(discard, path))

    @calls.delete(
        f"{PATH}/{{name:path}}",
        summary="Remove a model that is not the default",
        # not_found: a name with a line break
        responses=openapi.errors("unauthorized", "unknown_model", "not_found", "invalid_request"),
        openapi_extra=openapi.ADMIN,
    )
    async def remove(request: Request, name: str) -> JSONResponse:
        owner = administrators.check(request)
        models.get(name)
        done = await lifetime.finish(changes.make(["remove", "--", name], lambda _: None))
        logger.info("%s: by the key of %s", done["done"], owner)
        return _done(done)

    return calls


def _words(path: Path, name: str, classes: str) -> list[str]:
    """Return the words for scripts/models.py that add a file; the classes stand in a file beside it, as COCO's do."""
    words = ["add", f"--name={name}"] if name else ["add"]
    if classes.strip():
        listed = path.with_name(".classes.json")  # no file that is sent is called so
        names = classes.replace("\n", ",").split(",")
        listed.write_text(json.dumps({"categories": [{"id": id_, "name": each} for id_, each in enumerate(names)]}))
        words.append(f"--classes={listed}")
    return [*words, "--", str(path)]


def _told(entry: Entry, default: bool) -> Facts:
    card = entry.card
    return {
        "name": card.name,
        "classes": list(entry.names),
        "architecture": card.architecture,
        "needs_bytes": entry.needs,
        "default": default,
    }


async def _answer(
    request: Request, work: Callable[[Tell], Coroutine[Any, Any, Facts]], after: Callable[[], None]
) -> Response:
    """Answer when all is done; check by check for those who accept lines of JSON. It goes on when its sender leaves.

    Args:
        request: whose answer it is.
        work: is given what to tell each check to.
        after: is called in the end, however that comes.
    """
    lines = asyncio.Queue[Facts | None]()
    task = asyncio.ensure_future(work(lines.put_nowait))
    task.add_done_callback(lambda _: after())
    task.add_done_callback(lambda _: lines.put_nowait(None))
    if _LINES not in request.headers.get("accept", ""):
        return _done(await asyncio.shield(task))

    async def told() -> AsyncIterator[bytes]:
        while (line := await lines.get()) is not None:
            yield json.dumps(line).encode() + b"\n"
        try:
            yield json.dumps({"error": False, "response": task.result()}).encode() + b"\n"
        except CutError as error:
            yield error.body(request.state.id) + b"\n"
        except Exception:
            logger.exception("A model could not be added")
            yield internal().body(request.state.id) + b"\n"

    return StreamingResponse(told(), media_type=_LINES, headers={"X-Accel-Buffering": "no"})


def _done(facts: Facts) -> JSONResponse:
    return JSONResponse({"error": False, "response": facts})
