"""The objects on the photo and their preview, in a real browser, without a server behind them."""

from __future__ import annotations

import base64
import http.server
import io
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, encoded
from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import Browser, Locator, Page, expect
from pycocotools import mask as coco
from scipy import ndimage

PATIENCE_MS = 30_000
STATIC = ROOT / "frontend" / "static"
# As strict as a page without inline code can be: the modules, their worker and their styles must live with it.
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'"
STAND = {
    "stand.html": """<!doctype html>
        <html lang="en"><head><meta charset="utf-8"><title>Objects</title><link rel="icon" href="favicon.svg">
        <link rel="stylesheet" href="theme.css"><link rel="stylesheet" href="page.css">
        <link rel="stylesheet" href="editor.css">
        <link rel="stylesheet" href="objects/objects.css"><link rel="stylesheet" href="stand.css">
        <script type="module" src="stand.js"></script></head>
        <body data-ready><main class="wrap"><div class="canvas"><img alt="A photo"></div>
        <button>After</button></main></body>
        </html>
        """,
    "stand.css": "body { display: block } .canvas { margin-block-start: 3rem; block-size: 20rem }",
    "stand.js": """
        import { FoundObjects } from "./objects/found.js";
        import * as masks from "./objects/masks.js";
        import { outline } from "./objects/outline.js";
        import { ObjectsView } from "./objects/view.js";

        const file = async (name) => (await fetch(name)).blob();
        const found = new FoundObjects();
        const view = new ObjectsView(document.querySelector(".canvas"));
        const calls = [];
        view.onchange = (taken) => calls.push([...taken].sort());

        Object.assign(window, { FoundObjects, masks, outline, found, view, calls, file });

        window.picture = (bitmap) => {
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
            canvas.getContext("2d").drawImage(bitmap, 0, 0);
            return canvas.toDataURL().split(",")[1];
        };
        window.open_ = async (detected) => found.open(await file("photo.png"), detected);
        window.show = async (detected, taken) => {
            const image = document.querySelector("img");
            image.src = "photo.png";
            await image.decode();
            view.show(detected, await open_(detected), taken);
        };
    """,
}


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of the page's files beside those of a folder, and that folder."""
    folder = tmp_path_factory.mktemp("stand")
    for name, text in STAND.items():
        (folder / name).write_text(text)

    class Files(http.server.SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            name = path.partition("?")[0].lstrip("/")
            return str(folder / name if (folder / name).exists() else STATIC / name)

        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("Cache-Control", "no-store")
            super().end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/stand.html", folder
        server.shutdown()


@pytest.fixture
def page(browser: Browser, stand: tuple[str, Path]) -> Iterator[Page]:
    complaints: list[str] = []
    with browser.new_context(reduced_motion="reduce", viewport={"width": 1000, "height": 800}) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(stand[0])
        yield page
    assert complaints == []


def rle(mask: np.ndarray) -> dict[str, Any]:
    told = coco.encode(np.asfortranarray(mask, np.uint8))
    return {"size": list(mask.shape), "counts": told["counts"].decode()}


def detected(labels_and_masks: list[tuple[str, np.ndarray]]) -> dict[str, Any]:
    """What `/detect` answers for these masks, ids from 1 on."""
    height, width = labels_and_masks[0][1].shape
    objects = []
    for index, (label, mask) in enumerate(labels_and_masks):
        y, x = np.nonzero(mask)
        box = [int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1]
        score = 0.98 - index / 100
        objects.append(
            {"id": index + 1, "label": label, "score": score, "box": box, "area": int(mask.sum()), "mask": rle(mask)}
        )
    return {"width": width, "height": height, "model": "none", "objects": objects}


def rectangle(width: int, height: int, x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def disc(width: int, height: int, x: float, y: float, radius: float, hole: float = 0) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    far = np.hypot(columns + 0.5 - x, rows + 0.5 - y)
    return (far < radius) & (far >= hole)


def photo(width: int, height: int) -> Image.Image:
    """Every pixel opaque, colours that tell where in the photo they are."""
    rows, columns = np.mgrid[:height, :width]
    pixels = [columns * 255 // width, rows * 255 // height, np.full((height, width), 90)]
    return Image.fromarray(np.stack(pixels, axis=-1).astype(np.uint8))


# Masks -----------------------------------------------------------------------------------------------------------


def cells(page: Page, masks: list[np.ndarray], across: float = 1, down: float = 1) -> list[np.ndarray]:
    """The masks as the page reads them, on a grid of this many cells per pixel."""
    size = (round(masks[0].shape[0] * down), round(masks[0].shape[1] * across))
    read = page.evaluate(
        """([rles, across, down, frame]) =>
            rles.map((rle) => Array.from(masks.coverage(masks.decode(rle), across, down, frame)))""",
        [[rle(mask) for mask in masks], across, down, [0, 0, size[1], size[0]]],
    )
    return [np.array(values).reshape(size) for values in read]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 7), (9, 1), (33, 1), (31, 64), (127, 45)])
