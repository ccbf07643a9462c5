"""The program that makes the environment, as far as it goes without making one; running the tests has done that."""

from __future__ import annotations

import subprocess
import sys

from conftest import ROOT


def test_a_part_that_there_is_not_is_told_with_those_that_there_are():
    done = subprocess.run([sys.executable, ROOT / "scripts" / "setup.py", "nonsense"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "'nonsense': choose one of all, dependencies, project, tests" in done.stdout
