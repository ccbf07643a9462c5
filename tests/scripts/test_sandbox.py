"""What a process under the rules can still do, by trying."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sandbox
from child import Child

pytestmark = pytest.mark.skipif(not sandbox.available(), reason="this system has no Landlock")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def _said(tmp_path: Path, program: str, ports: tuple[int, ...] = ()) -> str:
    """Run a program that may read `given` and write `own`, and return what it prints."""
    for folder in ("given", "own", "secret"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "file").write_text(f"of {folder}")
    log = tmp_path / "said"
    child = Child(
        "the program",
        [sys.executable, "-c", program],
        {"HOME": str(tmp_path / "secret")},
        tmp_path / "own",
        log,
        sandbox.ruleset([tmp_path / "given"], [tmp_path / "own"], ports),
    )
    try:
        assert child._process.wait(60) == 0, log.read_text()
    finally:
        child.stop()
    return log.read_text().strip()


_TRY = """
import os, pathlib, subprocess
def trying(what):
    try:
        what()
    except PermissionError:
        print("refused", end=" ")
    else:
        print("done", end=" ")
"""


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("pathlib.Path('../given/file').read_text()", "done"),
        ("pathlib.Path('../given/file').write_text('mine')", "refused"),
        ("pathlib.Path('../given/new').touch()", "refused"),
        ("pathlib.Path('file').write_text('mine')", "done"),
        ("pathlib.Path('new').mkdir()", "done"),
        ("pathlib.Path('../secret/file').read_text()", "refused"),
        ("os.listdir(os.path.expanduser('~'))", "refused"),
        ("os.rename('file', '../secret/mine')", "refused"),
        ("os.symlink('/etc', 'link'); os.listdir('link')", "done"),
        ("os.symlink('../secret/file', 'link') or open('link')", "refused"),
        ("os.kill(os.getppid(), 0)", "refused"),
        ("subprocess.run(['true'], check=True)", "done"),
    ],
)
def test_only_what_was_given_can_be_read_and_only_its_own_be_changed(what: str, said: str, tmp_path: Path):
    assert _said(tmp_path, f"{_TRY}\ntrying(lambda: [{what.replace('; ', ', ')}])") == said


def test_programs_that_it_starts_have_the_same_rules(tmp_path: Path):
    assert "denied" in _said(tmp_path, "import subprocess\nsubprocess.run(['cat', '../secret/file'])")


def test_only_the_ports_that_were_given_can_be_connected_to(listener: socket.socket, tmp_path: Path):
    if sandbox.abi() < sandbox.NETWORK:
        pytest.skip("this Linux cannot keep a process from the network")
    port = listener.getsockname()[1]
    program = f"{_TRY}\nimport socket\ntrying(lambda: socket.create_connection(('127.0.0.1', {port}), 20))"
    assert _said(tmp_path, program) == "refused"
    assert _said(tmp_path, program, (port,)) == "done"