@pytest.mark.parametrize("density", [0, 0.03, 0.5, 0.97, 1])
def test_masks_are_read_as_coco_writes_them(page: Page, width: int, height: int, density: float):
    chance = np.random.default_rng(width)
    masks = [chance.random((height, width)) < density for _ in range(20)]
    for mask, read in zip(masks, cells(page, masks), strict=True):
        np.testing.assert_array_equal(read, mask)


def test_long_runs_are_read(page: Page):
    mask = disc(3000, 2000, 1400, 900, 850)
    area, box = page.evaluate(
        """(rle) => {
            const { spans, box } = masks.decode(rle);
            return [spans.reduce((sum, row, index) => sum + [0, -row, row][index % 3], 0), box];
        }""",
        rle(mask),
    )
    assert area == mask.sum()
    assert box == detected([("disc", mask)])["objects"][0]["box"]


def test_a_damaged_mask_is_refused(page: Page):
    damaged = {**rle(disc(40, 30, 20, 15, 9)), "size": [30, 41]}
    told = page.evaluate("(rle) => { try { masks.decode(rle); } catch (error) { return error.message; } }", damaged)
    assert "of 1230 pixels" in told


def test_a_reduced_mask_is_the_mean_over_areas(page: Page):
    mask = np.random.default_rng(4).random((48, 60)) < 0.5
    (read,) = cells(page, [mask], across=1 / 4, down=1 / 3)
    np.testing.assert_allclose(read, mask.reshape(16, 3, 15, 4).mean(axis=(1, 3)), atol=1e-5)


def test_a_reduced_mask_keeps_its_area(page: Page):
    mask = disc(97, 61, 48, 30, 25)
    (read,) = cells(page, [mask], across=0.37, down=0.37)
    assert read.sum() / 0.37**2 == pytest.approx(mask.sum(), rel=1e-5)
    assert -1e-5 < read.min() <= read.max() < 1 + 1e-5


# Outlines --------------------------------------------------------------------------------------------------------


def outline(page: Page, mask: np.ndarray) -> list[np.ndarray]:
    """The rings of the mask's outline: (n, 2), x and y in px of the photo."""
    path = page.evaluate("(rle) => outline(masks.decode(rle))", rle(mask))
    assert re.fullmatch(r"(M[\d.]+ [\d.]+(L[\d.]+ [\d.]+)+Z)*", path)
    rings = re.findall(r"M([^Z]+)Z", path)
    return [np.array([point.split() for point in ring.split("L")], float) for ring in rings]


def area(ring: np.ndarray) -> float:
    """Positive where the ring runs clockwise, as y points down."""
    x, y = ring.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


