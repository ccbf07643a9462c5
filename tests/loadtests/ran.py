"""The load tests, run as a person would."""

from __future__ import annotations

import os
import subprocess
import sys

from conftest import ROOT


def passed(program: str, *arguments: str) -> str:
    """What a program of loadtests/ says; it must pass."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "loadtests" / program), *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed." in done.stdout
    return done.stdout
