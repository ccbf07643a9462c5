#!/usr/bin/env python3
"""Tell whether the parts of a container do their work, by the exit status: 0 is yes.

The gateway shall answer, TorchServe shall have a worker that is ready, and both together shall cut photos.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from readiness import answers, has_worker
from rundir import RunDir

PARTS = ("all", "torchserve", "gateway")
_FIRST = Path("/proc/1/cmdline")


def running(command: bytes) -> str:
    """Return which parts a container runs, by the command line of its first process, in the kernel's form."""
    words = command.decode(errors="replace").split("\0")
    return next((part for part in PARTS if part in words), "all")


def healthy(part: str, port: int) -> bool:
    """Return whether a part of the server with this public port does its work."""
    if part == "torchserve":
        return has_worker(RunDir.of(port))
    return answers(f"http://127.0.0.1:{port}/health/{'live' if part == 'gateway' else 'ready'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="?", choices=PARTS, help="which (default: what process 1 was told to run)")
    parser.add_argument("--port", type=int, default=os.environ.get("PORT") or 8000, help="public port (PORT)")
    options = parser.parse_args()
    return 0 if healthy(options.parts or running(_FIRST.read_bytes()), options.port) else 1


if __name__ == "__main__":
    raise SystemExit(main())
