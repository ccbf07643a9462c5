"""TorchServe's tokens and time-outs, as a sender notices them."""

from __future__ import annotations

from pathlib import Path

import httpx
from conftest import gateway
from standin import CUT, HANDLERS, Says, Standin, torchserve, write_keys

PHOTO = b"\xff\xd8\xff\xe0 a photo, as far as a gateway looks"


def send(url: str) -> httpx.Response:
    return httpx.post(f"{url}/cut", content=PHOTO, trust_env=False, timeout=60)


def test_the_keys_of_a_new_start_are_read_when_they_are_there(tmp_path: Path):
    standin = Standin([CUT], key="first")
    with torchserve(standin, tmp_path) as settings, gateway(settings) as url:
        assert send(url).status_code == 200
        standin.key = "second"
        write_keys(tmp_path, "second")
        assert send(url).status_code == 200
    assert standin.tokens == ["Bearer first", "Bearer second"]


def test_keys_that_do_not_fit_are_tried_twice_and_not_shown(tmp_path: Path):
    standin = Standin([CUT])
    with torchserve(standin, tmp_path) as settings, gateway(settings) as url:
        assert send(url).status_code == 200
        write_keys(tmp_path, "wrong")
        reply = send(url)
    assert (reply.status_code, reply.json()["code"]) == (503, "not_ready")
    assert standin.tokens == ["Bearer right"]
    assert standin.refused == 2
    assert "wrong" not in reply.text


def test_without_a_key_file_the_model_is_not_ready(tmp_path: Path):
    standin = Standin([CUT])
    with torchserve(standin, tmp_path) as settings, gateway(settings) as url:
        (tmp_path / "key_file.json").unlink()
        assert send(url).json()["code"] == "not_ready"


def test_known_keys_are_good_when_somebody_deletes_the_file(tmp_path: Path):
    with torchserve(Standin([CUT]), tmp_path) as settings, gateway(settings) as url:
        assert send(url).status_code == 200
        (tmp_path / "key_file.json").unlink()
        assert send(url).status_code == 200
        write_keys(tmp_path, "right")
        assert send(url).status_code == 200


def test_a_torchserve_that_is_gone_is_not_ready(tmp_path: Path):
    with torchserve(Standin([CUT]), tmp_path) as settings:
        pass
    with gateway(settings) as url:
        reply = send(url)
    assert (reply.status_code, reply.json()["code"]) == (503, "not_ready")
    assert int(reply.headers["retry-after"]) > 0


def test_an_answer_that_takes_too_long_is_waited_for_no_longer(tmp_path: Path):
    slow = Says(200, b"a picture", HANDLERS, after_s=3.0)
    with torchserve(Standin([slow]), tmp_path, answer_s=0.5) as settings, gateway(settings) as url:
        reply = send(url)
    assert (reply.status_code, reply.json()["code"]) == (503, "overloaded")
    assert reply.elapsed.total_seconds() < 3
