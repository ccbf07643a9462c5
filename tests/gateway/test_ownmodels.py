"""Who may change the models, and what may be sent for it; that it is done is seen in tests/test_models.py."""

from __future__ import annotations

import json
import os
import pickle
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from conftest import ROOT, alone, gateway, told, wait_until

import keys as scripts_keys
from objectcut.catalogue import Catalogue, Entry
from objectcut.network.card import read_card

BUNDLED = ROOT / "model_store" / "bundled.safetensors"
LIMIT = 10_000_000


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The run folder of a server with one model, whose TorchServe is not there."""
    Catalogue.of([Entry(read_card(BUNDLED), 1, BUNDLED)]).write(tmp_path / "models.json")
    monkeypatch.setenv("OBJECTCUT_RUN_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def caller(run: Path) -> Iterator[httpx.Client]:
    settings = alone(models=run / "models.json", keys=run / "keys.json", max_model_bytes=LIMIT)
    with gateway(settings) as url, httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        yield client


def keys(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What scripts/keys.py writes."""
    monkeypatch.setattr(sys, "argv", ["keys.py", *words])
    scripts_keys.console.file = sys.stderr  # that of this test
    status = scripts_keys.main()
    out, err = capsys.readouterr()
    return out.strip() if not status else f"refused: {err}"


@pytest.fixture
def key(run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    made = keys(monkeypatch, capsys, "add", "anna")
    assert (run / "keys.json").exists()
    return made


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_keys_are_made_used_replaced_and_taken_back(
    run: Path, caller: httpx.Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    reply = caller.get("/models")
    assert told(reply) == (401, "unauthorized")
    assert "scripts/keys.py add NAME" in reply.json()["message"]
    assert reply.headers["www-authenticate"] == "Bearer"

    first, other = keys(monkeypatch, capsys, "add", "anna"), keys(monkeypatch, capsys, "add", "ben")
    assert keys(monkeypatch, capsys, "list").splitlines() == ["anna\tadmin", "ben\tadmin"]
    assert [caller.get("/models", headers=bearer(key)).status_code for key in (first, other)] == [200, 200]
    held = (run / "keys.json").read_text()
    assert first not in held
    assert (run / "keys.json").stat().st_mode & 0o077 == 0

    second = keys(monkeypatch, capsys, "add", "anna")
    assert [caller.get("/models", headers=bearer(key)).status_code for key in (first, second)] == [401, 200]
    assert keys(monkeypatch, capsys, "remove", "ben") == ""
    assert caller.get("/models", headers=bearer(other)).status_code == 401
    assert keys(monkeypatch, capsys, "remove", "ben").startswith("refused: 'ben' has no admin key; these have: anna")
    assert keys(monkeypatch, capsys, "add", "a name").startswith("refused: 'a name' can be no name")


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"Authorization": "Bearer"},
        bearer("oc_wrong"),
        {"Authorization": "Basic YTpi"},
    ],
)
def test_without_the_right_key_nothing_is_told_or_changed(
    run: Path, caller: httpx.Client, key: str, header: dict[str, str]
):
    for call in (
        lambda: caller.get("/models", headers=header),
        lambda: caller.post("/models", headers=header, content=bytes(50_000)),
        lambda: caller.delete("/models/objectcut-bundled", headers=header),
    ):
        assert told(call()) == (401, "unauthorized")
    assert not (run / "uploads").exists()
    assert caller.get("/models", headers={"Authorization": f"bearer  {key}"}).status_code == 200


def test_damaged_keys_open_nothing(run: Path, caller: httpx.Client, key: str):
    assert caller.get("/models", headers=bearer(key)).status_code == 200
    number = "1" * 64
    for content in ("", "{", "[]", "[" * 100_000, '{"admin": {"anna": 5}}', f'{{"admin": {{"anna": {number}}}}}'):
        (run / "keys.json").write_text(content)
        reply = caller.get("/models", headers=bearer(key))
        assert told(reply) == (401, "unauthorized"), content[:100]
        assert "cannot be read" in reply.json()["message"]


