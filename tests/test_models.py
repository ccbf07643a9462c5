"""Several models in one server: which answers, what the others cost while nobody asks, and what is told of them."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest
import torch
from conftest import ROOT, Server, encoded, start, started, told, wait_until
from playwright.sync_api import Browser, Locator, Page, expect
from safetensors.torch import load_file

import keys as scripts_keys
import models as scripts_models
import scale
from conversion.model import Wanted
from management import Management
from objectcut.catalogue import Catalogue
from objectcut.network import checkpoint
from objectcut.network.card import read_card

BUNDLED = ROOT / "model_store" / "bundled.safetensors"
IDLE_S = 4
CHANGE_MS = 90_000  # that a model may take to be added or removed
Run = Callable[..., str]


@pytest.fixture(scope="module")
def renamed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the bundled model, whose cat is called a tiger, and weights that are no model by themselves."""
    folder = tmp_path_factory.mktemp("models")
    card = read_card(BUNDLED)
    classes = tuple("tiger" if name == "cat" else name for name in card.classes)
    checkpoint.write(load_file(BUNDLED), replace(card, name="zoo", classes=classes), folder / "zoo.safetensors")
    shutil.copy(BUNDLED.with_name("refiner.safetensors"), folder)
    return folder


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, renamed: Path) -> Iterator[Server]:
    # A busy machine may take minutes to load a model; what is tested is that no photo is lost meanwhile.
    settings = {"OBJECTCUT_IDLE_S": str(IDLE_S), "OBJECTCUT_WAKE_S": "110"}
    with started(tmp_path_factory.mktemp("run"), MODEL=f"bundled,{renamed}", **settings) as server:
        said = (server.run.path / "said.txt").read_text()
        assert "Model: objectcut-bundled" in said
        assert "On request: zoo" in said
        yield server


@pytest.fixture(scope="module")
def cat(chelsea) -> bytes:
    return encoded(chelsea, "JPEG")


def workers(server: Server) -> int:
    count = 0
    for process in server.processes():
        with contextlib.suppress(psutil.Error):  # it is just going
            count += "model_service_worker" in " ".join(process.cmdline())
    return count


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


def test_a_former_default_gives_up_its_worker_too(two: Server, cat: bytes, models: Run):
    assert models("default", "zoo").startswith("zoo answers")
    wait_until(lambda: workers(two) == 1, 60 + 3 * IDLE_S, "the rest of the model that was the default")
    assert cut(two, cat, objects="tiger").json()["response"]["model"] == "zoo"
    assert models("default", "objectcut-bundled").startswith("objectcut-bundled answers")
    wait_until(lambda: workers(two) == 1, 60 + 3 * IDLE_S, "the second model's rest")
    assert cut(two, cat, objects="cat").json()["response"]["model"] == "objectcut-bundled"


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


@contextlib.contextmanager
def opened(browser: Browser, server: Server) -> Iterator[tuple[Page, Locator]]:
    """The page, and the part of it that tells of models; no error may happen on it."""
    with browser.new_context(reduced_motion="reduce", locale="en") as context:
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(server.url)
        yield page, page.get_by_role("region", name="Model")
        assert complaints == []


def test_the_page_lets_people_choose(two: Server, chelsea, browser: Browser):
    with opened(browser, two) as (page, model):
        expect(model).to_contain_text(re.compile(r"objectcut-bundled on the CPU, knows \d+ names"))
        photo = {"name": "cat.png", "mimeType": "image/png", "buffer": encoded(chelsea)}
        page.locator("#file").set_input_files([photo])
        expect(page.get_by_role("checkbox", name=re.compile("cat, "))).to_be_visible()
        page.get_by_role("checkbox", name=re.compile("cat, ")).click()
        expect(page.locator("#cutout")).to_contain_text(re.compile("1 object, "))

        model.get_by_role("combobox", name="Another model").select_option("zoo")
        expect(model).to_contain_text(re.compile("zoo on (request|the CPU), knows"))
        expect(page.get_by_role("checkbox", name=re.compile("tiger, "))).to_be_visible(timeout=90_000)
        expect(page.get_by_role("checkbox", name=re.compile("cat, "))).to_have_count(0)
        page.get_by_label("What to cut out").fill("tiger")
        page.get_by_role("button", name="Cut out", exact=True).click()
        expect(page.locator("#cutout")).to_contain_text(re.compile("1 object, "))
        page.get_by_text("Use it from code", exact=True).click()
        expect(page.locator("#code")).to_contain_text("model=zoo")

        model.get_by_text("About this model").click()
        expect(model.get_by_text("COCO train2017", exact=False)).to_be_visible()
        expect(model.get_by_text(re.compile(r"person 0\.\d"))).to_be_visible()
        page.reload()
        expect(model).to_contain_text("objectcut-bundled")