OUTLINED = {
    "disc": (disc(300, 200, 150, 100, 80), 1),
    "small disc": (disc(300, 200, 40, 40, 8), 1),
    "with a hole": (disc(300, 200, 150, 100, 80, hole=40), 2),
    "two parts": (disc(300, 200, 70, 100, 50) | disc(300, 200, 230, 100, 50), 2),
    "at two edges": (disc(301, 203, 301, 203, 120), 1),
    "larger than its grid": (disc(2001, 1501, 900, 700, 660, hole=200), 2),
    "larger than its grid, at an edge": (disc(2001, 1501, 1900, 700, 660), 1),
    "touching at a corner": (rectangle(90, 90, 10, 10, 40, 40) | rectangle(90, 90, 40, 40, 80, 80), 2),
}


@pytest.mark.parametrize("name", OUTLINED)
def test_outlines_run_along_their_masks(page: Page, name: str):
    mask, count = OUTLINED[name]
    height, width = mask.shape
    rings = outline(page, mask)
    assert len(rings) == count
    assert sum(map(area, rings)) == pytest.approx(mask.sum(), rel=0.03)
    canvas = Image.new("L", (width, height))
    for ring in sorted(rings, key=area, reverse=True):
        ImageDraw.Draw(canvas).polygon([tuple(point - 0.5) for point in ring], fill=255 * (area(ring) > 0))
    inside = np.array(canvas) > 0
    assert (inside & mask).sum() / (inside | mask).sum() > 0.92  # PIL's polygons take in the pixels they touch
    assert sum(map(len, rings)) < 200
    assert all(ring.min() >= 0 and (ring <= [width, height]).all() for ring in rings)


def test_a_mask_that_fills_the_photo_is_outlined_along_its_edge(page: Page):
    (ring,) = outline(page, np.ones((150, 200), bool))
    assert area(ring) == pytest.approx(150 * 200, rel=0.01)


def test_a_mask_too_thin_to_be_traced_is_outlined_by_its_box(page: Page):
    (ring,) = outline(page, rectangle(3000, 200, 10, 90, 2990, 91))
    assert area(ring) == 2980


def test_an_empty_mask_has_no_outline(page: Page):
    assert outline(page, np.zeros((20, 30), bool)) == []


# The preview -----------------------------------------------------------------------------------------------------

WIDTH, HEIGHT = 400, 300
LEFT = rectangle(WIDTH, HEIGHT, 40, 60, 200, 240)
RIGHT = rectangle(WIDTH, HEIGHT, 200, 60, 360, 240)  # begins where LEFT ends
CORNER = rectangle(WIDTH, HEIGHT, 0, 0, 100, 100)  # overlaps LEFT, ends with the photo
PREVIEWED = {"left": LEFT, "right": RIGHT, "corner": CORNER}
IDS = {name: index + 1 for index, name in enumerate(PREVIEWED)}


def opened(page: Page, stand: tuple[str, Path], content: bytes, told: dict[str, Any]) -> None:
    (stand[1] / "photo.png").write_bytes(content)
    page.evaluate("async (detected) => { await open_(detected); }", told)


def preview(page: Page, ids: list[int], invert: bool = False) -> np.ndarray:
    told = page.evaluate("async ([ids, invert]) => picture(await found.preview(ids, { invert }))", [ids, invert])
    return np.array(Image.open(io.BytesIO(base64.b64decode(told))))


@pytest.mark.parametrize(
    "taken", [[], ["left"], ["right"], ["left", "right"], ["left", "corner"], ["left", "right", "corner"]], ids=str
)
@pytest.mark.parametrize("invert", [False, True])
def test_the_preview_is_the_photo_where_its_objects_are(
    page: Page, stand: tuple[str, Path], taken: list[str], invert: bool
):
    opened(page, stand, encoded(photo(WIDTH, HEIGHT)), detected(list(PREVIEWED.items())))
    preview(page, [IDS["right"], IDS["corner"]])  # what was taken before leaves nothing behind
    got = preview(page, [IDS[name] for name in taken], invert)
    wanted = np.any([PREVIEWED[name] for name in taken], axis=0) if taken else np.zeros((HEIGHT, WIDTH), bool)
    near = ndimage.generate_binary_structure(2, 2)
    rim = ndimage.binary_dilation(wanted, near) & ~ndimage.binary_erosion(wanted, near, border_value=1)
    wanted ^= invert
    alpha = got[..., 3]
    np.testing.assert_array_equal(alpha[~rim], 255 * wanted[~rim])
    opaque = alpha == 255
    np.testing.assert_array_equal(got[opaque][:, :3], np.array(photo(WIDTH, HEIGHT))[opaque])


