"""What a container's health check finds, beside a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from conftest import ROOT, Server

import healthy
from rundir import free_port


@pytest.mark.parametrize(
    ("command", "part"),
    [
        (b"/usr/bin/tini\0--\0python\0serve.py\0torchserve\0", "torchserve"),
        (b"/usr/bin/tini\0--\0python\0serve.py\0gateway\0", "gateway"),
        (b"/usr/bin/tini\0--\0python\0serve.py\0all\0--workers\0002\0", "all"),
        (b"/usr/bin/tini\0--\0python\0serve.py\0", "all"),
    ],
)
def test_the_parts_are_those_that_the_container_runs(command: bytes, part: str) -> None:
    assert healthy.running(command) == part


def status(part: str, port: int, run: Path) -> int:
    command = [sys.executable, str(ROOT / "scripts" / "healthy.py"), part, "--port", str(port)]
    return subprocess.run(command, env={**os.environ, "OBJECTCUT_RUN_DIR": str(run)}, timeout=60).returncode


@pytest.mark.parametrize("part", healthy.PARTS)
def test_a_part_is_healthy_where_it_runs_alone(part: str, server: Server, tmp_path: Path) -> None:
    assert status(part, httpx.URL(server.url).port or 80, server.run.path) == 0
    assert status(part, free_port(), tmp_path) == 1
