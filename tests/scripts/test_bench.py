"""The benchmark runs and says what it should. What it measures is not judged here."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from conftest import ROOT
from PIL import Image

from benchmark.measure import interleaved, medians, peak_memory
from benchmark.sides import Scene

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
    )
    assert done.returncode == 0, done.stderr
    for words in (*SIDES, "backbone", "Aims"):
        assert words in done.stdout

    results = json.loads(figures.read_text())
    (model,) = results["models"]
    assert (model["model"], model["weights"], model["proposals"]) == ("bundled", "trained", 150)
    assert [timing["side"] for timing in model["timings"]] == SIDES
    assert all(timing["seconds"] > 0 and timing["peak_bytes"] >= 0 for timing in model["timings"])
    assert all(seconds > 0 for seconds in results["around"][0]["seconds"].values())
    (refinement,) = results["refinements"]
    assert min(refinement[name] for name in ("network", "edge", "colours")) > 0
    assert {name: summary["photos"] for name, summary in results["parity"].items()} == {
        "fp32": 2,
        "bf16": 2,
        "fp16": 2,
    }
    for figure in ("ready", "first", "network", "gateway", "torchserve", "smooth"):
        assert results["requests"][figure] > 0
    exact = results["parity"]["fp32"]
    assert exact["compared"] >= 2
    assert exact["missing"] == exact["invented"] == exact["boxes_apart"] == exact["masks_apart"] == 0
    assert any(aim["reached"] for aim in results["aims"])
    with Image.open(chart) as picture:
        picture.load()
        assert min(picture.size) > 100


def test_every_round_runs_each_task_once_and_turns_the_order_round():
    ran: list[str] = []
    tasks = {name: (lambda name=name: ran.append(name)) for name in "abc"}
    seconds = interleaved(tasks, 3)
    assert "".join(ran) == "abccbaabc"
    assert {name: len(taken) for name, taken in seconds.items()} == {"a": 3, "b": 3, "c": 3}


def test_the_median_counts():
    assert medians({"a": [9.0, 1.0, 2.0]}) == {"a": 2.0}


def test_peak_memory_is_what_a_task_takes_for_a_moment():
    size = 100_000_000
    assert peak_memory(lambda: len(bytearray(b"x") * size)) == pytest.approx(size, rel=0.1)
    assert peak_memory(lambda: None) < size / 10


def test_a_scene_has_as_many_wanted_objects_as_it_should():
    for count in (50, 100):
        wanted = Scene.invent(count).wanted(640, 480)
        assert len(wanted) == 10
        for instance in wanted:
            x0, y0, x1, y1 = instance.box
            assert 0 <= x0 < x1 <= 640
            assert 0 <= y0 < y1 <= 480