def test_the_preview_is_smooth_at_the_rim(page: Page, stand: tuple[str, Path]):
    opened(page, stand, encoded(photo(WIDTH, HEIGHT)), detected([("left", LEFT)]))
    assert preview(page, [1])[150, 37:43, 3].tolist() == [0, 0, 64, 191, 255, 255]


def by_rule(planes: list[np.ndarray]) -> np.ndarray:
    """The alpha of several: the largest within a group of those that lie in each other by half, summed over groups."""
    groups: list[list[np.ndarray]] = []
    for plane in planes:
        inside = plane > 127
        joined = [
            group
            for group in groups
            if any(((other > 127) & inside).sum() > min(inside.sum(), (other > 127).sum()) / 2 for other in group)
        ]
        groups = [group for group in groups if not any(group is one for one in joined)]
        groups.append([plane, *(other for group in joined for other in group)])
    return np.minimum(np.sum([np.max(group, axis=0).astype(int) for group in groups], axis=0), 255)


def test_objects_side_by_side_leave_no_seam(page: Page, stand: tuple[str, Path]):
    """Reduced to cells that both share, the edge between them is half of either."""
    width, height = 2403, 1203
    masks = [rectangle(width, height, 200, 200, 1201, 1000), rectangle(width, height, 1201, 200, 2200, 1000)]
    opened(page, stand, encoded(photo(width, height)), detected([("left", masks[0]), ("right", masks[1])]))
    left, right = (preview(page, [number])[300, :, 3] for number in (1, 2))
    assert ((left > 0) & (left < 255) & (right > 0) & (right < 255)).any()
    assert preview(page, [1, 2])[300, 110:1090, 3].tolist() == [255] * 980


def test_an_object_that_was_found_twice_has_the_edge_of_one(page: Page, stand: tuple[str, Path]):
    mask = disc(WIDTH, HEIGHT, 200, 150, 90)
    other = disc(WIDTH, HEIGHT, 200, 150, 60)
    told = detected([("cat", mask), ("dog", mask), ("head", other)])
    opened(page, stand, encoded(photo(WIDTH, HEIGHT)), told)
    once = preview(page, [1])
    assert set(once[..., 3].ravel()) > {0, 255}  # it has soft edges
    for again in ([1, 2], [1, 2, 3], [1, 3], [2]):
        np.testing.assert_array_equal(preview(page, again), once)


def test_any_objects_are_put_together_by_the_rule_whatever_was_taken_before(page: Page, stand: tuple[str, Path]):
    """A strip over two discs joins them into one group; without it they are two again."""
    chance = np.random.default_rng(11)
    masks = [
        disc(WIDTH, HEIGHT, 150, 150, 70),
        disc(WIDTH, HEIGHT, 250, 150, 70),
        rectangle(WIDTH, HEIGHT, 140, 120, 260, 180),
        disc(WIDTH, HEIGHT, 155, 150, 70),
        *(disc(WIDTH, HEIGHT, *chance.uniform(0, [WIDTH, HEIGHT]), chance.uniform(10, 90)) for _ in range(8)),
    ]
    opened(page, stand, encoded(photo(WIDTH, HEIGHT)), detected([("thing", mask) for mask in masks]))
    alone = [preview(page, [number])[..., 3] for number in range(1, len(masks) + 1)]
    takes = [[1, 2], [1, 2, 3], [1, 2], [2, 3], [1, 2, 3, 4], [1, 4], list(range(1, 13))]
    takes += [[int(one) + 1 for one in np.flatnonzero(chance.random(12) < 0.5)] or [1] for _ in range(12)]
    for taken in takes:
        got = preview(page, taken)[..., 3].astype(int)
        np.testing.assert_array_equal(got, by_rule([alone[number - 1] for number in taken]), str(taken))


