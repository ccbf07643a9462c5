from __future__ import annotations

import asyncio
import io

import httpx
import pytest
from conftest import ROOT
from PIL import Image

from gateway.routes import create_app
from objectcut.settings import Settings


def get(path: str) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(Settings()))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path)

    return asyncio.run(asked())


def test_every_sample_is_a_photo_with_a_licence():
    listed = get("/samples").json()
    assert {sample["title"] for sample in listed} == {"Astronaut", "Cat"}
    licences = (ROOT / "frontend" / "static" / "samples" / "README.md").read_text()
    for sample in listed:
        reply = get(f"/{sample['url']}")
        assert (reply.status_code, reply.headers["content-type"]) == (200, "image/jpeg")
        assert sample["url"].endswith(sample["name"])
        assert f"`{sample['name']}`" in licences
        with Image.open(io.BytesIO(reply.content)) as photo:
            assert photo.mode == "RGB"


@pytest.mark.parametrize("name", ["dog.png", "chelsea.png", "..%2F..%2Fgateway%2Fapp.py"])
def test_nothing_else_is_handed_out(name: str):
    reply = get(f"/samples/{name}")
    assert (reply.status_code, reply.json()["code"]) == (404, "not_found")
