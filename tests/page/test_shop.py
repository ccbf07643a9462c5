"""What shops do with a cut-out on the page, in a real browser and against the real server."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import httpx
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


def drag(page: Page, across: float, down: float, start: tuple[float, float] = (0.5, 0.5), drop: bool = True) -> None:
    """Drag the picture, by shares of its size, and let go where it is to be dropped."""
    viewer(page).scroll_into_view_if_needed()  # a click on an option may have moved the page
    port = viewer(page).bounding_box()
    assert port is not None
    x, y = port["x"] + start[0] * port["width"], port["y"] + start[1] * port["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + across * port["width"], y + down * port["height"], steps=5)
    if drop:
        page.mouse.up()


def swipe(page: Page, *across: float) -> None:
    """Drag the picture with a finger from its middle, by px of the window, but not beyond it."""
    port = viewer(page).bounding_box()
    assert port is not None
    touch = page.context.new_cdp_session(page)
    x, y = port["x"] + port["width"] / 2, port["y"] + port["height"] / 2
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for right in across:
        there = {"x": min(max(x + right, 5), 385), "y": y}
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [there]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def put_behind(page: Page, picture: Image.Image) -> None:
    """Choose a picture for the background."""
    page.get_by_text("Picture", exact=True).click()
    page.get_by_label(re.compile("^Choose (a picture|another)$")).set_input_files(
        [{"name": "behind.png", "mimeType": "image/png", "buffer": encoded(picture)}]
    )
    expect(backdrop(page)).to_be_visible()


def backdrop(page: Page) -> Locator:
    return page.locator(".below-cutout img")


@pytest.fixture(scope="module")
def stripes() -> Image.Image:
    """A wide picture whose red tells the column, 8 to each level: (500, 2000)."""
    columns = np.repeat(np.arange(250, dtype=np.uint8), 8)
    return Image.merge("RGB", [Image.fromarray(np.tile(columns, (500, 1))), *[Image.new("L", (2000, 500))] * 2])


def column(picture: Image.Image) -> float:
    """Which column of the stripes is seen in the upper right corner, where the cat is not."""
    pixel = picture.convert("RGB").getpixel((picture.width - 1, 0))
    assert isinstance(pixel, tuple)
    return 8 * pixel[0]


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


def test_the_shadow_leaves_what_is_erased_while_the_eraser_is_in_hand(page: Page, chelsea: Image.Image):
    on_a_canvas(page, chelsea)
    page.get_by_text("Behind", exact=True).click()
    expect(page.locator("#code-curl")).to_contain_text("shadow=drop")
    layers = page.locator(".below-cutout canvas")
    layers.evaluate("(layer) => layer.setAttribute('data-seen', '')")
    page.get_by_role("button", name="Erase", exact=True).click()
    expect(page.locator(".brush-picture")).to_be_visible()
    page.get_by_role("slider", name="Brush size").fill("70")
    drag(page, 0.05, 0)
    page.mouse.move(5, 5)

    def middle() -> np.ndarray:
        """What is seen through the hole, once it is drawn anew."""
        expect(page.locator(".below-cutout canvas:not([data-seen])")).to_be_visible()
        layers.evaluate("(layer) => layer.setAttribute('data-seen', '')")
        port = viewer(page).bounding_box()
        assert port is not None
        x, y = port["x"] + 0.52 * port["width"], port["y"] + 0.5 * port["height"]
        clip = page.screenshot(clip={"x": x - 15, "y": y - 15, "width": 30, "height": 30})
        return np.asarray(Image.open(io.BytesIO(clip)).convert("L"), np.float32)

    in_hand = middle()
    page.get_by_role("button", name="Erase", exact=True).click()
    np.testing.assert_allclose(in_hand, middle(), atol=3)


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
        swipe(page, 40, 400)
        assert place(page) == "100% 50%"


def test_the_picture_behind_is_moved(page: Page, chelsea: Image.Image):
    """The server has it centred: the page makes the file itself, and asks for no more than the server knows."""
    choose(page, encoded(chelsea))
    page.get_by_role("button", name="Cut out", exact=True).click()
    wide = Image.new("RGB", (2000, 500), "red")
    wide.paste("blue", (1000, 0, 2000, 500))
    put_behind(page, wide)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("slider", name="Left to right").fill("100")
    expect(page.get_by_text("has the picture centred")).to_be_visible()
    expect(backdrop(page)).to_have_css("object-position", "100% 50%")
    corner = saved(page).convert("RGB").getpixel((450, 5))
    page.get_by_role("slider", name="Left to right").fill("0")
    expect(backdrop(page)).to_have_css("object-position", "0% 50%")
    assert (corner, saved(page).convert("RGB").getpixel((450, 5))) == ((0, 0, 255), (255, 0, 0))
    assert [url for url in asked if "/cut" in url] == []
    assert "position" not in (page.locator("#code-curl").text_content() or "")


def test_the_picture_behind_is_dragged(page: Page, chelsea: Image.Image, stripes: Image.Image):
    """Without a canvas nothing else can be moved: it is, wherever it is dragged."""
    choose(page, encoded(chelsea))
    page.get_by_role("button", name="Cut out", exact=True).click()
    put_behind(page, stripes)
    slider = page.get_by_role("slider", name="Left to right")
    drag(page, 0.25, 0.2, drop=False)
    expect(backdrop(page)).not_to_have_css("object-position", "50% 50%")  # at once
    page.mouse.up()
    expect(slider).not_to_have_value("50")
    share = float(slider.input_value())
    seen = 500 * chelsea.width / chelsea.height  # columns of the stripes
    assert share == pytest.approx(50 - 100 * 0.25 * seen / (2000 - seen), abs=0.3)
    assert column(saved(page)) == pytest.approx(share / 100 * (2000 - seen) + seen, abs=16)
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(slider).to_have_value("50")
    assert column(saved(page)) == pytest.approx((2000 + seen) / 2, abs=16)
    drag(page, 0.9, 0)
    drag(page, 0.9, 0)
    expect(slider).to_have_value("0")
    assert column(saved(page)) == pytest.approx(seen, abs=16)


def test_what_is_pressed_is_moved(page: Page, chelsea: Image.Image, stripes: Image.Image):
    """The cut-out on its canvas, or the picture behind it; then the arrow keys move that."""
    on_a_canvas(page, chelsea)
    put_behind(page, stripes)
    slider, placed = page.get_by_role("slider", name="Left to right"), page.get_by_label("Place on the canvas")
    drag(page, -0.1, 0, start=(0.95, 0.9))
    expect(slider).not_to_have_value("50")
    expect(placed).to_have_value("center")
    behind = float(slider.input_value())
    assert behind > 50
    viewer(page).press("ArrowLeft")
    expect(slider).not_to_have_value(str(behind))
    behind = slider.input_value()
    assert column(saved(page)) == pytest.approx(float(behind) / 100 * 1500 + 500, abs=16)
    drag(page, -0.1, 0)
    expect(placed).to_have_value("own")
    before = place(page)
    viewer(page).press("ArrowLeft")
    expect(page.locator("#code-curl")).not_to_contain_text(before)
    assert float(place(page).split("%")[0]) < float(before.split("%")[0]) < 50
    assert slider.input_value() == behind


def test_a_finger_moves_the_picture_behind(
    browser: Browser, server: Server, chelsea: Image.Image, stripes: Image.Image
):
    with window(browser, **PHONE) as page:
        page.goto(server.url)
        choose(page, encoded(chelsea))
        page.get_by_role("button", name="Cut out", exact=True).click()
        put_behind(page, stripes)
        swipe(page, -300)
        expect(page.get_by_role("slider", name="Left to right")).not_to_have_value("50")
        assert column(saved(page)) > 650 + 752


def test_the_picture_behind_stays_where_it_fits_and_where_a_drag_moves_all(
    page: Page, chelsea: Image.Image, stripes: Image.Image
):
    choose(page, encoded(chelsea))
    page.get_by_role("button", name="Cut out", exact=True).click()
    put_behind(page, chelsea.resize((902, 600)))
    expect(viewer(page)).not_to_have_attribute("data-movable", "")
    put_behind(page, stripes)
    expect(viewer(page)).to_have_attribute("data-movable", "")
    for _ in range(5):
        viewer(page).press("+")
    expect(viewer(page)).not_to_have_attribute("data-movable", "")
    world = page.locator(".viewer-world")
    before = world.bounding_box()
    drag(page, -0.1, 0)
    assert world.bounding_box() != before
    expect(page.get_by_role("slider", name="Left to right")).to_have_value("50")


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


def turned(page: Page, degrees: str) -> None:
    page.get_by_role("slider", name="Turn", exact=True).fill(degrees)
    expect(page.locator("#code-curl")).to_contain_text(f"rotate={degrees}")


def test_a_cut_out_is_turned_without_asking_the_server(page: Page, server: Server, chelsea: Image.Image):
    on_a_canvas(page, chelsea)
    page.get_by_text("On the ground", exact=True).click()
    page.get_by_role("slider", name="Outline").fill("3")
    expect(page.locator("#code-curl")).to_contain_text("outline=")
    before, upright = viewer(page).screenshot(), saved(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    turned(page, "30")
    picture = saved(page)
    assert viewer(page).screenshot() != before
    assert [url for url in asked if "/cut" in url] == []
    assert shares(picture) == pytest.approx(shares(upright), abs=8)
    options = {"canvas": "1600x1600", "scale": "50", "rotate": "30", "shadow": "contact", "outline": "3 #ffffff"}
    reply = httpx.post(
        f"{server.url}/cut",
        files={"image_file": encoded(chelsea)},
        data=options,
        headers={"Accept": "image/png"},
        timeout=60,
    )
    served = Image.open(io.BytesIO(reply.content))
    assert np.abs(np.asarray(picture.convert("RGBa"), int) - np.asarray(served.convert("RGBa"), int)).max() <= 4
    assert picture.tobytes() != upright.tobytes()
    page.keyboard.press("Control+z")
    expect(page.get_by_role("spinbutton", name="Turn", exact=True)).to_have_value("0")
    expect(page.locator("#code-curl")).not_to_contain_text("rotate=")
    assert saved(page).tobytes() == upright.tobytes()
    page.keyboard.press("Control+Shift+z")
    expect(page.locator("#code-curl")).to_contain_text("rotate=30")
    assert saved(page).tobytes() == picture.tobytes()


def test_it_is_turned_by_tenths_and_back_and_remembered(page: Page, chelsea: Image.Image):
    on_a_canvas(page, chelsea)
    code, slider = page.locator("#code-curl"), page.get_by_role("slider", name="Turn", exact=True)
    exact = page.get_by_role("spinbutton", name="Turn", exact=True)
    exact.fill("-12.5")
    exact.press("Enter")
    expect(code).to_contain_text("rotate=-12.5")
    page.reload()
    choose(page, encoded(chelsea))
    page.get_by_role("button", name="Cut out", exact=True).click()
    expect(code).to_contain_text("rotate=-12.5")
    page.get_by_text("For shops", exact=True).click()
    page.get_by_role("button", name="White square with a shadow, as JPEG").click()
    expect(code).to_contain_text("shadow=drop")
    expect(code).to_contain_text("rotate=-12.5")
    page.get_by_role("button", name="Back to 0°").click()
    expect(code).not_to_contain_text("rotate=")
    turned(page, "40")
    slider.dblclick()
    expect(exact).to_have_value("0")
    expect(code).not_to_contain_text("rotate=")
    turned(page, "40")
    page.get_by_text("Blur", exact=True).click()
    expect(page.get_by_text("A blurred background stays as the photo has it")).to_be_visible()
    expect(slider).to_be_hidden()
    expect(code).not_to_contain_text("rotate=")


def test_a_stroke_on_what_is_turned_is_where_it_was_drawn(page: Page, chelsea: Image.Image):
    on_a_canvas(page, chelsea)
    turned(page, "90")
    before = np.asarray(saved(page).getchannel("A"), int)
    page.get_by_role("button", name="Erase", exact=True).click()
    port = viewer(page).bounding_box()
    assert port is not None
    x, y = 0.5, 0.6  # on the canvas; what is erased there is inside of the cut-out: its box and place stay
    page.mouse.move(port["x"] + x * port["width"], port["y"] + y * port["height"])
    page.mouse.down()
    page.mouse.move(port["x"] + x * port["width"] + 3, port["y"] + y * port["height"], steps=3)
    page.mouse.up()
    after = np.asarray(saved(page).getchannel("A"), int)
    rows, columns = np.nonzero(before - after > 200)
    height, width = after.shape
    assert (columns.mean() / width, rows.mean() / height) == pytest.approx((x, y), abs=0.02)
