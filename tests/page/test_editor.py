"""The page as an editor: what stands where in which window, in a real browser and against the real server."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
from conftest import Server, encoded, wait_until
from PIL import Image
from playwright.sync_api import Browser, Dialog, Locator, Page, expect
from scipy import ndimage
from window import choose, laptop, window

LAPTOPS = [(1366, 768), (1440, 900)]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The page in the window of a laptop, in which nothing may fail."""
    with laptop(browser, server.url) as page:
        yield page


@pytest.fixture
def cat_and_woman(chelsea: Image.Image, astronaut: Image.Image) -> bytes:
    """A photo of 4:3, as most cameras make them."""
    both = Image.new("RGB", (800, 600))
    both.paste(astronaut.resize((400, 600), box=(0, 0, 341, 512)), (0, 0))
    both.paste(chelsea.resize((400, 600), box=(100, 0, 300, 300)), (400, 0))
    return encoded(both, "JPEG", quality=95)


def cutout(page: Page) -> Locator:
    return page.get_by_role("img", name=re.compile("^Cut-out of"))


def objects(page: Page) -> Locator:
    return page.locator("#photo [role=checkbox]")


def box(place: Locator) -> dict[str, float]:
    found = place.bounding_box()
    assert found is not None
    return found


@pytest.mark.parametrize(("width", "height"), LAPTOPS)
def test_the_picture_takes_the_room_and_everything_stands_beside_it(
    page: Page, cat_and_woman: bytes, width: int, height: int
):
    page.set_viewport_size({"width": width, "height": height})
    choose(page, cat_and_woman, "both.jpg", "image/jpeg")
    expect(objects(page)).to_have_count(2)
    expect(page.get_by_role("heading", name="Name an object")).to_be_hidden()
    objects(page).first.click()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
    page.get_by_role("button", name="Cut-out", exact=True).click()
    assert box(page.locator(".viewer-port"))["width"] >= 0.6 * width
    picture, tools = box(page.locator(".viewer-port")), box(page.locator("#tools"))
    assert picture["y"] + picture["height"] <= tools["y"]
    for part in ("#names", "#look", "#from-code", "#outputs", "#tools"):
        inside = box(page.locator(part))
        assert inside["x"] + inside["width"] <= width, part
        assert inside["y"] + inside["height"] <= height, part
    assert page.locator(".controls").evaluate("(panel) => panel.scrollHeight - panel.clientHeight") == 0
    assert page.evaluate("scrollY") == 0


def test_on_a_phone_the_photo_is_the_screen_and_the_rest_a_sheet_below(
    browser: Browser, server: Server, cat_and_woman: bytes
):
    with window(browser, **PHONE) as page:
        page.goto(server.url)
        choose(page, cat_and_woman, "both.jpg", "image/jpeg")
        expect(objects(page)).to_have_count(2)
        photo, sheet = box(page.locator("#photo .canvas")), box(page.locator(".panel"))
        assert photo["width"] == 390
        assert photo["y"] >= 0
        assert photo["y"] + photo["height"] <= sheet["y"]
        assert sheet["y"] + sheet["height"] <= 844
        objects(page).first.tap()
        download = page.get_by_role("button", name="Download", exact=True)
        expect(download).to_be_visible()
        assert box(download)["y"] + box(download)["height"] <= 844
        page.get_by_role("button", name="Cut-out", exact=True).tap()
        tools = box(page.locator("#tools"))
        assert photo["y"] + photo["height"] <= tools["y"]
        assert tools["y"] + tools["height"] <= box(page.locator(".panel"))["y"]


def test_every_control_is_large_enough_for_a_finger(browser: Browser, server: Server, cat_and_woman: bytes):
    with window(browser, **PHONE) as page:
        page.goto(server.url)
        choose(page, cat_and_woman, "both.jpg", "image/jpeg")
        expect(objects(page)).to_have_count(2)
        page.get_by_role("button", name="Cut out", exact=True).tap()
        expect(cutout(page)).to_be_visible()
        small = page.evaluate(
            """() => [...document.querySelectorAll("main button, main label.button, main summary, main select")]
                .filter((control) => control.checkVisibility() && !control.closest(".chip-list, #strip, #code"))
                .filter((control) => control.getBoundingClientRect().height < 44)
                .map((control) => control.outerHTML)"""
        )
        assert small == []


