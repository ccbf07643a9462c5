"""The bulk job where Ray is not installed."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import ROOT

from cut_many import _reason


def test_without_ray_it_says_how_to_get_it() -> None:
    script = ROOT / "scripts" / "cut_many.py"
    lines = [
        "import runpy, sys",
        f"sys.path.insert(0, {str(script.parent)!r})",
        "sys.modules['ray'] = None",  # as if it were not installed
        f"sys.argv = [{str(script)!r}, 'photos', '--out', 'cuts']",
        f"runpy.run_path({str(script)!r}, run_name='__main__')",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'objectcut[bulk]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (
            "ray::Map() (pid=7)\n  File 'x.py'\nOSError: [Errno 28] No space left on device\n\nTo change that, try.",
            "OSError: [Errno 28] No space left on device",
        ),
        (
            "ray.exceptions.UserCodeException: no\nbotocore.exceptions.ClientError: denied\n",
            "botocore.exceptions.ClientError: denied",
        ),
        ("Ray does not start.\nIt timed out.", "It timed out."),
    ],
)
def test_of_what_ray_tells_the_cause_is_shown(told: str, reason: str) -> None:
    assert _reason(told) == reason
