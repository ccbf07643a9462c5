"""Who may send photos, how much, and what the log says of it."""

from __future__ import annotations

import json
import logging
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from conftest import alone, encoded, gateway, wait_until
from PIL import Image
from standin import CUT, Standin, torchserve

from gateway.logs import log_to
from objectcut.keys import Keys, new_key
from rundir import free_port

PHOTO = encoded(Image.effect_noise((1000, 1000), 50).convert("RGB"), "JPEG")  # 1 megapixel, which counts 5
IMAGE = {"Content-Type": "image/jpeg"}


def write(path: Path, callers: dict[str, str] | None = None, admins: dict[str, str] | None = None) -> None:
    keys = Keys.read(path)
    for name, key in (callers or {}).items():
        keys = keys.with_key(name, key, "caller")
    for name, key in (admins or {}).items():
        keys = keys.with_key(name, key, "admin")
    keys.write(path)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def client(keys: Path) -> Iterator[httpx.Client]:
    """A gateway that wants keys, without a TorchServe behind it: who may call is told that no model is ready."""
    with gateway(alone(callers="keys", keys=keys)) as url, httpx.Client(base_url=url, trust_env=False) as client:
        yield client


def ask(client: httpx.Client, **headers: str) -> httpx.Response:
    return client.post("/cut", content=PHOTO, headers={**IMAGE, **headers})


def test_only_callers_with_a_key_send_photos(client: httpx.Client, keys: Path):
    refused = ask(client)
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert "keys.py add --caller NAME" in refused.json()["message"]

    shop, blog, anna = (new_key() for _ in range(3))
    write(keys, {"shop": shop, "blog": blog}, {"anna": anna})
    for key in (shop, blog):
        for headers in ({"Authorization": f"Bearer {key}"}, {"X-Api-Key": key}):
            assert ask(client, **headers).json()["code"] == "not_ready"
            assert client.post("/detect", content=PHOTO, headers={**IMAGE, **headers}).status_code == 503
    assert ask(client, Authorization=f"Bearer {anna}").status_code == 401  # good for changing the models alone

    renewed = new_key()
    write(keys, {"shop": renewed})  # without a restart
    assert ask(client, **{"X-Api-Key": shop}).status_code == 401
    assert ask(client, **{"X-Api-Key": renewed}).status_code == 503


@pytest.mark.parametrize("header", ["Bearer", "Bearer oc_wrong", "Basic YTpi", "oc_wrong", "Bearer \xe9"])
def test_what_is_no_key_opens_nothing(client: httpx.Client, keys: Path, header: str):
    write(keys, {"shop": new_key()})
    reply = client.post("/cut", content=PHOTO, headers={**IMAGE, "Authorization": header.encode("latin-1")})  # type: ignore[dict-item]
    assert (reply.status_code, reply.json()["code"]) == (401, "unauthorized")


def test_keys_that_cannot_be_read_open_nothing(client: httpx.Client, keys: Path):
    key = new_key()
    write(keys, {"shop": key})
    assert ask(client, **{"X-Api-Key": key}).status_code == 503
    keys.write_text("{")
    reply = ask(client, **{"X-Api-Key": key})
    assert reply.status_code == 401
    assert "cannot be read" in reply.json()["message"]


def test_what_needs_no_worker_needs_no_key(client: httpx.Client):
    for path in ("/", "/health/live", "/samples", "/openapi.json", "/docs"):
        assert client.get(path).status_code == 200


@contextmanager
def limited(folder: Path, rate: str, **settings: object) -> Iterator[httpx.Client]:
    with (
        torchserve(Standin([CUT]), folder, rate=rate, **settings) as told,
        gateway(told) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=30) as client,
    ):
        yield client


def test_a_caller_has_so_many_megapixels(tmp_path: Path):
    with limited(tmp_path, "12/hour") as client:
        left = [ask(client) for _ in range(2)]
        assert [reply.status_code for reply in left] == [200, 200]
        assert [reply.headers["ratelimit"].partition(";t=")[0] for reply in left] == [
            '"megapixels";r=7',
            '"megapixels";r=2',
        ]
        assert left[0].headers["ratelimit-policy"] == '"megapixels";q=12;w=3600'
        over = ask(client)
        assert (over.status_code, over.json()["code"]) == (429, "rate_limited")
        assert 0 < int(over.headers["retry-after"]) <= 3600
        assert over.headers["ratelimit"].startswith('"megapixels";r=2')
        assert "12 megapixels in 3600 s" in over.json()["message"]
        assert client.get("/health/live").status_code == 200


