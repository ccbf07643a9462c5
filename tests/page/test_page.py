"""What a person notices on the page, in a real browser and against the real server."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import PATIENCE_MS, PhotoHost, Server, encoded
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Route, expect
from window import WIDE, choose


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The page, freshly opened. Whatever a test does, nothing goes to another host and nothing fails in the console."""
    asked: list[str] = []
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        # The browser itself reports every refused request; the page answers those of these two in words.
        if message.type in {"error", "warning"} and not message.location["url"].endswith(("/cut", "/detect")):
            complaints.append(message.text)

    with browser.new_context(reduced_motion="reduce", viewport=WIDE) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(server.url)
        yield page
    assert complaints == []
    assert [url for url in asked if not url.removeprefix("blob:").startswith(f"{server.url}/")] == []


def ask_for(page: Page, names: str) -> None:
    page.get_by_label("What to cut out").fill(names)
    page.get_by_role("button", name="Cut out", exact=True).click()


def labels(server: Server) -> dict[str, Any]:
    return httpx.get(f"{server.url}/labels").json()["response"]


def wait_for_names(page: Page) -> None:
    expect(page.get_by_text(re.compile(r"knows \d+ names"))).to_be_visible()


def wait_for_objects(page: Page) -> None:
    expect(page.get_by_text(re.compile(r"\d+ objects? found"))).to_be_visible()
    expect(page.get_by_role("checkbox", name=re.compile("%")).first).to_be_visible()


def cutout(page: Page, names: str) -> Locator:
    return page.get_by_role("img", name=f"Cut-out of {names}", exact=True)


def download(page: Page) -> tuple[str, Image.Image]:
    """The file's name and its picture."""
    with page.expect_download() as event:
        page.get_by_role("button", name="Download", exact=True).click()
    return event.value.suggested_filename, Image.open(io.BytesIO(Path(event.value.path()).read_bytes()))


