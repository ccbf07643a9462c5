"""Calls are known by their names, with a slash behind them and by HEAD as well."""

from __future__ import annotations

import httpx
import pytest
from conftest import encoded, told
from PIL import Image

PHOTO = encoded(Image.new("RGB", (6, 4), "teal"))


@pytest.mark.parametrize("path", ["/cut", "/cut/", "/detect", "/detect/", "/cut//", "/c%75t"])
def test_a_call_is_known_with_and_without_a_slash_behind_it(path: str, client: httpx.Client):
    assert told(client.post(path, content=PHOTO)) == (503, "not_ready")
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
        *("/health/live", "/health/ready", "/labels", "/docs", "/openapi.json", "/", "/page.js"),
        *("/samples", "/samples/cat.jpg", "/cut", "/missing", "/docs-assets/swagger-ui.css"),
    ],
)
def test_head_is_get_without_the_body(path: str, client: httpx.Client):
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (get.status_code, b"")
    for name in ("content-type", "content-length", "etag", "allow"):
        assert head.headers.get(name) == get.headers.get(name)