def shares(pixels: int, cells: int) -> np.ndarray:
    """(cells, pixels): which part of each cell each pixel fills, where the cells divide the pixels' length evenly."""
    ends = np.arange(cells + 1)[:, None] * pixels / cells
    inside = np.clip(ends - np.arange(pixels), 0, 1)  # of each pixel, what lies before each end
    return np.diff(inside, axis=0) * cells / pixels


def test_the_preview_of_a_large_photo_is_reduced(page: Page, stand: tuple[str, Path]):
    width, height = 2401, 1201
    mask = disc(width, height, 1200, 600, 500)
    opened(page, stand, encoded(photo(width, height)), detected([("disc", mask)]))
    got = preview(page, [1])
    assert got.shape == (600, 1200, 4)
    means = shares(height, 600) @ mask @ shares(width, 1200).T
    reduced = Image.fromarray(np.rint(255 * means).astype(np.uint8))
    smoothed = reduced.filter(ImageFilter.Kernel((3, 3), [1, 2, 1, 2, 4, 2, 1, 2, 1]))
    assert np.abs(got[..., 3].astype(int) - np.array(smoothed)).max() <= 1
    assert np.abs(got[300, 600, :3].astype(int) - photo(width, height).getpixel((1200, 600))).max() <= 2


def test_the_preview_is_upright(page: Page, stand: tuple[str, Path]):
    upright = photo(WIDTH, HEIGHT)
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned a quarter clockwise
    turned = encoded(upright.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif, quality=95)
    opened(page, stand, turned, detected([("left", LEFT)]))
    got = preview(page, [1])
    assert got.shape == (HEIGHT, WIDTH, 4)
    assert np.abs(got[100, 60, :3].astype(int) - upright.getpixel((60, 100))).max() < 8


def test_only_the_latest_preview_is_answered(page: Page, stand: tuple[str, Path]):
    opened(page, stand, encoded(photo(WIDTH, HEIGHT)), detected(list(PREVIEWED.items())))
    answered = page.evaluate(
        """async () => {
            const previews = [[1], [2], [1, 2], [3]].map((ids) => found.preview(ids));
            return (await Promise.all(previews)).map((bitmap) => bitmap && picture(bitmap));
        }"""
    )
    assert answered[:3] == [None] * 3
    alpha = np.array(Image.open(io.BytesIO(base64.b64decode(answered[3]))))[..., 3]
    assert (alpha[50, 50], alpha[150, 100]) == (255, 0)


def test_what_is_closed_is_given_up(page: Page, stand: tuple[str, Path]):
    opened(page, stand, encoded(photo(WIDTH, HEIGHT)), detected(list(PREVIEWED.items())))
    given_up = page.evaluate(
        """async (detected) => {
            const blob = await file("photo.png");
            const [drawing, waiting] = [found.preview([1]), found.preview([2])];
            found.close();
            const opening = found.open(blob, detected).catch((error) => error.name);
            found.close();
            return [await drawing, await waiting, await opening];
        }""",
        detected(list(PREVIEWED.items())),
    )
    assert given_up == [None, None, "AbortError"]


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"no picture", "cannot decode"), (encoded(photo(HEIGHT, WIDTH)), "another shape")],
    ids=["damaged", "other shape"],
)
def test_a_photo_the_browser_cannot_use_is_told(page: Page, stand: tuple[str, Path], content: bytes, told: str):
    (stand[1] / "photo.png").write_bytes(content)
    name, message = page.evaluate(
        "async (detected) => open_(detected).catch((error) => [error.name, error.message])", detected([("left", LEFT)])
    )
    assert name == "UnreadablePhoto"
    assert told in message


# On the photo ----------------------------------------------------------------------------------------------------

