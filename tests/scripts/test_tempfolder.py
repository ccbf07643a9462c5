"""Temp folders of servers: whose are deleted, and when."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from conftest import ROOT

from tempfolder import temp_folder

HOLD = """
import sys; sys.path.insert(0, sys.argv[1])
from tempfolder import temp_folder
with temp_folder() as folder:
    (folder / "archive").write_text("20 MB")
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_the_folder_of_a_server_that_was_killed_is_deleted_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    others = tmp_path / "objectcut-bench-1", tmp_path / "objectcut-server-just-made"
    for other in others:
        other.mkdir()
    (others[0] / "file").touch()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(ROOT / "scripts")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"TMPDIR": str(tmp_path)},
    ) as holder:
        assert holder.stdout is not None
        held = Path(holder.stdout.readline().strip())
        assert held.parent == tmp_path
        with temp_folder() as own:
            assert (held / "archive").exists(), "it belongs to a server that runs"
        assert not own.exists()
        holder.kill()
        holder.wait()
        assert held.exists()
        with temp_folder() as own:
            assert sorted(tmp_path.iterdir()) == sorted((*others, own))
