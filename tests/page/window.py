"""What most tests of the page begin with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from conftest import PATIENCE_MS
from playwright.sync_api import Browser, Page, expect

WIDE = {"width": 1920, "height": 1080}
"""A window in which photo and cut-out are side by side; in a narrower one a button turns from one to the other."""


@contextmanager
def window(browser: Browser, **options: object) -> Iterator[Page]:
    """A window, with playwright's options for one, in which no script may fail unheard."""
    failures: list[str] = []
    with browser.new_context(**{"reduced_motion": "reduce", "viewport": WIDE, **options}) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: failures.append(str(error)))
        yield page
    assert failures == []


@contextmanager
def laptop(browser: Browser, url: str) -> Iterator[Page]:
    """The page of a server, which has told its model, in the window of a laptop."""
    with window(browser, viewport={"width": 1366, "height": 768}) as page:
        page.goto(url)
        expect(page.get_by_text(re.compile(r"knows \d+ names"))).to_be_visible()
        yield page


def choose(page: Page, content: bytes, name: str = "chelsea.png", kind: str = "image/png") -> None:
    """Choose a photo, and wait until it is there."""
    page.get_by_label(re.compile("^(Choose a photo|Add)$")).set_input_files(
        [{"name": name, "mimeType": kind, "buffer": content}]
    )
    expect(page.get_by_text(name, exact=True)).to_be_visible()
