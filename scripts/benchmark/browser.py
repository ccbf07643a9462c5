"""The browser that the programs look at the page with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from benchmark.server import Failed

_NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Chromium without a window, that ends with the block.

    Raises:
        Failed: there is none on this machine.
    """
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        raise Failed("Chromium is missing. Install it: `apt-get install chromium`, or Google Chrome.")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=path, args=["--no-sandbox"]) as browser,
    ):
        yield browser
