"""The run folder: who may use it, and which ports TorchServe gets."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
from conftest import ROOT, wait_until

from child import Child
from rundir import PORT_TAKEN, InUse, RunDir, free_port

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


def test_a_free_port_is_none_that_a_connection_could_be_given_meanwhile() -> None:
    given = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(given.read_text().split()[0]) if given.exists() else 49152
    assert all(free_port() < first for _ in range(20))


def test_fresh_ports_are_none_of_the_last_ones(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    last = set(asdict(run.claim_ports()).values())
    fresh = set(asdict(run.claim_ports(fresh=True)).values())
    assert len(fresh) == 5
    assert not fresh & last


@pytest.mark.parametrize(
    ("words", "again"),
    [
        ("java.io.IOException: Failed to bind to address /127.0.0.1:7070", True),
        ("io.netty.channel.unix.Errors$NativeIoException: bind(..) failed: Address already in use", True),
        ("java.lang.OutOfMemoryError: Java heap space", False),
    ],
)
def test_torchserve_tells_that_its_port_was_taken(words: str, again: bool, tmp_path: Path) -> None:
    child = Child("TorchServe", ["sh", "-c", f"echo '{words}'; exit 1"], {}, tmp_path, tmp_path / "console.log")
    wait_until(child.ended, 30, "its end")
    assert child.wrote(PORT_TAKEN) == again
