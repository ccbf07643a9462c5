"""A defect of ours is answered in the usual shape, and logged."""

from __future__ import annotations

import logging

import httpx
import pytest
from conftest import told

from gateway import samples


def test_a_defect_stands_in_the_log_once(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(samples, "_TITLES", None)
    with caplog.at_level(logging.INFO):
        reply = client.get("/samples", headers={"Connection": "close"})
    assert told(reply) == (500, "internal")
    traces = [record for record in caplog.records if record.exc_info]
    assert [trace.getMessage() for trace in traces] == [f"request {reply.headers['x-request-id']} failed"]
