"""The cut-out's viewer, brush and toolbar in a real browser, on a page that holds nothing else."""

from __future__ import annotations

import base64
import functools
import http.server
import io
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image
from playwright.sync_api import Browser, CDPSession, ConsoleMessage, Locator, Page, expect

from objectcut.picture import png

STATIC = ROOT / "frontend" / "static"
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="favicon.svg">
<link rel="stylesheet" href="theme.css">
<link rel="stylesheet" href="page.css">
<link rel="stylesheet" href="viewer/viewer.css">
<link rel="stylesheet" href="brush/brush.css">
<link rel="stylesheet" href="result/toolbar.css">
<script type="module" src="test.js"></script>
<body data-ready><main class="wrap"><figure class="pane" id="pane">
  <div class="canvas" id="canvas"></div><div id="tools"></div>
</figure></main></body>
</html>
"""
SCRIPT = """
import { Brush } from "./brush/brush.js";
import { Steps } from "./steps.js";
import { Toolbar } from "./result/toolbar.js";
import { Viewer } from "./viewer/viewer.js";

const at = (id) => document.getElementById(id);
const blob = async (name) => (await fetch(name)).blob();
const viewer = new Viewer(at("canvas"));
const brush = new Brush(viewer);
new Toolbar(at("tools"), at("pane"), viewer, brush, new Steps());
const [photo, cutout] = [await blob("photo.png"), await blob("cutout.png")];
const { width, height } = await createImageBitmap(photo);
const picture = { before: photo, after: cutout, width, height };
let shown;
const cut = async (name, { transparent = true, behind = photo } = {}) => {
  shown = await blob(name);
  const after = await brush.offer({ blob: behind, width, height }, { blob: shown, width, height, transparent });
  await viewer.show({ ...picture, after: after ?? shown, final: true });
};
await cut("cutout.png");
const edited = async () => {
  const bytes = new Uint8Array(await ((await brush.toBlob({})) ?? shown).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
};
Object.assign(window, { viewer, brush, picture, cut, edited });
"""
WIDTH, HEIGHT = 1000, 700  # more than one tile each way
HOLE = (300, 200, 700, 500)  # what the cut-out keeps of the photo
PLAIN = (110, 140, 90)
FOLLOW = "Follow edges: only what belongs to what the middle of the brush touches"


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    """Every pixel differs from its neighbours: (H, W, 3), uint8."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([x % 256, y % 256, (x * 7 + y * 13) % 256], axis=-1).astype(np.uint8)


@pytest.fixture(scope="module")
def cutout(photo: np.ndarray) -> np.ndarray:
    """The photo inside HOLE, with a ramp of alpha at its left: (H, W, 4), uint8."""
    picture = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    left, top, right, bottom = HOLE
    inside = np.s_[top:bottom, left:right]
    picture[inside] = np.dstack([photo[inside], np.full((bottom - top, right - left), 255, np.uint8)])
    picture[top:bottom, left : left + 50, 3] = np.arange(5, 255, 5)
    return picture


@pytest.fixture(scope="module")
def halves() -> np.ndarray:
    """Two colours with a shade, under noise; the border is at x = 500: (H, W, 3), uint8."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    colours = np.where((x < 500)[..., None], [120, 100, 80], [190, 150, 70]) + (y / 10)[..., None]
    noise = np.random.default_rng(1).normal(0, 6, (HEIGHT, WIDTH, 3))
    return np.clip(colours + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def other(photo: np.ndarray) -> np.ndarray:
    """Another cut-out of the photo, with a faint stripe: (H, W, 4), uint8."""
    picture = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    inside = np.s_[150:600, 350:950]
    picture[inside] = np.dstack([photo[inside], np.full((450, 600), 255, np.uint8)])
    picture[300:320, 350:950, 3] = 3
    return picture


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the page's own files, and those of the test where there are some."""

    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}  # noqa: RUF012

    def translate_path(self, path: str) -> str:
        own = Path(super().translate_path(path))
        return str(own if own.exists() else STATIC / own.relative_to(self.directory))

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory,
    photo: np.ndarray,
    cutout: np.ndarray,
    other: np.ndarray,
    halves: np.ndarray,
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "test.html").write_text(PAGE)
    (folder / "test.js").write_text(SCRIPT)
    Image.fromarray(photo).save(folder / "photo.png")
    (folder / "cutout.png").write_bytes(png.encode(cutout))
    (folder / "other.png").write_bytes(png.encode(other))
    Image.fromarray(halves).save(folder / "halves.png")
    (folder / "clear.png").write_bytes(png.encode(np.zeros((HEIGHT, WIDTH, 4), np.uint8)))
    (folder / "full.png").write_bytes(png.encode(np.dstack([halves, np.full((HEIGHT, WIDTH), 255, np.uint8)])))
    (folder / "plain.png").write_bytes(png.encode(np.full((HEIGHT, WIDTH, 4), (*PLAIN, 255), np.uint8)))
    Image.fromarray(cutout).save(folder / "pillow.png")
    Image.fromarray(cutout).save(folder / "cutout.webp", lossless=True, exact=True)
    Image.fromarray(cutout).convert("P").save(folder / "palette.png", transparency=0)
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/test.html"
        server.shutdown()
        thread.join()