SCENE = [
    ("dining table", rectangle(WIDTH, HEIGHT, 0, 0, WIDTH, HEIGHT)),
    ("dog", disc(WIDTH, HEIGHT, 120, 150, 90, hole=30)),
    ("cat", disc(WIDTH, HEIGHT, 300, 80, 60)),
    ("spoon", disc(WIDTH, HEIGHT, 300, 250, 3)),
]
TABLE, DOG, CAT, SPOON = 1, 2, 3, 4


def show(page: Page, stand: tuple[str, Path], taken: list[int], told: dict[str, Any] | None = None) -> None:
    told = told or detected(SCENE)
    (stand[1] / "photo.png").write_bytes(encoded(photo(told["width"], told["height"])))
    page.evaluate("([detected, taken]) => show(detected, taken)", [told, taken])


def box(page: Page, label: str) -> Locator:
    return page.get_by_role("checkbox", name=re.compile(f"^{label},"))


def tag(page: Page, label: str) -> Locator:
    return page.locator(".object-label", has_text=label)


def click(page: Page, x: float, y: float) -> None:
    """On the photo, in its own pixels."""
    shown = page.get_by_role("img", name="A photo").bounding_box()
    assert shown
    scale = min(shown["width"] / WIDTH, shown["height"] / HEIGHT)
    left = shown["x"] + (shown["width"] - WIDTH * scale) / 2
    top = shown["y"] + (shown["height"] - HEIGHT * scale) / 2
    page.mouse.click(left + x * scale, top + y * scale)


