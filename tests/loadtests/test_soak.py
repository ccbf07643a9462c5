"""The soak test counts answers rightly, and passes only when it should."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import numpy as np
import pytest
from conftest import encoded
from PIL import Image
from ran import passed

from soak import Outcome, Tally, Watched, plot, report
from traffic import Answer, Case, difference

COUNTS = ("right", "wrong", "lost", "later", "left")
PIXELS = np.zeros((40, 60, 4), np.uint8)
PIXELS[10:30, 10:50] = 200


def picture(change: int = 0, size: tuple[int, int] = (60, 40), kind: str = "PNG") -> Answer:
    """The picture with `change` levels more alpha."""
    pixels = PIXELS.copy()
    pixels[..., 3] += np.uint8(change)
    return Answer(200, "", encoded(Image.fromarray(pixels).resize(size), kind))


def listing(*boxes: list[int], label: str = "person") -> Answer:
    objects = [{"label": label, "box": box} for box in boxes]
    return Answer(200, "", json.dumps({"error": False, "response": {"objects": objects}}).encode())


@pytest.mark.parametrize(
    ("answer", "right", "said"),
    [
        (picture(), picture(), ""),
        (picture(1), picture(), ""),  # sums in another order
        (picture(9), picture(), "a picture that is 9.0 levels off"),
        (picture(size=(59, 40)), picture(), "a picture of (40, 59, 4) instead of (40, 60, 4)"),
        (Answer(200, "", b"<html>"), picture(), "no picture, or another page"),
        (Answer(500, "internal", b""), picture(), "500 internal instead of 200"),
        (Answer(400, "unknown_object", b""), Answer(400, "unknown_object", b""), ""),
        (Answer(400, "invalid_request", b""), Answer(400, "unknown_object", b""), "400 invalid_request instead of"),
        (picture(), Answer(400, "unknown_object", b""), "200 instead of 400 unknown_object"),
        (listing([0, 0, 9, 9]), listing([0, 1, 9, 9]), ""),
        (listing([0, 0, 9, 9]), listing([0, 0, 9, 29]), "a box that is 20 px off"),
        (listing([0, 0, 9, 9]), listing(), "{'person': 1} instead of {}"),
        (listing([0, 0, 9, 9], label="cat"), listing([0, 0, 9, 9]), "{'cat': 1} instead of {'person': 1}"),
        (Answer(200, "", b"nothing"), listing(), "no JSON"),
    ],
)
def test_an_answer_is_compared_with_the_right_one(answer: Answer, right: Answer, said: str) -> None:
    assert difference(answer, right).startswith(said)
    assert bool(difference(answer, right)) == bool(said)


async def send(_: httpx.AsyncClient) -> None:
    """As a sender who leaves."""


def reply(status: int, code: str = "", **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, json={"code": code})


@pytest.mark.parametrize(
    ("given", "became"),
    [
        (reply(400, "unknown_object"), "right"),
        (reply(500, "internal"), "wrong"),
        (reply(503, "not_ready", **{"retry-after": "5"}), "later"),
        (reply(503, "not_ready"), "wrong"),  # does not say when to come back
        (None, "left"),
    ],
)
def test_an_answer_is_counted(given: httpx.Response | None, became: str) -> None:
    watched = Watched()
    case = Case("kind", 400, send)
    outcome = Outcome.of(given, Answer(400, "unknown_object", b""))
    for _ in range(3):
        watched.note(case, outcome, 1.0)
    counted = watched.whole()
    assert {name: getattr(counted, name) for name in COUNTS if getattr(counted, name)} == {became: 3}
    assert (sum(watched.errors.values()) == 3) == (became in {"wrong", "later"})


@pytest.mark.parametrize(
    ("tally", "said"),
    [
        (Tally(sent=100, right=100), ""),
        (Tally(sent=200, right=199, later=1), ""),
        (Tally(sent=100, right=98, later=2), "2.0% told to come back later"),
        (Tally(sent=100, right=98, wrong=1, lost=1), "1 wrong, 1 lost"),
        (Tally(sent=5, left=5), "no answer was right"),
    ],
)
def test_the_verdict(tally: Tally, said: str) -> None:
    watched = Watched()
    watched.tallies["kind"] = tally
    assert watched.verdict() == said


def test_a_short_run_with_a_worker_that_is_killed(tmp_path: Path) -> None:
    chart = tmp_path / "memory.png"
    said = passed("soak.py", "--minutes", "0.5", "--kill", "worker", "--plot", str(chart))
    for words in ("Answers", "12 MP photo", "leaves while it waits", "Memory", "gateway", "1 x worker", "/health/live"):
        assert words in said
    with Image.open(chart) as image:
        image.load()


def test_memory_is_compared_with_that_of_a_settled_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    watched = Watched()
    plot(watched, tmp_path / "empty.png")
    held = [(float(at), 100_000_000 if at < 200 else 150_000_000) for at in range(1, 401)]
    watched.memory["gateway"] = [(0.0, 1_000_000), *held]  # it was still starting
    watched.memory["Java"] = [(at, held) for at, held in watched.memory["gateway"] if at < 200]
    report(watched)
    said = capsys.readouterr().out
    assert "Killed: nothing." in said
    rows = [[word for word in line.split() if word != "│"] for line in said.splitlines()]
    assert ["gateway", "100", "150", "+50%", "150"] in rows
    assert ["Java", "100", "gone"] in rows
