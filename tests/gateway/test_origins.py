"""Which pages of other origins may call the gateway: those that the operator names, and by default none."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from conftest import gateway

from gateway import samples
from objectcut.settings import Settings

PHOTOS, LAN, STRANGER = "https://photos.example.org", "http://10.0.0.7:8080", "https://photos.example.com"
ANSWERS = [("GET", "/samples", 200), ("GET", "/samples/cat.jpg", 200), ("GET", "/labels", 503), ("GET", "/x", 404)]
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "accept,content-type"}


def clients(*origins: str) -> Iterator[httpx.Client]:
    """Speaks to a gateway without a TorchServe behind it."""
    with (
        gateway(Settings(origins=origins, max_body_bytes=1000)) as url,
        httpx.Client(base_url=url, trust_env=False) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    yield from clients(PHOTOS, LAN)


@pytest.fixture(scope="module")
def closed() -> Iterator[httpx.Client]:
    yield from clients()


@pytest.fixture(scope="module")
def opened() -> Iterator[httpx.Client]:
    yield from clients("*")


@pytest.mark.parametrize("origin", [PHOTOS, LAN])
@pytest.mark.parametrize(
    ("method", "path", "status"), [*ANSWERS, ("POST", "/cut", 400), ("POST", "/detect", 400), ("GET", "/cut", 405)]
)
def test_a_named_origin_reads_every_answer(client: httpx.Client, method: str, path: str, status: int, origin: str):
    reply = client.request(method, path, headers={"Origin": origin})
    assert reply.status_code == status
    assert reply.headers["access-control-allow-origin"] == origin
    readable = reply.headers["access-control-expose-headers"].split(", ")
    told = {"X-Object-Count", "X-Object-Ids", "X-Object-Labels", "X-Foreground-Box", "X-Width", "X-Height"}
    told |= {f"X-Foreground-{side}" for side in ("Top", "Left", "Width", "Height")} | {"X-Type", "X-Credits-Charged"}
    assert set(readable) == {*told, "Retry-After", "X-Request-Id", "RateLimit", "RateLimit-Policy"}
    assert "Origin" in reply.headers["vary"]


def test_it_reads_that_its_photo_is_too_large(client: httpx.Client):
    reply = client.post("/cut", files={"image_file": bytes(2000)}, headers={"Origin": PHOTOS})
    assert (reply.status_code, reply.json()["code"]) == (413, "body_too_large")
    assert reply.headers["access-control-allow-origin"] == PHOTOS


def test_it_reads_of_a_defect(client: httpx.Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(samples, "_TITLES", None)
    reply = client.get("/samples", headers={"Origin": PHOTOS, "Connection": "close"})
    assert (reply.status_code, reply.json()["code"]) == (500, "internal")
    assert reply.headers["access-control-allow-origin"] == PHOTOS
    assert reply.headers["x-request-id"] == reply.json()["request_id"]


@pytest.mark.parametrize("path", ["/cut", "/detect"])
def test_it_may_send_photos(client: httpx.Client, path: str):
    reply = client.options(path, headers={"Origin": PHOTOS, **PREFLIGHT})
    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] == PHOTOS
    assert reply.headers["access-control-allow-methods"] == "GET, POST"
    assert {"Accept", "Content-Type", "Authorization", "X-Api-Key"} <= set(
        reply.headers["access-control-allow-headers"].split(", ")
    )
    assert client.options(path, headers={"Origin": PHOTOS}).status_code == 405


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_other_origins_read_nothing(client: httpx.Client, method: str, path: str, status: int):
    reply = client.request(method, path, headers={"Origin": STRANGER})
    assert reply.status_code == status
    assert "access-control-allow-origin" not in reply.headers
    refused = client.options(path, headers={"Origin": STRANGER, **PREFLIGHT})
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize("path", ["/cut", "/detect", "/labels", "/samples"])
def test_by_default_no_origin_is_let_in(closed: httpx.Client, path: str):
    for reply in (
        closed.get(path, headers={"Origin": PHOTOS}),
        closed.options(path, headers={"Origin": PHOTOS, **PREFLIGHT}),
    ):
        assert not [name for name in reply.headers if name.startswith("access-control")]
    assert reply.status_code == 405


def test_a_star_lets_every_origin_in(opened: httpx.Client):
    assert opened.get("/samples", headers={"Origin": STRANGER}).headers["access-control-allow-origin"] == "*"
    assert opened.options("/cut", headers={"Origin": STRANGER, **PREFLIGHT}).status_code == 200


def test_the_other_headers_stay_as_they_are(client: httpx.Client):
    for reply in (client.get("/"), client.options("/cut", headers={"Origin": PHOTOS, **PREFLIGHT})):
        assert "connect-src 'self'" in reply.headers["content-security-policy"]
        assert reply.headers["x-request-id"]
        assert "access-control-allow-credentials" not in reply.headers
