"""What becomes of a part that dies, with processes that do nothing else."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
from conftest import wait_until
from rich.console import Console

import supervision
from child import Child
from supervision import Failed, Part, Passing, keep_running


class Shell(Part):
    """A part that is a shell command; it does its work as soon as it is started, or never."""

    def __init__(self, name: str, folder: Path, command: str, works: bool = True) -> None:
        super().__init__(name, folder)
        self._folder, self._command, self._works = folder, command, works
        self.begun: list[float] = []

    def begin(self) -> Child:
        self.begun.append(time.monotonic())
        return Child(self.name, ["sh", "-c", self._command], {}, self._folder, self._folder / f"{self.name}.log")

    def settle(self, parts: Sequence[Part]) -> None:
        while not self._works:
            supervision.check(parts)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "_PAUSES_S", (0.0, 0.3, 0.6))
    monkeypatch.setattr(supervision, "_LOOK_S", 0.05)


@pytest.fixture
def said() -> Console:
    return Console(file=io.StringIO(), width=1000)


def told(said: Console) -> list[str]:
    assert isinstance(said.file, io.StringIO)
    return said.file.getvalue().splitlines()


def test_a_part_that_dies_over_and_over_is_started_again_after_longer_pauses_until_it_is_too_much(
    tmp_path: Path, said: Console
) -> None:
    steady, weak = Shell("steady", tmp_path, "exec sleep 100"), Shell("weak", tmp_path, "echo no luck; exit 3")
    with pytest.raises(Failed, match=r"weak stopped: no luck, exit status 3 .* again 3 times in 10 minutes"):
        keep_running([steady, weak], said, lambda: said.print("ready"))
    assert (len(steady.begun), len(weak.begun)) == (1, 4)
    pauses = [later - earlier for earlier, later in itertools.pairwise(weak.begun)]
    assert all(was >= told for was, told in zip(pauses, (0.0, 0.3, 0.6), strict=True))
    lines = told(said)
    assert lines[0] == "ready"
    assert sum("weak stopped: no luck, exit status 3" in line and "Starting weak again" in line for line in lines) == 3
    assert lines.count("weak was started again and is ready.") == 3
    assert steady.child is None
    assert weak.child is None


def test_a_part_that_dies_before_it_ever_worked_is_not_tried_again(tmp_path: Path, said: Console) -> None:
    steady, weak = Shell("steady", tmp_path, "exec sleep 100"), Shell("weak", tmp_path, "exit 3", works=False)
    with pytest.raises(Failed, match="weak stopped"):
        keep_running([steady, weak], said, lambda: said.print("ready"))
    assert len(weak.begun) == 1
    assert told(said) == []


def test_what_a_dead_part_started_is_ended_before_it_begins_anew(tmp_path: Path, said: Console) -> None:
    """Its workers hold memory, and nobody else tells them to end."""
    part = Shell("part", tmp_path, "sleep 100 & echo $! >> pids; exit 3")
    with pytest.raises(Failed):
        keep_running([part], said, lambda: None)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == len(part.begun)
    wait_until(lambda: not any(map(runs, pids)), 30, "the end of what it started")


def test_a_part_that_runs_and_does_not_work_for_long_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Console
) -> None:
    class Hangs(Shell):
        def works(self) -> bool:
            return False

    monkeypatch.setattr(supervision, "_ASK_S", 0.1)
    hangs = Hangs("hangs", tmp_path, "exec sleep 100")
    hangs._patience_s = 0.3
    with pytest.raises(Failed, match=r"hangs runs, but has not worked for .* again 3 times"):
        keep_running([hangs], said, lambda: None)
    assert len(hangs.begun) == 4


def test_a_part_whose_port_was_taken_is_tried_again_though_it_never_worked(tmp_path: Path, said: Console) -> None:
    class Late(Shell):
        def settle(self, parts: Sequence[Part]) -> None:
            supervision.check(parts)
            if len(self.begun) < 3:
                raise Passing("the port is taken")

    late = Late("late", tmp_path, "exec sleep 100")

    def ready() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keep_running([late], said, ready)
    assert len(late.begun) == 3
    assert late.child is None


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
