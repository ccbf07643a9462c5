"""The page's parts around the cut itself, each alone in a real browser: options, sources, upload, output, code."""

from __future__ import annotations

import ast
import base64
import functools
import http.server
import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from conftest import ROOT
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

from gateway import samples
from gateway.security import PAGE_POLICY

STATIC = ROOT / "frontend" / "static"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
HTML = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Parts</title>
  <link rel="icon" href="favicon.svg">
  <link rel="stylesheet" href="theme.css">
  <link rel="stylesheet" href="page.css">
  <link rel="stylesheet" href="form/form.css">
  <link rel="stylesheet" href="photo/sources.css">
  <link rel="stylesheet" href="result/code.css">
  <script type="module" src="parts.js"></script>
</head>
<body>
  <main class="wrap">
    <div id="options"></div>
    <div id="camera"></div>
    <div id="samples"></div>
    <label>Notes <input id="notes"></label>
    <div id="code"></div>
  </main>
</body>
</html>
"""
SCRIPT = """
import * as code from "./result/code.js";
import * as naming from "./files/naming.js";
import * as output from "./files/output.js";
import * as sources from "./photo/sources.js";
import { Options } from "./form/options.js";
import { upload } from "./server/upload.js";

const at = (id) => document.getElementById(id);
const options = new Options(at("options"));
const panel = new code.CodePanel(at("code"));
const heard = [];
const taken = [];
const take = (...reads) => taken.push(...reads.map(async (read) => {
  try {
    const { name, blob } = await read();
    return { name, size: blob?.size ?? null };
  } catch (problem) {
    return { problem: problem.message };
  }
}));
options.onchange = (values) => heard.push(values);
sources.paste(take);
sources.camera(at("camera"), take);
await sources.samples(at("samples"), take);
Object.assign(window, { options, panel, heard, taken, code, naming, output, upload });
document.body.dataset.ready = "";
"""


@dataclass
class Host:
    """A web server with the page's files, a page of their parts, and a `/cut` that notes what it is sent."""

    url: str = ""
    sent: list[Message] = field(default_factory=list)

    def fields(self) -> dict[str, tuple[str | None, bytes]]:
        """File name and content of each field that came last, by its name."""
        sent = self.sent[-1]
        if not sent.is_multipart():
            return {name: (None, value.encode()) for name, value in parse_qsl(str(sent.get_payload()))}
        return {
            str(part.get_param("name", header="content-disposition")): (
                part.get_filename(),
                bytes(part.get_payload(decode=True)),
            )
            for part in sent.get_payload()
        }


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    folder = tmp_path_factory.mktemp("parts")
    shutil.copytree(STATIC, folder, dirs_exist_ok=True)
    (folder / "parts.html").write_text(HTML)
    (folder / "parts.js").write_text(SCRIPT)
    for sample in samples.samples():
        (folder / sample["url"]).write_bytes(PNG)
    (folder / "samples" / "index.html").write_text(json.dumps(samples.samples()))
    told = Host()

    class Handler(http.server.SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def end_headers(self) -> None:
            policy = "; ".join(f"{directive} {sources}" for directive, sources in PAGE_POLICY.items())
            self.send_header("Content-Security-Policy", policy)
            super().end_headers()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            told.sent.append(BytesParser(policy=HTTP).parsebytes(head + body))
            status, answer = (503, b'{"error": true}') if b"overloaded" in body else (200, PNG)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("X-Object-Count", "1")
            self.send_header("Content-Type", "image/png" if status == 200 else "application/json")
            self.end_headers()
            self.wfile.write(answer)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder)) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        told.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield told
        server.shutdown()
        thread.join()


@pytest.fixture
def visit(browser: Browser, host: Host) -> Iterator[Callable[..., Page]]:
    """Opens the page of parts; nothing in its console may fail, the page's security policy included."""
    complaints: list[str] = []
    contexts = []

    def opened(lang: str = "en", **context: Any) -> Page:
        contexts.append(browser.new_context(reduced_motion="reduce", **context))
        page = contexts[-1].new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{host.url}/parts.html?lang={lang}")
        page.locator("[data-ready]").wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    # The browser itself reports the failures that tests bring about.
    assert [said for said in complaints if not re.search("503|ERR_FAILED", said)] == []


