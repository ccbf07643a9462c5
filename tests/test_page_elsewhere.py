"""The page on a host of its own, with the server at the address that `?api=` says."""

from __future__ import annotations

import http.server
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import PATIENCE_MS, ROOT, Server, encoded, gateway, hosted
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from objectcut.settings import Settings


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of the page's files on a host that knows nothing else."""
    with hosted(ROOT / "frontend") as url:
        yield f"{url}/static/"


@pytest.fixture(scope="module")
def open_server(server: Server, site: str) -> Iterator[str]:
    """The address of a server that lets the site's pages in."""
    ports = server.run.ports()
    assert ports is not None
    settings = Settings(
        origins=site.removesuffix("/static/"),
        inference_url=f"http://127.0.0.1:{ports.inference}",
        management_url=f"http://127.0.0.1:{ports.management}",
        metrics_url=f"http://127.0.0.1:{ports.metrics}",
        key_file=server.run.key_file,
    )
    with gateway(settings) as url:
        yield url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window in which no script may fail."""
    failures: list[str] = []
    with browser.new_context(reduced_motion="reduce") as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: failures.append(str(error)))
        yield page
    assert failures == []


def choose(page: Page, photo: Image.Image) -> None:
    page.get_by_label(re.compile("^Choose (a photo|another)$")).set_input_files(
        [{"name": "chelsea.png", "mimeType": "image/png", "buffer": encoded(photo)}]
    )
    expect(page.get_by_text("chelsea.png", exact=True)).to_be_visible()


def test_a_photo_is_cut_by_the_server_that_the_address_says(
    page: Page, site: str, open_server: str, chelsea: Image.Image
):
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.goto(f"{site}?api={open_server}")
    host = open_server.removeprefix("http://")
    expect(page.get_by_text(f"The photo goes only to {host}. Nothing is stored there.")).to_be_visible()
    expect(page.get_by_role("link", name="API docs")).to_have_attribute("href", f"{open_server}/docs")
    expect(page.get_by_text(re.compile(r"knows \d+ names"))).to_be_visible()
    choose(page, chelsea)
    page.get_by_label("What to cut out").fill("cat")
    page.get_by_role("button", name="Cut out", exact=True).click()
    expect(page.get_by_role("img", name="Cut-out of cat", exact=True)).to_be_visible()
    expect(page.get_by_text(re.compile(r"^1 object, [\d.]+ s$"))).to_be_visible()
    with page.expect_download() as event:
        page.get_by_role("button", name="Download", exact=True).click()
    assert event.value.suggested_filename == "chelsea-cat.png"
    picture = Image.open(io.BytesIO(Path(event.value.path()).read_bytes()))
    assert picture.getpixel((chelsea.width - 1, 0))[3] == 0
    assert picture.getpixel((225, 150)) == (*chelsea.getpixel((225, 150)), 255)
    page.get_by_text("Use it from code").click()
    expect(page.get_by_role("tabpanel")).to_contain_text(f"curl {open_server}/cut")
    assert complaints == []


def test_the_servers_samples_are_offered(page: Page, site: str, open_server: str):
    page.goto(f"{site}?api={open_server}")
    page.get_by_role("button", name="Cat", exact=True).click()
    expect(page.get_by_role("img", name="Your photo cat.png")).to_be_visible()
    expect(page.get_by_role("checkbox", name=re.compile("^cat, "))).to_be_visible()


def test_what_the_server_says_of_a_mistake_is_read(page: Page, site: str, open_server: str, chelsea: Image.Image):
    page.goto(f"{site}?api={open_server}")
    choose(page, chelsea)
    page.get_by_label("What to cut out").fill("kat")
    page.get_by_role("button", name="Cut out", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("No class is called 'kat'")


def test_a_server_that_lets_nobody_in_is_told(page: Page, site: str, server: Server, chelsea: Image.Image):
    page.goto(f"{site}?api={server.url}")
    choose(page, chelsea)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(f"This page cannot reach {server.url.removeprefix('http://')}.")
    expect(alert).to_contain_text(f"not allow pages from {site.removesuffix('/static/')}")
    expect(alert.get_by_role("button", name="Try again")).to_be_visible()


def test_the_servers_own_page_sends_photos_nowhere_else(
    page: Page, site: str, server: Server, tmp_path: Path, chelsea: Image.Image
):
    """A link with `?api=` makes other pages send them, which shows that this host would have got them."""
    heard: list[str] = []

    class Collector(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            heard.append(f"{self.command} {self.path}")

        def do_OPTIONS(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer()

        def _answer(self) -> None:
            self.send_response(200)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.send_header("Content-Length", "0")
            self.end_headers()

    with hosted(tmp_path, Collector) as collector:
        page.goto(f"{server.url}/?api={collector}")
        choose(page, chelsea)
        expect(page.get_by_role("alert")).to_contain_text("this page may only call its own server")
        page.get_by_role("button", name="Cut out", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("this page may only call its own server")
        assert heard == []
        page.goto(f"{site}?api={collector}")
        choose(page, chelsea)
        expect(page.get_by_role("alert")).to_be_visible()
        assert "POST /detect" in heard


@pytest.mark.parametrize(
    "wrong", ["cut.example.org", "ftp://cut.example.org", "javascript:alert(1)", "https://me:key@cut.example.org", "//"]
)
def test_what_is_no_address_is_told_and_nothing_is_sent(page: Page, site: str, chelsea: Image.Image, wrong: str):
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url) if sent.resource_type in {"fetch", "xhr"} else None)
    page.goto(f"{site}?api={wrong}")
    told = page.get_by_role("alert").get_by_text(f"“{wrong}” is not the address of a server.")
    expect(told).to_be_visible()
    expect(page.get_by_role("region", name="Model")).to_contain_text("names no server")
    choose(page, chelsea)
    expect(told).to_be_visible()
    page.get_by_role("button", name="Cut out", exact=True).click()
    expect(told).to_be_visible()
    assert asked == []


def test_a_long_name_of_a_server_fits_a_narrow_window(page: Page, site: str):
    host = f"{'x' * 60}.{'y' * 60}.example"
    page.route(f"https://{host}/*", lambda route: route.abort())
    page.set_viewport_size({"width": 320, "height": 800})
    page.goto(f"{site}?api=https://{host}")
    expect(page.get_by_text(f"The photo goes only to {host}.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


@pytest.mark.parametrize(
    ("api", "docs"),
    [
        ("https://cut.example.org", "https://cut.example.org/docs"),
        ("https://example.org/objectcut", "https://example.org/objectcut/docs"),
        ("http://10.0.0.7:8000/cut/?lang=es", "http://10.0.0.7:8000/cut/docs"),
        ("", "{site}docs"),
    ],
)
def test_addresses_with_and_without_a_path(page: Page, site: str, api: str, docs: str):
    page.route(re.compile(r"^https?://[\w.]*(example|10\.0\.0)"), lambda route: route.abort())
    page.goto(f"{site}?api={api}")
    link = page.get_by_role("link", name="API docs")
    assert link.evaluate("link => link.href") == docs.format(site=site)
