"""The keys of the editor and the dialog that tells them, in a real browser and against the real server."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from conftest import Server, encoded
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from window import choose, window


@pytest.fixture
def page(browser: Browser, server: Server, chelsea: Image.Image) -> Iterator[Page]:
    """The page in the window of a laptop, with a cut-out that is there."""
    with window(browser, viewport={"width": 1366, "height": 768}) as page:
        page.goto(server.url)
        choose(page, encoded(chelsea))
        page.locator("#photo [role=checkbox]").first.click()
        expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
        yield page


def tool(page: Page, name: str) -> Locator:
    return page.locator("#tools").get_by_role("button", name=name)


def test_single_keys_press_the_tools(page: Page):
    photo = page.get_by_role("button", name="Photo", exact=True)
    photo.click()
    page.keyboard.press("e")
    expect(page.get_by_role("button", name="Cut-out", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(tool(page, "Erase")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("f")
    expect(tool(page, "Follow edges")).to_have_attribute("aria-pressed", "true")
    size = page.get_by_role("slider", name="Brush size")
    before = float(size.input_value())
    page.keyboard.press("]")
    assert float(size.input_value()) > before
    page.keyboard.press("b")
    expect(tool(page, "Bring back")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("c")
    expect(tool(page, "Compare")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("v")
    expect(photo).to_have_attribute("aria-pressed", "true")


def test_what_is_typed_is_no_shortcut(page: Page):
    page.get_by_role("button", name="Photo", exact=True).click()
    name = page.get_by_role("combobox", name="What to cut out")
    name.focus()
    page.keyboard.type("be?")
    expect(name).to_have_value("be?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name="Photo", exact=True)).to_have_attribute("aria-pressed", "true")


def test_strokes_are_undone_wherever_the_focus_is(page: Page):
    page.keyboard.press("e")
    expect(page.locator(".brush-picture")).to_be_visible()
    place = page.locator(".viewer-port").bounding_box()
    assert place is not None
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 40, y)
    page.mouse.up()
    expect(tool(page, "Undo")).to_have_attribute("aria-disabled", "false")
    page.get_by_role("button", name="Download", exact=True).focus()
    page.keyboard.press("Control+z")
    expect(tool(page, "Redo")).to_have_attribute("aria-disabled", "false")
    page.keyboard.press("Control+Shift+Z")
    expect(tool(page, "Redo")).to_have_attribute("aria-disabled", "true")


def test_the_help_switches_single_keys_off_for_good(page: Page):
    page.locator("#stage").focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_contain_text("Erase")
    dialog.get_by_role("checkbox", name=re.compile("Single keys")).uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.keyboard.press("e")
    page.keyboard.press("?")
    expect(tool(page, "Erase")).to_have_attribute("aria-pressed", "false")
    expect(dialog).to_have_count(0)
    page.reload()
    assert page.evaluate("localStorage.getItem('objectcut-single-keys')") == "off"


@pytest.mark.parametrize(("language", "title"), [("es", "Teclado"), ("de", "Tastatur"), ("fr", "Clavier")])
def test_the_help_is_in_the_language_of_the_page(
    page: Page, server: Server, language: str, title: str, chelsea: Image.Image
):
    page.goto(f"{server.url}/?lang={language}")
    page.locator("#file").set_input_files([{"name": "a.png", "mimeType": "image/png", "buffer": encoded(chelsea)}])
    page.get_by_role("button", name=title).click()
    rows = page.get_by_role("dialog", name=title).locator("dt")
    english = {"Zoom in", "Download", "Undo", "Turn to the photo or the cut-out", "Put the brush away"}
    assert not english & set(rows.all_text_contents())
