"""Text is compressed for those who ask for it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from conftest import gateway

from objectcut.settings import Settings


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with gateway(Settings()) as url, httpx.Client(base_url=url, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/page.js", "/openapi.json", "/docs", "/docs-assets/swagger-ui.css"])
def test_text_is_compressed_for_those_who_ask(client: httpx.Client, path: str):
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "Accept-Encoding"
    assert packed.content == plain.content


@pytest.mark.parametrize(("method", "path"), [("GET", "/samples/cat.jpg"), ("POST", "/cut")])
def test_pictures_are_left_as_they_are(client: httpx.Client, method: str, path: str):
    reply = client.request(method, path, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in reply.headers
    assert len(reply.content) == int(reply.headers["content-length"])