def opened(browser: Browser, site: str, **options: Any) -> Iterator[Page]:
    """The page with the cut-out shown. Nothing may fail in its console."""
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    options = {"viewport": {"width": 1200, "height": 900}, "locale": "en-US", "reduced_motion": "reduce"} | options
    with browser.new_context(**options) as context:
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(site)
        page.wait_for_function("window.edited")
        yield page
    assert complaints == []


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    yield from opened(browser, site)


@pytest.fixture
def phone(browser: Browser, site: str) -> Iterator[Page]:
    yield from opened(browser, site, viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)


def port(page: Page) -> Locator:
    return page.get_by_role("group", name="Cut-out, zoomable")


def tool(page: Page, name: str) -> Locator:
    return page.get_by_role("toolbar").get_by_role("button", name=name, exact=True)


def box(target: Locator) -> tuple[float, float, float, float]:
    """(x, y, width, height) in the window."""
    found = target.bounding_box()
    assert found
    return found["x"], found["y"], found["width"], found["height"]


def picture(page: Page) -> Locator:
    return page.locator(".viewer-world")


def to_window(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a px of the picture is seen."""
    left, top, width, height = box(picture(page))
    return left + x * width / WIDTH, top + y * height / HEIGHT


def drag(page: Page, *places: tuple[float, float]) -> None:
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def draw(page: Page, *points: tuple[float, float]) -> None:
    """Draw through px of the picture."""
    drag(page, *(to_window(page, *point) for point in points))


def edit(page: Page, name: str, size: int) -> None:
    tool(page, name).click()
    page.wait_for_selector(".brush-picture")
    expect(port(page)).not_to_have_attribute("aria-busy", "true")
    page.evaluate("size => (brush.size = size)", size)


def edited(page: Page, any_kind: bool = False) -> np.ndarray:
    """The picture with its strokes, which is a PNG: (H, W, 4), uint8."""
    image = Image.open(io.BytesIO(base64.b64decode(page.evaluate("edited()"))))
    assert any_kind or (image.format, image.mode) == ("PNG", "RGBA")
    return np.array(image.convert("RGBA"))


def distance(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    """Of the middle of each pixel from a line: (H, W), px."""
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    length = max((x1 - x0) ** 2 + (y1 - y0) ** 2, 1e-9)
    part = np.clip(((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length, 0, 1)
    return np.hypot(x - x0 - part * (x1 - x0), y - y0 - part * (y1 - y0))


# The divider -----------------------------------------------------------------------------------------------------


def test_the_divider_follows_the_mouse(page: Page):
    slider = page.get_by_role("slider", name="Divider between photo and cut-out")
    expect(slider).to_be_hidden()
    tool(page, "Compare with the photo").click()
    expect(slider).to_have_attribute("aria-valuetext", "50 % photo, 50 % cut-out")
    left, top, width, height = box(picture(page))
    middle = top + height / 2
    drag(page, (left + width / 2, middle), (left + width / 4, middle))
    expect(slider).to_have_attribute("aria-valuenow", "25")
    x, _, handle, _ = box(slider)
    assert x + handle / 2 == pytest.approx(left + width / 4, abs=1)
    drag(page, (left + width / 4, middle), (left + 2 * width, middle))
    expect(slider).to_have_attribute("aria-valuetext", "100 % photo, 0 % cut-out")


def test_the_divider_obeys_the_keyboard(page: Page):
    tool(page, "Compare with the photo").click()
    slider = page.get_by_role("slider", name="Divider between photo and cut-out")
    slider.focus()
    for key, value in (("ArrowRight", "52"), ("ArrowLeft", "50"), ("PageUp", "60"), ("Home", "0"), ("End", "100")):
        slider.press(key)
        expect(slider).to_have_attribute("aria-valuenow", value)


def test_the_divider_separates_photo_and_cutout(page: Page, photo: np.ndarray):
    page.evaluate("viewer.compare = true")
    page.keyboard.press("1")
    tool(page, "Actual size, 100 %").click()
    left, top, _, _ = box(picture(page))
    shot = np.array(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    for x, y, shows_photo in ((200, 300, True), (400, 600, True), (800, 300, False), (600, 600, False)):
        seen = shot[round(top + y), round(left + x)]
        assert (seen == photo[y, x]).all() == shows_photo, (x, y)
    assert (shot[round(top + 300), round(left + 600)] == photo[300, 600]).all()  # kept in both


def test_the_photo_is_where_reading_begins(page: Page):
    page.evaluate("document.documentElement.dir = 'rtl'; viewer.compare = true")
    slider = page.get_by_role("slider", name="Divider between photo and cut-out")
    left, top, width, height = box(picture(page))
    drag(page, (left + width / 2, top + height / 2), (left + width / 4, top + height / 2))
    expect(slider).to_have_attribute("aria-valuenow", "75")
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuenow", "73")


# Zoom and panning ------------------------------------------------------------------------------------------------


def test_the_whole_picture_is_shown_first(page: Page):
    x, y, width, height = box(picture(page))
    left, top, across, down = box(port(page))
    assert (x >= left, y >= top, x + width <= left + across + 1, y + height <= top + down + 1) == (True,) * 4
    assert width / height == pytest.approx(WIDTH / HEIGHT, rel=1e-3)
    assert max(width / across, height / down) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("way", ["button", "key", "double click"])
def test_at_100_percent_a_px_of_the_picture_is_a_px_of_the_page(page: Page, way: str):
    page.set_viewport_size({"width": 600, "height": 500})
    page.wait_for_function("viewer.scale < 0.6")
    whole = box(picture(page))
    if way == "button":
        tool(page, "Actual size, 100 %").click()
    elif way == "key":
        port(page).focus()
        port(page).press("1")
    else:
        port(page).dblclick(position={"x": 100, "y": 100})
    assert box(picture(page))[2:] == (WIDTH, HEIGHT)
    if way == "button":
        tool(page, "Fit").click()
    elif way == "key":
        port(page).press("0")
    else:
        port(page).dblclick(position={"x": 100, "y": 100})
    assert box(picture(page)) == whole


def test_a_double_click_zooms_to_what_is_under_it(page: Page):
    page.set_viewport_size({"width": 600, "height": 500})
    page.wait_for_function("viewer.scale < 0.6")
    before = page.evaluate("viewer.toImage(200, 150)")
    page.mouse.dblclick(200, 150)
    assert page.evaluate("viewer.toImage(200, 150)") == pytest.approx(before, abs=1)


def test_buttons_and_keys_zoom_by_steps_and_stop_at_the_ends(page: Page):
    whole = box(picture(page))
    port(page).focus()
    for _ in range(12):
        port(page).press("+")
    expect(tool(page, "Zoom in")).to_have_attribute("aria-disabled", "true")
    assert box(picture(page))[2] == 16 * WIDTH
    for _ in range(20):
        tool(page, "Zoom out").click(force=True)
    assert box(picture(page)) == whole
    expect(tool(page, "Zoom out")).to_have_attribute("aria-disabled", "true")


def test_the_wheel_zooms_only_where_it_is_wanted(page: Page):
    x, y = to_window(page, 400, 300)
    width = box(picture(page))[2]
    page.mouse.move(x, y)
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(100)
    assert box(picture(page))[2] == width  # the page scrolls
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    page.wait_for_function("width => viewer.scale * 1000 > width * 1.2", arg=width)
    assert to_window(page, 400, 300) == pytest.approx((x, y), abs=1)
    port(page).click()
    page.mouse.wheel(0, -200)
    page.wait_for_function("width => viewer.scale * 1000 > width * 1.6", arg=width)


def test_a_drag_and_the_arrow_keys_move_the_picture_up_to_its_edges(page: Page):
    page.set_viewport_size({"width": 600, "height": 500})
    page.wait_for_function("viewer.scale < 0.6")
    tool(page, "Actual size, 100 %").click()
    x, y, _, _ = box(picture(page))
    drag(page, (300, 200), (260, 170))
    assert box(picture(page))[:2] == (x - 40, y - 30)
    port(page).focus()
    port(page).press("ArrowRight")
    assert box(picture(page))[:2] == (x - 104, y - 30)
    drag(page, (300, 200), (2000, 2000))
    assert box(picture(page))[:2] == box(port(page))[:2]


def touch(session: CDPSession, kind: str, *places: tuple[float, float]) -> None:
    points = [{"x": x, "y": y, "id": index} for index, (x, y) in enumerate(places)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_two_fingers_zoom_in_any_mode_and_leave_no_stroke(phone: Page):
    fingers = phone.context.new_cdp_session(phone)
    for mode in ("view", "erase"):
        phone.evaluate("mode => { viewer.fit(); viewer.mode = mode }", mode)
        if mode == "erase":
            phone.wait_for_selector(".brush-picture")
        x, y, width, height = box(picture(phone))
        middle = (x + width / 2, y + height / 2)
        point = phone.evaluate("([x, y]) => viewer.toImage(x, y)", middle)
        touch(fingers, "touchStart", (middle[0] - 20, middle[1]))
        touch(fingers, "touchStart", (middle[0] - 20, middle[1]), (middle[0] + 20, middle[1]))
        for apart in (30, 40, 50, 60):
            touch(fingers, "touchMove", (middle[0] - apart, middle[1]), (middle[0] + apart, middle[1]))
        touch(fingers, "touchEnd")
        assert box(picture(phone))[2] == pytest.approx(3 * width, rel=0.02)
        assert phone.evaluate("([x, y]) => viewer.toImage(x, y)", middle) == pytest.approx(point, abs=3)
    assert not phone.evaluate("brush.edited")


def test_one_finger_draws(phone: Page):
    phone.evaluate("viewer.mode = 'erase'")
    phone.wait_for_selector(".brush-picture")
    fingers = phone.context.new_cdp_session(phone)
    start, end = to_window(phone, 450, 350), to_window(phone, 550, 350)
    touch(fingers, "touchStart", start)
    touch(fingers, "touchMove", end)
    touch(fingers, "touchEnd")
    assert edited(phone)[350, 440:560, 3].max() == 0


def test_tools_fit_a_narrow_window_and_a_finger(phone: Page):
    tool(phone, "Erase").click()  # the brush has tools of its own
    assert phone.evaluate("document.documentElement.scrollWidth") == 320
    for button in phone.get_by_role("toolbar").locator("button, input").all():
        x, _, width, height = box(button)
        assert min(width, height) >= 44
        assert x >= 0
        assert x + width <= 320


def test_the_view_stays_from_preview_to_final(page: Page):
    page.evaluate(
        """async () => {
            const preview = await createImageBitmap(new ImageData(100, 70));
            await viewer.show({ ...picture, after: preview, final: false });
            viewer.actual();
        }"""
    )
    expect(tool(page, "Erase")).to_have_attribute("aria-disabled", "true")
    at_preview = box(picture(page))
    assert box(page.get_by_role("img", name="Cut-out"))[2:] == (WIDTH, HEIGHT)
    page.evaluate("viewer.show({ ...picture, final: true })")
    expect(tool(page, "Erase")).to_have_attribute("aria-disabled", "false")
    assert box(picture(page)) == at_preview


def test_nothing_is_left_after_clear(page: Page):
    page.evaluate("viewer.clear(); brush.clear()")
    expect(page.locator(".viewer-port")).to_be_hidden()
    for button in page.get_by_role("toolbar").get_by_role("button").all():
        expect(button).to_have_attribute("aria-disabled", "true")


# The brush -------------------------------------------------------------------------------------------------------


def test_an_untouched_picture_is_given_back_as_it_came(page: Page, cutout: np.ndarray):
    assert (edited(page) == cutout).all()


@pytest.mark.parametrize("scale", [None, 1])
def test_erase_takes_alpha_away_under_the_brush_only(page: Page, cutout: np.ndarray, scale: float | None):
    edit(page, "Erase", 60)
    if scale:
        page.evaluate("viewer.actual()")
    radius = 30 / page.evaluate("viewer.scale")
    draw(page, (450, 300), (600, 400))  # over four tiles
    off = distance(450, 300, 600, 400)
    result = edited(page)
    assert (result[off < 0.6 * radius - 1] == 0).all()
    assert (result[off > radius + 1] == cutout[off > radius + 1]).all()
    rim = result[(off > 0.7 * radius) & (off < 0.9 * radius)]
    assert ((rim[:, 3] > 0) & (rim[:, 3] < 255)).all()
    assert (result[result[..., 3] == 0] == 0).all()


def test_add_brings_the_pixels_of_the_photo_back(page: Page, photo: np.ndarray, cutout: np.ndarray):
    edit(page, "Bring back parts of the photo", 60)
    radius = 30 / page.evaluate("viewer.scale")
    draw(page, (100, 100), (250, 100), (320, 250))
    off = np.minimum(distance(100, 100, 250, 100), distance(250, 100, 320, 250))
    result = edited(page)
    full = off < 0.6 * radius - 1
    assert (result[full, :3] == photo[full]).all()
    assert (result[full, 3] == 255).all()
    assert (result[off > radius + 1] == cutout[off > radius + 1]).all()
    rim = (result[..., 3] > 0) & (cutout[..., 3] == 0)
    assert (result[rim, :3] == photo[rim]).all()
    assert (result[result[..., 3] == 0] == 0).all()


def test_a_stroke_that_crosses_itself_keeps_its_soft_edge(page: Page):
    edit(page, "Erase", 60)
    draw(page, (450, 350), (550, 350))
    once = edited(page)
    page.evaluate("brush.undo()")
    draw(page, (450, 350), (550, 350), (450, 350), (550, 350))
    assert (edited(page) == once).all()


def test_the_brush_keeps_its_size_on_the_screen(page: Page):
    edit(page, "Erase", 40)
    page.evaluate("viewer.zoomIn(); viewer.zoomIn(); viewer.zoomIn()")
    scale = page.evaluate("viewer.scale")
    draw(page, (500, 350))
    gone = (edited(page)[200:500, 350:700, 3] == 0).sum()
    assert gone == pytest.approx(np.pi * (0.6 * 20 / scale) ** 2, rel=0.15)
    page.mouse.move(*to_window(page, 500, 350))
    x, y, width, height = box(page.locator(".brush-ring"))
    assert (width, height) == (40, 40)
    assert (x + 20, y + 20) == pytest.approx(to_window(page, 500, 350), abs=1)


def test_undo_and_redo_restore_every_bit(page: Page):
    start = edited(page)
    edit(page, "Erase", 50)
    draw(page, (320, 220), (560, 480))
    first = edited(page)
    tool(page, "Bring back parts of the photo").click()
    draw(page, (280, 480), (620, 240))
    second = edited(page)
    page.keyboard.press("Control+z")
    assert (edited(page) == first).all()
    tool(page, "Undo").click()
    assert (edited(page) == start).all()
    expect(tool(page, "Undo")).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Control+Shift+Z")
    assert (edited(page) == first).all()
    page.keyboard.press("Control+y")
    assert (edited(page) == second).all()
    expect(tool(page, "Redo")).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Control+z")
    draw(page, (500, 350))
    expect(tool(page, "Redo")).to_have_attribute("aria-disabled", "true")


@pytest.mark.parametrize("ratio", [1, 2])
def test_no_seam_is_seen_where_a_brush_is_in_hand(browser: Browser, site: str, ratio: int):
    for page in opened(browser, site, device_scale_factor=ratio):
        page.add_style_tag(content=".viewer-checker { background: magenta !important } .brush-ring { display: none }")
        page.evaluate("cut('plain.png')")
        edit(page, "Erase", 4)
        colour = np.array(PLAIN)
        for scale in (0.61, 0.73, 1.3, 2.41, 3.7):
            page.evaluate(
                """scale => viewer.move((placement) => {
                    placement.zoom(scale, placement.middle);
                    placement.pan(-512 * scale - placement.x + 150.3, -512 * scale - placement.y + 200.7);
                })""",
                scale,
            )
            (left, top, width, height), (x, y, across, down) = box(picture(page)), box(port(page))
            left, top, right, bottom = (
                max(left, x),
                max(top, y),
                min(left + width, x + across),
                min(top + height, y + down),
            )
            clip = page.screenshot(clip={"x": left, "y": top, "width": right - left, "height": bottom - top})
            seen = np.array(Image.open(io.BytesIO(clip)).convert("RGB")).astype(int)
            assert np.abs(seen - colour)[4:-4, 4:-4].max() <= 2, scale


def test_a_stroke_that_changes_nothing_is_no_edit(page: Page):
    edit(page, "Erase", 30)
    draw(page, (60, 60), (200, 60))
    expect(tool(page, "Undo")).to_have_attribute("aria-disabled", "true")
    assert not page.evaluate("brush.edited")


@pytest.mark.parametrize(("name", "start"), [("Bring back parts of the photo", "clear"), ("Erase", "full")])
def test_a_stroke_that_follows_edges_stays_on_its_side(page: Page, name: str, start: str):
    again = "async name => cut(name, { behind: (window.halves ??= await (await fetch('halves.png')).blob()) })"
    page.evaluate(again, f"{start}.png")
    edit(page, name, 120)
    tool(page, FOLLOW).click()
    draw(page, (470, 200), (476, 350), (465, 480))
    result = edited(page)
    drawn = result[..., 3] == (255 if start == "clear" else 0)
    untouched = result[..., 3] == (0 if start == "clear" else 255)
    left = np.mgrid[:HEIGHT, :WIDTH][1] < 500
    radius = 60 / page.evaluate("viewer.scale")
    off = np.minimum(distance(470, 200, 476, 350), distance(476, 350, 465, 480))
    assert drawn[left & (off < 0.6 * radius - 1)].mean() > 0.95
    assert untouched[~left & (off < radius)].mean() > 0.98
    assert untouched[off > radius + 1].all()
    tool(page, "Undo").click()
    assert (edited(page)[..., 3] == (0 if start == "clear" else 255)).all()
    tool(page, "Redo").click()
    assert (edited(page) == result).all()
    page.evaluate(again, f"{start}.png")  # the stroke is drawn anew
    assert (edited(page) == result).all()


@pytest.mark.parametrize("name", ["cutout.webp", "pillow.png", "palette.png"])
def test_every_kind_of_picture_can_be_drawn_on(page: Page, name: str):
    page.evaluate("name => cut(name)", name)
    before = edited(page, any_kind=True)
    edit(page, "Erase", 60)
    draw(page, (500, 300), (600, 400))
    radius = 30 / page.evaluate("viewer.scale")
    off = distance(500, 300, 600, 400)
    result = edited(page)
    assert (result[off < 0.6 * radius - 1] == 0).all()
    clear = (off > radius + 1) & (before[..., 3] == 255)
    assert (result[clear] == before[clear]).all()
    assert (result[off > radius + 1, 3] == before[off > radius + 1, 3]).all()


# Strokes from one cut-out to the next ----------------------------------------------------------------------------


def stroke_twice(page: Page) -> None:
    edit(page, "Erase", 60)
    draw(page, (360, 240), (640, 460))
    tool(page, "Bring back parts of the photo").click()
    draw(page, (250, 420), (720, 300))


def test_strokes_are_on_the_next_cut_out_as_if_drawn_there(page: Page, other: np.ndarray):
    page.evaluate("cut('other.png')")
    stroke_twice(page)
    there = edited(page)
    page.evaluate("brush.forget(picture.before); cut('cutout.png')")
    stroke_twice(page)
    page.evaluate("cut('other.png')")
    assert (edited(page) == there).all()
    assert (there != other).any()


def test_strokes_of_before_the_next_cut_out_are_undone_and_redone(page: Page, other: np.ndarray):
    stroke_twice(page)
    page.evaluate("cut('other.png')")
    both = edited(page)
    tool(page, "Undo").click()
    expect(tool(page, "Redo")).to_have_attribute("aria-disabled", "false")
    radius = 30 / page.evaluate("viewer.scale")
    erased = distance(360, 240, 640, 460) < 0.6 * radius - 1
    assert (edited(page)[erased] == 0).all()
    assert (both[erased] != 0).any()  # the second stroke crosses the first
    tool(page, "Undo").click()
    expect(tool(page, "Undo")).to_have_attribute("aria-disabled", "true")
    assert (edited(page) == other).all()
    page.evaluate("cut('cutout.png')")
    page.evaluate("cut('other.png')")
    for _ in range(2):
        tool(page, "Redo").click()
    expect(tool(page, "Redo")).to_have_attribute("aria-disabled", "true")
    assert (edited(page) == both).all()


def test_strokes_are_seen_as_soon_as_the_next_cut_out(page: Page):
    edit(page, "Erase", 60)
    draw(page, (500, 350), (600, 350))
    assert page.evaluate("cut('other.png').then(() => viewer.port.querySelector('.brush-picture') !== null)")
    assert page.get_by_role("img", name="Cut-out").locator("canvas").count() > 1


def test_the_preview_of_the_next_cut_out_has_the_strokes(page: Page, photo: np.ndarray):
    edit(page, "Erase", 60)
    draw(page, (500, 350), (600, 350))
    tool(page, "Bring back parts of the photo").click()
    draw(page, (100, 100))
    seen = page.evaluate(
        """async () => {
            const whole = new ImageData(500, 350);
            whole.data.fill(255);
            const sketched = await brush.sketch(await createImageBitmap(whole), picture.before);
            const context = new OffscreenCanvas(500, 350).getContext("2d", { willReadFrequently: true });
            context.drawImage(sketched, 0, 0);
            const at = (x, y) => [...context.getImageData(x, y, 1, 1).data];
            return { erased: at(275, 175), added: at(50, 50), left: at(400, 300) };
        }"""
    )
    assert seen["erased"][3] == 0
    assert np.abs(np.array(seen["added"][:3]) - photo[100, 100])[:2].max() <= 3
    assert seen["left"] == [255, 255, 255, 255]


def test_strokes_are_set_aside_and_come_back(page: Page, cutout: np.ndarray, other: np.ndarray):
    stroke_twice(page)
    page.evaluate("cut('other.png', { transparent: false })")
    assert page.evaluate("[brush.setAside, brush.edited]") == [True, False]
    expect(tool(page, "Undo")).to_have_attribute("aria-disabled", "true")
    port(page).press("Control+z")
    assert (edited(page) == other).all()
    page.evaluate("cut('cutout.png')")
    assert page.evaluate("[brush.setAside, brush.edited]") == [False, True]
    for _ in range(2):
        tool(page, "Undo").click()
    assert (edited(page) == cutout).all()


def test_another_photo_has_none_of_the_strokes(page: Page, cutout: np.ndarray):
    stroke_twice(page)
    page.evaluate("cut('cutout.png', { behind: picture.before.slice() })")
    assert not page.evaluate("brush.edited")
    for name in ("Undo", "Redo"):
        expect(tool(page, name)).to_have_attribute("aria-disabled", "true")
    assert (edited(page) == cutout).all()


def test_the_history_keeps_strokes_beyond_its_bytes_but_undoes_only_the_newest(page: Page):
    told = page.evaluate(
        """async () => {
            const { History } = await import("./brush/history.js");
            const history = new History(1000);
            const patch = (x) => [{ x, y: 0, width: 10, height: 10, data: new Uint8ClampedArray(400) }];
            for (const x of [1, 2, 3]) history.push({ path: [{ x, y: 0 }] }, patch(x));
            const undone = [];
            while (history.canUndo) undone.push(history.undo()[0].x);
            return { undone, left: history.strokes.map(({ path }) => path[0].x) };
        }"""
    )
    assert told == {"undone": [3, 2], "left": [1]}


@pytest.mark.parametrize(
    "offer",
    [
        "cut('cutout.png', { transparent: false })",
        "brush.offer(null, { blob: picture.after, width: 1000, height: 700, transparent: true })",
        "brush.offer({ blob: picture.before, width: 1000, height: 700 },"
        " { blob: picture.after, width: 400, height: 300, transparent: true })",
    ],
    ids=["made by the server", "no photo", "of another size"],
)
def test_what_cannot_be_edited_says_why(page: Page, offer: str):
    page.evaluate(offer)
    assert not page.evaluate("brush.canEdit")
    erase = tool(page, "Erase")
    expect(erase).to_have_attribute("aria-disabled", "true")
    expect(erase).to_have_attribute("title", re.compile("cannot show all of this picture"))
    erase.click(force=True)
    expect(erase).to_have_attribute("aria-pressed", "false")


# The toolbar -----------------------------------------------------------------------------------------------------


def test_the_toolbar_is_one_stop_with_arrows_inside(page: Page):
    keys = page.keyboard
    port(page).focus()
    keys.press("Tab")
    expect(tool(page, "Zoom out")).to_be_focused()
    for key, name in (("ArrowRight", "Fit"), ("End", "Redo"), ("ArrowRight", "Zoom out"), ("ArrowLeft", "Redo")):
        keys.press(key)
        expect(tool(page, name)).to_be_focused()
    for _ in range(2):
        keys.press("ArrowLeft")
    expect(tool(page, "Erase")).to_be_focused()  # without a brush in hand there is no size
    keys.press("Enter")
    expect(tool(page, "Erase")).to_have_attribute("aria-pressed", "true")
    keys.press("ArrowRight")
    expect(tool(page, FOLLOW)).to_be_focused()
    keys.press("ArrowRight")
    expect(page.get_by_role("slider", name="Brush size")).to_be_focused()
    before = page.evaluate("brush.size")
    keys.press("ArrowUp")
    assert page.evaluate("brush.size") == before + 1
    for _ in range(3):
        keys.press("ArrowLeft")
    keys.press(" ")
    expect(tool(page, "Bring back parts of the photo")).to_have_attribute("aria-pressed", "true")
    expect(tool(page, "Erase")).to_have_attribute("aria-pressed", "false")
    keys.press("Escape")
    expect(tool(page, "Bring back parts of the photo")).to_have_attribute("aria-pressed", "false")
    keys.press("Shift+Tab")
    expect(port(page)).to_be_focused()
    keys.press("Tab")
    expect(tool(page, "Bring back parts of the photo")).to_be_focused()


def test_brackets_change_the_size_of_the_brush(page: Page):
    tool(page, "Erase").click()
    port(page).focus()
    page.evaluate("brush.size = 50")
    page.keyboard.press("]")
    assert page.evaluate("brush.size") == 60
    page.keyboard.press("[")
    assert page.evaluate("brush.size") == 50
    for _ in range(40):
        page.keyboard.press("[")
    assert page.evaluate("brush.size") == 4
    expect(page.get_by_role("slider", name="Brush size")).to_have_value("4")


def test_comparing_and_drawing_exclude_each_other(page: Page):
    compare = tool(page, "Compare with the photo")
    compare.click()
    tool(page, "Erase").click()
    expect(compare).to_have_attribute("aria-pressed", "false")
    compare.click()
    expect(tool(page, "Erase")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_role("slider", name="Divider between photo and cut-out")).to_be_visible()
