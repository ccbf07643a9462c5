"""What the gateway makes of TorchServe's answers. How the real one behaves: `tests/test_serve.py`, `test_server.py`."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from conftest import ROOT, gateway, told, wait_until
from standin import CUT, HANDLERS, WORKER_DIED, Says, Standin, torchserve

from gateway import admission, servedmodel, sleep, workers
from objectcut.catalogue import Catalogue, Entry
from objectcut.errors import STATUS
from objectcut.network.card import read_card
from rundir import free_port

PHOTO = b"\xff\xd8\xff\xe0 a photo, as far as a gateway looks"


def cut(standin: Standin, folder: Path, **settings: object) -> httpx.Response:
    """The gateway's answer to a photo."""
    with torchserve(standin, folder, **settings) as behind, gateway(behind) as url:
        return httpx.post(f"{url}/cut", content=PHOTO, headers={"X-Request-Id": "mine"}, trust_env=False, timeout=60)


def test_the_handlers_answer_passes_with_its_own_headers_alone(tmp_path: Path):
    headers = {**HANDLERS, "X-Object-Count": "2", "Server": "TorchServe", "X-Ticket": "secret"}
    reply = cut(Standin([Says(200, b"a picture", headers)]), tmp_path)
    assert (reply.status_code, reply.content) == (200, b"a picture")
    assert reply.headers["x-object-count"] == "2"
    assert reply.headers["x-request-id"] == "mine"
    assert not {"x-ticket", "x-worker"} & set(reply.headers)
    assert reply.headers.get("server") != "TorchServe"


BUSY = b'{"message": "Model \\"objectcut\\" Version 1.0 has no worker to serve inference request."}'
SPEAKING = [
    ("a full queue", Says(503, BUSY), ["READY"], (503, "overloaded")),
    ("no worker", Says(503, BUSY), ["UNLOADING"], (503, "not_ready")),
    ("no memory", Says(507, b"out of memory"), ["READY"], (503, "overloaded")),
    ("too large", Says(413, b"Content Too Large"), ["READY"], (413, "body_too_large")),
    ("no model", Says(404, b"ModelNotFoundException"), ["READY"], (503, "not_ready")),
    ("something else", Says(405, b"MethodNotAllowedException"), ["READY"], (500, "internal")),
]


@pytest.mark.parametrize(
    ("says", "states", "expected"), [row[1:] for row in SPEAKING], ids=[row[0] for row in SPEAKING]
)
def test_what_torchserve_says_itself_is_translated(
    says: Says, states: list[str], expected: tuple[int, str], tmp_path: Path
):
    standin = Standin([says], workers=states)
    reply = cut(standin, tmp_path)
    assert (reply.status_code, reply.json()["code"]) == expected
    assert says.body.decode() not in reply.text
    assert ("retry-after" in reply.headers) == (expected[0] == 503)
    assert len(standin.tokens) == 1


@pytest.mark.parametrize(
    "first",
    [WORKER_DIED, Says(200, b"half a pic", HANDLERS, cut_short=True), Says(200, b"", cut_short=True)],
    ids=["before", "in the middle", "with TorchServe"],
)
def test_a_photo_whose_worker_died_is_sent_once_more(first: Says, tmp_path: Path):
    standin = Standin([first, CUT])
    reply = cut(standin, tmp_path)
    assert (reply.status_code, reply.content) == (200, b"a picture")
    assert len(standin.tokens) == 2


def test_a_photo_that_meets_a_workers_death_and_torchserves_end_is_not_blamed(tmp_path: Path):
    standin = Standin([WORKER_DIED, Says(200, b"", cut_short=True), WORKER_DIED, CUT])
    reply = cut(standin, tmp_path)
    assert (reply.status_code, reply.content) == (200, b"a picture")


def send(url: str, photo: bytes = PHOTO) -> httpx.Response:
    return httpx.post(f"{url}/cut", content=photo, trust_env=False, timeout=60)


@pytest.mark.parametrize(
    ("crashes", "deaths", "code"), [(True, 3, "unreadable_image"), (False, 5, "not_ready")], ids=["crashes", "killed"]
)
def test_a_photo_that_stops_its_workers_is_refused_and_takes_no_other_with_it(
    crashes: bool, deaths: int, code: str, tmp_path: Path
):
    """Sooner where the workers crash than where they are killed, which may have other causes."""
    traces = tmp_path / "crashes"
    traces.mkdir()
    standin = Standin([CUT], deadly=b"deadly", crashes=traces if crashes else None)
    photos = [PHOTO + b"deadly", *(PHOTO + bytes([each]) for each in range(5))]
    with (
        torchserve(standin, tmp_path, crashes=traces) as behind,
        gateway(behind) as url,
        ThreadPoolExecutor(len(photos)) as senders,
    ):
        deadly, *others = senders.map(lambda photo: send(url, photo), photos)
        assert [reply.status_code for reply in others] == [200] * len(others)
        for reply in (deadly, send(url, photos[0])):
            assert told(reply) == (STATUS[code], code)
            assert reply.json()["details"] == {"reason": "model_stopped"}
            assert ("retry-after" in reply.headers) != crashes
        assert (len(standin.beside), standin.beside[2:]) == (deaths, [0] * (deaths - 2)), "the last times it was alone"
        assert send(url).status_code == 200


