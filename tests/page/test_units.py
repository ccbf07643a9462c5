"""The parts of the page that need no browser, by Node's own test runner."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from conftest import ROOT

OLDEST_NODE = 18  # the first with a test runner


def test_what_needs_no_browser():
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is missing: it runs the unit tests of the page's JavaScript.")
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    version = re.match(r"v(\d+)", told)
    assert version is not None, told
    if int(version[1]) < OLDEST_NODE:
        pytest.skip(f"Node {told.strip()} has no test runner: {OLDEST_NODE} or newer is needed.")
    files = sorted((ROOT / "tests" / "page" / "unit").glob("*.test.js"))
    assert files
    done = subprocess.run([node, "--test", *files], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
