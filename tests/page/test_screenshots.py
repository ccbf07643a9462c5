"""Pictures of the page for its makers to look at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from conftest import ROOT, Server
from PIL import Image
from playwright.sync_api import Browser

STATES = ("start", "no-photo", "objects", "cutout", "brush", "unknown-name", "several")


def test_every_state_of_a_screen_is_pictured(server: Server, browser: Browser, tmp_path: Path) -> None:
    assert browser.version
    command = [sys.executable, ROOT / "scripts" / "screenshots.py", "--url", server.url, "--out", tmp_path]
    done = subprocess.run([*command, "--screens", "phone"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"phone-{state}.png" for state in STATES)
    for path in tmp_path.iterdir():
        with Image.open(path) as picture:
            assert picture.width == 390
