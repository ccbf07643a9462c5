#!/usr/bin/env python3
"""Take pictures of the page in its main states: on a phone, a laptop and a wide screen, light and dark, in both
languages, from right to left, with errors and with a brush at work.

  screenshots.py [--screens NAME ...] [--out DIR]     starts a server and a Chromium of its own and stops both

docs/page.png, the README's picture, is one of them and is made anew with the others.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page
from rich.console import Console

from benchmark.photos import photographs
from build_mar import ROOT
from launch import Failed, chromium, running

_PATIENCE_MS = 60_000


@dataclass(frozen=True)
class Screen:
    """What the page is looked at with."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"]
    language: str
    direction: Literal["ltr", "rtl"] = "ltr"

    @property
    def phone(self) -> bool:
        return self.width < 640


SCREENS = (
    Screen("laptop", 1280, 800, "light", "en"),
    Screen("laptop-dark-spanish", 1366, 768, "dark", "es"),
    Screen("laptop-rtl", 1280, 800, "light", "en", "rtl"),
    Screen("phone", 390, 844, "light", "en"),
    Screen("phone-dark-spanish", 360, 740, "dark", "es"),
    Screen("phone-rtl", 360, 740, "light", "en", "rtl"),
    Screen("wide", 2560, 1300, "light", "en"),
    Screen("wide-dark", 2560, 1300, "dark", "en"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [screen.name for screen in SCREENS]
    parser.add_argument("--screens", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--url", help="of a page that is running already")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots", help="folder for the pictures")
    options = parser.parse_args()
    console = Console(stderr=True, markup=False)
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        with nullcontext() if options.url else running() as server, chromium() as browser:
            for screen in SCREENS:
                if screen.name in options.screens:
                    console.print(f"{screen.name}: {screen.width} x {screen.height}")
                    _take(browser, server.url if server else options.url, screen, options.out)
    except Failed as error:
        console.print(str(error), style="red")
        return 1
    if options.screens == names:
        shutil.copy(options.out / "laptop-cutout.png", ROOT / "docs" / "page.png")
    return 0


def _take(browser: Browser, url: str, screen: Screen, out: Path) -> None:
    """The page as it opens, with the objects of a photo outlined, one of them cut out and drawn on, with errors, and
    with several photos."""
    with browser.new_context(
        viewport={"width": screen.width, "height": screen.height},
        color_scheme=screen.scheme,
        locale=screen.language,
        reduced_motion="reduce",
        is_mobile=screen.phone,
        has_touch=screen.phone,
    ) as context:
        page = context.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        page.goto(url, wait_until="networkidle")
        page.evaluate("(direction) => { document.documentElement.dir = direction; }", screen.direction)
        _save(page, screen, out, "start")
        text = FilePayload(name="notes.txt", mimeType="text/plain", buffer=b"no photo")
        page.locator("#file").set_input_files(text)
        page.locator("#notice .notice").wait_for()
        _save(page, screen, out, "no-photo")
        files = [_file(photo, f"{number}.jpg") for number, photo in enumerate(photographs()[:3])]
        woman, others = files[0], files[1:]
        page.locator("#file").set_input_files({**woman, "name": "astronaut.jpg"})
        objects = page.locator("#photo [role=checkbox]")
        objects.first.wait_for()
        page.evaluate("scrollTo(0, 0)")
        _save(page, screen, out, "objects")
        objects.first.dispatch_event("click")
        page.locator("#outputs").wait_for()
        _turn(page, "cutout")
        page.evaluate("document.activeElement.blur(), scrollTo(0, 0)")
        _save(page, screen, out, "cutout")
        _draw(page)
        _save(page, screen, out, "brush")
        page.locator("#name").fill("kat")
        page.locator("#cut").click()
        page.locator("#notice .notice").wait_for()
        _save(page, screen, out, "unknown-name")
        page.locator("#file").set_input_files(others)
        page.locator("#strip").wait_for()
        objects.first.wait_for()
        page.wait_for_load_state("networkidle")
        page.evaluate("scrollTo(0, 0)")
        _save(page, screen, out, "several")


def _file(photo: Image.Image, name: str) -> FilePayload:
    content = io.BytesIO()
    photo.convert("RGB").save(content, "JPEG", quality=95)
    return FilePayload(name=name, mimeType="image/jpeg", buffer=content.getvalue())


def _turn(page: Page, view: str) -> None:
    """Show the photo or the cut-out, where the window has no room for both."""
    button = page.locator(f"#views [data-view={view}]")
    if button.is_visible():
        button.click()


def _draw(page: Page) -> None:
    """A stroke that brings some of the photo back."""
    page.locator(".tool-add").click()
    page.locator(".brush-picture").wait_for()
    port = page.locator(".viewer-port")
    port.scroll_into_view_if_needed()
    place = port.bounding_box()
    assert place is not None
    for share in (0.1, 0.3):
        page.mouse.move(place["x"] + share * place["width"], place["y"] + share * place["height"], steps=10)
        page.mouse.down()
    page.mouse.up()


def _save(page: Page, screen: Screen, out: Path, state: str) -> None:
    """The window; on a phone, where little fits into one, the whole page."""
    if screen.phone:  # by a high window: a full-page picture would show the page as it is without touch
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": screen.width, "height": height})
    page.screenshot(path=out / f"{screen.name}-{state}.png")
    page.set_viewport_size({"width": screen.width, "height": screen.height})


if __name__ == "__main__":
    sys.exit(main())
