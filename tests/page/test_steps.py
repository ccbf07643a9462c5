"""Whatever a person does to a photo is undone, and done again, in a real browser and against the real server."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from conftest import Server, encoded
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from window import choose, laptop


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    with laptop(browser, server.url) as page:
        yield page


def tool(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def background(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name="Background").get_by_role("radio", name=name)


def settled(page: Page) -> None:
    expect(page.locator("#cut")).to_have_attribute("aria-disabled", "false")


def test_every_choice_is_undone_and_done_again(page: Page, astronaut: Image.Image):
    choose(page, encoded(astronaut))
    person = page.locator("#listed").get_by_role("button", name="person", exact=True)
    person.click()
    download = tool(page, "Download")
    expect(download).to_be_visible()
    page.get_by_text("White", exact=True).click()
    page.get_by_text("JPEG", exact=True).click()
    settled(page)
    page.keyboard.press("Control+z")
    expect(page.get_by_role("radio", name="PNG")).to_be_checked()
    expect(background(page, "White")).to_be_checked()
    tool(page, "Undo").click()
    expect(background(page, "None")).to_be_checked()
    tool(page, "Undo").click()
    expect(person).to_have_attribute("aria-pressed", "false")
    expect(download).to_be_hidden()
    for _ in range(3):
        page.keyboard.press("Control+Shift+z")
    expect(person).to_have_attribute("aria-pressed", "true")
    expect(background(page, "White")).to_be_checked()
    expect(page.get_by_role("radio", name="JPEG")).to_be_checked()
    expect(download).to_be_visible()
    settled(page)
    with page.expect_download() as event:
        download.click()
    with Image.open(event.value.path()) as picture:
        assert picture.format == "JPEG"
        assert picture.getpixel((5, 5)) == (255, 255, 255)
    expect(tool(page, "Redo")).to_have_attribute("aria-disabled", "true")


def test_strokes_and_choices_are_undone_in_the_order_in_which_they_were_made(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    page.get_by_role("checkbox", name=re.compile("^cat")).click()
    expect(tool(page, "Download")).to_be_visible()
    settled(page)
    tool(page, "Erase").click()
    place = page.locator(".viewer-port").bounding_box()
    assert place is not None
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=4)
    page.mouse.up()
    page.get_by_text("White", exact=True).click()
    settled(page)
    tool(page, "Undo").click()
    expect(background(page, "None")).to_be_checked()

    def alpha() -> int:
        with page.expect_download() as event:
            tool(page, "Download").click()
        with Image.open(event.value.path()) as picture:
            return picture.getchannel("A").getpixel((picture.width // 2, picture.height // 2))

    settled(page)
    assert alpha() == 0
    tool(page, "Undo").click()
    expect(tool(page, "Redo")).to_have_attribute("aria-disabled", "false")
    assert alpha() == 255


def test_each_photo_has_its_own_steps(page: Page, chelsea: Image.Image, astronaut: Image.Image):
    choose(page, encoded(chelsea))
    page.get_by_role("checkbox", name=re.compile("^cat")).click()
    expect(tool(page, "Undo")).to_have_attribute("aria-disabled", "false")
    choose(page, encoded(astronaut), "another.png")
    page.get_by_role("checkbox", name=re.compile("^person")).click()
    expect(tool(page, "Download")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(page.locator("#listed [aria-pressed=true]")).to_have_count(0)
    page.keyboard.press("Control+z")
    page.get_by_role("button", name=re.compile(r"^chelsea\.png")).first.click()
    expect(page.locator("#listed [aria-pressed=true]")).to_have_count(1)


def test_what_a_message_offers_is_a_step(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    expect(page.get_by_text("1 object found.")).to_be_visible()
    page.get_by_role("combobox").fill("dog")
    page.get_by_role("button", name="Cut out", exact=True).click()
    page.get_by_role("alert").get_by_role("button", name="cat").click()
    expect(tool(page, "Download")).to_be_visible()
    settled(page)
    page.keyboard.press("Control+z")
    expect(page.get_by_role("alert")).to_contain_text("Not found in the photo: dog.")
