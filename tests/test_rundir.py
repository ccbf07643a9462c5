"""The run folder: who may use it, and which ports TorchServe gets."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from rundir import InUse, RunDir

HOLD = """
import sys; sys.path.insert(0, sys.argv[1])
from pathlib import Path
from rundir import RunDir
with RunDir(Path(sys.argv[2])).locked("torchserve"):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_part_runs_once_in_a_folder_and_a_killed_one_frees_it(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(ROOT / "scripts"), str(run.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(InUse, match=rf"\(pid {holder.pid}\): {run.path}"), run.locked("torchserve"):
            pass
        with run.locked("gateway"):
            pass
        holder.kill()
        holder.wait()
        with run.locked("torchserve"):
            pass
