"""The drills say what happened, and fail when the server did not stand a fault."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from ran import passed

import drills
from drills import Drill, Skipped
from launch import Failed


def test_a_worker_that_is_killed_takes_no_photo_with_it() -> None:
    said = passed("drills.py", "--only", "worker killed")
    for words in ("worker killed", "6 x 200", "cuts again after", "OK"):
        assert words in said


def _raises(error: Exception) -> Callable[[], str]:
    def run() -> str:
        raise error

    return run


@pytest.mark.parametrize(
    ("run", "status", "said"),
    [
        (lambda: "6 x 200", 0, ("OK after", "6 x 200", "Passed.")),
        (_raises(Failed("the whole server ended")), 1, ("failed after", "the whole server ended", "Failed: 1 of 1.")),
        (_raises(ConnectionResetError()), 1, ("failed after", "ConnectionResetError")),
        (_raises(Skipped("that takes root")), 0, ("skipped after", "that takes root")),
    ],
)
def test_the_verdict(
    run: Callable[[], str],
    status: int,
    said: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(drills, "DRILLS", (Drill("a fault", "something is done", run),))
    monkeypatch.setattr(sys, "argv", ["drills.py"])
    assert drills.main() == status
    told = capsys.readouterr().out
    for words in ("a fault", "something is done", *said):
        assert words in told
