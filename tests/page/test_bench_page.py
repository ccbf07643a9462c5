"""The page's benchmark tells every figure. Those that are no timings hold on every machine: weight, hosts, jumps."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Server
from playwright.sync_api import Browser

FIRST_LOAD = 70.0  # kB
GOALS = [
    "opening: over the network",
    "opening: requests to other servers",
    "opening: first paint, median",
    "opening: first content, median",
    "layout shift: opening",
    "layout shift: dropping a photo",
    "layout shift: the cut-out appears",
    "layout shift: another object is taken",
    "640x480: from the drop to outlines, beside /detect, median",
    "4000x3000: from the drop to outlines, beside /detect, median",
    "4000x3000: from a click to the outline, median",
    "4000x3000: from a click to the outline, worst",
    "4000x3000: from a click to the picture, median",
    "4000x3000: from a click to the picture, worst",
    "4000x3000: change of background, median",
    "4000x3000: change of background, worst",
    "4000x3000: brush ready, median",
    "4000x3000: longest task while objects are clicked",
    "4000x3000: longest task while a wide brush draws",
]


def bench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "scripts" / "bench_page.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


@pytest.fixture(scope="module")
def measured(server: Server, browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """One round: what it prints, and its figures. Without a browser on this machine there is none."""
    assert browser.version
    figures = tmp_path_factory.mktemp("bench") / "figures.json"
    done = bench("--url", server.url, "--rounds", "1", "--json", figures)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(figures.read_text())


def test_every_figure_is_told(measured: tuple[str, dict[str, Any]]):
    printed, figures = measured
    printed = " ".join(printed.split())  # a long name of the processor moves the lines' ends
    assert [goal["what"] for goal in figures["goals"]] == GOALS
    assert all(goal["value"] is not None for goal in figures["goals"])
    for words in ("other programs kept", "Waiting, ms", "Goals", "longest task", "from the drop to outlines"):
        assert words in printed
    waiting = {(row["when"], row["what"]): row["ms"] for row in figures["Waiting, ms"]}
    (paint,), (content,) = waiting["opening", "first paint"], waiting["opening", "first content"]
    assert 0 < paint <= content
    photos = list(dict.fromkeys(when for when, _ in waiting))[1:]
    assert photos == ["640x480", "4000x3000"]
    for photo in photos:
        (whole,), (request,) = waiting[photo, "from the drop to outlines"], waiting[photo, "/detect"]
        assert 0 < request < whole
    for moment in ("outline", "picture"):
        clicks = waiting["4000x3000", f"from a click to the {moment}"]
        assert len(clicks) == 4
        assert all(0 < ms < 60_000 for ms in clicks)
    assert figures["machine"]["chromium"]
    missed = [goal["what"] for goal in figures["goals"] if not goal["met"]]
    assert all(what in printed.partition("Missed:")[2] for what in missed)


def test_the_page_opens_with_little_and_from_nowhere_else(measured: tuple[str, dict[str, Any]]):
    opening = {row["kind"]: row for row in measured[1]["Opening"]}
    assert opening["other servers"]["requests"] == [0]
    assert 0 < opening["all"]["kB"][0] < FIRST_LOAD
    assert {"Document", "Script", "Stylesheet"} <= set(opening)


def test_nothing_jumps_in_any_window(measured: tuple[str, dict[str, Any]]):
    figures = measured[1]
    assert "What moved" not in figures
    shifts = figures["Layout shift"]
    assert {row["window"] for row in shifts} == {"phone", "laptop", "wide"}
    assert len(shifts) == 3 * 4  # from opening the page to a second object
    assert not any(score for row in shifts for score in row["score"])


def test_a_page_that_is_not_there_is_told_in_a_line():
    done = bench("--url", "http://127.0.0.1:9", "--rounds", "1")
    assert done.returncode == 1
    assert "http://127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr
