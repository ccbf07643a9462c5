"""Several photos on the page: a strip of them, their turns, and all cut-outs in one file."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import READY_S, Server, encoded, start, stop, wait_until
from PIL import Image
from playwright.sync_api import Browser, Download, Locator, Page, Route, expect
from window import window

from rundir import free_port


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    yield from opened(browser, server.url)


def opened(browser: Browser, url: str) -> Iterator[Page]:
    """The page, on which nothing may fail."""
    with window(browser) as page:
        page.goto(url)
        yield page


def choose(page: Page, photos: dict[str, Image.Image]) -> None:
    files = [{"name": n, "mimeType": "image/png", "buffer": encoded(photo)} for n, photo in photos.items()]
    page.get_by_label(re.compile("^(Choose a photo|Add)$")).set_input_files(files)


def tile(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=re.compile(f"^{re.escape(name)}, "))


def object_called(page: Page, name: str) -> Locator:
    return page.get_by_role("checkbox", name=re.compile(f"^{name}, "))


def saved(page: Page) -> dict[str, Image.Image]:
    """What is in the ZIP of all photos."""
    with page.expect_download() as event:
        page.get_by_role("button", name="Download all as ZIP").click()
    return packed(event.value)


def packed(download: Download) -> dict[str, Image.Image]:
    assert download.suggested_filename == "cut-outs.zip"
    with zipfile.ZipFile(Path(download.path())) as archive:
        assert archive.testzip() is None
        return {name: Image.open(io.BytesIO(archive.read(name))) for name in archive.namelist()}


def test_several_photos_have_their_turn_and_are_saved_together(
    page: Page, chelsea: Image.Image, astronaut: Image.Image
):
    choose(page, {"chelsea.png": chelsea, "astronaut.png": astronaut, "mirrored.png": chelsea.transpose(0)})
    expect(page.get_by_role("img", name="Your photo chelsea.png")).to_be_visible()
    expect(tile(page, "chelsea.png")).to_have_attribute("aria-current", "true")
    for name in ("chelsea.png", "mirrored.png"):
        expect(tile(page, name)).to_have_accessible_name(f"{name}, 1 object")
    page.get_by_label("What to cut out").fill("cat, person")
    page.get_by_role("button", name="Cut out", exact=True).click()
    expect(page.get_by_role("img", name="Cut-out of cat, person")).to_be_visible()
    expect(tile(page, "mirrored.png")).to_have_accessible_name("mirrored.png, cut out, 1 object")
    expect(tile(page, "astronaut.png")).to_have_accessible_name(re.compile(r"^astronaut\.png, cut out, \d"))
    pictures = saved(page)
    assert sorted(pictures) == ["astronaut-person.png", "chelsea-cat.png", "mirrored-cat.png"]
    nose = 225, 150
    assert pictures["chelsea-cat.png"].getpixel(nose) == (*chelsea.getpixel(nose), 255)
    there = chelsea.width - 1 - nose[0], nose[1]
    assert pictures["mirrored-cat.png"].getpixel(there) == (*chelsea.getpixel(nose), 255)
    assert pictures["astronaut-person.png"].getpixel((511, 0))[3] == 0


@pytest.mark.parametrize(("typed", "called"), [("the person", "person"), ("people", "person"), ("", "cut-out")])
def test_files_are_called_after_what_was_found(page: Page, astronaut: Image.Image, typed: str, called: str):
    """Not as it was typed; in the ZIP at once, before the photos are searched."""
    choose(page, {"one.png": astronaut, "two.png": astronaut.transpose(0)})
    page.get_by_label("What to cut out").fill(typed)
    assert sorted(saved(page)) == [f"one-{called}.png", f"two-{called}.png"]
    expect(page.locator("#code-curl")).to_contain_text(f"-o one-{called}.png")
    if typed:
        expect(page.locator("#code-curl")).to_contain_text(f"objects={typed}")  # what the server is asked for
    with page.expect_download() as event:
        page.get_by_role("button", name="Download", exact=True).click()
    assert event.value.suggested_filename == f"one-{called}.png"


def test_a_double_click_does_once_what_a_click_does(page: Page, chelsea: Image.Image):
    page.get_by_role("button", name="Cat", exact=True).dblclick()
    expect(page.get_by_role("checkbox", name=re.compile("^cat"))).to_be_visible()
    expect(page.locator("#strip")).to_be_hidden()  # there is one photo
    choose(page, {"chelsea.png": chelsea})
    page.get_by_label("What to cut out").fill("cat")
    with page.expect_download() as event:
        page.get_by_role("button", name="Download all as ZIP").dblclick()
    assert len(packed(event.value)) == 2


def test_each_photo_keeps_what_was_clicked_in_it(page: Page, chelsea: Image.Image, astronaut: Image.Image):
    choose(page, {"chelsea.png": chelsea, "astronaut.png": astronaut})
    object_called(page, "cat").click()
    expect(page.get_by_role("img", name="Cut-out of cat")).to_be_visible()
    tile(page, "astronaut.png").click()
    expect(page.get_by_role("img", name="Your photo astronaut.png")).to_be_visible()
    expect(page.get_by_role("img", name="Cut-out of cat")).to_be_hidden()
    expect(object_called(page, "person").first).to_have_attribute("aria-checked", "false")
    tile(page, "chelsea.png").click()
    expect(page.get_by_role("img", name="Cut-out of cat")).to_be_visible()
    expect(object_called(page, "cat")).to_have_attribute("aria-checked", "true")


def test_what_was_rubbed_out_of_a_photo_is_saved_with_the_others(
    page: Page, chelsea: Image.Image, astronaut: Image.Image
):
    nose = 225, 150
    choose(page, {"chelsea.png": chelsea, "astronaut.png": astronaut})
    object_called(page, "cat").click()
    expect(page.get_by_role("img", name="Cut-out of cat")).to_be_visible()
    page.get_by_role("button", name="Erase").click()
    expect(page.locator(".brush-picture")).to_be_visible()
    viewer = page.get_by_role("group", name="Cut-out, zoomable")
    viewer.scroll_into_view_if_needed()
    box = viewer.bounding_box()
    assert box is not None
    page.mouse.click(*(box[side] + at * box["width"] / chelsea.width for side, at in zip("xy", nose, strict=True)))
    expect(page.get_by_role("button", name="Undo")).not_to_have_attribute("aria-disabled", "true")
    page.get_by_text("Use it from code", exact=True).click()
    told = page.get_by_text("What the brush did is not part of the request.")
    expect(told).to_be_visible()
    tile(page, "astronaut.png").click()
    expect(page.get_by_role("img", name="Your photo astronaut.png")).to_be_visible()
    object_called(page, "person").first.click()
    expect(page.get_by_role("img", name="Cut-out of person")).to_be_visible()
    expect(told).to_be_hidden()
    page.get_by_label("What to cut out").fill("person")
    assert saved(page)["chelsea-cat.png"].getpixel(nose) == (0, 0, 0, 0)
    tile(page, "chelsea.png").click()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).not_to_have_attribute("aria-disabled", "true")
    undo.click()
    expect(page.get_by_role("button", name="Redo")).to_have_attribute("aria-disabled", "false")
    assert saved(page)["chelsea-cat.png"].getpixel(nose) == (*chelsea.getpixel(nose), 255)


def test_photos_that_come_later_join_the_others(page: Page, chelsea: Image.Image, astronaut: Image.Image):
    choose(page, {"chelsea.png": chelsea})
    expect(object_called(page, "cat")).to_be_visible()
    expect(page.get_by_role("button", name="Download all as ZIP")).to_be_hidden()
    choose(page, {"astronaut.png": astronaut})
    expect(page.get_by_role("img", name="Your photo astronaut.png")).to_be_visible()
    expect(tile(page, "astronaut.png")).to_have_attribute("aria-current", "true")
    expect(tile(page, "chelsea.png")).to_have_accessible_name("chelsea.png, 1 object")


def test_what_cannot_be_cut_is_named_and_holds_up_nothing(page: Page, chelsea: Image.Image, astronaut: Image.Image):
    photos = {"chelsea.png": encoded(chelsea), "broken.png": b"no picture", "astronaut.png": encoded(astronaut)}
    files = [{"name": name, "mimeType": "image/png", "buffer": content} for name, content in photos.items()]
    files.insert(0, {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    page.get_by_label("Choose a photo").set_input_files(files)
    expect(page.get_by_role("alert")).to_contain_text("“notes.txt” is not a photo.")
    expect(tile(page, "broken.png")).to_have_accessible_name("broken.png, failed")
    page.get_by_label("What to cut out").fill("cat")
    pictures = saved(page)
    assert list(pictures) == ["chelsea-cat.png"]
    told = page.get_by_role("alert")
    expect(told).to_contain_text("1 cut-out is in the ZIP.")
    expect(told).to_contain_text("broken.png: The photo cannot be read")
    expect(told).to_contain_text("astronaut.png: Not found in the photo: cat.")


@pytest.mark.parametrize("change", ["an object", "a name", "an option", "its removal", "a stroke", "another photo"])
def test_what_changes_meanwhile_changes_nothing_in_the_zip(
    page: Page, chelsea: Image.Image, astronaut: Image.Image, change: str
):
    held: list[Route] = []
    changed = False
    choose(page, {"chelsea.png": chelsea, "astronaut.png": astronaut})
    expect(object_called(page, "cat")).to_be_visible()
    expect(tile(page, "astronaut.png")).to_have_accessible_name(re.compile(r"^astronaut\.png, \d objects?$"))
    if change == "a stroke":
        object_called(page, "cat").click()
        expect(page.get_by_role("img", name="Cut-out of cat")).to_be_visible()
        page.get_by_role("button", name="Erase").click()
        expect(page.locator(".brush-picture")).to_be_visible()
    else:
        page.get_by_label("What to cut out").fill("cat, person")
    page.route("**/cut", lambda route: route.continue_() if changed else held.append(route))
    with page.expect_download() as event:
        with page.expect_request("**/cut"):
            page.get_by_role("button", name="Download all as ZIP").click()
        match change:
            case "an object":
                object_called(page, "cat").click()
            case "a name":
                page.get_by_label("What to cut out").fill("person")
                page.keyboard.press("Enter")
            case "an option":
                page.get_by_text("White", exact=True).click()
            case "its removal":
                page.get_by_role("button", name="Remove chelsea.png").click()
            case "another photo":
                tile(page, "astronaut.png").click()
            case "a stroke":
                viewer = page.get_by_role("group", name="Cut-out, zoomable")
                viewer.click(position={"x": 60, "y": 60})
                expect(page.get_by_role("button", name="Undo")).not_to_have_attribute("aria-disabled", "true")
        changed = True
        for route in held:
            route.continue_()
    pictures = packed(event.value)
    assert len(pictures) == 2
    assert pictures["chelsea-cat.png"].getpixel((225, 150)) == (*chelsea.getpixel((225, 150)), 255)
    assert pictures["chelsea-cat.png"].getpixel((chelsea.width - 1, 0))[3] == 0


def test_what_is_left_out_of_the_zip_is_told_in_spanish(browser: Browser, server: Server, chelsea: Image.Image):
    for page in opened(browser, f"{server.url}/?lang=es"):
        files = [("chelsea.png", encoded(chelsea)), ("rota.png", b"no picture")]
        page.locator("#file").set_input_files(
            [{"name": name, "mimeType": "image/png", "buffer": content} for name, content in files]
        )
        with page.expect_download() as event:
            page.get_by_role("button", name="Descargar todo en ZIP").click()
        assert list(packed(event.value)) == ["chelsea-cut-out.png"]
        told = page.get_by_role("alert")
        expect(told).to_contain_text("No están en el ZIP:")
        expect(told).to_contain_text("rota.png: No se puede leer")


def test_a_zip_that_cannot_be_made_is_told(page: Page, chelsea: Image.Image, astronaut: Image.Image):
    choose(page, {"chelsea.png": chelsea, "astronaut.png": astronaut})
    page.route("**/zip.js", lambda route: route.abort())
    page.get_by_role("button", name="Download all as ZIP").click()
    expect(page.get_by_role("alert")).to_contain_text("Something on this page did not work.")
    expect(page.get_by_role("button", name="Download all as ZIP")).to_be_visible()


def test_the_strip_by_keys_alone(page: Page, chelsea: Image.Image, astronaut: Image.Image):
    choose(page, {"chelsea.png": chelsea, "astronaut.png": astronaut, "again.png": chelsea})
    tile(page, "chelsea.png").focus()
    page.keyboard.press("ArrowRight")
    expect(tile(page, "astronaut.png")).to_be_focused()
    expect(page.get_by_role("img", name="Your photo astronaut.png")).to_be_visible()
    page.keyboard.press("Delete")
    expect(tile(page, "astronaut.png")).to_have_count(0)
    expect(tile(page, "again.png")).to_be_focused()
    expect(page.get_by_role("img", name="Your photo again.png")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the button that takes it away
    expect(page.get_by_role("img", name="Your photo chelsea.png")).to_be_visible()
    expect(page.get_by_role("button", name="Download all as ZIP")).to_be_hidden()


def test_a_server_that_is_started_again_goes_on(browser: Browser, tmp_path: Path, chelsea: Image.Image):
    port = str(free_port())

    def started() -> tuple:
        process, url, said = start(tmp_path / "run", PORT=port)
        wait_until(lambda: b"Ctrl-C stops it" in said.read_bytes() or process.poll() is not None, READY_S, "the start")
        return process, url.rsplit(":", 1)[0] + f":{port}"

    process, url = started()
    try:
        for page in opened(browser, url):
            choose(page, {"chelsea.png": chelsea})
            expect(object_called(page, "cat")).to_be_visible()
            stop(process)
            object_called(page, "cat").click()
            expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
            expect(page.get_by_role("alert")).to_contain_text("Asking again in")
            process, _ = started()
            expect(page.get_by_role("img", name="Cut-out of cat")).to_be_visible()
            expect(page.get_by_role("alert")).to_be_empty()
    finally:
        stop(process)


def test_the_time_that_a_zip_still_takes_is_told(page: Page, chelsea: Image.Image):
    asked: list[Route] = []

    def cut(route: Route) -> None:
        asked.append(route)
        if len(asked) < 4:
            route.continue_()

    page.route(re.compile("/cut$"), cut)  # no file of the page
    choose(page, {f"{number}.png": chelsea.rotate(number) for number in range(4)})
    expect(tile(page, "3.png")).to_have_accessible_name("3.png, 1 object")
    with page.expect_download() as event:
        page.get_by_role("button", name="Download all as ZIP").click()
        expect(page.get_by_text(re.compile(r"^about \d+ (s|min) left$"))).to_be_visible()
        asked[-1].continue_()
    assert len(packed(event.value)) == 4
    expect(page.get_by_text(re.compile("^about"))).to_be_hidden()