@pytest.fixture
def page(visit: Callable[..., Page]) -> Page:
    return visit()


def values(page: Page) -> Any:
    return page.evaluate("options.values")


def pick(page: Page, group: str, name: str) -> None:
    page.get_by_role("group", name=group).get_by_text(name, exact=True).click()


def slide(page: Page, name: str, value: int) -> None:
    page.get_by_role("slider", name=name).evaluate(
        """(slider, value) => {
            slider.value = value;
            for (const kind of ["input", "change"]) slider.dispatchEvent(new Event(kind, { bubbles: true }));
        }""",
        value,
    )


def hex_code(page: Page) -> Locator:
    """Of the background; the outline has another."""
    return page.locator("[data-part=colour]").get_by_label("Hex code of the colour")


def more(page: Page) -> None:
    page.get_by_text("More", exact=True).click()


# Options


def test_untouched_options_say_nothing(page: Page):
    assert values(page) == {}
    assert page.evaluate("Object.entries(options.fields)") == []


@pytest.mark.parametrize(
    ("group", "name", "expected"),
    [
        ("Background", "White", {"background": "white"}),
        ("Background", "Colour", {"background": "#ffc94d"}),
        ("Background", "Blur", {"background": "blur"}),
        ("Background", "Picture", {}),
        ("Save as", "WebP", {"format": "webp"}),
        ("Save as", "JPEG", {"format": "jpeg"}),
        ("Save as", "ZIP", {"output": "both"}),
    ],
)
def test_a_choice_is_a_field(page: Page, group: str, name: str, expected: dict[str, str]):
    pick(page, group, name)
    assert values(page) == expected
    assert page.evaluate("heard") == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [("Feather", 3, {"feather": 3}), ("Grow or shrink", -4, {"grow": -4}), ("Grow or shrink", 0, {})],
)
def test_a_slider_is_a_field(page: Page, name: str, value: int, expected: dict[str, int]):
    more(page)
    slide(page, name, value)
    assert values(page) == expected
    expect(page.get_by_role("slider", name=name)).to_have_attribute("aria-valuetext", f"{value} px")


def test_what_is_folded_away_is_counted(page: Page):
    more(page)
    pick(page, "Edges", "Sharp")
    page.get_by_label("Remove the objects").check()
    assert values(page) == {"edges": "sharp", "invert": True}
    expect(page.get_by_text("2 changed")).to_be_visible()


def test_the_colour_and_the_strength_of_the_blur(page: Page):
    pick(page, "Background", "Colour")
    page.get_by_label("Colour behind").fill("#0080ff")
    assert values(page) == {"background": "#0080ff"}
    pick(page, "Background", "Blur")
    expect(page.get_by_text("automatic")).to_be_visible()
    slide(page, "Strength", 20)
    assert values(page) == {"background": "blur:20"}


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("#0080FF", "#0080ff"), ("0080ff", "#0080ff"), (" #08f ", "#0088ff"), ("blue", "#ffc94d"), ("#12345", "#ffc94d")],
)
def test_a_colour_by_its_hex_code(page: Page, typed: str, expected: str):
    pick(page, "Background", "Colour")
    code = hex_code(page)
    code.fill(typed)
    code.press("Tab")
    assert values(page) == {"background": expected}
    expect(code).to_have_value(expected)
    expect(page.get_by_label("Colour behind")).to_have_value(expected)


def test_a_colour_of_those_that_are_offered(page: Page):
    pick(page, "Background", "Colour")
    blue = page.locator("[data-part=colour]").get_by_role("button", name="Blue")
    expect(blue).to_have_attribute("aria-pressed", "false")
    blue.click()
    expect(blue).to_have_attribute("aria-pressed", "true")
    assert values(page) == {"background": hex_code(page).input_value()}
    page.reload()
    page.locator("[data-ready]").wait_for()
    expect(blue).to_have_attribute("aria-pressed", "true")


