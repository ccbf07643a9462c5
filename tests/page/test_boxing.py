"""Objects without a name: boxes that people draw, and how sure the model must be, against the real server."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
from conftest import Server, encoded, sample
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from window import choose, laptop


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    with laptop(browser, server.url) as page:
        yield page


def tool(page: Page) -> Locator:
    return page.get_by_role("button", name="Draw a box").first


def field(page: Page) -> Locator:
    return page.get_by_role("application", name=re.compile("^Box around an object"))


def drag(page: Page, x0: float, y0: float, x1: float, y1: float) -> None:
    """Draw a box; shares of the photo's sides."""
    place = field(page).bounding_box()
    assert place is not None
    left, top, width, height = (place[name] for name in ("x", "y", "width", "height"))
    page.mouse.move(left + x0 * width, top + y0 * height)
    page.mouse.down()
    page.mouse.move(left + x1 * width, top + y1 * height, steps=4)
    page.mouse.up()


def kept(page: Page) -> np.ndarray:
    """The alpha of the cut-out that is saved."""
    with page.expect_download() as event:
        page.get_by_role("button", name="Download", exact=True).click()
    return np.array(Image.open(event.value.path()).getchannel("A"))


def test_what_a_box_is_drawn_around_is_cut_out(page: Page, astronaut: Image.Image):
    choose(page, encoded(astronaut))
    tool(page).click()
    drag(page, 0.3, 0.02, 0.62, 0.32)  # the head
    drawn = page.get_by_role("checkbox", name=re.compile("^object, .*taken$"))
    expect(drawn).to_have_attribute("aria-checked", "true")
    expect(field(page)).to_be_hidden()
    alpha = kept(page)
    inside = alpha[20:150, 170:300]
    assert (inside > 127).mean() > 0.4
    alpha[:200, 120:350] = 0  # the box, and some px around it, which edges may need
    assert not (alpha > 127).any()


def test_only_the_keys_begin_with_a_box(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    tool(page).click()
    expect(field(page)).to_be_visible()
    frame = page.locator(".boxing-frame")
    expect(frame).to_be_hidden()
    page.keyboard.press("ArrowLeft")
    expect(frame).to_be_visible()


def test_a_box_and_an_object_with_a_name_are_cut_out_together(page: Page, astronaut: Image.Image):
    choose(page, encoded(astronaut))
    page.get_by_role("checkbox", name=re.compile("^person")).click()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
    person = kept(page)
    page.get_by_role("button", name="Photo", exact=True).click()
    tool(page).click()
    drag(page, 0.75, 0.1, 0.98, 0.62)  # the shuttle
    expect(page.locator("#listed [aria-pressed=true]")).to_have_count(2)
    page.get_by_text("Use it from code", exact=True).click()
    expect(page.get_by_role("tabpanel")).to_contain_text(re.compile(r"-F pick=\d+ .*-F box=384,51,502,317", re.DOTALL))
    expect(page.locator("#cut")).to_have_attribute("aria-disabled", "false")
    both = kept(page)
    assert (both > 127).sum() > (person > 127).sum()
    assert both[person > 200].mean() > 200


def test_a_box_by_keys_alone(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    tool(page).focus()
    page.keyboard.press("Enter")
    expect(field(page)).to_be_focused()
    for key in ("ArrowLeft", "ArrowUp", "Shift+ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    expect(field(page)).to_contain_text("23%, top 23%, 52% wide, 52% high")
    page.keyboard.press("Enter")
    expect(page.locator("#listed").get_by_role("button", name="object", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    page.get_by_role("button", name="Photo", exact=True).click()
    tool(page).click()
    page.keyboard.press("Escape")
    expect(field(page)).to_be_hidden()
    expect(tool(page)).to_be_focused()


def test_a_name_that_is_not_in_the_photo_leads_to_a_box(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    expect(page.get_by_text("1 object found.")).to_be_visible()
    page.get_by_role("combobox").fill("person")
    page.get_by_role("button", name="Cut out", exact=True).click()
    page.get_by_role("alert").get_by_role("button", name="Draw a box").click()
    expect(field(page)).to_be_focused()


def test_another_photo_puts_the_tool_away(page: Page, chelsea: Image.Image, astronaut: Image.Image):
    choose(page, encoded(chelsea))
    tool(page).click()
    expect(field(page)).to_be_visible()
    choose(page, encoded(astronaut), "another.png")
    expect(page.get_by_role("checkbox", name=re.compile("^person"))).to_be_visible()
    expect(field(page)).to_be_hidden()


def test_a_lower_certainty_finds_more(page: Page):
    choose(page, encoded(sample("coffee")))
    objects = page.locator("#photo [role=checkbox]")
    expect(objects.first).to_be_visible()
    sure = objects.count()
    page.get_by_text("More", exact=True).click()
    slider = page.get_by_role("slider", name="Certainty, at least")
    expect(slider).to_have_attribute("aria-valuetext", "50%")
    slider.fill("5")
    expect(objects).not_to_have_count(sure)
    assert objects.count() > sure
    slider.fill("50")
    expect(objects).to_have_count(sure)


def test_an_object_that_is_not_certain_enough_is_left_out(page: Page):
    choose(page, encoded(sample("coffee")))
    page.get_by_role("checkbox", name=re.compile("^dining table")).click()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
    page.get_by_text("More", exact=True).click()
    page.get_by_role("slider", name="Certainty, at least").fill("95")
    expect(page.get_by_text("No object was found that the model knows.")).to_be_attached()
    expect(page.get_by_role("alert")).to_be_empty()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_hidden()