def test_objects_are_named_with_their_state(page: Page, stand: tuple[str, Path]):
    show(page, stand, [CAT])
    expect(page.get_by_role("group", name="Objects in the photo")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(4)
    expect(page.get_by_role("checkbox", name="cat, 96%, taken", exact=True)).to_be_checked()
    expect(page.get_by_role("checkbox", name="dog, 97%, not taken", exact=True)).not_to_be_checked()


@pytest.mark.parametrize(
    ("x", "y", "taken"),
    [
        (50, 150, [DOG]),
        (120, 150, [TABLE]),  # through the hole
        (300, 110, [CAT]),
        (300, 250, [SPOON]),
        (307, 244, [SPOON]),  # beside it, yet within its target
        (200, 280, [TABLE]),
    ],
)
def test_a_click_takes_the_smallest_object_there(page: Page, stand: tuple[str, Path], x: int, y: int, taken: list[int]):
    show(page, stand, [])
    click(page, x, y)
    assert page.evaluate("calls") == [taken]
    click(page, x, y)
    assert page.evaluate("calls")[1:] == [[]]
    assert page.evaluate("[...view.taken]") == []


def test_a_label_is_clicked_like_its_object(page: Page, stand: tuple[str, Path]):
    show(page, stand, [])
    tag(page, "dog").click()
    expect(box(page, "dog")).to_be_checked()
    expect(box(page, "dog")).to_be_focused()


def test_a_tap_takes_an_object(browser: Browser, stand: tuple[str, Path]):
    with browser.new_context(has_touch=True) as context:
        page = context.new_page()
        page.goto(stand[0])
        show(page, stand, [])
        box(page, "cat").tap()
        expect(box(page, "cat")).to_be_checked()


def test_the_keyboard_is_enough(page: Page, stand: tuple[str, Path]):
    show(page, stand, [])
    keys = page.keyboard
    keys.press("Tab")
    expect(box(page, "dining table")).to_be_focused()
    keys.press("Home")
    expect(box(page, "dog")).to_be_focused()
    keys.press("Space")
    expect(box(page, "dog")).to_be_checked()
    keys.press("Enter")
    expect(box(page, "dog")).not_to_be_checked()
    for key, focused in [
        ("ArrowRight", "dining table"),
        ("ArrowRight", "cat"),
        ("ArrowRight", "spoon"),
        ("ArrowRight", "dog"),
        ("ArrowLeft", "spoon"),
        ("ArrowDown", "cat"),
        ("ArrowUp", "spoon"),
        ("End", "spoon"),
    ]:
        keys.press(key)
        expect(box(page, focused)).to_be_focused()
    expect(page.locator(".object[tabindex='0']")).to_have_count(1)
    keys.press("Tab")
    expect(page.get_by_role("button", name="After")).to_be_focused()
    keys.press("Shift+Tab")
    expect(box(page, "spoon")).to_be_focused()


def test_what_the_page_takes_is_no_news_to_it(page: Page, stand: tuple[str, Path]):
    show(page, stand, [DOG])
    page.evaluate("ids => { view.taken = ids; }", [CAT, SPOON, 99])
    expect(box(page, "cat")).to_be_checked()
    expect(box(page, "dog")).not_to_be_checked()
    assert page.evaluate("[...view.taken]") == [CAT, SPOON]
    assert page.evaluate("calls") == []


def test_nothing_stays_after_clear(page: Page, stand: tuple[str, Path]):
    show(page, stand, [DOG])
    page.evaluate("view.clear()")
    expect(page.get_by_role("checkbox")).to_have_count(0)
    assert page.evaluate("[...view.taken]") == []


@pytest.mark.parametrize("width", [320, 600, 1400])
def test_outlines_lie_on_the_photo_and_labels_stay_inside(page: Page, stand: tuple[str, Path], width: int):
    chance = np.random.default_rng(7)
    centres = [(0, 0), (WIDTH, 0), (0, HEIGHT), (WIDTH, HEIGHT), *(chance.random((8, 2)) * [WIDTH, HEIGHT])]
    told = detected([("potted plant", disc(WIDTH, HEIGHT, x, y, 20)) for x, y in centres])
    page.set_viewport_size({"width": 900, "height": 700})
    show(page, stand, [1], told)
    page.set_viewport_size({"width": width, "height": 700})
    page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")

    image = page.get_by_role("img", name="A photo").bounding_box()
    assert image
    scale = min(image["width"] / WIDTH, image["height"] / HEIGHT)
    left = image["x"] + (image["width"] - WIDTH * scale) / 2
    top = image["y"] + (image["height"] - HEIGHT * scale) / 2
    outlined = page.locator(".objects svg").bounding_box()
    assert outlined == pytest.approx({"x": left, "y": top, "width": WIDTH * scale, "height": HEIGHT * scale}, abs=1)

    tags = [it.bounding_box() for it in page.locator(".object-label:not([data-crowded])").all()]
    assert len(tags) >= 4
    for place in tags:
        assert place
        assert left <= place["x"] <= place["x"] + place["width"] <= left + WIDTH * scale
        assert top <= place["y"] <= place["y"] + place["height"] <= top + HEIGHT * scale
    for index, a in enumerate(tags):
        for b in tags[index + 1 :]:
            apart = (abs(a["x"] - b["x"]) >= a["width"] - 1) or (abs(a["y"] - b["y"]) >= a["height"] - 1)
            assert apart, (a, b)


def test_a_crowded_label_shows_while_its_object_has_the_focus(page: Page, stand: tuple[str, Path]):
    told = detected([("potted plant", disc(WIDTH, HEIGHT, 200, 150, 40 + 2 * index)) for index in range(40)])
    show(page, stand, [], told)
    page.keyboard.press("Tab")
    crowded = page.locator(".object-label[data-crowded]")
    assert crowded.count() > 10
    for _ in range(40):
        if page.locator(".object-label[data-crowded][data-active]").count():
            break
        page.keyboard.press("ArrowRight")
    expect(page.locator(".object-label[data-crowded][data-active]")).to_be_visible()
    expect(page.locator(".object-label[data-active]")).to_have_count(1)


def test_words_are_in_the_language_asked_for(page: Page, stand: tuple[str, Path]):
    page.goto(f"{stand[0]}?lang=es")
    page.wait_for_function("() => 'show' in window")  # after the words, which are loaded
    show(page, stand, [CAT])
    expect(page.get_by_role("checkbox", name="cat, 96 %, en la selección", exact=True)).to_be_checked()
