"""What the gateway answers by itself, without a TorchServe behind it: a photo that it understood ends with 503."""

from __future__ import annotations

import base64
import gzip
import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from conftest import Files, encoded, free_port, gateway, hosted
from PIL import Image

from gateway import samples
from objectcut.settings import Settings

PHOTO = encoded(Image.new("RGB", (6, 4), "teal"))
TEXT = base64.b64encode(PHOTO).decode()
UNDERSTOOD = (503, "not_ready")


def alone(**settings: object) -> Settings:
    nowhere = f"http://127.0.0.1:{free_port()}"
    urls = dict.fromkeys(("inference_url", "management_url", "metrics_url"), nowhere)
    return Settings(**{**urls, "max_body_bytes": 1_000_000, **settings})


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with gateway(alone()) as url, httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
        yield client


def told(reply: httpx.Response) -> tuple[int, str]:
    """Status and code of an answer in the one error shape."""
    body = reply.json()
    assert set(body) == {"error", "code", "message", "details", "request_id"}
    assert body["request_id"] == reply.headers["x-request-id"]
    return reply.status_code, body["code"]


@pytest.mark.parametrize("path", ["/cut", "/cut/", "/detect", "/detect/", "/cut//", "/c%75t"])
def test_a_call_is_known_with_and_without_a_slash_behind_it(path: str, client: httpx.Client):
    assert told(client.post(path, content=PHOTO)) == UNDERSTOOD
    assert told(client.get(path)) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("path", "status"),
    [("/labels/", 503), ("/health/live/", 200), ("/health/ready/", 503), ("/docs/", 200), ("/samples/", 200)],
)
def test_the_other_calls_as_well(path: str, status: int, client: httpx.Client):
    assert client.get(path).status_code == status


@pytest.mark.parametrize(
    "path",
    [
        *("/health/live", "/health/ready", "/labels", "/metrics", "/docs", "/openapi.json", "/", "/page.js"),
        *("/samples", "/samples/cat.jpg", "/cut", "/missing", "/docs-assets/swagger-ui.css"),
    ],
)
def test_head_is_get_without_the_body(path: str, client: httpx.Client):
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    for name in ("content-type", "content-length", "etag", "allow"):
        assert head.headers.get(name) == get.headers.get(name)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("OPTIONS", "/missing", (405, "method_not_allowed")),
        ("OPTIONS", "/labels", (405, "method_not_allowed")),
        ("OPTIONS", "/cut", (405, "method_not_allowed")),
        ("POST", "/labels", (405, "method_not_allowed")),
        ("POST", "/page.js", (405, "method_not_allowed")),
        ("DELETE", "/detect/", (405, "method_not_allowed")),
        ("PUT", "/", (405, "method_not_allowed")),
        ("GET", "/missing", (404, "not_found")),
        ("GET", "/cut/more", (404, "not_found")),
        ("GET", "/samples/dog.png", (404, "not_found")),
        ("GET", "/%00", (404, "not_found")),
        ("GET", "/%FF", (404, "not_found")),
        ("GET", "/%ED%A0%80", (404, "not_found")),
        ("GET", "/..%2F..%2Fpyproject.toml", (404, "not_found")),
        ("GET", "/" + "a" * 5000, (404, "not_found")),
        ("GET", "/" + "a/" * 5000, (404, "not_found")),
    ],
)
def test_an_address_that_nobody_answers(method: str, path: str, expected: tuple[int, str], client: httpx.Client):
    reply = client.request(method, path)
    assert told(reply) == expected
    assert (reply.status_code == 405) == ("allow" in reply.headers)
    assert len(reply.content) < 1000


URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
GZIP = {"Content-Encoding": "gzip"}
CALLS = [
    ("a file", {"files": {"image_file": PHOTO}}, UNDERSTOOD),
    ("base64 by curl -d", {"content": f"image_base64={TEXT}", "headers": URLENCODED}, UNDERSTOOD),
    ("no type", {"content": PHOTO, "params": {"objects": "猫、狗", "crop": "yes"}}, UNDERSTOOD),
    ("curl's type", {"content": PHOTO, "params": {"objects": "cat"}, "headers": URLENCODED}, UNDERSTOOD),
    ("AWS's type", {"content": PHOTO, "headers": {"Content-Type": "binary/octet-stream"}}, UNDERSTOOD),
    ("a packed photo", {"content": gzip.compress(PHOTO), "headers": GZIP}, UNDERSTOOD),
    ("another packing", {"content": PHOTO, "headers": {"Content-Encoding": "br"}}, (415, "unsupported_image")),
    ("a bomb", {"content": gzip.compress(bytes(50_000_000)), "headers": GZIP}, (413, "body_too_large")),
    ("a large photo", {"content": PHOTO + bytes(1_000_000)}, (413, "body_too_large")),
    ("no body", {}, (400, "invalid_request")),
    ("a text", {"content": "Dear photo"}, (400, "invalid_request")),
    ("base64 as a file", {"files": {"image_file": TEXT}}, (400, "invalid_request")),
    ("half a form", {"content": "--edge\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=edge"}},
     (400, "invalid_request")),
    ("an unknown word in the query", {"content": PHOTO, "params": "nonsense"}, (400, "invalid_request")),
    ("a long query", {"content": PHOTO, "params": {"objects": "a" * 60_000}}, (400, "invalid_request")),
    ("no colour", {"content": PHOTO, "params": {"background": "rgb(1 2)"}}, (400, "invalid_request")),
    ("a colour", {"content": PHOTO, "params": {"background": "rgb(0 80 160 / 50%)"}}, UNDERSTOOD),
    ("a large id", {"content": PHOTO, "params": {"pick": "9007199254740991"}}, UNDERSTOOD),
    ("an id that is too large", {"content": PHOTO, "params": {"pick": "9007199254740992"}}, (400, "invalid_request")),
    ("a long Accept", {"content": PHOTO, "headers": {"Accept": "image/png," * 1200}}, (400, "invalid_request")),
    ("a very long Accept", {"content": PHOTO, "headers": {"Accept": "a" * 500_000}}, (400, "invalid_request")),
    ("no text in Accept", {"content": PHOTO, "headers": {b"Accept": b"image/\xff\xfe"}}, UNDERSTOOD),
]  # fmt: skip


@pytest.mark.parametrize(("what", "call", "expected"), CALLS, ids=[call[0] for call in CALLS])
def test_a_request_is_understood_or_told_what_is_wrong(
    what: str, call: dict[str, object], expected: tuple[int, str], client: httpx.Client
):
    assert told(client.post("/cut", **call)) == expected, what


def test_a_defect_stands_in_the_log_once(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(samples, "_TITLES", None)
    with caplog.at_level(logging.INFO):
        reply = client.get("/samples", headers={"Connection": "close"})
    assert told(reply) == (500, "internal")
    traces = [record for record in caplog.records if record.exc_info]
    assert [trace.getMessage() for trace in traces] == [f"request {reply.headers['x-request-id']} failed"]


class Metrics(Files):
    """TorchServe's metrics port, well and failing."""

    healthy = True

    def do_GET(self) -> None:  # noqa: N802
        self.send_response(200 if Metrics.healthy else 500)
        self.end_headers()
        self.wfile.write(b"up 1\n" if Metrics.healthy else b"<html>Internal Server Error</html>")


def test_metrics_that_fail_are_an_error(tmp_path: Path):
    with hosted(tmp_path, Metrics) as torchserve, gateway(alone(metrics_url=torchserve)) as url:
        assert httpx.get(f"{url}/metrics", trust_env=False).text == "up 1\n"
        Metrics.healthy = False
        reply = httpx.get(f"{url}/metrics", trust_env=False)
        assert told(reply) == UNDERSTOOD
        assert "html" not in reply.text
        assert reply.headers["retry-after"]
