"""What shops do with a cut-out on the page, in a real browser and against the real server."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
from conftest import Server, encoded
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from window import choose, laptop, window

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    with laptop(browser, server.url) as page:
        yield page


def on_a_canvas(page: Page, photo: Image.Image) -> None:
    """Cut out what is in the photo, on a square at half of its room."""
    choose(page, encoded(photo))
    page.get_by_role("button", name="Cut out", exact=True).click()
    page.get_by_text("For shops", exact=True).click()
    page.get_by_label("Canvas", exact=True).select_option("1600x1600")
    page.get_by_role("slider", name="Size on the canvas").fill("50")
    expect(viewer(page)).to_have_attribute("data-movable", "")


def viewer(page: Page) -> Locator:
    return page.get_by_role("group", name="Cut-out, zoomable")


def place(page: Page) -> str:
    """What the request says of the place on the canvas, once it does."""
    code = page.locator("#code-curl")
    expect(code).to_contain_text("position=")
    said = re.search(r"position=([^'\n]+)", code.text_content() or "")
    assert said is not None
    return said[1]


def saved(page: Page) -> Image.Image:
    with page.expect_download() as event:
        page.get_by_role("button", name="Download", exact=True).click()
    return Image.open(event.value.path())


def shares(picture: Image.Image) -> list[float]:
    """Where a cut-out lies, as percent of what is free from left and top."""
    box = picture.getchannel("A").getbbox()
    assert box is not None
    return [100 * box[axis] / (picture.size[axis] - box[axis + 2] + box[axis]) for axis in (0, 1)]


def drag(page: Page, across: float, down: float) -> None:
    """Drag the picture, by shares of its size."""
    port = viewer(page).bounding_box()
    assert port is not None
    x, y = port["x"] + port["width"] / 2, port["y"] + port["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + across * port["width"], y + down * port["height"], steps=5)
    page.mouse.up()


def test_a_found_object_is_a_shop_picture_after_three_clicks(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    page.get_by_role("checkbox", name=re.compile("^cat")).click()
    page.get_by_text("For shops", exact=True).click()
    page.get_by_role("button", name="White square with a shadow, as JPEG").click()
    expect(page.locator("#code-curl")).to_contain_text("shadow=drop")
    picture = saved(page)
    assert picture.format == "JPEG"
    width, height = picture.size
    assert width == height
    inside = np.asarray(picture.convert("L")) < 200
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    assert abs(columns[0] + columns[-1] - width) < 0.06 * width  # centred, but for the shadow
    assert columns[0] > 0.03 * width
    assert np.asarray(picture)[[0, 0, -1, -1], [0, -1, 0, -1]].min() >= 245
    below = np.asarray(picture.convert("L"))[rows[-1] + 1 :, width // 2]
    assert 150 < below[: len(below) // 2].min() < 245  # the shadow


def test_a_cut_out_is_dragged_on_its_canvas(page: Page, chelsea: Image.Image):
    on_a_canvas(page, chelsea)
    drag(page, -0.9, 0.1)
    expect(page.get_by_label("Place on the canvas")).to_have_value("own")
    told = place(page)
    assert told.startswith("0% ")
    np.testing.assert_allclose(shares(saved(page)), [float(share[:-1]) for share in told.split()], atol=0.3)
    page.reload()
    choose(page, encoded(chelsea))
    page.get_by_role("button", name="Cut out", exact=True).click()
    assert place(page) == told


def test_it_stays_in_the_middle_when_it_is_dropped_near_it(page: Page, chelsea: Image.Image):
    on_a_canvas(page, chelsea)
    drag(page, 0.003, -0.9)
    expect(page.get_by_label("Place on the canvas")).to_have_value("own")
    assert place(page) == "50% 0%"


def test_the_arrow_keys_move_it(page: Page, chelsea: Image.Image):
    on_a_canvas(page, chelsea)
    viewer(page).focus()
    page.keyboard.press("ArrowRight")
    across, down = (float(share[:-1]) for share in place(page).split())
    assert 50 < across < 55
    assert down == 50


def test_a_drag_moves_the_picture_where_it_is_larger_than_the_window(page: Page, chelsea: Image.Image):
    on_a_canvas(page, chelsea)
    viewer(page).focus()
    page.keyboard.press("1")
    expect(viewer(page)).not_to_have_attribute("data-movable", "")
    drag(page, 0.2, 0.1)
    expect(page.get_by_label("Place on the canvas")).to_have_value("center")


def test_a_finger_moves_it(browser: Browser, server: Server, chelsea: Image.Image):
    with window(browser, **PHONE) as page:
        page.goto(server.url)
        on_a_canvas(page, chelsea)
        port = viewer(page).bounding_box()
        assert port is not None
        touch = page.context.new_cdp_session(page)
        x, y = port["x"] + port["width"] / 2, port["y"] + port["height"] / 2
        for kind, right in (("touchStart", 0), ("touchMove", 40), ("touchMove", 400)):
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": min(x + right, 385), "y": y}]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        assert place(page) == "100% 50%"


def test_the_picture_behind_is_moved(page: Page, chelsea: Image.Image):
    """The server has it centred: the page makes the file itself, and asks for no more than the server knows."""
    choose(page, encoded(chelsea))
    page.get_by_role("button", name="Cut out", exact=True).click()
    page.get_by_text("Picture", exact=True).click()
    wide = Image.new("RGB", (2000, 500), "red")
    wide.paste("blue", (1000, 0, 2000, 500))
    page.get_by_label("Choose a picture").set_input_files(
        [{"name": "wide.png", "mimeType": "image/png", "buffer": encoded(wide)}]
    )
    expect(page.locator(".below-cutout img")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("slider", name="Left to right").fill("100")
    expect(page.get_by_text("has the picture centred")).to_be_visible()
    expect(page.locator(".below-cutout img")).to_have_css("object-position", "100% 50%")
    corner = saved(page).convert("RGB").getpixel((450, 5))
    page.get_by_role("slider", name="Left to right").fill("0")
    expect(page.locator(".below-cutout img")).to_have_css("object-position", "0% 50%")
    assert (corner, saved(page).convert("RGB").getpixel((450, 5))) == ((0, 0, 255), (255, 0, 0))
    assert [url for url in asked if "/cut" in url] == []
    assert "position" not in (page.locator("#code-curl").text_content() or "")


def test_files_are_named_by_a_pattern(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    page.get_by_label("What to cut out").fill("cat")
    page.get_by_role("button", name="Cut out", exact=True).click()
    page.get_by_text("More", exact=True).click()
    page.get_by_label("File name").fill("shop/{object} {number}")
    with page.expect_download() as event:
        page.get_by_role("button", name="Download", exact=True).click()
    assert event.value.suggested_filename == "shop-cat 01.png"
    page.reload()
    choose(page, encoded(chelsea))
    page.get_by_text("More", exact=True).click()
    expect(page.get_by_label("File name")).to_have_value("shop/{object} {number}")