def test_a_colour_from_the_screen(browser: Browser, host: Host):
    """With a dropper that gives one colour, then none: the browser's own waits for a person."""
    with browser.new_context() as context:
        page = context.new_page()
        page.add_init_script(
            """let left = ["#123456"];
            globalThis.EyeDropper = class {
                async open() {
                    if (left.length) return { sRGBHex: left.pop() };
                    throw new DOMException("", "AbortError");
                }
            }"""
        )
        page.goto(f"{host.url}/parts.html")
        pick(page, "Background", "Colour")
        for _ in range(2):
            page.locator("[data-part=colour]").get_by_role("button", name="From the screen").click()
            expect(hex_code(page)).to_have_value("#123456")
        assert values(page) == {"background": "#123456"}


def test_without_a_dropper_none_is_offered(browser: Browser, host: Host):
    with browser.new_context() as context:
        page = context.new_page()
        page.add_init_script("delete globalThis.EyeDropper")
        page.goto(f"{host.url}/parts.html")
        pick(page, "Background", "Colour")
        expect(hex_code(page)).to_be_visible()
        expect(page.get_by_role("button", name="From the screen")).to_have_count(0)


@pytest.mark.parametrize(
    ("typed", "unit", "expected"),
    [
        ("5", "%", {"crop": True, "margin": "5%"}),
        ("12", "px", {"crop": True, "margin": "12"}),
        ("0", "%", {"crop": True}),
        ("", "%", {"crop": True}),
        ("-3", "px", {"crop": True}),
        ("250", "%", {"crop": True, "margin": "100%"}),
    ],
)
def test_the_crop_and_its_margin(page: Page, typed: str, unit: str, expected: dict[str, Any]):
    margin = page.get_by_label("Margin", exact=True)
    expect(margin).to_be_hidden()
    page.get_by_label("Crop to the cut-out").check()
    page.get_by_label("Unit of the margin").select_option(label=unit)
    margin.fill(typed)
    assert values(page) == expected


def shop(page: Page) -> None:
    page.get_by_text("For shops", exact=True).click()


def test_a_canvas_for_a_shop(page: Page):
    shop(page)
    page.get_by_label("Crop to the cut-out").check()
    page.get_by_label("Canvas", exact=True).select_option("1600x1600")
    assert values(page) == {"canvas": "1600x1600"}
    slide(page, "Free room along its edges", 5)
    slide(page, "Size on the canvas", 80)
    page.get_by_label("Place on the canvas").select_option(label="Bottom")
    placed = {"canvas": "1600x1600", "margin": "5%", "scale": "80%", "position": "50% 100%"}
    assert values(page) == placed
    pick(page, "Background", "Blur")
    assert values(page) == {"background": "blur", "crop": True}
    expect(page.get_by_text("A blurred background stays as the photo has it")).to_be_visible()
    pick(page, "Background", "None")
    assert values(page) == placed
    page.get_by_text("More", exact=True).click()
    page.get_by_role("button", name="Reset all").click()
    assert values(page) == {}


def test_a_canvas_of_any_size(page: Page):
    shop(page)
    page.get_by_label("Canvas", exact=True).select_option(label="Another size in px")
    assert values(page) == {}
    page.get_by_label("Width of the canvas, px").fill("1200")
    assert values(page) == {}
    page.get_by_label("Height of the canvas, px").fill("800")
    assert values(page) == {"canvas": "1200x800"}


def test_a_shadow_and_an_outline(page: Page):
    shop(page)
    pick(page, "Shadow", "On the ground")
    slide(page, "Outline", 6)
    page.get_by_label("Colour of the outline").fill("#ff8800")
    assert values(page) == {"shadow": "contact", "outline": "6 #ff8800"}
    expect(page.get_by_text("2 changed")).to_be_visible()
    pick(page, "Save as", "ZIP")
    assert values(page) == {"output": "both"}


def test_a_picture_of_ones_own_goes_behind_the_cutout(page: Page):
    pick(page, "Background", "Picture")
    page.get_by_label("Choose a picture").set_input_files([{"name": "sea.png", "mimeType": "image/png", "buffer": PNG}])
    expect(page.get_by_text("sea.png")).to_be_visible()
    sent = "Object.entries(options.fields).map(([k, v]) => [k, v.name])"
    assert (values(page), page.evaluate(sent)) == ({}, [["background_image", "sea.png"]])
    assert page.evaluate("[heard.length, options.fields.background_image.name]") == [1, "sea.png"]
    pick(page, "Save as", "ZIP")
    assert page.evaluate(sent) == [["output", None]]


