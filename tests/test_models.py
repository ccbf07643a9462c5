"""Several models in one server: which answers, what the others cost while nobody asks, and what is told of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from conftest import READY_S, ROOT, Server, encoded, start, stop, told, wait_until
from playwright.sync_api import Browser, expect
from safetensors.torch import load_file

from objectcut.network import checkpoint
from objectcut.network.card import read_card
from rundir import RunDir

BUNDLED = ROOT / "model_store" / "bundled.safetensors"
IDLE_S = 4


@pytest.fixture(scope="module")
def renamed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the bundled model, whose cat is called a tiger, and a file that is no model."""
    folder = tmp_path_factory.mktemp("models")
    card = read_card(BUNDLED)
    classes = tuple("tiger" if name == "cat" else name for name in card.classes)
    checkpoint.write(load_file(BUNDLED), replace(card, name="zoo", classes=classes), folder / "zoo.safetensors")
    (folder / "notes.safetensors").write_text("no model")
    return folder


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, renamed: Path) -> Iterator[Server]:
    run = tmp_path_factory.mktemp("run")
    process, url, said = start(run, MODEL=f"bundled,{renamed}", OBJECTCUT_IDLE_S=str(IDLE_S))
    try:
        wait_until(lambda: b"Ctrl-C stops it" in said.read_bytes() or process.poll() is not None, READY_S, "the start")
        assert process.poll() is None, said.read_text()
        assert "Model: objectcut-bundled" in said.read_text()
        assert "On request: zoo" in said.read_text()
        yield Server(url, RunDir(run))
    finally:
        stop(process)


@pytest.fixture(scope="module")
def cat(chelsea) -> bytes:
    return encoded(chelsea, "JPEG")


def workers(server: Server) -> int:
    return sum("model_service_worker" in " ".join(process.cmdline()) for process in server.processes())


def cut(server: Server, photo: bytes, **options: str) -> httpx.Response:
    files = {"image_file": photo}
    return httpx.post(f"{server.url}/cut", files=files, data=options, timeout=120, trust_env=False)


def test_a_model_that_nobody_asks_for_has_no_worker_and_comes_when_it_is_asked(two: Server, cat: bytes):
    wait_until(lambda: workers(two) == 1, 60, "the second model's rest")
    reply = cut(two, cat, objects="cat")
    assert (reply.status_code, reply.json()["response"]["model"]) == (200, "objectcut-bundled")
    assert workers(two) == 1
    reply = cut(two, cat, objects="tiger", model="zoo")
    assert reply.status_code == 200, reply.text
    assert reply.json()["response"]["model"] == "zoo"
    assert [each["label"] for each in reply.json()["response"]["objects"]] == ["tiger"]
    assert workers(two) == 2
    wait_until(lambda: workers(two) == 1, 60 + 3 * IDLE_S, "the second model's rest")
    assert cut(two, cat, objects="tiger", model="zoo").status_code == 200


def test_both_are_asked_at_once(two: Server, cat: bytes):
    asked = [{"objects": "cat"}, {"objects": "tiger", "model": "zoo"}] * 8
    with ThreadPoolExecutor(len(asked)) as senders:
        replies = list(senders.map(lambda options: cut(two, cat, **options), asked))
    assert [reply.status_code for reply in replies] == [200] * len(asked)
    labels = [reply.json()["response"]["objects"][0]["label"] for reply in replies]
    assert labels == ["cat", "tiger"] * 8


def test_each_model_knows_its_own_names(two: Server, cat: bytes):
    assert told(cut(two, cat, objects="tiger")) == (400, "unknown_object")
    assert told(cut(two, cat, objects="cat", model="zoo")) == (400, "unknown_object")


def test_labels_tell_of_all_models(two: Server):
    own = httpx.get(f"{two.url}/labels", trust_env=False).json()["response"]
    count = len(own["classes"])
    assert own["model"] == "objectcut-bundled"
    assert own["device"] == "cpu"
    assert own["models"] == [
        {"name": "objectcut-bundled", "classes": count, "default": True},
        {"name": "zoo", "classes": count, "default": False},
    ]
    other = httpx.get(f"{two.url}/labels", params={"model": "zoo"}, trust_env=False).json()["response"]
    assert (other["model"], "tiger" in other["classes"], "cat" in other["classes"]) == ("zoo", True, False)
    assert other["card"]["architecture"] == own["card"]["architecture"]
    assert other["models"] == own["models"]


def test_an_unknown_model_is_told_with_those_that_there_are(two: Server, cat: bytes):
    for reply in (
        cut(two, cat, objects="cat", model="yolo"),
        httpx.post(f"{two.url}/detect", files={"image_file": cat}, data={"model": "yolo"}, timeout=60, trust_env=False),
        httpx.get(f"{two.url}/labels", params={"model": "yolo"}, trust_env=False),
    ):
        assert told(reply) == (404, "unknown_model")
        assert reply.json()["details"] == {"model": "yolo", "models": ["objectcut-bundled", "zoo"]}
        assert "there are objectcut-bundled, zoo" in reply.json()["message"]


def test_the_page_and_the_probes_are_those_of_the_default_model(two: Server):
    assert httpx.get(f"{two.url}/health/ready", trust_env=False).json()["status"] == "ready"


def test_the_page_lets_people_choose(two: Server, chelsea, browser: Browser):
    with browser.new_context(reduced_motion="reduce", locale="en") as context:
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(two.url)
        model = page.get_by_role("region", name="Model")
        expect(model).to_contain_text(re.compile(r"objectcut-bundled on the CPU, knows \d+ names"))
        photo = {"name": "cat.png", "mimeType": "image/png", "buffer": encoded(chelsea)}
        page.locator("#file").set_input_files([photo])
        expect(page.get_by_role("checkbox", name=re.compile("cat, "))).to_be_visible()
        page.get_by_role("checkbox", name=re.compile("cat, ")).click()
        expect(page.locator("#cutout")).to_contain_text(re.compile("1 object, "))

        model.get_by_role("combobox", name="Another model").select_option("zoo")
        expect(model).to_contain_text(re.compile("zoo (on the CPU, )?knows"))
        expect(page.get_by_role("checkbox", name=re.compile("tiger, "))).to_be_visible(timeout=90_000)
        expect(page.get_by_role("checkbox", name=re.compile("cat, "))).to_have_count(0)
        page.get_by_label("What to cut out").fill("tiger")
        page.get_by_role("button", name="Cut out", exact=True).click()
        expect(page.locator("#cutout")).to_contain_text(re.compile("1 object, "))
        page.get_by_text("Use it from code").click()
        expect(page.locator("#code")).to_contain_text("model=zoo")

        model.get_by_text("What is known of this model").click()
        expect(model.get_by_text("COCO train2017", exact=False)).to_be_visible()
        expect(model.get_by_text(re.compile(r"person 0\.\d"))).to_be_visible()
        page.reload()
        expect(model).to_contain_text("objectcut-bundled")
        assert complaints == []
