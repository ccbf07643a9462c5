"""Every answer names its request, by the sender's own id where that is harmless."""

from __future__ import annotations

import re

import httpx
import pytest

CALLS = ["/health/live", "/", "/missing", "/cut", "/samples/cat.jpg"]


@pytest.mark.parametrize("path", CALLS)
def test_the_senders_id_comes_back_with_every_answer(path: str, client: httpx.Client):
    reply = client.get(path, headers={"X-Request-Id": "order-7_b.2"})
    assert reply.headers["x-request-id"] == "order-7_b.2"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"]


@pytest.mark.parametrize("sent", [None, "", "a" * 65, "two words", "<script>", "a/b", "\u00e9".encode("latin-1")])
def test_others_get_an_id_of_their_own(sent: str | bytes | None, client: httpx.Client):
    headers = {} if sent is None else {b"X-Request-Id": sent if isinstance(sent, bytes) else sent.encode()}
    ids = {client.get("/missing", headers=headers).json()["request_id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)
