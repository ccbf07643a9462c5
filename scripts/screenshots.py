#!/usr/bin/env python3
"""Take pictures of the page in its main states, at the sizes of a phone, a laptop and a wide screen.

  screenshots.py [--out DIR]     starts a server and a Chromium of its own and stops both

docs/page.png, the README's picture, is one of them.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, FilePayload, Page, sync_playwright
from rich.console import Console

from benchmark.photos import photographs
from benchmark.server import Failed, running
from build_mar import ROOT

_PATIENCE_MS = 60_000


@dataclass(frozen=True)
class Screen:
    """What the page is looked at with."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"]
    language: str


SCREENS = (
    Screen("laptop", 1280, 800, "light", "en"),
    Screen("phone", 390, 844, "light", "en"),
    Screen("phone-dark-spanish", 360, 740, "dark", "es"),
    Screen("wide-dark", 2560, 1300, "dark", "en"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots", help="folder for the pictures")
    options = parser.parse_args()
    console = Console(stderr=True, markup=False)
    found = [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
    if not found:
        console.print("Chromium is missing. Install it: `apt-get install chromium`, or Google Chrome.", style="red")
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        with running() as server, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=found[0], args=["--no-sandbox"])
            for screen in SCREENS:
                console.print(f"{screen.name}: {screen.width} x {screen.height}")
                _take(browser, server.url, screen, options.out)
            browser.close()
    except Failed as error:
        console.print(str(error), style="red")
        return 1
    shutil.copy(options.out / "laptop-cutout.png", ROOT / "docs" / "page.png")
    return 0


def _take(browser: Browser, url: str, screen: Screen, out: Path) -> None:
    """The page as it opens, with the objects of a photo outlined, and with one of them cut out."""
    with browser.new_context(
        viewport={"width": screen.width, "height": screen.height},
        color_scheme=screen.scheme,
        locale=screen.language,
        reduced_motion="reduce",
    ) as context:
        page = context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        page.goto(url, wait_until="networkidle")
        _save(page, screen, out, "start")
        photo = io.BytesIO()
        photographs()[0].convert("RGB").save(photo, "JPEG", quality=95)
        chosen = FilePayload(name="astronaut.jpg", mimeType="image/jpeg", buffer=photo.getvalue())
        page.locator("#file").set_input_files(chosen)
        objects = page.locator("#photo [role=checkbox]")
        objects.first.wait_for()
        _save(page, screen, out, "objects")
        objects.first.dispatch_event("click")
        page.locator("#outputs").wait_for()
        page.evaluate("document.activeElement.blur()")
        _save(page, screen, out, "cutout")


def _save(page: Page, screen: Screen, out: Path, state: str) -> None:
    """The window; on a phone, where little fits into one, the whole page."""
    page.screenshot(path=out / f"{screen.name}-{state}.png", full_page=screen.width < 1000)


if __name__ == "__main__":
    sys.exit(main())