def assert_shows_chelsea(picture: Image.Image, chelsea: Image.Image) -> None:
    assert (picture.mode, picture.size) == ("RGBA", chelsea.size)
    right = chelsea.width - 1
    assert [picture.getpixel((right, y))[3] for y in (0, chelsea.height // 5)] == [0, 0]
    for nose_and_eyes in ((160, 110), (225, 150), (270, 190)):
        assert picture.getpixel(nose_and_eyes) == (*chelsea.getpixel(nose_and_eyes), 255)


def test_a_chosen_photo_is_cut_out_and_downloaded(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    expect(page.get_by_role("img", name="Your photo chelsea.png")).to_be_visible()
    ask_for(page, "cat")
    expect(cutout(page, "cat")).to_be_visible()
    expect(page.get_by_text(re.compile(r"^1 object, [\d.]+ s$"))).to_be_visible()
    name, picture = download(page)
    assert name == "chelsea-cat.png"
    assert_shows_chelsea(picture, chelsea)


def test_a_click_on_an_object_cuts_it_out(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    wait_for_objects(page)
    cat = page.get_by_role("checkbox", name=re.compile("^cat, "))
    expect(cat).to_have_attribute("aria-checked", "false")
    cat.click()
    expect(cat).to_have_attribute("aria-checked", "true")
    expect(cutout(page, "cat")).to_be_visible()
    page.get_by_text("Use it from code", exact=True).click()
    expect(page.get_by_role("tabpanel")).to_contain_text(re.compile(r"-F pick=\d+ "))
    name, picture = download(page)
    assert name == "chelsea-cat.png"
    assert_shows_chelsea(picture, chelsea)
    cat.click()
    expect(page.get_by_text("The cut-out appears here.")).to_be_visible()


def uploads(page: Page) -> list[str]:
    """The calls that a photo is sent with from now on, by path."""
    sent: list[str] = []
    page.on("request", lambda request: sent.append(urlsplit(request.url).path) if request.method == "POST" else None)
    return sent


@pytest.mark.parametrize("name", ["kitten", "animals", ""])
def test_a_photo_is_sent_once_to_find_objects_and_once_to_cut_what_was_named(
    page: Page, chelsea: Image.Image, name: str
):
    """Even where the server does not tell which objects it took, and even where the page does not know the word."""
    sent = uploads(page)
    page.route("**/cut", lambda route: answer_with_ids(route, None))
    choose(page, encoded(chelsea))
    ask_for(page, name)
    expect(cutout(page, name or "every object")).to_be_visible()
    wait_for_objects(page)
    if name != "animals":
        expect(page.get_by_role("checkbox", name=re.compile("^cat, .*, taken"))).to_be_visible()
    page.get_by_role("button", name="Cut out", exact=True).click()
    expect(page.get_by_role("button", name="Cut out", exact=True)).to_be_enabled()
    download(page)
    assert sorted(sent) == ["/cut", "/detect"]


LARGE = 2**53 - 1
"""As large as ids may be."""


def answer_with_ids(route: Route, ids: str | None) -> None:
    """The server's answer, with other ids of what was cut, or none."""
    reply = route.fetch()
    headers = {name: value for name, value in reply.headers.items() if name != "x-object-ids"}
    route.fulfill(response=reply, headers=headers | ({} if ids is None else {"X-Object-Ids": ids}))


def test_what_the_server_took_is_marked_by_its_ids(page: Page, chelsea: Image.Image):
    """Of two cats side by side the server says which it took, and ids say nothing of any order."""
    both = Image.new("RGB", (2 * chelsea.width, chelsea.height))
    for x in (0, chelsea.width):
        both.paste(chelsea, (x, 0))

    def renumber(route: Route) -> None:
        reply = route.fetch()
        told = reply.json()
        for found in told["response"]["objects"]:
            found["id"] = LARGE - (found["box"][0] + found["box"][2] < both.width)
        route.fulfill(response=reply, json=told)

    page.route("**/detect", renumber)
    page.route("**/cut", lambda route: answer_with_ids(route, f"{LARGE - 1}"))
    choose(page, encoded(both), "cats.png")
    ask_for(page, "animals")
    taken = page.get_by_role("checkbox", name=re.compile("^cat, .*%, taken"))
    expect(taken).to_have_count(1)
    other = page.get_by_role("checkbox", name=re.compile("^cat, .*%, not taken"))
    place, other_place = taken.bounding_box(), other.bounding_box()
    assert place is not None
    assert other_place is not None
    assert place["x"] < other_place["x"]
    page.unroute("**/cut")
    picked: list[str] = []
    page.route("**/cut", lambda route: (picked.append(route.request.post_data or ""), route.abort()))
    other.click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert f"[{LARGE - 1},{LARGE}]" in picked[0]


def test_only_another_object_or_edge_sends_the_photo_again(page: Page, chelsea: Image.Image):
    sent = uploads(page)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    choose(page, encoded(chelsea))
    wait_for_objects(page)
    assert sent == ["/detect"]
    page.get_by_role("checkbox", name=re.compile("^cat, ")).click()
    expect(cutout(page, "cat")).to_be_visible()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
    assert sent == ["/detect", "/cut"]
    page.get_by_role("button", name="Copy", exact=True).first.click()
    expect(page.locator("#cutout").get_by_text("Copied")).to_be_visible()
    download(page)
    assert sent == ["/detect", "/cut"]
    for name in ("White", "Colour", "Blur", "WebP", "JPEG", "None"):
        choose_look(page, name)
        download(page)
    page.get_by_label("Crop to the cut-out").check()
    choose_look(page, "ZIP")
    with page.expect_download() as event:
        page.get_by_role("button", name="Download", exact=True).click()
    assert event.value.suggested_filename == "chelsea-cat.zip"
    assert sent == ["/detect", "/cut"]  # all of that is made on the page
    page.get_by_text("More", exact=True).click()
    with page.expect_response("**/cut"):
        choose_look(page, "Sharp")
    assert sent == ["/detect", "/cut", "/cut"]


def test_another_name_is_taken_while_the_first_is_cut(page: Page, astronaut: Image.Image):
    held: list[Route] = []
    page.route("**/cut", lambda route: held.append(route))
    choose(page, encoded(astronaut), "astronaut.png")
    ask_for(page, "dog")
    expect(page.get_by_role("button", name="Cutting out …")).to_be_visible()
    page.unroute("**/cut")
    page.get_by_label("Remove dog").click()
    page.get_by_label("What to cut out").fill("person")
    page.keyboard.press("Enter")
    expect(cutout(page, "person")).to_be_visible()


def test_a_file_that_is_no_photo_does_not_take_the_cut_out_away(page: Page, chelsea: Image.Image):
    held: list[Route] = []
    page.route("**/cut", lambda route: held.append(route))
    choose(page, encoded(chelsea))
    ask_for(page, "cat")
    expect(page.get_by_role("button", name="Cutting out …")).to_be_visible()
    page.get_by_label("Add", exact=True).set_input_files(
        [{"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"}]
    )
    expect(page.get_by_role("alert")).to_contain_text("“notes.txt” is not a photo.")
    while not held:
        page.wait_for_timeout(50)
    held[0].continue_()
    expect(cutout(page, "cat")).to_be_visible()


def test_a_sample_photo_is_one_click(page: Page):
    page.get_by_role("button", name="Cat", exact=True).click()
    expect(page.get_by_role("img", name="Your photo cat.jpg")).to_be_visible()
    wait_for_objects(page)


def rub(page: Page, width: int, *points: tuple[float, float]) -> None:
    """Erase dabs of the cut-out of a photo this wide, around px of the photo."""
    erase = page.get_by_role("button", name="Erase")
    if erase.get_attribute("aria-pressed") != "true":
        erase.click()
    expect(page.locator(".brush-picture")).to_be_visible()
    viewer = page.get_by_role("group", name="Cut-out, zoomable")
    expect(viewer).not_to_have_attribute("aria-busy", "true")
    viewer.scroll_into_view_if_needed()
    box = viewer.bounding_box()
    assert box is not None
    for x, y in points:
        page.mouse.click(box["x"] + x * box["width"] / width, box["y"] + y * box["width"] / width)
    expect(page.get_by_role("button", name="Undo")).not_to_have_attribute("aria-disabled", "true")


def test_what_the_network_got_wrong_is_rubbed_out_and_undone(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    ask_for(page, "cat")
    expect(cutout(page, "cat")).to_be_visible()
    rub(page, chelsea.width, (225, 150))
    rubbed = download(page)[1]
    assert rubbed.getpixel((225, 150)) == (0, 0, 0, 0)
    page.get_by_role("button", name="Undo").click()
    assert_shows_chelsea(download(page)[1], chelsea)


def alphas(picture: Image.Image, *points: tuple[int, int]) -> list[int]:
    return [picture.getpixel(point)[3] for point in points]


def choose_look(page: Page, name: str) -> None:
    page.get_by_text(name, exact=True).click()
    expect(page.get_by_text(re.compile(r"^1 object, [\d.]+ s$"))).to_be_visible()
    expect(page.get_by_role("button", name="Cut out", exact=True)).to_have_attribute("aria-disabled", "false")


def test_what_was_rubbed_out_stays_out_with_other_edges(page: Page, chelsea: Image.Image):
    nose, eye = (225, 150), (160, 110)
    choose(page, encoded(chelsea))
    ask_for(page, "cat")
    expect(cutout(page, "cat")).to_be_visible()
    wait_for_objects(page)
    rub(page, chelsea.width, nose)
    rubbed = download(page)[1]
    page.get_by_text("More", exact=True).click()
    with page.expect_response("**/cut"):
        choose_look(page, "Sharp")
    expect(page.get_by_text(re.compile(r"^1 object, [\d.]+ s$"))).to_be_visible()
    expect(page.get_by_role("button", name="Cut out", exact=True)).to_have_attribute("aria-disabled", "false")
    expect(page.get_by_role("button", name="Erase")).to_have_attribute("aria-pressed", "true")  # it stays in hand
    rub(page, chelsea.width, eye)
    sharp = download(page)[1]
    assert alphas(sharp, nose, eye) == [0, 0]
    assert sharp.getchannel("A").histogram()[100:200] != rubbed.getchannel("A").histogram()[100:200]  # new edges
    for _ in range(3):  # a stroke, the edges, and the other stroke
        page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("radio", name="Smooth")).to_be_checked()
    assert_shows_chelsea(download(page)[1], chelsea)


ENDINGS = {"PNG": "png", "WebP": "webp", "JPEG": "jpg"}


@pytest.mark.parametrize("kind", ENDINGS)
@pytest.mark.parametrize(
    ("background", "behind"), [("White", (255, 255, 255)), ("Colour", (255, 201, 77)), ("Blur", None), ("None", None)]
)
def test_strokes_are_in_every_file(
    page: Page, chelsea: Image.Image, background: str, behind: tuple[int, int, int] | None, kind: str
):
    nose, eye = (225, 150), (160, 110)
    choose(page, encoded(chelsea))
    wait_for_objects(page)
    ask_for(page, "cat")
    expect(cutout(page, "cat")).to_be_visible()
    rub(page, chelsea.width, nose)
    choose_look(page, background)
    choose_look(page, kind)
    name, picture = download(page)
    assert (name, picture.format, picture.size) == (f"chelsea-cat.{ENDINGS[kind]}", kind.upper(), chelsea.size)
    if behind is None and kind == "JPEG":
        behind = (255, 255, 255) if background == "None" else None
    picture = picture.convert("RGBA")
    assert near(picture.getpixel(eye)[:3], chelsea.getpixel(eye))
    if behind:
        assert near(picture.getpixel(nose)[:3], behind)
    elif background == "None":
        assert alphas(picture, nose) == [0]
    else:  # the photo out of focus, without the nose
        assert alphas(picture, nose) == [255]
        assert not near(picture.getpixel(nose)[:3], chelsea.getpixel(nose), 15)


def near(one: tuple[int, ...], other: tuple[int, ...], most: int = 40) -> bool:
    """Whether two colours are alike: files that lose something may tell a little less of red and blue."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= most


def test_strokes_are_in_what_is_cropped_and_in_the_zip(page: Page, chelsea: Image.Image):
    nose = (225, 150)
    choose(page, encoded(chelsea))
    wait_for_objects(page)
    ask_for(page, "cat")
    expect(cutout(page, "cat")).to_be_visible()
    whole = download(page)[1]
    left, top, _, _ = whole.getchannel("A").getbbox()
    rub(page, chelsea.width, nose)
    page.get_by_label("Crop to the cut-out").check()
    cropped = download(page)[1]
    assert cropped.size == (whole.getchannel("A").getbbox()[2] - left, whole.getchannel("A").getbbox()[3] - top)
    assert cropped.getpixel((nose[0] - left, nose[1] - top)) == (0, 0, 0, 0)
    page.get_by_label("Crop to the cut-out").uncheck()
    choose_look(page, "ZIP")
    with page.expect_download() as event:
        page.get_by_role("button", name="Download", exact=True).click()
    with zipfile.ZipFile(event.value.path()) as archive:
        alpha = Image.open(io.BytesIO(archive.read("alpha.png")))
        colours = Image.open(io.BytesIO(archive.read("cutout.jpg")))
    assert (alpha.mode, alpha.size, colours.mode, colours.size) == ("L", chelsea.size, "RGB", chelsea.size)
    assert [alpha.getpixel(each) for each in (nose, (160, 110), (chelsea.width - 1, 0))] == [0, 255, 0]
    assert near(colours.getpixel(nose), (0, 0, 0))


@pytest.mark.parametrize(
    ("clicks", "fields"),
    [
        (["White"], {"background": "white"}),
        (["Colour"], {"background": "#ffc94d"}),
        (["Colour", "Crop to the cut-out"], {"background": "#ffc94d", "crop": "true"}),
        (["Crop to the cut-out"], {"crop": "true"}),
        (["White", "JPEG"], {"background": "white", "format": "jpeg"}),
        (["Blur"], {"background": "blur"}),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_the_page_makes_the_picture_that_the_server_would(
    page: Page, server: Server, chelsea: Image.Image, clicks: list[str], fields: dict[str, str]
):
    choose(page, encoded(chelsea))
    wait_for_objects(page)
    ask_for(page, "cat")
    expect(cutout(page, "cat")).to_be_visible()
    for name in clicks:
        choose_look(page, name)
    if "crop" in fields:
        page.get_by_label("Margin", exact=True).fill("7")
        page.get_by_label("Margin", exact=True).press("Tab")
        fields = {**fields, "margin": "7%"}
    _, made = download(page)
    reply = httpx.post(
        f"{server.url}/cut",
        files={"image_file": encoded(chelsea)},
        data={"objects": "cat", **fields},
        headers={"Accept": "image/*"},
        timeout=60,
    )
    theirs = Image.open(io.BytesIO(reply.content))
    assert (made.format, made.mode, made.size) == (theirs.format, theirs.mode, theirs.size)
    off = np.abs(np.asarray(made, np.int16) - np.asarray(theirs, np.int16))
    if fields.get("format") == "jpeg" or fields.get("background") == "blur":
        assert off.mean() < 2
    else:
        assert off.max() <= 1


def test_what_is_shown_is_what_is_saved(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    wait_for_objects(page)
    ask_for(page, "cat")
    expect(cutout(page, "cat")).to_be_visible()
    page.get_by_label("Crop to the cut-out").check()
    choose_look(page, "Colour")
    made = download(page)[1].convert("RGB")
    page.get_by_role("button", name="Actual size, 100 %").click()
    page.evaluate("document.activeElement.blur()")
    viewer = page.get_by_role("group", name="Cut-out, zoomable")
    viewer.scroll_into_view_if_needed()
    world, port = page.locator(".viewer-world").bounding_box(), viewer.bounding_box()
    assert world is not None
    assert port is not None
    left, top = max(world["x"], port["x"]), max(world["y"], port["y"])
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for x in range(20, 200, 30):
        for y in range(20, 120, 20):
            there = round(left - world["x"]) + x, round(top - world["y"]) + y
            assert near(shot.getpixel((round(left) + x, round(top) + y)), made.getpixel(there)), (x, y)


def test_what_is_drawn_before_the_brush_is_ready_is_not_lost(page: Page, chelsea: Image.Image):
    large = chelsea.resize((4 * chelsea.width, 4 * chelsea.height))
    choose(page, encoded(large), "large.png")
    wait_for_objects(page)
    ask_for(page, "cat")
    expect(cutout(page, "cat")).to_be_visible()
    viewer = page.get_by_role("group", name="Cut-out, zoomable")
    viewer.scroll_into_view_if_needed()
    box = viewer.bounding_box()
    assert box is not None
    page.get_by_role("button", name="Erase").click()
    nose = (4 * 225, 4 * 150)
    page.mouse.click(*(box[side] + at * box["width"] / large.width for side, at in zip("xy", nose, strict=True)))
    expect(page.get_by_role("button", name="Undo")).not_to_have_attribute("aria-disabled", "true")
    assert alphas(download(page)[1], nose) == [0]


def test_the_strokes_of_a_photo_are_forgotten_with_it(page: Page, chelsea: Image.Image, astronaut: Image.Image):
    choose(page, encoded(chelsea))
    wait_for_objects(page)
    ask_for(page, "cat")
    expect(cutout(page, "cat")).to_be_visible()
    rub(page, chelsea.width, (225, 150))
    choose(page, encoded(astronaut), "astronaut.png")
    choose(page, encoded(chelsea))
    wait_for_objects(page)
    ask_for(page, "cat")
    expect(cutout(page, "cat")).to_be_visible()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
    assert_shows_chelsea(download(page)[1], chelsea)


def test_what_was_rubbed_out_stays_out_when_another_object_is_taken(page: Page, chelsea: Image.Image):
    both = Image.new("RGB", (2 * chelsea.width, chelsea.height))
    for x in (0, chelsea.width):
        both.paste(chelsea, (x, 0))
    nose, eye, other_nose = (225, 150), (160, 110), (225 + chelsea.width, 150)
    choose(page, encoded(both), "cats.png")
    wait_for_objects(page)
    cats = page.get_by_role("checkbox", name=re.compile("^cat, "))
    left, right = sorted(cats.all(), key=lambda cat: cat.bounding_box()["x"])
    left.click()
    expect(cutout(page, "cat")).to_be_visible()
    rub(page, both.width, nose)
    assert alphas(download(page)[1], nose, eye, other_nose) == [0, 255, 0]
    right.click()
    expect(page.get_by_text(re.compile(r"^2 objects, "))).to_be_visible()
    assert alphas(download(page)[1], nose, eye, other_nose) == [0, 255, 255]
    for told in ([0, 255, 0], [255, 255, 0]):  # first the other cat, then the stroke
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_text(re.compile(r"^1 object, "))).to_be_visible()
        expect(page.get_by_role("button", name="Cut out", exact=True)).to_have_attribute("aria-disabled", "false")
        assert alphas(download(page)[1], nose, eye, other_nose) == told


def test_a_zip_holds_colours_and_transparency(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    page.get_by_text("ZIP", exact=True).click()
    ask_for(page, "cat")
    expect(cutout(page, "cat")).to_be_visible()
    with page.expect_download() as event:
        page.get_by_role("button", name="Download", exact=True).click()
    assert event.value.suggested_filename == "chelsea-cat.zip"
    with zipfile.ZipFile(event.value.path()) as archive:
        assert sorted(archive.namelist()) == ["alpha.png", "cutout.jpg"]


def test_a_cropped_cut_out_before_a_colour(page: Page, astronaut: Image.Image):
    choose(page, encoded(astronaut), "astronaut.png")
    page.get_by_label("Crop to the cut-out").check()
    page.get_by_text("Colour", exact=True).click()
    ask_for(page, "person")
    expect(cutout(page, "person")).to_be_visible()
    picture = download(page)[1]
    assert picture.width < astronaut.width
    assert picture.convert("RGB").getpixel((picture.width - 1, 0)) == (255, 201, 77)


def test_the_code_for_what_is_on_the_screen(page: Page, server: Server, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    ask_for(page, "cat")
    expect(cutout(page, "cat")).to_be_visible()
    page.get_by_text("Use it from code", exact=True).click()
    shown = page.get_by_role("tabpanel").inner_text()
    for part in (f"curl {server.url}/cut", "image_file=@chelsea.png", "objects=cat"):
        assert part in shown


def test_the_page_speaks_spanish(browser: Browser, server: Server):
    with browser.new_context(locale="es-ES") as context:
        page = context.new_page()
        page.goto(server.url)
        expect(page.get_by_role("heading", name="Nombra un objeto")).to_be_visible()
        assert page.evaluate("document.documentElement.lang") == "es"


def test_a_photo_is_dropped_anywhere(page: Page, chelsea: Image.Image):
    transfer = page.evaluate_handle(
        """base64 => {
            const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "kitchen floor.png", { type: "image/png" }));
            return transfer;
        }""",
        base64.b64encode(encoded(chelsea)).decode(),
    )
    for event in ("dragover", "drop"):
        page.get_by_role("contentinfo").dispatch_event(event, {"dataTransfer": transfer})
    expect(page.get_by_text("kitchen floor.png")).to_be_visible()
    ask_for(page, "kitten")
    expect(cutout(page, "kitten")).to_be_visible()
    assert download(page)[0] == "kitchen floor-cat.png"  # as its class is called


def test_a_photo_is_named_by_its_address(page: Page, photo_host: PhotoHost, chelsea: Image.Image):
    (photo_host.folder / "on the web.png").write_bytes(encoded(chelsea))
    address = page.get_by_label("or its web address")
    address.fill(f"{photo_host.url}/on%20the%20web.png")
    address.press("Enter")
    expect(cutout(page, "every object")).to_be_visible()
    expect(page.get_by_text("The server fetches this photo")).to_be_visible()
    name, picture = download(page)
    assert name == "on the web-cut-out.png"
    assert_shows_chelsea(picture, chelsea)


@pytest.mark.parametrize(
    ("asked", "told", "offer", "then"),
    [
        ("kat", "No object is called “kat”", "cat", "cat"),
        ("Kat, people", "No object is called “kat”", "cat", "cat, people"),
        ("dog", "Not found in the photo: dog.", "cat", "cat"),
    ],
)
def test_a_name_that_fails_is_replaced_by_what_is_offered(
    page: Page, chelsea: Image.Image, asked: str, told: str, offer: str, then: str
):
    choose(page, encoded(chelsea))
    ask_for(page, asked)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(told)
    alert.get_by_role("button", name=offer, exact=True).click()
    expect(cutout(page, then)).to_be_visible()
    expect(alert).to_be_empty()
    expect(page.get_by_label("Names to cut out").get_by_role("listitem")).to_have_text(then.split(", "))


@pytest.mark.parametrize("name", ["unicorn", "dog"], ids=["unknown", "not there"])
def test_a_name_that_cannot_be_cut_out_leaves_the_cut_out_that_is_there(page: Page, chelsea: Image.Image, name: str):
    choose(page, encoded(chelsea))
    page.get_by_role("checkbox", name=re.compile("^cat")).click()
    expect(cutout(page, "cat")).to_be_visible()
    ask_for(page, name)
    expect(page.get_by_role("alert")).to_contain_text(name)
    expect(cutout(page, "cat")).to_be_visible()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
    expect(page.get_by_role("checkbox", name=re.compile("^cat"))).to_have_attribute("aria-checked", "true")
    page.get_by_label("What to cut out").blur()
    page.keyboard.press("Control+z")
    expect(page.get_by_text("The cut-out appears here.")).to_be_visible()  # there was none before the cat's


def test_an_unknown_name_without_a_likeness_leads_to_the_known_ones(page: Page, server: Server, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    ask_for(page, "xyzzy")
    page.get_by_role("alert").get_by_role("button", name="Show the known names").click()
    expect(page.locator("[role=option] span")).to_have_text(offered(labels(server)))


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("hors", ["horse"]), ("kitt", ["catkitten"]), ("cat, SOF", ["couchsofa"]), ("tv s", ["tvtv set"])],
)
def test_known_names_are_offered_while_typing(page: Page, chelsea: Image.Image, typed: str, offered: list[str]):
    wait_for_names(page)
    choose(page, encoded(chelsea))
    page.get_by_label("What to cut out").fill(typed)
    options = page.get_by_role("listbox").get_by_role("option")
    expect(options).to_have_text(offered)
    options.click()
    expect(page.get_by_role("listbox")).to_be_hidden()


def offered(model: dict[str, Any]) -> list[str]:
    """The classes, first the one that is in the photo."""
    return sorted(model["classes"], key=lambda name: name != "cat")


def test_names_that_the_model_finds_or_cuts_badly_are_marked(page: Page, server: Server, chelsea: Image.Image):
    wait_for_names(page)
    choose(page, encoded(chelsea))
    wait_for_objects(page)
    page.get_by_label("What to cut out").press("ArrowDown")
    model = labels(server)
    figures = [model["card"]["cut_outs"][name] for name in offered(model)]
    marks = ["often missed" if f["found"] < 0.7 else "rough cut-outs" if f["iou"] < 0.7 else "" for f in figures]
    assert 0 < sum(map(bool, marks)) < len(marks) / 2
    expect(page.locator("[role=option] small")).to_have_text(marks)


@pytest.mark.parametrize(
    ("name", "kind", "content", "told"),
    [
        ("notes.txt", "text/plain", b"no picture", "“notes.txt” is not a photo."),
        ("empty.png", "image/png", b"", "“empty.png” is empty."),
        ("huge.png", "image/png", bytes(20_000_001), "“huge.png” has 20.0 MB; at most 20 MB are accepted."),
    ],
    ids=["text", "empty", "huge"],
)
def test_a_file_that_cannot_be_a_photo_is_told_at_once(page: Page, name: str, kind: str, content: bytes, told: str):
    page.get_by_label("Choose a photo").set_input_files([{"name": name, "mimeType": kind, "buffer": content}])
    expect(page.get_by_role("alert")).to_contain_text(told)


def test_a_damaged_photo_is_told_by_the_server(page: Page):
    choose(page, b"no picture", "damaged.png")
    expect(page.get_by_role("alert")).to_contain_text("The photo cannot be read")
    expect(page.locator("#photo")).to_contain_text("This photo cannot be shown.")
    ask_for(page, "cat")
    expect(page.get_by_role("alert")).to_contain_text("The photo cannot be read")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("ftp://example.org/cat.jpg", "This is not a web address."),
        ("http://10.0.0.1/cat.jpg", "must be a public http or https address"),
    ],
)
def test_a_photo_that_cannot_be_had_is_told(page: Page, address: str, told: str):
    page.get_by_label("or its web address").fill(address)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text(told)
    expect(page.get_by_role("heading", name="Name an object")).to_be_visible()  # where another can be chosen


def test_a_lost_connection_is_told_and_the_cut_goes_on_with_the_next(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    wait_for_objects(page)
    page.context.set_offline(True)
    ask_for(page, "cat")
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    expect(page.get_by_text(re.compile(r"^\d s$"))).to_be_visible()  # until it asks again
    page.context.set_offline(False)
    expect(cutout(page, "cat")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_empty()


def test_the_background_becomes_white(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    ask_for(page, "cat")
    expect(cutout(page, "cat")).to_be_visible()
    page.get_by_text("White", exact=True).click()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
    picture = download(page)[1].convert("RGBA")
    assert picture.getpixel((chelsea.width - 1, 0)) == (255, 255, 255, 255)
    assert picture.getpixel((225, 150)) == (*chelsea.getpixel((225, 150)), 255)


def test_another_photo_takes_the_old_cutout_away(page: Page, chelsea: Image.Image, astronaut: Image.Image):
    choose(page, encoded(chelsea))
    ask_for(page, "cat")
    expect(cutout(page, "cat")).to_be_visible()
    choose(page, encoded(astronaut), "astronaut.png")
    expect(cutout(page, "cat")).to_be_hidden()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_hidden()


def test_progress_is_said_and_the_button_waits(page: Page, chelsea: Image.Image):
    page.evaluate(
        """() => {
            window.seen = [];
            const [status, button] = [document.querySelector("[role=status]"), document.querySelector("[type=submit]")];
            const note = () => window.seen.push([status.textContent, button.ariaDisabled]);
            const watch = new MutationObserver(note);
            watch.observe(status, { childList: true });
            watch.observe(button, { attributes: true });
        }"""
    )
    choose(page, encoded(chelsea))
    ask_for(page, "cat")
    expect(page.get_by_role("status")).to_have_text("The cut-out is ready: 1 object.")
    expect(page.get_by_role("button", name="Cut out", exact=True)).to_be_enabled()
    assert ["Cutting out …", "true"] in page.evaluate("window.seen")


def test_the_keyboard_is_enough(page: Page, chelsea: Image.Image):
    chosen = {"name": "chelsea.png", "mimeType": "image/png", "buffer": encoded(chelsea)}
    # Long before the key: the browser opens its own dialog until it has learned that somebody listens.
    page.on("filechooser", lambda chooser: chooser.set_files([chosen]))
    wait_for_names(page)
    keys = page.keyboard

    def tab_to(target: Locator) -> None:
        keys.press("Tab")
        expect(target).to_be_focused()

    tab_to(page.get_by_role("link", name="API docs"))
    tab_to(page.get_by_label("Choose a photo"))
    tab_to(page.get_by_label("or its web address"))
    for sample in ("Astronaut", "Cat"):
        tab_to(page.get_by_role("button", name=sample))
    page.get_by_label("Choose a photo").focus()
    keys.press("Enter")
    expect(page.get_by_text("chelsea.png", exact=True)).to_be_visible()
    wait_for_objects(page)
    tab_to(page.get_by_role("checkbox", name=re.compile("^cat, ")))
    tab_to(page.get_by_role("button", name="Draw a box"))
    tab_to(page.get_by_label("Add", exact=True))
    tab_to(page.get_by_label("Replace", exact=True))
    tab_to(page.get_by_role("button", name="Add by web address"))
    tab_to(page.get_by_label("What to cut out"))
    keys.type("kitt")
    keys.press("ArrowDown")
    keys.press("Enter")  # takes the suggestion
    keys.press("Enter")  # cuts
    expect(cutout(page, "cat")).to_be_visible()
    tab_to(page.get_by_role("button", name="Cut out", exact=True))
    tab_to(page.get_by_role("button", name="cat", exact=True))
    page.get_by_role("checkbox", name=re.compile("cat, .*, taken")).focus()
    keys.press("Space")
    expect(cutout(page, "cat")).to_be_hidden()
    keys.press("Space")
    expect(cutout(page, "cat")).to_be_visible()
    page.get_by_role("button", name="Download").focus()
    with page.expect_download() as event:
        keys.press("Enter")
    assert event.value.suggested_filename == "chelsea-cat.png"


@pytest.mark.parametrize("width", [320, 375, 768, 1280, 2560])
def test_nothing_is_wider_than_the_window(page: Page, chelsea: Image.Image, width: int):
    page.set_viewport_size({"width": width, "height": 800})
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) == 0
    choose(page, encoded(chelsea), f"{'a very long name ' * 8}.png")
    ask_for(page, f"cat, {'q' * 90}")
    expect(page.get_by_role("alert")).to_contain_text("No object is called")
    assert page.evaluate(overflow) == 0
    page.get_by_label(f"Remove {'q' * 90}").click()
    page.get_by_role("button", name="Cut out", exact=True).click()
    expect(cutout(page, "cat")).to_be_visible()
    assert page.evaluate(overflow) == 0


def test_the_page_says_which_model_runs_and_how_to_get_the_full_one(page: Page, server: Server):
    told = labels(server)
    model = page.get_by_role("region", name="Model")
    expect(model).to_contain_text(f"{told['model']} on the CPU, knows {len(told['classes'])} names.")
    expect(model).to_contain_text(told["note"].replace("`", ""))


def test_the_docs_are_one_click_away(page: Page):
    page.get_by_role("link", name="API docs").click()
    expect(page.get_by_role("heading", name="ObjectCut")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_out(
    browser: Browser, server: Server, chelsea: Image.Image, scheme: Literal["light", "dark"]
):
    """By axe-core's rules for WCAG 2.2, level AA: with nothing chosen yet, and with a cut-out and every fold open."""
    # The content policy refuses what axe-core adds to the page to look at it.
    with browser.new_context(reduced_motion="reduce", color_scheme=scheme, bypass_csp=True) as context:
        page = context.new_page()
        page.goto(server.url)
        wait_for_names(page)
        assert violations(page) == []
        choose(page, encoded(chelsea))
        ask_for(page, "cat")
        expect(cutout(page, "cat")).to_be_visible()
        for fold in ("More", "Use it from code"):
            page.get_by_text(fold, exact=True).click()
        assert violations(page) == []


def violations(page: Page) -> list[str]:
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = Axe().run(page, options={"runOnly": rules}).response["violations"]
    return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]