def test_a_zip_has_no_background(page: Page):
    pick(page, "Background", "White")
    pick(page, "Save as", "ZIP")
    assert values(page) == {"output": "both"}
    expect(page.get_by_role("radio", name="White")).to_be_disabled()
    pick(page, "Save as", "PNG")
    assert values(page) == {"background": "white"}


def test_everything_is_set_back(page: Page):
    pick(page, "Background", "Blur")
    page.get_by_label("Crop to the cut-out").check()
    more(page)
    slide(page, "Feather", 9)
    page.get_by_role("button", name="Reset all").click()
    assert values(page) == {}
    assert page.evaluate("heard.at(-1)") == {}
    expect(page.get_by_role("button", name="Reset all")).to_be_hidden()


def test_options_are_reached_with_the_keyboard_alone(page: Page):
    page.get_by_role("radio", name="None").focus()
    page.keyboard.press("ArrowRight")
    assert values(page) == {"background": "white"}
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert values(page) == {"background": "white", "crop": True}
    for key in ("Tab", "Tab", "Tab", "Tab", "Tab", "Enter", "Tab", "ArrowRight", "Tab", "ArrowRight"):
        page.keyboard.press(key)
    assert values(page) == {"background": "white", "crop": True, "edges": "sharp", "feather": 1}


# Other ways to a photo


def test_pictures_and_addresses_are_pasted(page: Page):
    pasted = """([name, text, where]) => {
        const data = new DataTransfer();
        if (name) data.items.add(new File([new Uint8Array(9)], name, { type: "image/png" }));
        if (text) data.setData("text/plain", text);
        const target = where ? document.getElementById(where) : document.body;
        const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
        return !target.dispatchEvent(event);
    }"""
    assert page.evaluate(pasted, ["shot.png", "", ""])
    assert page.evaluate(pasted, ["", " https://example.org/dog.jpg\n", ""])
    assert page.evaluate(pasted, ["field.png", "", "notes"])
    assert page.evaluate(pasted, ["", "https://example.org/cat.jpg", "look-feather"])
    assert not page.evaluate(pasted, ["", "https://example.org/dog.jpg", "notes"])
    assert not page.evaluate(pasted, ["", "just words", ""])
    assert page.evaluate("Promise.all(taken)") == [
        {"name": "shot.png", "size": 9},
        {"name": "example.org/dog.jpg", "size": None},
        {"name": "field.png", "size": 9},
        {"name": "example.org/cat.jpg", "size": None},
    ]


def test_the_camera_is_offered_where_fingers_point(visit: Callable[..., Page]):
    expect(visit().get_by_text("Take a photo")).to_be_hidden()
    page = visit(has_touch=True, is_mobile=True, viewport={"width": 360, "height": 700})
    camera = page.get_by_label("Take a photo")
    expect(page.get_by_text("Take a photo")).to_be_visible()
    expect(camera).to_have_attribute("capture", "environment")
    camera.set_input_files([{"name": "image.jpg", "mimeType": "image/jpeg", "buffer": PNG}])
    assert page.evaluate("Promise.all(taken)") == [{"name": "image.jpg", "size": len(PNG)}]


def test_a_sample_is_taken_or_the_failure_told(visit: Callable[..., Page]):
    page = visit("es")
    page.get_by_role("button", name="Gato").click()
    page.evaluate("Promise.all(taken)")
    page.route("**/astronaut.jpg", lambda route: route.abort())
    page.get_by_role("button", name="Astronauta").click()
    taken, failed = page.evaluate("Promise.all(taken)")
    assert taken == {"name": "cat.jpg", "size": len(PNG)}
    assert failed["problem"].startswith("No se puede obtener")


# Upload


def test_an_upload_tells_how_far_it_is(page: Page, host: Host):
    told = page.evaluate(
        """async (bytes) => {
            const body = new FormData();
            body.append("image_file", new Blob([new Uint8Array(bytes)]), "large.png");
            const shares = [];
            const progress = (share) => shares.push(share);
            const reply = await upload("cut", { body, headers: { Accept: "image/png" }, progress });
            const { size, type } = await reply.blob();
            const count = reply.headers.get("X-Object-Count");
            return { shares, size, type, count, ok: reply.ok, status: reply.status };
        }""",
        3_000_000,
    )
    shares = told.pop("shares")
    assert told == {"size": len(PNG), "type": "image/png", "ok": True, "status": 200, "count": "1"}
    assert shares[-1] == 1
    assert shares == sorted(shares)
    assert len(host.fields()["image_file"][1]) == 3_000_000


