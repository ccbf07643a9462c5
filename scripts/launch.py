"""Launch what a program looks at: an ObjectCut server, and a browser for its page."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from child import Child
from rundir import ROOT, RunDir, free_port

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell")
"""Programs that can show the page, the best first."""
_READY = re.compile("Ctrl-C stops it")
_START_S, _STOP_S = 240.0, 60.0


class Failed(Exception):
    """Something did not start or did not answer as it should; the message says what it said."""


@dataclass(frozen=True)
class Server:
    """A running ObjectCut with the bundled model, and the seconds that it took to start."""

    url: str
    run: RunDir
    ready: float


@contextmanager
def running(
    variables: Mapping[str, str] | None = None,
    host: str = "127.0.0.1",
    within: Sequence[str] = (),
    root: Path = ROOT,
) -> Iterator[Server]:
    """Run a server on free ports, with a run folder of its own, while the block runs.

    Args:
        variables: of its environment, beside those of this process.
        host: address that it listens on.
        within: a command before its own, which runs what follows.
        root: the checkout that is run.

    Raises:
        Failed: it did not start.
    """
    with tempfile.TemporaryDirectory(prefix="objectcut-bench-", ignore_cleanup_errors=True) as folder:
        port = free_port()
        command = [*within, sys.executable, str(root / "scripts" / "serve.py"), f"--host={host}", f"--port={port}"]
        environment = {**os.environ, "MODEL": "bundled", "WORKERS": "1", "OBJECTCUT_RUN_DIR": folder}
        environment.update(variables or {})
        start = time.perf_counter()
        process = Child("the server", command, environment, root, Path(folder) / "said.txt")
        try:
            while not process.wrote(_READY):
                if process.ended() or time.perf_counter() > start + _START_S:
                    raise Failed(f"the server did not start: {process.last_words()}")
                time.sleep(0.05)
            yield Server(f"http://{host}:{port}", RunDir(Path(folder)), time.perf_counter() - start)
        finally:
            process.stop(_STOP_S)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium without a window while the block runs.

    Raises:
        Failed: there is none on this machine.
    """
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise Failed("Chromium is missing. Install it: `apt-get install chromium`, or Google Chrome.")
    with sync_playwright() as play, play.chromium.launch(executable_path=path, args=["--no-sandbox"]) as browser:
        yield browser
