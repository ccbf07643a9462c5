"""What damaged files and odd requests do to the decoding stage and to the gateway, and what the program says of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

import httpx
import pytest
from conftest import ROOT

from fuzz import Found, Outcome, Stage, fuzz
from fuzzing.calls import Calls, error_code, objection
from fuzzing.files import damaged, originals
from objectcut.photo.decode import load
from objectcut.settings import Settings

FILES = originals()
PHOTOS = [FILES["JPEG"], b"no photo"]


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.close()


def test_no_damaged_file_brings_the_decoding_stage_down(stage: Stage, tmp_path: Path) -> None:
    found = Found(tmp_path / "kept")
    fuzz(stage, 600, 1, found)
    assert [outcome for outcome in found.outcomes if outcome.failed] == []
    assert {outcome.sent for outcome in found.outcomes} == set(FILES)
    assert {"200", "400 unreadable_image"} <= {outcome.answer for outcome in found.outcomes}
    assert not found.folder.exists()


def test_no_random_request_is_a_defect_of_the_gateway(client: httpx.Client) -> None:
    calls = Calls(client.get("/openapi.json").json(), PHOTOS, Random(1))
    seen, asked = set(), set()
    for number, case in enumerate(islice(calls.drawn(), 300)):
        reply = client.send(calls.request(client, case, Random(number)))
        assert objection(case, reply) is None, number
        asked.add(case.operation.label)
        if reply.is_error:
            code = error_code(reply.json())
            assert code != "internal", (number, case.operation.label)
            seen.add((reply.status_code, code))
    assert asked >= {"POST /cut", "POST /detect", "POST /v1.0/removebg", "POST /api/remove", "GET /labels"}
    # Nothing is behind this gateway, so what it has no objection to is not ready.
    assert seen >= {(400, "invalid_request"), (415, "unsupported_image"), (503, "not_ready")}


def test_the_same_numbers_make_the_same_requests(client: httpx.Client) -> None:
    description = client.get("/openapi.json").json()

    def made(number: int) -> list[tuple[str, bytes]]:
        calls = Calls(description, PHOTOS, Random(number))
        sent = [calls.request(client, case, Random(0)) for case in islice(calls.drawn(), 40)]
        return [(str(request.url), request.content) for request in sent]

    once, again, other = made(1), made(1), made(2)
    assert once == again
    assert other != once


def test_an_answer_that_is_not_described_is_told(client: httpx.Client) -> None:
    description = client.get("/openapi.json").json()
    del description["paths"]["/cut"]["post"]["responses"]["400"]
    case = Calls(description, PHOTOS, Random(1)).cut()
    assert "400" in str(objection(case, client.post("/cut", content=b"no photo")))
    assert objection(case, client.post("/cut", files={"image_file": FILES["JPEG"]})) is None  # not ready


@pytest.mark.parametrize("kind", FILES)
def test_the_originals_can_be_decoded_and_the_same_numbers_do_the_same_damage(kind: str) -> None:
    photo = load(FILES[kind], Settings())
    assert sorted((photo.width, photo.height)) == [120, 160]
    once, again, other = (damaged(FILES[kind], [FILES["GIF"]], Random(seed)) for seed in (3, 3, 4))
    assert once == again
    assert other != once


def test_a_decoder_that_dies_is_told_with_its_file(stage: Stage, tmp_path: Path) -> None:
    found = Found(tmp_path / "kept")
    found.add(stage(0, Random(1)))
    stage._process.kill()
    stage._process.join()
    deadly = stage(1, Random(2))
    found.add(deadly)
    found.add(stage(2, Random(3)))
    assert [outcome.failed for outcome in found.outcomes] == [False, True, False]
    assert found.outcomes[1].answer == "the process died: -9"
    assert (tmp_path / "kept" / "000001.request").read_bytes() == deadly.request
    assert not any(outcome.request for outcome in found.outcomes), "all of them would fill the memory"


def test_coverage_chooses_the_files_to_go_on_from(tmp_path: Path) -> None:
    pytest.importorskip("atheris")
    command = [sys.executable, ROOT / "scripts" / "fuzz.py", "--coverage", "--inputs=400", f"--keep={tmp_path}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "number_of_executed_units: 400" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["corpus"], "none failed"
    assert len(list((tmp_path / "corpus").iterdir())) > len(FILES)


@pytest.mark.parametrize("number", [0, 1])
def test_the_report_names_what_failed_and_what_was_slow(number: int, tmp_path: Path, capsys) -> None:
    found = Found(tmp_path / "kept", seconds=4.0)
    found.add(Outcome("JPEG", "200", 0.1, b"fine"))
    found.add(Outcome("POST /cut", "500 internal", 3.0, b"POST /cut", failed=bool(number)))
    found.report()
    said = capsys.readouterr().out
    assert "2 inputs in 4 s" in said
    assert "1 took over 2 s" in said
    assert ("Failed: 1 of 2" if number else "Passed.") in said
