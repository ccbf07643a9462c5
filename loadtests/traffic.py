"""The requests that a server gets under test, and whether an answer to one is the right one.

Right is what the same server answered at the beginning, undisturbed: the same error, or nearly the same picture.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
from PIL import Image

from benchmark.photos import LARGE, another, pair, photographs, woman

ANSWER_S = 150.0
"""After which an answer does not come any more: beyond all that the server and TorchServe allow a cut."""
_NEAR = 2.0  # of 255 levels, mean over a channel: sums in bf16 depend on the batch
_NEAR_PX = 4.0  # of the corners of a box, likewise
_HUGE = 21_000_000  # bytes; 20 MB are accepted
_PIECE, _PIECE_S = 16_384, 0.1
_SIZE = 640, 480
_PNG, _JSON = {"Accept": "image/png"}, {"Accept": "application/json"}
Send = Callable[[httpx.AsyncClient], Awaitable[httpx.Response | None]]


@dataclass(frozen=True)
class Answer:
    """What is compared of an answer: the status, the error's code, and the body of one that is no error."""

    status: int
    code: str
    body: bytes = field(repr=False)

    @classmethod
    def of(cls, reply: httpx.Response) -> Answer:
        """Return the answer that a reply is."""
        code = ""
        if reply.is_error:
            try:
                code = str(reply.json()["code"])
            except (ValueError, LookupError, TypeError):
                code = "not in the error shape"
        return cls(reply.status_code, code, b"" if reply.is_error else reply.content)


@dataclass(frozen=True)
class Case:
    """A request of some kind.

    Attributes:
        kind: what it is about, for tables.
        status: of the right answer; None where the sender does not wait for one.
        send: returns the reply; None for a sender who leaves.
    """

    kind: str
    status: int | None
    send: Send


def difference(answer: Answer, right: Answer) -> str:
    """Return in words how an answer differs from the right one; nothing when it does not."""
    if (answer.status, answer.code) != (right.status, right.code):
        return f"{answer.status} {answer.code}".strip() + f" instead of {right.status} {right.code}".rstrip()
    if answer.body == right.body:
        return ""
    if right.body[:1] == b"{":
        try:
            return _of_lists(json.loads(answer.body), json.loads(right.body))
        except ValueError:
            return "no JSON"
    try:
        pixels, expected = (np.asarray(Image.open(io.BytesIO(each.body))) for each in (answer, right))
    except OSError:
        return "no picture, or another page"
    if pixels.shape != expected.shape:
        return f"a picture of {pixels.shape} instead of {expected.shape}"
    apart = np.abs(pixels.astype(np.int16) - expected).reshape(-1, pixels.shape[2] if pixels.ndim > 2 else 1)
    worst = float(apart.mean(axis=0).max())
    return "" if worst <= _NEAR else f"a picture that is {worst:.1f} levels off"


def _of_lists(answer: dict[str, Any], right: dict[str, Any]) -> str:
    """The same for what `/detect` says; other JSON must be equal."""
    objects, expected = (_objects(each) for each in (answer, right))
    if objects is None or expected is None:
        return "" if answer == right else "other JSON"
    labels = [Counter(str(each["label"]) for each in listed) for listed in (objects, expected)]
    if labels[0] != labels[1]:
        return f"{dict(labels[0])} instead of {dict(labels[1])}"
    boxes, wanted = (np.array(sorted(each["box"] for each in listed), float) for listed in (objects, expected))
    worst = float(np.abs(boxes - wanted).max(initial=0))
    return "" if worst <= _NEAR_PX else f"a box that is {worst:.0f} px off"


def _objects(told: dict[str, Any]) -> list[dict[str, Any]] | None:
    response = told.get("response")
    return response.get("objects") if isinstance(response, dict) else None


def traffic() -> list[Case]:
    """Return one case of each kind; those that are frequent in real use several times."""
    small, cat, large = woman(_SIZE), _file(photographs()[1], "PNG"), woman(LARGE)
    both = pair((1600, 1200))
    webp = _file(photographs()[0], "WEBP")
    cut, detect = partial(_form, "/cut"), partial(_form, "/detect")
    again = cut(small, {"objects": "person"}, fresh=False)
    return [
        *[Case("small photo", 200, cut(small, {"objects": "person"}))] * 3,
        Case("small photo", 200, cut(cat, {"objects": "cat", "background": "white"}, fresh=False)),
        Case("small photo", 200, cut(webp, {"objects": "person", "crop": "true"}, fresh=False)),
        Case("two objects", 200, cut(both, {"objects": "person,cat", "output": "mask"})),
        Case("12 MP photo", 200, cut(large, {"objects": "person"}, accept="image/webp")),
        *[Case("the same photo again", 200, again)] * 2,
        *[Case("list of objects", 200, detect(small, {"objects": "person"}, accept="application/json"))] * 2,
        Case("the page", 200, _page("/")),
        Case("the page", 200, _page("/page.js")),
        Case("unknown name", 400, cut(small, {"objects": "kat"})),
        Case("not in the photo", 422, cut(cat, {"objects": "person"}, fresh=False)),
        Case("bad file", 400, cut(small[: len(small) // 2], {"objects": "person"}, fresh=False)),
        Case("bad file", 400, cut(b"no picture at all", {"objects": "person"}, fresh=False)),
        Case("bad file", 415, cut(b"<svg xmlns='http://www.w3.org/2000/svg'/>", {"objects": "person"}, fresh=False)),
        Case("huge body", 413, _huge),
        Case("slow body", 200, _slow(small)),
        Case("leaves while it sends", None, _leaving(large, len(large) // 2)),
        Case("leaves while it waits", None, _leaving(small, len(small))),
    ]


def _file(image: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def _form(path: str, photo: bytes, options: dict[str, str], fresh: bool = True, accept: str = "image/png") -> Send:
    """A photo in a form; with `fresh` as a file that the server has not seen yet, which JPEG allows."""

    async def send(client: httpx.AsyncClient) -> httpx.Response:
        files = {"image_file": another(photo) if fresh else photo}
        return await client.post(path, files=files, data=options, headers={"Accept": accept})

    return send


def _page(path: str) -> Send:
    async def send(client: httpx.AsyncClient) -> httpx.Response:
        return await client.get(path)

    return send


async def _huge(client: httpx.AsyncClient) -> httpx.Response:
    return await client.post("/cut", content=bytes(_HUGE), headers={"Content-Type": "image/jpeg"})


def _slow(photo: bytes) -> Send:
    """As from a phone far away: in pieces."""

    async def pieces(whole: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(whole), _PIECE):
            yield whole[start : start + _PIECE]
            await asyncio.sleep(_PIECE_S)

    async def send(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/cut?objects=person", content=pieces(another(photo)), headers=_PNG)

    return send


def _leaving(photo: bytes, sent: int) -> Send:
    """A sender who closes the connection after so many bytes of the photo."""

    async def send(client: httpx.AsyncClient) -> None:
        whole = another(photo)
        address = urlsplit(str(client.base_url))
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        head = f"POST /cut?objects=person HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(whole)}\r\n\r\n"
        writer.write(head.encode() + (whole if sent == len(photo) else whole[:sent]))
        await writer.drain()
        await asyncio.sleep(_PIECE_S)  # it has arrived, and is not answered yet
        writer.close()

    return send