def test_a_small_upload_tells_only_its_answer(page: Page):
    assert page.evaluate(
        """async () => {
            const body = new FormData();
            body.append("objects", "overloaded");
            let told = 0;
            const reply = await upload("cut", { body, progress: () => told++ });
            return [told, reply.ok, reply.status, await reply.json()];
        }"""
    ) == [0, False, 503, {"error": True}]


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_upload_is_given_up(page: Page, when: str):
    assert (
        page.evaluate(
            """async (when) => {
                const given = new AbortController();
                if (when === "before") given.abort();
                const sending = upload("cut", { body: new FormData(), signal: given.signal });
                given.abort();
                return sending.catch((error) => error.name);
            }""",
            when,
        )
        == "AbortError"
    )


# Output


def test_a_picture_is_saved_under_the_names_of_its_objects(page: Page):
    with page.expect_download() as event:
        page.evaluate(
            """() => output.download(
                new Blob(["x"]), naming.fileName({ stem: "Photo 1", names: ["potted plant", "猫"] }, "image/jpeg"))"""
        )
    assert event.value.suggested_filename == "Photo 1-potted-plant-猫.jpg"


def test_a_picture_is_copied_as_png(visit: Callable[..., Page]):
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    jpeg = io.BytesIO()
    Image.new("RGB", (3, 2), "red").save(jpeg, "JPEG")
    copied = page.evaluate(
        """async (base64) => {
            const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
            const blob = new Blob([bytes], { type: "image/jpeg" });
            if (!output.canCopy(blob) || output.canCopy(new Blob([], { type: "application/zip" }))) return null;
            await output.copy(blob);
            const [item] = await navigator.clipboard.read();
            const png = await item.getType("image/png");
            return btoa(String.fromCharCode(...new Uint8Array(await png.arrayBuffer())));
        }""",
        base64.b64encode(jpeg.getvalue()).decode(),
    )
    assert Image.open(io.BytesIO(base64.b64decode(copied))).size == (3, 2)


def test_a_picture_is_shared_where_that_is_possible(page: Page):
    told = page.evaluate(
        """async () => {
            const blob = new Blob(["x"], { type: "image/png" });
            const shared = [];
            Object.assign(navigator, {
                canShare: ({ files }) => files[0].name.endsWith(".png"),
                share: async ({ files }) => shared.push(files[0].name),
            });
            const able = [output.canShare(blob, "cat.png"), output.canShare(blob, "cat.exe")];
            const done = await output.share(blob, "cat.png");
            navigator.share = async () => { throw new DOMException("closed", "AbortError"); };
            return [able, done, shared, await output.share(blob, "cat.png")];
        }"""
    )
    assert told == [[True, False], True, ["cat.png"], False]


# Code

TRICKY = [
    ("photo.jpg", {"objects": ["cat"]}),
    ('it\'s "my" photo; really, $HOME `x` \\ 100%.jpg', {"objects": ["it's", 'a "dog"', "猫"], "crop": True}),
    ("größe & co.png", {"objects": ["a,b", "c"], "background": "#ff8800", "margin": "5%", "grow": -2.5}),
    (" spaced .png", {"objects": ["@cat", "x"], "pick": [0, 2], "feather": 3}),
    ("plain.png", {"objects": ["a;type=text/html"], "background": "<file", "point": [3, 4]}),
    ("猫.heic", {"objects": [], "invert": True, "roi": None}),
    ("line\nbreak.png", {"objects": ["two\nlines"]}),
]


def as_sent(fields: dict[str, Any]) -> dict[str, tuple[str | None, bytes]]:
    sent = {}
    for name, value in fields.items():
        if isinstance(value, list):
            text = (
                json.dumps(value, separators=(",", ":"))
                if any("," in str(part) for part in value)
                else ",".join(map(str, value))
            )
        else:
            text = value if isinstance(value, str) else json.dumps(value)
        if value not in (None, []):
            sent[name] = (None, text.encode())
    return sent