def test_a_key_that_is_taken_back_during_the_upload_adds_nothing(
    run: Path, caller: httpx.Client, key: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def sent() -> Iterator[bytes]:
        yield b"some"
        wait_until(lambda: any((run / "uploads").iterdir()), 20, "the upload")
        assert keys(monkeypatch, capsys, "remove", "anna") == ""
        yield b" more"

    (run / "uploads").mkdir()
    assert told(caller.post("/models", headers=bearer(key), content=sent())) == (401, "unauthorized")
    assert list((run / "uploads").iterdir()) == []


def test_models_are_listed(caller: httpx.Client, key: str):
    (listed,) = caller.get("/models", headers=bearer(key)).json()["response"]["models"]
    assert listed["name"] == "objectcut-bundled"
    assert listed["architecture"] == "maskrcnn_mobilenet_v2_fpn"
    assert listed["default"] is True
    assert "cat" in listed["classes"]


class Program:
    """A pickle that makes a file when it is read without care."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self._path),)


def test_a_file_that_is_no_model_is_refused_with_the_reason_and_leaves_nothing(
    run: Path, caller: httpx.Client, key: str
):
    hostile = pickle.dumps({"a": Program(run / "made")})
    names = [name if place != 3 else "" for place, name in enumerate(read_card(BUNDLED).classes)][1:]
    for content, options, expected, words in (
        (b"", {}, (400, "invalid_request"), "The body is empty"),
        (bytes(LIMIT + 1), {}, (413, "body_too_large"), "larger than 10 MB"),
        (b"no model", {"file": "../../no model.pth"}, (400, "invalid_request"), "no-model.pth holds more than weights"),
        (hostile, {"file": "x.pkl"}, (400, "invalid_request"), "x.pkl holds more than weights"),
        (b"x", {"name": ".."}, (400, "invalid_request"), "'name' must begin with a letter or digit"),
        (b"x", {"name": "a\0b"}, (400, "invalid_request"), "'name' must begin with a letter or digit"),
        (BUNDLED.read_bytes(), {"classes": ",".join(names)}, (400, "invalid_request"), "Class 3 needs a name"),
    ):
        reply = caller.post("/models", headers=bearer(key), params=options, content=content)
        assert told(reply) == expected, reply.text
        assert words in reply.json()["message"]
        assert str(run) not in reply.text
    packed = caller.post("/models", headers={**bearer(key), "Content-Encoding": "gzip"}, content=b"x")
    assert told(packed) == (415, "unsupported_image")
    assert not (run / "made").exists()
    assert list((run / "uploads").iterdir()) == []


def test_what_is_refused_is_the_last_line_for_those_who_accept_lines(caller: httpx.Client, key: str):
    headers = {**bearer(key), "Accept": "application/x-ndjson"}
    reply = caller.post("/models", headers=headers, content=b"no model")
    first, last = (json.loads(line) for line in reply.text.splitlines())
    assert first == {"check": "upload", "found": "0.0 MB"}
    assert (last["error"], last["code"], last["request_id"]) == (True, "invalid_request", reply.headers["x-request-id"])


def test_a_model_server_that_is_away_is_told(caller: httpx.Client, key: str):
    assert told(caller.delete("/models/yolo", headers=bearer(key))) == (404, "unknown_model")
    reply = caller.delete("/models/objectcut-bundled", headers=bearer(key))
    assert told(reply) == (503, "not_ready")


def test_who_leaves_in_the_middle_of_an_upload_leaves_nothing_and_another_is_not_kept_waiting(
    run: Path, caller: httpx.Client, key: str
):
    url = caller.base_url
    with socket.create_connection((url.host, url.port or 80)) as sender:
        head = f"POST /models HTTP/1.1\r\nHost: [::1]\r\nAuthorization: Bearer {key}\r\nContent-Length: 999\r\n\r\nsome"
        sender.sendall(head.encode())
        wait_until(lambda: (run / "uploads").exists() and any((run / "uploads").iterdir()), 20, "the upload")
        assert caller.get("/health/live").status_code == 200
    wait_until(lambda: not any((run / "uploads").iterdir()), 20, "the end of the upload")


def test_one_change_at_a_time(run: Path, caller: httpx.Client, key: str):
    with ThreadPoolExecutor() as senders:
        first = senders.submit(caller.post, "/models", headers=bearer(key), content=b"no model")
        wait_until(lambda: (run / "uploads").exists() and any((run / "uploads").iterdir()), 20, "the upload")
        time.sleep(0.2)  # it is being checked now, which takes seconds
        second = caller.post("/models", headers=bearer(key), content=b"no model")
        assert told(second) == (503, "overloaded")
        assert second.headers["retry-after"] == "10"
        assert told(first.result()) == (400, "invalid_request")
