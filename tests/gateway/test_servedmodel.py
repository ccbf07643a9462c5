"""What the gateway makes of TorchServe's answers. How the real one behaves: `tests/test_serve.py`, `test_server.py`."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from conftest import gateway
from standin import CUT, HANDLERS, WORKER_DIED, Says, Standin, torchserve

PHOTO = b"\xff\xd8\xff\xe0 a photo, as far as a gateway looks"


def cut(standin: Standin, folder: Path, **settings: object) -> httpx.Response:
    """The gateway's answer to a photo."""
    with torchserve(standin, folder, **settings) as behind, gateway(behind) as url:
        return httpx.post(f"{url}/cut", content=PHOTO, headers={"X-Request-Id": "mine"}, trust_env=False, timeout=60)


def test_the_handlers_answer_passes_with_its_own_headers_alone(tmp_path: Path):
    headers = {**HANDLERS, "X-Object-Count": "2", "Server": "TorchServe", "X-Ticket": "secret"}
    reply = cut(Standin([Says(200, b"a picture", headers)]), tmp_path)
    assert (reply.status_code, reply.content) == (200, b"a picture")
    assert reply.headers["x-object-count"] == "2"
    assert reply.headers["x-request-id"] == "mine"
    assert not {"x-ticket", "x-worker"} & set(reply.headers)
    assert reply.headers.get("server") != "TorchServe"


BUSY = b'{"message": "Model \\"objectcut\\" Version 1.0 has no worker to serve inference request."}'
SPEAKING = [
    ("a full queue", Says(503, BUSY), ["READY"], (503, "overloaded")),
    ("no worker", Says(503, BUSY), ["UNLOADING"], (503, "not_ready")),
    ("no memory", Says(507, b"out of memory"), ["READY"], (503, "overloaded")),
    ("too large", Says(413, b"Content Too Large"), ["READY"], (413, "body_too_large")),
    ("no model", Says(404, b"ModelNotFoundException"), ["READY"], (503, "not_ready")),
    ("something else", Says(405, b"MethodNotAllowedException"), ["READY"], (500, "internal")),
]


@pytest.mark.parametrize(
    ("says", "workers", "expected"), [row[1:] for row in SPEAKING], ids=[row[0] for row in SPEAKING]
)
def test_what_torchserve_says_itself_is_translated(
    says: Says, workers: list[str], expected: tuple[int, str], tmp_path: Path
):
    standin = Standin([says], workers=workers)
    reply = cut(standin, tmp_path)
    assert (reply.status_code, reply.json()["code"]) == expected
    assert says.body.decode() not in reply.text
    assert ("retry-after" in reply.headers) == (expected[0] == 503)
    assert len(standin.tokens) == 1


@pytest.mark.parametrize(
    "first", [WORKER_DIED, Says(200, b"half a pic", HANDLERS, cut_short=True)], ids=["before", "in the middle"]
)
def test_a_photo_whose_worker_died_is_sent_once_more(first: Says, tmp_path: Path):
    standin = Standin([first, CUT])
    reply = cut(standin, tmp_path)
    assert (reply.status_code, reply.content) == (200, b"a picture")
    assert len(standin.tokens) == 2


def test_a_photo_that_kills_two_workers_is_not_sent_to_a_third(tmp_path: Path):
    standin = Standin([WORKER_DIED])
    reply = cut(standin, tmp_path)
    assert (reply.status_code, reply.json()["code"]) == (503, "not_ready")
    assert len(standin.tokens) == 2
