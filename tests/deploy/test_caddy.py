"""Caddy with our Caddyfile in front of a real server: what goes through it, and what does not."""

from __future__ import annotations

import io
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from conftest import ROOT, Server, encoded, wait_until
from PIL import Image

from child import die_with_parent
from rundir import free_port

CADDYFILE = ROOT / "deploy" / "caddy" / "Caddyfile"
SENDER = "127.0.0.5"

pytestmark = pytest.mark.skipif(not shutil.which("caddy"), reason="Caddy is missing: apt-get install caddy")


@contextmanager
def caddy(folder: Path, gateway_port: int) -> Iterator[httpx.Client]:
    """Caddy in front of a port, and a client that comes from an address of its own and knows Caddy's CA."""
    folder.mkdir(exist_ok=True)
    https, authority = free_port(), folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    env = {
        **{name: value for name, value in os.environ.items() if name != "SITE"},
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "PORT": str(gateway_port),
        "HTTPS_PORT": str(https),
        "HTTP_PORT": str(free_port()),
    }
    said = folder / "said.txt"
    with said.open("wb") as out:
        process = subprocess.Popen(
            ["caddy", "run", "--config", str(CADDYFILE)], env=env, stderr=out, preexec_fn=die_with_parent
        )
    try:
        wait_until(lambda: b"certificate obtained successfully" in said.read_bytes(), 60, "Caddy's certificate")
        trusted = ssl.create_default_context(cafile=str(authority))
        with httpx.Client(
            base_url=f"https://localhost:{https}",
            transport=httpx.HTTPTransport(verify=trusted, local_address=SENDER),
            timeout=60,
        ) as client:
            yield client
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def client(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with caddy(tmp_path_factory.mktemp("caddy"), httpx.URL(server.url).port or 80) as client:
        yield client


def test_a_photo_is_cut_through_tls_and_the_gateway_knows_its_sender(
    client: httpx.Client, server: Server, chelsea: Image.Image
) -> None:
    accepted = {"Accept-Encoding": "gzip, zstd", "Accept": "image/png"}
    reply = client.post("/cut?objects=cat", content=encoded(chelsea), headers=accepted)
    assert reply.status_code == 200, reply.text
    assert "content-encoding" not in reply.headers
    with Image.open(io.BytesIO(reply.content)) as picture:
        assert (picture.mode, picture.size) == ("RGBA", chelsea.size)
    lines = (server.run.logs / "gateway.log").read_text().splitlines()
    (line,) = [line for line in lines if reply.headers["x-request-id"] in line]
    assert f"address {SENDER}" in line


def test_text_is_compressed_and_pictures_are_not(client: httpx.Client) -> None:
    for path, coding in (("/", "gzip"), ("/page.js", "gzip"), ("/samples/cat.jpg", None)):
        reply = client.get(path, headers={"Accept-Encoding": "gzip"})
        assert (reply.status_code, reply.headers.get("content-encoding")) == (200, coding), path


@pytest.mark.parametrize("megabytes", [21, 40])
@pytest.mark.parametrize("announced", [True, False])
def test_a_body_that_is_too_large_is_told(client: httpx.Client, megabytes: int, announced: bool) -> None:
    pieces = [bytes(1_000_000)] * megabytes
    reply = client.post("/cut", content=b"".join(pieces) if announced else iter(pieces))
    assert (reply.status_code, reply.json()["code"]) == (413, "body_too_large")


def test_metrics_are_not_for_everyone(client: httpx.Client) -> None:
    assert client.get("/metrics").status_code == 404
    assert client.get("/health/ready").status_code == 200


def test_a_gateway_that_is_away_is_told_in_the_one_error_shape(tmp_path: Path) -> None:
    with caddy(tmp_path / "caddy", free_port()) as client:
        reply = client.get("/labels")
    assert (reply.status_code, reply.json()["code"]) == (503, "not_ready")
    assert set(reply.json()) == {"error", "code", "message", "details", "request_id"}
    assert int(reply.headers["retry-after"]) > 0
