from __future__ import annotations

import asyncio
import io

import httpx
import pytest
from PIL import Image

import samples
from gateway import create_app
from objectcut.settings import Settings


def get(path: str) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(create_app(Settings()))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.get(path)

    return asyncio.run(asked())


def test_every_sample_is_a_photo_that_may_be_kept():
    listed = get("/samples").json()
    assert {sample["title"] for sample in listed} == {"Astronaut", "Cat", "Motorcycle"}
    for sample in listed:
        reply = get(f"/{sample['url']}")
        assert (reply.status_code, reply.headers["content-type"]) == (200, "image/png")
        assert "max-age=2592000" in reply.headers["cache-control"]
        assert sample["url"].endswith(sample["name"])
        with Image.open(io.BytesIO(reply.content)) as photo:
            assert photo.mode == "RGB"


@pytest.mark.parametrize("name", ["dog.png", "chelsea.png", "..%2F__init__.py"])
def test_nothing_else_of_the_package_is_handed_out(name: str):
    reply = get(f"/samples/{name}")
    assert (reply.status_code, reply.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("package", ["not_installed", "email"])
def test_without_the_package_or_its_photos_there_are_none(monkeypatch: pytest.MonkeyPatch, package: str):
    monkeypatch.setattr(samples, "_PACKAGE", package)
    assert get("/samples").json() == []
    assert get("/samples/cat.png").status_code == 404
