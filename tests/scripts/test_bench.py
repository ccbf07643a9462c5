"""The benchmark runs and says what it should. What it measures is not judged here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

from benchmark import network, served
from benchmark.figures import Figures, Goal
from benchmark.measure import interleaved, peak_memory
from benchmark.photos import woman
from benchmark.rembg_process import rembg
from launch import Failed

SIDES = ["original", "stock, 4", "ours, 1", "ours, 4", "ours, 8"]


def test_one_round_of_the_bundled_model(tmp_path, chelsea, astronaut):
    photos, figures, chart = tmp_path / "photos", tmp_path / "figures.json", tmp_path / "chart.png"
    photos.mkdir()
    chelsea.save(photos / "chelsea.png")
    astronaut.save(photos / "astronaut.jpg")
    (photos / "notes.txt").write_text("not a photo")
    command = [sys.executable, ROOT / "scripts" / "bench.py", "--models", "bundled", "--sizes", "640x480", "--server"]
    done = subprocess.run(
        [*command, "--rounds", "1", "--photos", photos, "--json", figures, "--plot", chart],
        capture_output=True,
        text=True,
        timeout=900,
        # Two threads of the network, which sleep while they wait: awake they would keep other tests from the cores.
        env={**os.environ, "OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"},
    )
    assert done.returncode == 0, done.stderr
    for words in (*SIDES, "backbone", "Goals"):
        assert words in done.stdout

    results = json.loads(figures.read_text())
    (model,) = results["Models"]
    assert (model["model"], model["weights"], model["proposals"]) == ("bundled", "trained", [150])
    speed, memory = results[network.SPEED], results[network.MEMORY]
    assert [row["side"] for row in speed] == [row["side"] for row in memory] == SIDES
    assert all(min(row["ms per photo"]) > 0 for row in speed)
    assert all(min(row["peak MB"]) >= 0 for row in memory)
    stages = {row["stage"]: row for row in results[served.STAGES]}
    assert set(stages) == {"decode", "detect", "matte", "edges", "cutout", "encode", "whole"}
    assert all(min(row[kind]) > 0 for row in stages.values() for kind in ("png", "webp", "jpeg"))
    (edge,) = results[served.EDGE]
    assert all(min(edge[name]) > 0 for name in ("network, ms", "edge, ms", "colours, ms"))
    parity = {row["what"]: row for row in results[served.PARITY]}
    assert parity["photos"] == {"what": "photos", "fp32": [2], "bf16": [2], "fp16": [2]}
    assert parity["compared"]["fp32"] >= [2]
    assert all(parity[what]["fp32"] == [0] for what in ("missing", "invented", "boxes_apart", "masks_apart"))
    request = {row["what"]: row["ms"] for row in results[served.REQUEST]}
    for what in ("ready", "first", "network", "gateway", "torchserve", "smooth", served.AGAIN):
        assert min(request[what]) > 0
    assert [row["senders"] for row in results[served.CROWD]] == ["1", "4", "16"]
    assert all(min(row[name]) > 0 for row in results[served.CROWD] for name in ("photos/s", "resident after, MB"))
    assert [row["objects"] for row in results[served.OBJECTS]] == ["1", "2", "4", "8"]
    assert all(min(row[name]) > 0 for row in results[served.OBJECTS] for name in ("edges", "whole"))
    assert any(goal["value"] for goal in results["goals"])
    with Image.open(chart) as picture:
        picture.load()
        assert min(picture.size) > 100


def test_every_round_runs_each_task_once_and_turns_the_order_round():
    ran: list[str] = []
    tasks = {name: (lambda name=name: ran.append(name)) for name in "abc"}
    taken = list(interleaved("three tasks", tasks, 3))
    assert "".join(ran) == "".join(name for name, _ in taken) == "abccbaabc"
    assert all(seconds >= 0 for _, seconds in taken)


def test_the_median_counts():
    figures = Figures()
    for seconds in (9.0, 1.0, 2.0):
        figures.add("table", {"task": "a", "size": "small"}, {"s": seconds})
        figures.add("table", {"task": "b", "size": "small"}, {"s": 7.0})
    assert figures.median("table", "s", task="a") == 2.0
    assert figures.get("table", "s", size="small") == [9.0, 1.0, 2.0, 7.0, 7.0, 7.0]
    assert figures.median("table", "s", task="c") is None


@pytest.mark.parametrize(
    ("value", "at_most", "met"), [(5.0, True, True), (5.1, True, False), (4.9, False, False), (None, True, None)]
)
def test_a_goal_is_met_or_missed_or_was_not_measured(value, at_most, met):
    assert Goal("what", 5.0, value, at_most=at_most).met is met


def test_peak_memory_is_what_a_task_takes_for_a_moment():
    size = 100_000_000
    assert peak_memory(lambda: len(bytearray(b"x") * size)) == pytest.approx(size, rel=0.1)
    assert peak_memory(lambda: None) < size / 10


def test_a_scene_has_as_many_wanted_objects_as_it_should():
    for count in (50, 100):
        found = network.scene(640, 480, count)
        assert len(found) == count
        wanted = network.query(np.zeros((480, 640, 3), np.uint8), count).keep(())
        assert len(wanted) == 10
        for instance in wanted:
            x0, y0, x1, y1 = instance.box
            assert 0 <= x0 < x1 <= 640
            assert 0 <= y0 < y1 <= 480


def test_rembg_is_asked_in_its_own_environment_and_says_what_is_wrong(tmp_path: Path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(woman((64, 48)))
    with pytest.raises(Failed, match="is no virtual environment"), rembg(tmp_path):
        pass
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    library = tmp_path / "library"
    library.mkdir()
    with pytest.raises(Failed, match="No module named 'rembg'"), rembg(tmp_path) as process:
        process.cut(photo)
    # Of rembg itself, which takes a gigabyte, the test has the two functions that the program calls.
    (library / "rembg.py").write_text(
        "def new_session(name): assert name == 'u2netp'\ndef remove(photo, session): return b'\\x89PNG' + photo\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(library))
        with rembg(tmp_path) as process:
            process.cut(photo)
            process.cut(photo)
            with pytest.raises(Failed, match="No such file"):
                process.cut(tmp_path / "missing.jpg")
