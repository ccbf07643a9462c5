#!/usr/bin/env python3
"""Make the virtual environment that `make` uses, from requirements.lock. Needs Python 3.10 or newer, nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
UV = "uv==0.13.9"  # installs 6 GB in seconds where pip needs minutes


def main() -> int:
    # This program runs before there is a choice of Python, so the check is not as idle as it looks.
    if sys.version_info < (3, 10):  # noqa: UP036
        print(
            f"ObjectCut needs Python 3.10 or newer, this is {sys.version.split()[0]}. Try: make PYTHON=python3.12 serve"
        )
        return 1
    python = VENV / "bin" / "python"
    print("Setting up .venv: about 6 GB, most of it PyTorch. This is done once.", flush=True)
    if subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False).returncode:
        print("Python's venv module is not complete. On Debian and Ubuntu: apt install python3-venv")
        return 1
    uv = [str(python), "-m", "uv", "pip", "install", "--python", str(python)]
    steps = (
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV],
        [*uv, "--require-hashes", "-r", str(ROOT / "requirements.lock")],
        # The stages become importable, from where they lie.
        [*uv, "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)],
    )
    for step in steps:
        if subprocess.run(step, check=False).returncode:
            print("The set-up failed; the lines above say why. Run the same command again to go on.")
            return 1
    (VENV / "installed").touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