@pytest.fixture(params=["curl", "python"])
def run(request: pytest.FixtureRequest, page: Page, host: Host, tmp_path: Path) -> Callable[..., list[Path]]:
    """Runs what the panel shows for a request, as a person would; returns the files that it wrote."""
    if request.param == "curl" and not shutil.which("curl"):
        pytest.skip("curl is not installed")

    def ran(photo: dict[str, str], fields: dict[str, Any]) -> list[Path]:
        before = set(tmp_path.iterdir())
        program = page.evaluate(
            """([language, address, photo, fields]) => {
                if (fields.background_image) fields.background_image = new File(["x"], fields.background_image);
                return code[language]({ address, photo, fields, names: fields.objects ?? [] });
            }""",
            [request.param, f"{host.url}/cut", photo, fields],
        )
        if request.param == "python":
            ast.parse(program)
        command = ["sh", "-c", program] if request.param == "curl" else [sys.executable, "-c", program]
        environment = {**os.environ, "NO_PROXY": "*", "no_proxy": "*"}
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=60, capture_output=True)
        return sorted(set(tmp_path.iterdir()) - before)

    return ran


@pytest.mark.parametrize(("name", "fields"), TRICKY, ids=[name for name, _ in TRICKY])
def test_the_code_sends_what_the_page_would(
    run: Callable[..., list[Path]], host: Host, tmp_path: Path, name: str, fields: dict[str, Any]
):
    (tmp_path / name).write_bytes(PNG)
    [written] = run({"name": name, "stem": "saved"}, fields)
    assert written.read_bytes() == PNG
    sent = host.fields()
    assert sent.pop("image_file")[1] == PNG
    assert sent == as_sent(fields)


def test_the_code_sends_an_address_and_a_second_picture(run: Callable[..., list[Path]], host: Host, tmp_path: Path):
    (tmp_path / "it's the sea.png").write_bytes(b"sea")
    photo = {"name": "example.org/a", "stem": "a", "url": "https://example.org/a;b.jpg?x=1&y='2'"}
    [written] = run(photo, {"objects": ["cat"], "background_image": "it's the sea.png", "format": "webp"})
    sent = host.fields()
    assert written.name == "a-cat.webp"
    assert sent["background_image"][1] == b"sea"
    assert {name: value for name, value in sent.items() if name != "background_image"} == {
        "image_url": (None, photo["url"].encode()),
        "objects": (None, b"cat"),
    }


def test_the_code_with_an_address_alone(run: Callable[..., list[Path]], host: Host):
    photo = {"name": "example.org/a", "stem": "a", "url": "https://example.org/a.jpg"}
    [written] = run(photo, {"output": "both"})
    assert written.name == "a-cut-out.zip"
    assert host.fields() == {"image_url": (None, b"https://example.org/a.jpg"), "output": (None, b"both")}


def test_the_languages_are_tabs(page: Page):
    page.evaluate(
        """panel.show({ photo: { name: "p.jpg", stem: "p" }, fields: { objects: ["cat"] }, names: ["cat"] })"""
    )
    curl, python = page.get_by_role("tab", name="curl"), page.get_by_role("tab", name="Python")
    shown = page.get_by_role("tabpanel")
    expect(shown).to_contain_text("-F image_file=@p.jpg")
    curl.focus()
    for key, tab, text in [
        ("ArrowRight", python, "import httpx"),
        ("ArrowRight", curl, "curl http"),
        ("End", python, "import httpx"),
        ("Home", curl, "curl http"),
        ("ArrowLeft", python, "import httpx"),
    ]:
        page.keyboard.press(key)
        expect(tab).to_be_focused()
        expect(tab).to_have_attribute("aria-selected", "true")
        expect(shown).to_contain_text(text)
    assert page.locator("[role=tab][tabindex='0']").count() == 1


def test_the_code_is_copied(visit: Callable[..., Page]):
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    page.evaluate(
        """panel.show({ photo: { name: "p.jpg", stem: "p" }, fields: { objects: ["cat"] }, names: ["cat"] })"""
    )
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_text("Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.get_by_role("tabpanel").inner_text()
