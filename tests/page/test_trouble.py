"""What a person is told when something that the page waits for fails or never comes, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from conftest import Server, encoded
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect
from window import choose, window


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The page, freshly opened, whose time can be put forward. No script may fail unheard."""
    with window(browser) as page:
        page.clock.install()
        page.goto(server.url)
        expect(page.get_by_text(re.compile(r"knows \d+ names"))).to_be_visible()
        yield page


def cut_out(page: Page) -> None:
    page.get_by_label("What to cut out").fill("cat")
    page.get_by_role("button", name="Cut out", exact=True).click()


def hold(held: list[Route], route: Route) -> None:
    held.append(route)


@pytest.mark.parametrize("how", ["fails", "never comes"])
def test_without_the_worker_for_outlines_photos_are_cut_all_the_same(page: Page, chelsea: Image.Image, how: str):
    held: list[Route] = []
    page.route("**/maskworker.js", lambda route: route.abort() if how == "fails" else hold(held, route))
    choose(page, encoded(chelsea))
    cut_out(page)
    if how == "never comes":
        expect(page.get_by_text("1 object found.")).to_be_visible()
        page.clock.fast_forward(20_000)
    expect(page.get_by_role("img", name="Cut-out of cat")).to_be_visible()
    expect(page.get_by_text("1 object found. Type its name to cut it out.")).to_be_visible()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()


@pytest.mark.parametrize("how", ["fails", "never comes"])
def test_without_the_worker_for_strokes_the_cut_out_stays(page: Page, chelsea: Image.Image, how: str):
    held: list[Route] = []
    page.route("**/brushworker.js", lambda route: route.abort() if how == "fails" else hold(held, route))
    choose(page, encoded(chelsea))
    cut_out(page)
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
    viewer = page.get_by_role("group", name="Cut-out, zoomable")
    page.get_by_role("button", name="Erase").click()
    if how == "never comes":
        expect(viewer).to_have_attribute("aria-busy", "true")
        page.clock.fast_forward(20_000)
    expect(viewer).not_to_have_attribute("aria-busy", "true")
    expect(page.get_by_role("button", name="Erase")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_text("This cut-out cannot be edited now.")).to_be_visible()
    with page.expect_download() as event:
        page.get_by_role("button", name="Download", exact=True).click()
    assert event.value.suggested_filename == "chelsea-cat.png"


def test_a_server_that_falls_silent_is_told(page: Page, chelsea: Image.Image):
    held: list[Route] = []
    page.route("**/cut", lambda route: hold(held, route) if not held else route.continue_())
    choose(page, encoded(chelsea))
    expect(page.get_by_role("checkbox", name=re.compile("^cat, "))).to_be_visible()
    with page.expect_request("**/cut"):
        cut_out(page)
    page.clock.fast_forward(150_000)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The server cannot be reached.")
    alert.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("img", name="Cut-out of cat")).to_be_visible()


@pytest.mark.parametrize("how", ["fails", "never comes"])
def test_a_part_of_the_page_that_is_missing_is_told(page: Page, chelsea: Image.Image, how: str):
    held: list[Route] = []
    page.route("**/studio.js", lambda route: route.abort() if how == "fails" else hold(held, route))
    with page.expect_request("**/studio.js"):
        page.get_by_label("Choose a photo").set_input_files(
            [{"name": "chelsea.png", "mimeType": "image/png", "buffer": encoded(chelsea)}]
        )
    if how == "never comes":
        page.clock.fast_forward(10_000)
    expect(page.get_by_role("alert")).to_contain_text("A part of this page could not be loaded.")
    for route in held:  # late, yet all goes on
        route.continue_()
        expect(page.get_by_role("checkbox", name=re.compile("^cat, "))).to_be_visible()
        expect(page.get_by_role("alert")).to_be_empty()


def test_a_browser_that_refuses_a_copy_is_told(page: Page, chelsea: Image.Image):
    page.evaluate(
        "() => { navigator.clipboard.write = async () => { throw new DOMException('', 'NotAllowedError'); }; }"
    )
    choose(page, encoded(chelsea))
    cut_out(page)
    page.locator("#copy").click()
    expect(page.get_by_role("alert")).to_contain_text("Your browser does not allow this here.")


def test_a_file_that_the_server_does_not_give_is_told(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    cut_out(page)
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
    page.route("**/cut", lambda route: route.fulfill(status=418, body="a proxy's own words"))
    page.get_by_text("More", exact=True).click()
    page.get_by_text("Sharp", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("The server’s answer cannot be read (HTTP 418).")  # noqa: RUF001


def test_what_nobody_foresaw_is_told(browser: Browser, server: Server):
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(server.url)
        expect(page.get_by_role("heading").first).to_be_visible()
        page.evaluate("() => { Promise.reject('unheard of'); }")
        expect(page.get_by_role("alert")).to_contain_text("Something on this page did not work.")