def test_each_key_and_each_address_has_its_own(tmp_path: Path):
    shop, blog = new_key(), new_key()
    write(tmp_path / "keys.json", {"shop": shop, "blog": blog})
    with limited(tmp_path, "5/hour", keys=tmp_path / "keys.json") as client:
        for headers in ({"X-Api-Key": shop}, {"X-Api-Key": blog}, {}):
            assert [ask(client, **headers).status_code for _ in range(2)] == [200, 429]
        assert ask(client, **{"X-Api-Key": "a remove.bg client's own"}).status_code == 429  # as if it had none


def test_a_body_of_who_has_nothing_left_is_not_read(tmp_path: Path):
    with limited(tmp_path, "5/hour") as client:
        assert ask(client).status_code == 200
        address = (client.base_url.host, client.base_url.port or 80)
        with socket.create_connection(address, 30) as sender:
            sender.sendall(b"POST /cut HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
            assert b" 429 " in sender.recv(4096)


@pytest.fixture
def redis() -> Iterator[str]:
    """The address of a real one, where it is installed."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    process = subprocess.Popen([program, "--port", str(port), "--save", ""], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: _listens(port), 20, "the start of Redis")
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_several_gateways_count_together(tmp_path: Path, redis: str):
    for statuses in ([200, 200, 429], [429]):  # one gateway, then another
        with limited(tmp_path, "10/hour", rate_store=redis) as client:
            assert [ask(client).status_code for _ in statuses] == statuses


def test_a_store_that_does_not_answer_stops_nobody(tmp_path: Path):
    with limited(tmp_path, "5/hour", rate_store=f"redis://127.0.0.1:{free_port()}") as client:
        assert [ask(client).status_code for _ in range(3)] == [200] * 3


def test_the_log_names_callers_and_holds_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    key = new_key()
    write(tmp_path / "keys.json", {"shop": key})
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    log_to(tmp_path / "gateway.log", "json")
    try:
        with limited(tmp_path, "", keys=tmp_path / "keys.json") as client:
            assert ask(client, **{"X-Api-Key": key, "X-Request-Id": "mine"}).status_code == 200
            url = "http://user:hunter2@photos.example.org/private.jpg"
            assert client.post("/cut", json={"image_url": url}).status_code == 400
            assert client.post("/cut", params={"objects": "hunter2"}, content=PHOTO, headers=IMAGE).status_code == 400
            assert client.get("/nothing?token=hunter2").status_code == 404
            assert ask(client, Authorization="Bearer oc_hunter2").status_code == 200
            broken = {"Content-Type": "multipart/form-data; boundary=x"}
            assert client.post("/cut", content=b"--hunter2", headers=broken).status_code == 400
        lines = [json.loads(line) for line in (tmp_path / "gateway.log").read_text().splitlines()]
    finally:
        for handler in root.handlers:
            handler.close()
    calls = [line for line in lines if line["name"] == "gateway.access"]
    assert [(line["caller"], line["method"], line["path"], line["status"]) for line in calls] == [
        ("key shop", "POST", "/cut", 200),
        ("address 127.0.0.1", "POST", "/cut", 400),
        ("address 127.0.0.1", "POST", "/cut", 400),
        ("address 127.0.0.1", "GET", "/nothing", 404),
        ("address 127.0.0.1", "POST", "/cut", 200),
        ("address 127.0.0.1", "POST", "/cut", 400),
    ]
    assert not [line for line in lines if line["name"].startswith("python_multipart")]
    assert calls[0]["request_id"] == "mine"
    assert calls[0]["bytes_in"] == len(PHOTO)
    assert calls[0]["bytes_out"] == len(CUT.body)
    everything = json.dumps([line for line in lines if line["name"] != "httpx"])  # that of this test's own calls
    for secret in (key, "hunter2", "private.jpg"):
        assert secret not in everything


def test_the_console_is_not_filled_by_what_senders_cause(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    log_to(tmp_path / "gateway.log", "text")
    try:
        for number in range(1000):
            logging.getLogger("gateway").warning("request %d is broken", number)
        logging.getLogger("gateway").warning("something else")
    finally:
        for handler in root.handlers:
            handler.close()
    said = capsys.readouterr().err
    assert said.count("is broken") == 5
    assert "something else" in said
    assert (tmp_path / "gateway.log").read_text().count("is broken") == 1000


def test_checking_a_key_and_a_limit_takes_little(client: httpx.Client, keys: Path):
    """Nothing that grows with the number of keys by more than a comparison each."""
    write(keys, {f"shop{number}": new_key() for number in range(1000)})
    start = time.monotonic()
    for _ in range(20):
        assert ask(client, **{"X-Api-Key": "oc_wrong"}).status_code == 401
    assert time.monotonic() < start + 20