def test_a_model_that_memory_has_no_room_for_stays_away_and_says_so(two: Server, cat: bytes):
    wait_until(lambda: workers(two) == 1, 60 + 3 * IDLE_S, "the second model's rest")
    before = Catalogue.read(two.run.models)
    default, zoo = before.entries
    try:
        Catalogue((default, replace(zoo, served_as="objectcut-giant", needs=10**15))).write(two.run.models)
        management = Management(two.run)
        (two.run.store / "objectcut-giant.mar").symlink_to(two.run.store / f"{zoo.served_as}.mar")
        management.register("objectcut-giant")
        reply = cut(two, cat, objects="tiger", model="zoo")
        assert told(reply) == (503, "overloaded")
        assert "needs about 1000000000 MB of memory" in reply.json()["message"]
        assert reply.headers["retry-after"] == "60"
        assert cut(two, cat, objects="cat").status_code == 200
        management.unregister("objectcut-giant")
    finally:
        before.write(two.run.models)


def test_a_start_without_enough_memory_says_so(tmp_path: Path):
    """A model file of a terabyte, nearly all of it a hole."""
    card = json.dumps(read_card(BUNDLED).as_dict())
    count = 250_000_000_000
    head = json.dumps(
        {"__metadata__": {"card": card}, "a": {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}}
    )
    with (tmp_path / "giant.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(head)) + head.encode())
        file.truncate(8 + len(head) + 4 * count)
    process, _, said = start(tmp_path / "run", MODEL=str(tmp_path / "giant.safetensors"))
    assert process.wait(120) == 1
    assert re.search(
        r"the model objectcut-bundled needs about 400\d+ MB of memory, and \d+ MB are free", said.read_text()
    )


def test_workers_of_each_model_are_shown(
    two: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("OBJECTCUT_RUN_DIR", str(two.run.path))
    for words, status, told_ in (
        (["show"], 0, "READY"),
        (["--model", "zoo", "show"], 0, "zoo"),
        (["--model", "yolo", "show"], 1, "There is no"),
        (["set", "100000"], 1, "99999 more need about"),
    ):
        monkeypatch.setattr("sys.argv", ["scale.py", *words])
        assert scale.main() == status
        assert told_ in capsys.readouterr().out


@pytest.fixture
def models(two: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs scripts/models.py for the server, and returns what it says; what it refuses begins with `refused`."""

    def run(*words: str) -> str:
        monkeypatch.setenv("OBJECTCUT_RUN_DIR", str(two.run.path))
        monkeypatch.setattr("sys.argv", ["models.py", *words])
        scripts_models.console.file = sys.stderr  # that of this test
        status = scripts_models.main()
        told = capsys.readouterr()
        return f"{'refused: ' * status}{' '.join((told.out + told.err).split())}"

    return run


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A checkpoint without a card, as a training leaves it."""
    model, card = checkpoint.load(BUNDLED)
    torch.save({"model": model.state_dict(), "epoch": 3}, tmp_path / "mine.pth")
    (tmp_path / "classes.txt").write_text("\n".join("lynx" if n == "cat" else n for n in card.classes[1:]))
    return tmp_path / "mine.pth"


@contextlib.contextmanager
def asking(server: Server, photo: bytes, *asked: dict[str, str]) -> Iterator[list[httpx.Response]]:
    """One sender for each of these requests, one photo after the other, while the block runs."""
    over = threading.Event()
    replies: list[httpx.Response] = []

    def send(options: dict[str, str]) -> None:
        while not over.is_set():
            replies.append(cut(server, photo, **options))

    with ThreadPoolExecutor(len(asked)) as senders:
        for options in asked:
            senders.submit(send, options)
        try:
            yield replies
        finally:
            over.set()


def test_a_model_comes_changes_and_goes_and_no_photo_is_lost(two: Server, cat: bytes, models: Run, mine: Path):
    names = str(mine.with_name("classes.txt"))
    others = mine.with_name("others.txt")
    others.write_text(Path(names).read_text().replace("lynx", "puma"))

    def found() -> list[str]:
        return [each["label"] for each in cut(two, cat, model="mine").json()["response"]["objects"]]

    said = models("check", str(mine), "--classes", names)
    assert "maskrcnn_mobilenet_v2_fpn, from torchvision, and would be called 'mine'" in said
    assert "lynx" in said
    assert told(cut(two, cat, objects="lynx", model="mine")) == (404, "unknown_model")

    with asking(two, cat, {"objects": "cat"}, {"objects": "tiger", "model": "zoo"}) as replies:
        assert models("add", str(mine), "--classes", names) == "mine: added, 21 classes"
        assert found() == ["lynx"]
        with asking(two, cat, *[{"model": "mine"}] * 2) as own:
            assert models("add", str(mine), "--classes", str(others)) == "mine: replaced, version 2, 21 classes"
            assert found() == ["puma"]
        assert [each.text for each in own if each.status_code != 200] == []
        assert {reply.json()["response"]["objects"][0]["label"] for reply in own} == {"lynx", "puma"}
        listed = models("list")
        assert re.search(r"objectcut-bundled │ \d+ │ \S+ │ 8 │ 0\.\d\d │ 1 │ yes", listed), listed
        assert re.search(r"objectcut-bundled \S+ \d+ .* yes", listed)
        assert re.search(r"mine \S+ 21 \S+ maskrcnn_mobilenet_v2_fpn", listed)

        assert models("default", "mine") == "mine answers requests that name no model"
        assert models("remove", "mine").startswith("refused: 'mine' is the default")
        assert models("default", "objectcut-bundled").startswith("objectcut-bundled answers")
    with asking(two, cat, *[{"model": "mine"}] * 2) as own:
        assert models("versions", "mine", "--use", "1") == "mine: version 1 is served, 21 classes"
        assert found() == ["lynx"]
    assert [each.text for each in own if each.status_code != 200] == []
    assert models("remove", "mine") == "mine: removed"
    assert told(cut(two, cat, objects="lynx", model="mine")) == (404, "unknown_model")
    assert not list(two.run.added.glob("mine*"))
    assert len(replies) > 8
    # While `mine` was the default, it was asked for a cat, which it calls otherwise.
    assert [each.text for each in replies if each.status_code != 200 and told(each)[1] != "unknown_object"] == []


def test_a_model_is_loaded_and_removed_on_the_page(
    two: Server, browser: Browser, mine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("OBJECTCUT_RUN_DIR", str(two.run.path))
    monkeypatch.setattr("sys.argv", ["keys.py", "add", "anna"])
    assert scripts_keys.main() == 0
    key = capsys.readouterr().out.strip()
    with opened(browser, two) as (page, model):
        model.get_by_text("Load your own model").click()
        model.get_by_label("Admin key").fill("oc_wrong")
        model.get_by_role("button", name="Continue").click()
        expect(model.get_by_role("alert")).to_contain_text("not one of this server's")
        model.get_by_label("Admin key").fill(key)
        model.get_by_role("button", name="Continue").click()

        listed = model.get_by_role("list", name="Models of this server")
        expect(listed.get_by_role("listitem")).to_have_text(["objectcut-bundled, the default", re.compile("zoo")])
        model.get_by_label("Model file").set_input_files(mine)
        model.get_by_role("button", name="Load it").click()
        alert = model.get_by_role("alert")
        expect(alert).to_contain_text("tells 21 classes apart, and 0 names were given", timeout=CHANGE_MS)
        expect(model.get_by_text("Its classes have names")).to_have_attribute("data-state", "failed")
        assert told(cut(two, b"", objects="lynx", model="mine"))[0] >= 400

        model.get_by_label("Model file").set_input_files(mine)
        model.get_by_label("Names of its classes").fill(mine.with_name("classes.txt").read_text().replace("\n", ", "))
        model.get_by_role("button", name="Load it").click()
        expect(model.get_by_text("The model mine can be chosen now.")).to_be_visible(timeout=CHANGE_MS)
        checks = model.get_by_role("list", name="Checks").get_by_role("listitem")
        assert {each.get_attribute("data-state") for each in checks.all()} == {"passed"}
        expect(checks.filter(has_text="A network that runs here")).to_contain_text("maskrcnn_mobilenet_v2_fpn")
        model.get_by_role("button", name="Use it").click()
        expect(model).to_contain_text(re.compile(r"mine on (request|the CPU), knows 21 names"))

        model.get_by_role("button", name="Remove mine").click()
        listed.get_by_role("button", name="Keep").click()
        model.get_by_role("button", name="Remove mine").click()
        listed.get_by_role("button", name="Remove", exact=True).click()
        expect(model.get_by_text("The model mine is removed.")).to_be_visible(timeout=CHANGE_MS)
        expect(model).to_contain_text("objectcut-bundled on the CPU")
        page.reload()
        model.get_by_text("Load your own model").click()
        expect(listed.get_by_role("listitem")).to_have_count(2)
        model.get_by_role("button", name="Forget the key").click()
        expect(model.get_by_label("Admin key")).to_be_visible()


def test_the_default_is_replaced_and_comes_back_and_no_photo_is_lost(two: Server, cat: bytes, models: Run):
    name = "objectcut-bundled"

    def listed() -> list[tuple[str, ...]]:
        row = r"│ (\d) │ (at the start|\d{4}-\d\d-\d\d \d\d:\d\d) │ (\d+) │ (\w+) │ ([0-9a-f]{12}) │ (yes)? ?│"
        return re.findall(row, models("versions", name))

    def used(version: int) -> str:
        return models("versions", name, "--use", str(version))

    (began,) = listed()
    checksum = hashlib.sha256(BUNDLED.read_bytes()).hexdigest()[:12]
    assert began == ("1", "at the start", "16", "maskrcnn_mobilenet_v2_fpn", checksum, "yes")
    with asking(two, cat, *[{"objects": "cat"}] * 2) as replies:
        assert models("add", str(BUNDLED)) == f"{name}: replaced, version 2, 16 classes"
        first, second = listed()
        assert first == (*began[:-1], "")
        assert (second[0], second[1][:2], second[-1]) == ("2", "20", "yes")
        assert used(2) == f"refused: version 2 of {name} is served already"
        assert used(9) == f"refused: version 9 of {name} is not kept; there are 1, 2"
        assert used(1) == f"{name}: version 1 is served, 16 classes"
        assert [each[-1] for each in listed()] == ["yes", ""]
    assert {reply.status_code for reply in replies} == {200}
    assert len(replies) > 4


def test_what_cannot_be_added_changes_nothing(two: Server, cat: bytes, models: Run, mine: Path):
    before = models("list")
    (mine.parent / "broken.safetensors").write_bytes(BUNDLED.read_bytes()[:100_000])
    for words, reason in (
        (("add", str(mine)), "refused: the network tells 21 classes apart, and 0 names"),
        (("add", str(mine.parent / "broken.safetensors")), "refused: broken.safetensors is not a safetensors file"),
        (("add", str(BUNDLED), "--name", "../mine"), "refused: '../mine' can be no file's name"),
        (("add", str(mine.parent / "none.pth")), "refused: "),
        (("default", "yolo"), "refused: There is no model 'yolo' here; there are objectcut-bundled, zoo"),
        (("remove", "yolo"), "refused: There is no model 'yolo'"),
        (("versions", "yolo"), "refused: There is no model 'yolo'"),
    ):
        assert models(*words).startswith(reason), words
    assert models("list") == before
    assert cut(two, cat, objects="cat").status_code == 200


def test_what_was_added_and_chosen_is_there_again_after_a_restart(tmp_path: Path, cat: bytes, renamed: Path):
    """`zoo` was added by an ObjectCut that kept no versions."""
    run = tmp_path / "run"
    (run / "models").mkdir(parents=True)
    shutil.copy(renamed / "zoo.safetensors", run / "models")
    scripts_models.console.file = sys.stderr  # that of this test
    for restarted in (False, True):
        with started(run) as server:
            if not restarted:
                scripts_models.choose_default(server.run, "zoo")
                assert cut(server, cat, objects="tiger").status_code == 200
                scripts_models.add(server.run, BUNDLED, Wanted("zoo"))
            own = httpx.get(f"{server.url}/labels", trust_env=False).json()["response"]
            assert [each["name"] for each in own["models"]] == ["zoo", "objectcut-bundled"]
            assert cut(server, cat, objects="cat").json()["response"]["model"] == "zoo"
    assert [entry.version for entry in Catalogue.read(run / "models.json").entries] == [2, 1]
