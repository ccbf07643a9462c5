#!/usr/bin/env python3
"""Make the virtual environment that `make` uses. Needs Python 3.10 or newer, nothing else.

`setup.py` installs what serving needs, from requirements.lock. `setup.py dependencies` and `setup.py project` do the
same in two steps, for the layers of an image; `setup.py dependencies cpu` takes PyTorch's wheels without CUDA, which
saves 4 GB. `setup.py tests` adds what tests and benchmarks need, from requirements-dev.lock.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
UV = "uv==0.13.9"  # installs 6 GB in seconds where pip needs minutes


def without_cuda(lock: str) -> tuple[str, list[str]]:
    """Return a lock without PyTorch and what only PyTorch needs for CUDA, and the lines that pin PyTorch.

    PyTorch's wheels without CUDA come from its own index, and have other hashes.
    """
    pins = re.split(r"^(?=\S)", lock, flags=re.MULTILINE)
    rest = [pin for pin in pins if not re.match(r"(torch|torchvision|triton|(cuda|nvidia)-[\w-]+)==", pin)]
    pytorch = [pin.partition(" \\")[0] for pin in pins if re.match(r"(torch|torchvision)==", pin)]
    return "".join(rest), pytorch


def main(part: str, device: str = "gpu") -> int:
    # This program runs before there is a choice of Python, so the check is not as idle as it looks.
    if sys.version_info < (3, 10):  # noqa: UP036
        print(
            f"ObjectCut needs Python 3.10 or newer, this is {sys.version.split()[0]}. Try: make PYTHON=python3.12 serve"
        )
        return 1
    python = VENV / "bin" / "python"
    uv = [str(python), "-m", "uv", "pip", "install", "--python", str(python)]
    lock = (ROOT / "requirements.lock").read_text()
    pinned, pytorch = without_cuda(lock) if device == "cpu" else (lock, [])
    steps = {
        "environment": [sys.executable, "-m", "venv", str(VENV)],
        "uv": [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV],
        "dependencies": [*uv, "--require-hashes", "-r", "-"],
        "pytorch": [*uv, "--no-deps", "--torch-backend", "cpu", *pytorch],
        "tests": [*uv, "--require-hashes", "-r", str(ROOT / "requirements-dev.lock")],
        "project": [*uv, "--quiet", "--no-deps", "--no-build-isolation", "--editable", str(ROOT)],
    }
    first = ["environment", "uv", "dependencies", *(["pytorch"] if device == "cpu" else [])]
    wanted = {"all": [*first, "project"], "dependencies": first, "project": ["project"], "tests": ["tests"]}
    if part not in wanted:
        print(f"There is no part '{part}': choose one of {', '.join(wanted)}.")
        return 2
    if device not in {"gpu", "cpu"}:
        print(f"There are no packages for '{device}': choose gpu or cpu.")
        return 2
    if part == "tests":
        print("Adding what tests and benchmarks need to .venv. This is done once.", flush=True)
    else:
        size = {"gpu": "6 GB", "cpu": "1 GB"}[device]
        print(f"Setting up .venv: about {size}, most of it PyTorch. This is done once.", flush=True)
    for step in wanted[part]:
        if subprocess.run(steps[step], input=pinned, text=True, check=False).returncode:
            if step == "environment":
                print("Python's venv module is not complete. On Debian and Ubuntu: apt install python3-venv")
            print(f"The set-up failed at '{step}'; the lines above say why. Run the same command again to go on.")
            return 1
    (VENV / ("installed-tests" if part == "tests" else "installed")).touch()
    return 0


if __name__ == "__main__":
    sys.exit(main(*(sys.argv[1:] or ["all"])))