def test_a_photo_that_meets_the_deaths_of_four_workers_by_chance_is_cut(tmp_path: Path):
    standin = Standin([*[WORKER_DIED] * 4, CUT])
    assert cut(standin, tmp_path).status_code == 200
    assert len(standin.tokens) == 5


def test_a_worker_that_takes_long_to_come_back_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workers, "SOON_S", 0.2)
    standin = Standin([replace(WORKER_DIED, dead_s=2.0), CUT])
    assert cut(standin, tmp_path).status_code == 200
    assert len(standin.tokens) == 2, "nothing was asked while there was no worker"


@pytest.mark.parametrize("answer_s", [1.5, 60.0])
def test_a_worker_that_never_comes_back_is_not_waited_for_without_an_end(
    answer_s: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(workers, "SOON_S", 0.2 if answer_s == 60 else 30.0)
    monkeypatch.setattr(workers, "_LATEST_S", 1.0 if answer_s == 60 else 30.0)
    reply = cut(Standin([replace(WORKER_DIED, dead_s=math.inf)]), tmp_path, answer_s=answer_s)
    assert told(reply) == (503, "not_ready")
    assert int(reply.headers["retry-after"]) > 0


def test_while_no_worker_can_start_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workers, "SOON_S", 0.5)
    monkeypatch.setattr(servedmodel, "_LOOK_S", 0.1)
    standin = Standin([CUT], workers=["UNLOADING"], restless=True, hangs=True)
    with torchserve(standin, tmp_path) as behind, gateway(behind) as url, ThreadPoolExecutor(4) as senders:
        for reply in senders.map(lambda _: send(url), range(4)):
            assert told(reply) == (503, "not_ready")
            assert int(reply.headers["retry-after"]) > 0
        given = len(standin.tokens)
        assert told(send(url)) == (503, "not_ready")
        assert len(standin.tokens) == given, "TorchServe was given one more to keep"
        standin.workers, standin.restless, standin.hangs = ["READY"], False, False
        assert send(url).status_code == 200


def test_a_worker_that_hangs_is_replaced_and_its_photos_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(admission, "_HANGS_S", 0.5)
    monkeypatch.setattr(admission, "_HANGS_MEGAPIXEL_S", 0.0)
    standin = Standin([CUT], hangs=True)
    with torchserve(standin, tmp_path) as behind, gateway(behind) as url, ThreadPoolExecutor(3) as senders:
        replies = list(senders.map(lambda _: send(url), range(3)))
    assert [reply.status_code for reply in replies] == [200] * 3
    assert standin.scaled == ["0", "1"]


def test_a_torchserve_that_starts_anew_answers_those_who_wait(tmp_path: Path):
    port, standin = free_port(), Standin([CUT])
    with torchserve(standin, tmp_path, port) as behind:
        pass
    with gateway(behind) as url, ThreadPoolExecutor(3) as senders:
        with torchserve(standin, tmp_path, port):
            assert send(url).status_code == 200
        waiting = [senders.submit(send, url) for _ in range(3)]
        wait_until(lambda: not ready(url), 20, "word of it")
        assert httpx.get(f"{url}/health/live", trust_env=False).status_code == 200
        standin.key = "another"
        with torchserve(standin, tmp_path, port):
            assert [reply.result().status_code for reply in waiting] == [200] * 3
            assert ready(url)


def ready(url: str) -> bool:
    return httpx.get(f"{url}/health/ready", trust_env=False, timeout=20).status_code == 200


def test_a_torchserve_that_stays_away_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for module in (workers, servedmodel):
        monkeypatch.setattr(module, "SOON_S", 0.5)
    port = free_port()
    with torchserve(Standin([CUT]), tmp_path, port) as behind:
        pass
    with gateway(behind) as url:
        with torchserve(Standin([CUT]), tmp_path, port):
            assert send(url).status_code == 200
        for _ in range(2):
            reply = send(url)
            assert told(reply) == (503, "not_ready")
            assert int(reply.headers["retry-after"]) > 0


NEEDS = 600_000_000
LOADS_S = 1.0


@contextlib.contextmanager
def sleeping(
    folder: Path, patch: pytest.MonkeyPatch, free: int, idle_s: float = 600.0, wake_s: float = 30.0, **loads_s: float
) -> Iterator[tuple[Standin, str]]:
    """A gateway's address, with models that sleep by name, the seconds that they take to load, and bytes for them."""
    card = read_card(ROOT / "model_store" / "bundled.safetensors")
    models = [Entry(replace(card, name=name), NEEDS, folder) for name in ("awake", *loads_s)]
    catalogue = Catalogue.of(models)
    catalogue.write(folder / "models.json")
    standin = Standin([CUT], asleep={catalogue.entries[1 + at].path: s for at, s in enumerate(loads_s.values())})
    patch.setattr(
        sleep,
        "free_bytes",
        lambda: free - NEEDS * sum("READY" in standin.states(path) for path in standin.asleep),
    )
    with (
        torchserve(standin, folder, models=folder / "models.json", idle_s=idle_s, wake_s=wake_s) as behind,
        gateway(behind) as url,
    ):
        yield standin, url


