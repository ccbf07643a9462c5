"""A crash leaves a trace, a death from outside leaves none."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import ROOT

from objectcut.worker.crashes import Crashes

_END = "import os, signal, sys; from pathlib import Path; from objectcut.worker.crashes import Crashes\n"
_END += "Crashes(Path(sys.argv[1])).record(); os.kill(os.getpid(), getattr(signal, sys.argv[2]))"


def end(folder: Path, signal: str) -> None:
    """Have a process that records crashes end by a signal."""
    env = {**os.environ, "PYTHONPATH": str(ROOT / "handler")}
    command = [sys.executable, "-c", _END, str(folder), signal]
    assert subprocess.run(command, env=env, capture_output=True, timeout=60, check=False).returncode < 0


@pytest.mark.parametrize(
    ("signal", "crashed"), [("SIGSEGV", True), ("SIGABRT", True), ("SIGKILL", False), ("SIGTERM", False)]
)
def test_a_crash_is_told_from_a_death_from_outside(signal: str, crashed: bool, tmp_path: Path) -> None:
    crashes, start = Crashes(tmp_path), time.time() - 1
    end(tmp_path, signal)
    assert crashes.any_since(start) == crashed
    assert not crashes.any_since(time.time() + 60)


def test_only_the_latest_traces_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "crashes"
    crashes = Crashes(folder)
    crashes.tidy()
    for number in range(30):
        trace = folder / str(number)
        trace.write_text("" if number == 29 else "Fatal Python error")
        os.utime(trace, (number, number))
    crashes.tidy()
    assert sorted(int(trace.name) for trace in folder.iterdir()) == list(range(9, 29))


def test_without_a_folder_nothing_is_known() -> None:
    crashes = Crashes(None)
    crashes.tidy()
    crashes.record()
    assert not crashes.any_since(0)