@pytest.mark.parametrize("language", ["en", "es", "de", "fr"])
def test_all_tools_are_in_sight_on_a_phone_and_stay_where_they_are(
    browser: Browser, server: Server, cat_and_woman: bytes, language: str
):
    with window(browser, **PHONE) as page:
        page.goto(f"{server.url}/?lang={language}")
        page.locator("#file").set_input_files([{"name": "a.jpg", "mimeType": "image/jpeg", "buffer": cat_and_woman}])
        expect(objects(page)).to_have_count(2)  # the page is an editor, and no longer moves
        page.locator("#cut").tap()
        expect(page.locator("#download")).to_be_visible()
        tools, erase = page.locator("#tools :is(button, input)"), page.locator(".tool-erase")
        places = "(tools) => tools.map((tool) => tool.getBoundingClientRect().toJSON())"
        for width, height in ((390, 844), (360, 640), (844, 390)):
            page.set_viewport_size({"width": width, "height": height})
            before = tools.evaluate_all(places)
            assert len(before) == 11
            for place in before:
                assert min(place["width"], place["height"]) >= 44
                assert place["left"] >= 0
                assert place["right"] <= box(page.locator("#cutout"))["x"] + box(page.locator("#cutout"))["width"]
                assert place["bottom"] <= height
            assert len({place["top"] // 10 for place in before}) == 2
            assert page.locator("#tools span").evaluate_all(
                "(words) => words.every((word) => word.scrollWidth <= word.parentElement.clientWidth)"
            )
            picture = box(page.locator(".viewer-port"))
            assert picture["height"] > height / 4
            erase.tap()
            expect(page.locator(".tool-edges")).to_be_visible()
            assert tools.evaluate_all(places) == before
            assert box(page.locator(".viewer-port")) == picture
            erase.tap()


@pytest.mark.parametrize(("width", "height"), [(640, 400), (600, 375), (320, 256)], ids=["200 %", "213 %", "400 %"])
def test_photo_and_tools_are_of_use_in_a_page_that_is_zoomed(
    browser: Browser, server: Server, cat_and_woman: bytes, width: int, height: int
):
    """As WCAG 2.2 has it, success criterion 1.4.10: nothing is lost, and the page is scrolled one way at most."""
    with window(browser, viewport={"width": width, "height": height}) as page:
        page.goto(server.url)
        choose(page, cat_and_woman, "both.jpg", "image/jpeg")
        expect(objects(page)).to_have_count(2)
        assert box(page.locator("#photo svg"))["height"] >= 150
        objects(page).first.click()
        download = page.get_by_role("button", name="Download", exact=True)
        download.scroll_into_view_if_needed()
        assert box(download)["y"] + box(download)["height"] <= height
        page.get_by_role("button", name="Cut-out", exact=True).click()
        assert box(page.locator(".viewer-port"))["height"] >= 150
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("language", ["en", "es", "de", "fr"])
def test_busy_words_stand_beside_their_spinner_and_leave_the_name_room(
    browser: Browser, server: Server, chelsea: Image.Image, language: str
):
    with window(browser, viewport={"width": 1280, "height": 800}) as page:
        page.route("**/cut", lambda _: None)  # never answered
        page.goto(f"{server.url}/?lang={language}")
        name = {"name": "man-street-of-town.png", "mimeType": "image/png", "buffer": encoded(chelsea)}
        page.locator("#file").set_input_files([name])
        expect(page.locator("#file-name")).to_be_visible()
        assert box(page.locator("#file-name"))["width"] >= 76
        cut = page.locator("#cut")
        cut.click()
        expect(cut).to_have_attribute("aria-disabled", "true")
        words = cut.locator("#cut-label").evaluate(
            """(label) => {
                const range = document.createRange();
                range.selectNodeContents(label);
                return range.getBoundingClientRect().toJSON();
            }"""
        )
        spinner = box(cut.locator(".spinner"))
        assert spinner["x"] + spinner["width"] <= words["left"] + 2  # it turns: its box is wider than itself
        assert words["right"] <= box(cut)["x"] + box(cut)["width"]
        assert cut.evaluate("(button) => getComputedStyle(button).transitionDuration") == "0s"


def test_the_wheel_over_the_options_leaves_the_photo_in_its_place(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    page.get_by_text("More", exact=True).click()
    page.get_by_text("For shops", exact=True).click()
    panel = page.locator(".controls")
    place = box(panel)
    page.mouse.move(place["x"] + 20, place["y"] + 300)
    for _ in range(8):
        page.mouse.wheel(0, 800)
    page.wait_for_function(
        "(panel) => panel.scrollTop + panel.clientHeight >= panel.scrollHeight - 1", arg=panel.element_handle()
    )
    page.mouse.wheel(0, 800)
    page.wait_for_timeout(300)
    assert page.evaluate("scrollY") == 0


def test_the_list_of_objects_fades_out_where_there_is_more(page: Page, cat_and_woman: bytes):
    def fades() -> list[str]:
        return page.locator("#listed").evaluate(
            "(list) => ['--left', '--right'].map((side) => getComputedStyle(list).getPropertyValue(side))"
        )

    choose(page, cat_and_woman, "both.jpg", "image/jpeg")
    expect(page.locator("#listed li")).to_have_count(3)
    assert fades() == ["0px", "0px"]
    page.set_viewport_size({"width": 250, "height": 700})
    page.wait_for_function(
        "() => getComputedStyle(document.querySelector('#listed')).getPropertyValue('--right') !== '0px'"
    )
    assert fades() == ["0px", "2.5rem"]
    page.locator("#listed").evaluate("(list) => list.scrollTo(1000, 0)")
    page.wait_for_function(
        "() => getComputedStyle(document.querySelector('#listed')).getPropertyValue('--right') === '0px'"
    )
    assert fades() == ["2.5rem", "0px"]


def test_one_action_is_the_first_at_a_time(page: Page, chelsea: Image.Image):
    """Where colours say so: choose, then cut out, then download."""

    def first() -> list[str]:
        return page.evaluate(
            """() => {
                const accent = document.createElement("i");
                accent.style.color = "var(--accent)";
                document.body.append(accent);
                const colour = getComputedStyle(accent).color;
                accent.remove();
                return [...document.querySelectorAll("main .button:not([aria-pressed])")]
                    .filter((button) => button.checkVisibility() && getComputedStyle(button).backgroundColor === colour)
                    .map((button) => button.textContent.trim());
            }"""
        )

    assert first() == ["Choose a photo"]
    choose(page, encoded(chelsea))
    expect(objects(page)).to_have_count(1)
    assert first() == ["Cut out"]
    objects(page).click()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
    page.mouse.move(5, 400)
    assert first() == ["Download"]


def test_what_is_taken_is_lit_until_the_cut_out_is_asked_for(page: Page, cat_and_woman: bytes):
    choose(page, cat_and_woman, "both.jpg", "image/jpeg")
    expect(objects(page)).to_have_count(2)
    objects(page).first.click()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
    expect(objects(page).first).to_be_visible()  # another may be taken as well
    assert page.locator("#photo .shade").evaluate("(shade) => getComputedStyle(shade).opacity") == "1"
    page.get_by_role("button", name="Cut out", exact=True).click()
    expect(cutout(page)).to_have_accessible_name(re.compile("^Cut-out of (cat|person)$"))  # not of all there is
    page.get_by_role("button", name="Photo", exact=True).click()
    expect(objects(page).first).to_have_attribute("aria-checked", "true")
    page.get_by_text("White", exact=True).click()
    expect(cutout(page)).to_be_visible()  # that is what the option changes


def test_objects_are_taken_from_their_list_too(page: Page, cat_and_woman: bytes):
    choose(page, cat_and_woman, "both.jpg", "image/jpeg")
    cat = page.get_by_role("button", name="cat", exact=True)
    cat.click()
    expect(cat).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("checkbox", name=re.compile("^cat, .* taken$"))).to_have_attribute("aria-checked", "true")
    page.get_by_role("button", name="Main subject").click()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
    expect(page.locator("#listed [aria-pressed=true]")).to_have_count(1)


def test_the_photo_is_dimmed_where_the_final_cut_out_leaves_it_out(page: Page, astronaut: Image.Image):
    """A cut-out that is grown is larger than the object that was found."""
    choose(page, encoded(astronaut))
    objects(page).first.click()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
    page.get_by_text("More", exact=True).click()
    with page.expect_response("**/cut*"):
        page.get_by_role("slider", name="Grow or shrink").fill("20")
    expect(page.locator("#cut")).to_have_attribute("aria-disabled", "false")
    page.get_by_role("button", name="Photo", exact=True).click()
    expect(page.locator(".objects[data-settled]")).to_be_visible()
    with page.expect_download() as event:
        page.get_by_role("button", name="Download", exact=True).click()
    kept = Image.open(event.value.path()).getchannel("A")

    page.mouse.move(0, 0)
    place = box(page.locator("#photo svg"))
    seen = Image.open(io.BytesIO(page.screenshot(clip=place))).convert("L").resize(kept.size)  # type: ignore[arg-type]
    lit = np.asarray(seen, np.float32) > 0.7 * np.asarray(astronaut.convert("L"), np.float32)
    inside = ndimage.minimum_filter(kept, 25) > 127
    outside = ndimage.maximum_filter(kept, 25) < 128
    bright = np.asarray(astronaut.convert("L")) > 40  # darker ones look alike
    outside[:40] = False  # where the object's name stands
    assert lit[inside & bright].mean() > 0.97
    assert lit[outside & bright].mean() < 0.03


def test_what_was_erased_is_left_out_on_the_photo_too(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    objects(page).first.click()
    expect(cutout(page)).to_be_visible()
    page.get_by_role("button", name="Photo", exact=True).click()
    expect(page.locator(".objects[data-settled]")).to_be_visible()
    place = box(page.locator("#photo svg"))
    nose = [place[side] + share * place[length] for side, length, share in (("x", "width", 0.5), ("y", "height", 0.5))]

    def brightness() -> float:
        page.mouse.move(0, 0)
        clip = {"x": nose[0] - 2, "y": nose[1] - 2, "width": 4, "height": 4}
        return float(np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("L")).mean())  # type: ignore[arg-type]

    before = brightness()
    page.get_by_role("button", name="Cut-out", exact=True).click()
    page.get_by_role("button", name="Erase").click()
    expect(page.locator(".brush-picture")).to_be_visible()
    port = box(page.locator(".viewer-port"))
    page.mouse.click(port["x"] + port["width"] / 2, port["y"] + port["height"] / 2)
    expect(page.get_by_role("button", name="Undo")).not_to_have_attribute("aria-disabled", "true")
    page.get_by_role("button", name="Photo", exact=True).click()
    wait_until(lambda: brightness() < 0.7 * before, 30, "the photo to be dimmed there")
    page.keyboard.press("Control+z")
    wait_until(lambda: brightness() > 0.9 * before, 30, "the photo to be lit again")


def test_after_a_click_one_outline_is_left_and_the_cut_out_says_that_it_is_there(page: Page, cat_and_woman: bytes):
    choose(page, cat_and_woman, "both.jpg", "image/jpeg")
    objects(page).first.click()  # where the pointer stays
    expect(page.locator(".objects[data-settled]")).to_be_visible()
    first = page.locator(".object[aria-checked=true] .line")
    assert first.evaluate("(line) => getComputedStyle(line).stroke") == "rgba(0, 0, 0, 0)"
    button = page.get_by_role("button", name="Cut-out", exact=True)
    mark = "(button) => getComputedStyle(button, '::after').content"
    assert button.evaluate(mark) != "none"
    button.click()
    assert button.evaluate(mark) == "none"


def test_each_photo_of_the_strip_tells_its_own_count(page: Page, cat_and_woman: bytes, chelsea: Image.Image):
    choose(page, cat_and_woman, "both.jpg", "image/jpeg")
    expect(page.get_by_text("2 objects found.")).to_be_visible()
    choose(page, encoded(chelsea))
    expect(page.get_by_text("1 object found.")).to_be_visible()
    page.get_by_role("button", name=re.compile(r"^both\.jpg, ")).click()
    expect(page.get_by_text("2 objects found.")).to_be_visible()


def test_the_wheel_over_the_cut_out_scrolls_the_page(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    page.get_by_role("button", name="Cut out", exact=True).click()
    expect(cutout(page)).to_be_visible()
    page.mouse.move(400, 400)
    page.mouse.wheel(0, 300)
    page.wait_for_function("scrollY > 0")


def test_the_list_of_names_lies_below_the_button(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    page.get_by_label("What to cut out").press("ArrowDown")
    options = page.get_by_role("listbox")
    expect(options).to_be_visible()
    button = box(page.get_by_role("button", name="Cut out", exact=True))
    assert box(options)["y"] >= button["y"] + button["height"]
    page.get_by_role("button", name="Cut out", exact=True).click()
    expect(cutout(page)).to_be_visible()
    expect(page.get_by_label("Names to cut out").get_by_role("listitem")).to_have_count(0)


def test_what_is_in_the_photo_is_offered_first(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    expect(objects(page)).to_have_count(1)
    page.get_by_label("What to cut out").press("ArrowDown")
    expect(page.locator("[role=option] span").first).to_have_text("cat")


def test_a_photo_takes_the_place_of_another(page: Page, chelsea: Image.Image, astronaut: Image.Image):
    choose(page, encoded(chelsea))
    page.get_by_label("Replace", exact=True).set_input_files(
        [{"name": "astronaut.png", "mimeType": "image/png", "buffer": encoded(astronaut)}]
    )
    expect(page.get_by_role("img", name="Your photo astronaut.png")).to_be_visible()
    expect(page.locator("#strip")).to_be_hidden()


def test_addresses_without_a_photo_are_told_in_a_line_each_and_leave_no_tile(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    expect(objects(page)).to_have_count(1)
    page.get_by_role("button", name="Add by web address").click()
    for name in ("a", "b"):
        address = page.get_by_label("or its web address")
        address.fill(f"http://10.0.0.1/{name}.jpg")
        address.press("Tab")
        expect(page.get_by_role("alert")).to_contain_text(f"10.0.0.1/{name}.jpg: The photo's URL must be a public")
    expect(page.get_by_role("img", name="Your photo chelsea.png")).to_be_visible()
    expect(page.locator("#strip")).to_be_hidden()


def test_options_are_remembered_and_photos_are_not(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    page.get_by_text("Colour", exact=True).click()
    page.get_by_label("Crop to the cut-out").check()
    page.get_by_text("JPEG", exact=True).click()
    page.reload()
    expect(page.get_by_role("heading", name="Name an object")).to_be_visible()
    choose(page, encoded(chelsea))
    for chosen in ("Colour", "JPEG"):
        expect(page.get_by_role("radio", name=chosen, exact=True)).to_be_checked()
    expect(page.get_by_label("Crop to the cut-out")).to_be_checked()


def test_strokes_are_not_lost_without_a_question(page: Page, chelsea: Image.Image):
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    choose(page, encoded(chelsea))
    page.get_by_role("button", name="Cut out", exact=True).click()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
    page.reload()
    assert asked == []
    choose(page, encoded(chelsea))
    page.get_by_role("button", name="Cut out", exact=True).click()
    expect(page.get_by_role("button", name="Download", exact=True)).to_be_visible()
    page.get_by_role("button", name="Erase").click()
    expect(page.locator(".brush-picture")).to_be_visible()
    viewer = page.get_by_role("group", name="Cut-out, zoomable")
    expect(viewer).not_to_have_attribute("aria-busy", "true")
    viewer.click(position={"x": 300, "y": 300})
    expect(page.get_by_role("button", name="Undo")).not_to_have_attribute("aria-disabled", "true")
    page.reload()
    assert asked == ["beforeunload"]
