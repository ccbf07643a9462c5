"""Photos that this browser cannot show, and those that the server would refuse, in a real browser."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import Server, encoded
from PIL import Image
from pillow_heif import register_heif_opener
from playwright.sync_api import Browser, Download, Page, expect
from window import choose, laptop, window

register_heif_opener()
CORNER = 430, 20  # where there is no cat


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    with window(browser) as page:
        page.goto(server.url)
        yield page


def saved(download: Download) -> bytes:
    return Path(download.path()).read_bytes()


def test_a_background_that_was_chosen_before_holds_for_such_a_photo_as_well(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    page.get_by_role("checkbox", name=re.compile("^cat, ")).click()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
    page.get_by_text("Blur", exact=True).click()
    choose(page, encoded(chelsea, "HEIF", quality=90), "phone.heic", "image/heic")
    page.get_by_label("What to cut out").fill("cat")
    page.get_by_role("button", name="Cut out", exact=True).click()
    with page.expect_download() as event:
        page.get_by_role("button", name="Download all as ZIP").click()
    with zipfile.ZipFile(io.BytesIO(saved(event.value))) as archive:
        pictures = [Image.open(io.BytesIO(archive.read(name))) for name in sorted(archive.namelist())]
    drawn, made = (np.array(picture.convert("RGBA").getpixel(CORNER), int) for picture in pictures)
    assert drawn[3] == 255
    assert np.abs(drawn - made).max() < 20  # HEIC loses something


def test_too_many_pixels_are_made_fewer_by_the_page(browser: Browser, server: Server, chelsea: Image.Image):
    with laptop(browser, server.url) as page:
        large = chelsea.resize((6300, 4191))
        choose(page, encoded(large, "JPEG", quality=80), "large.jpg", "image/jpeg")
        expect(page.get_by_text("6130 × 4078 px, made smaller")).to_be_visible()  # noqa: RUF001
        page.get_by_role("checkbox", name=re.compile("^cat, ")).click()
        expect(page.get_by_role("button", name="Bring back parts of the photo")).not_to_have_attribute(
            "aria-disabled", "true"
        )
        with page.expect_download() as event:
            page.get_by_role("button", name="Download", exact=True).click()
        assert Image.open(io.BytesIO(saved(event.value))).size == (6130, 4078)
        expect(page.get_by_role("alert")).to_be_empty()


def test_too_many_bytes_are_made_fewer_by_the_page(page: Page, chelsea: Image.Image):
    heavy = encoded(chelsea.resize((3200, 2129)), "PNG", compress_level=0)
    choose(page, heavy, "heavy.png")
    expect(page.get_by_text("3200 × 2129 px, made smaller")).to_be_visible()  # noqa: RUF001
    expect(page.get_by_role("checkbox", name=re.compile("^cat, "))).to_be_visible()
