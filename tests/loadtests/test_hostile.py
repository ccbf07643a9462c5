"""What hostile requests cost is told, and each must be refused."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from conftest import ROOT

from hostile import Cost


def test_a_server_refuses_what_is_made_to_cost_it_much() -> None:
    sent = (
        "12 MP JPEG of 1,000 more scans",
        "JSON, 9 million deep",
        "announced 30 MB, sent nothing",
        "200,000 headers",
    )
    done = subprocess.run(
        [sys.executable, str(ROOT / "loadtests" / "hostile.py"), "--only", *sent],
        env={**os.environ, "PYTHONPATH": str(ROOT / "scripts")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (*sent, "Within 100 ms:", "Passed."):
        assert words in done.stdout


@pytest.mark.parametrize(
    ("status", "shaped", "refused"), [(400, True, True), (413, False, False), (200, True, False), (0, False, False)]
)
def test_only_an_error_of_the_senders_is_a_refusal(status: int, shaped: bool, refused: bool) -> None:
    assert Cost("a file", 1, status, shaped, 0.1, 0).refused == refused