def ask(url: str, model: str, timeout: float = 60) -> httpx.Response:
    return httpx.post(f"{url}/cut", content=PHOTO, params={"model": model}, trust_env=False, timeout=timeout)


@pytest.mark.parametrize(
    ("free", "statuses"), [(2 * NEEDS, {200}), (3 * NEEDS // 2, {200, 503})], ids=["room for two", "for one"]
)
def test_two_models_that_wake_in_the_same_moment_do_not_take_the_same_memory(
    free: int, statuses: set[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with sleeping(tmp_path, monkeypatch, free, one=LOADS_S, two=LOADS_S) as (standin, url):
        with ThreadPoolExecutor() as senders:
            replies = list(senders.map(lambda model: ask(url, model), ("one", "two", "one", "two")))
        assert {reply.status_code for reply in replies} == statuses
        assert len(standin.woken) == free // NEEDS
    for reply in replies:
        if reply.status_code != 200:
            assert told(reply) == (503, "overloaded")
            assert "needs about 600 MB of memory, and 300 MB are free" in reply.json()["message"]


def test_memory_is_not_free_while_a_model_is_loaded_whose_sender_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with sleeping(tmp_path, monkeypatch, 3 * NEEDS // 2, one=LOADS_S, two=LOADS_S) as (standin, url):
        with contextlib.suppress(httpx.ReadTimeout):
            ask(url, "one", timeout=LOADS_S / 2)
        wait_until(lambda: standin.woken, 20, "the start of the first model's worker")
        assert told(ask(url, "two")) == (503, "overloaded")
        assert ask(url, "one").status_code == 200


def test_a_model_that_does_not_load_does_not_keep_others_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sleep, "_LOAD_S", 2 * LOADS_S)
    behind = sleeping(tmp_path, monkeypatch, 2 * NEEDS, wake_s=8 * LOADS_S, broken=math.inf, two=LOADS_S)
    with behind as (standin, url), ThreadPoolExecutor() as senders:
        broken = senders.submit(ask, url, "broken")
        wait_until(lambda: standin.woken, 20, "the start of the first model's worker")
        assert ask(url, "two").status_code == 200
        assert told(broken.result()) == (503, "not_ready")


def test_a_model_that_sleeps_when_it_becomes_the_default_wakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    behind = sleeping(tmp_path, monkeypatch, 9 * NEEDS, idle_s=0.5, mine=LOADS_S / 4)
    with behind as (standin, url):
        assert ask(url, "mine").status_code == 200
        wait_until(lambda: not standin.woken, 20, "the model's rest")
        file = tmp_path / "models.json"
        Catalogue(Catalogue.read(file).entries[::-1]).write(file)
        assert ask(url, "").status_code == 200
        assert standin.woken


def test_a_model_wakes_again_when_torchserve_was_started_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with sleeping(tmp_path, monkeypatch, 9 * NEEDS, mine=LOADS_S / 4) as (standin, url):
        assert ask(url, "mine").status_code == 200
        standin.woken.clear()
        standin.script = [Says(503, BUSY), CUT]
        assert told(ask(url, "mine")) == (503, "not_ready")
        assert ask(url, "mine").status_code == 200
        assert standin.woken


def test_no_photo_is_lost_when_torchserve_trips_over_its_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with sleeping(tmp_path, monkeypatch, 9 * NEEDS, mine=LOADS_S / 4) as (standin, url):
        standin.trips = 3
        assert ask(url, "mine").status_code == 200
        assert standin.trips < 0


@pytest.mark.parametrize("removed", [False, True], ids=["replaced", "removed"])
def test_a_photo_of_a_version_that_goes_meanwhile_is_cut_by_the_next_one(removed: bool, tmp_path: Path):
    card = read_card(ROOT / "model_store" / "bundled.safetensors")
    default, mine = (Entry(replace(card, name=name), 1, tmp_path) for name in ("default", "mine"))
    catalogue = Catalogue.of([default, mine])
    catalogue.write(tmp_path / "models.json")
    later = () if removed else (replace(catalogue.entries[1], version=2),)
    gone = Says(404, b'{"code": 404, "type": "ModelVersionNotFoundException"}', after_s=1.5)
    standin = Standin([gone, CUT])
    with (
        torchserve(standin, tmp_path, models=tmp_path / "models.json") as behind,
        gateway(behind) as url,
        ThreadPoolExecutor() as senders,
    ):
        reply = senders.submit(ask, url, "mine")
        wait_until(lambda: standin.tokens, 20, "the first photo")
        Catalogue((catalogue.entries[0], *later)).write(tmp_path / "models.json")
        if removed:
            assert told(reply.result()) == (404, "unknown_model")
        else:
            assert (reply.result().status_code, reply.result().content) == (200, b"a picture")
