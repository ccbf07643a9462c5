"""The page on a host of its own, with the server at the address that is written into it."""

from __future__ import annotations

import http.server
import io
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import ROOT, Server, encoded, gateway, hosted
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from window import choose, window

from objectcut.settings import Settings

META = '<meta name="objectcut-server" content="">'


@dataclass(frozen=True)
class Copy:
    """The page's files on a host that knows nothing else."""

    host: str
    folder: Path

    def naming(self, *servers: str) -> str:
        """The address of the page, with these servers written into it as the README says."""
        written = (ROOT / "frontend" / "static" / "index.html").read_text()
        assert META in written
        named = META.replace('""', f'"{" ".join(servers)}"')
        (self.folder / "index.html").write_text(written.replace(META, named))
        return f"{self.host}/static/"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    root = tmp_path_factory.mktemp("site")
    folder = shutil.copytree(ROOT / "frontend" / "static", root / "static")
    with hosted(root) as host:
        yield Copy(host, folder)


@pytest.fixture(scope="module")
def open_server(server: Server, site: Copy) -> Iterator[str]:
    """The address of a server that lets the site's pages in."""
    ports = server.run.ports()
    assert ports is not None
    settings = Settings(
        origins=site.host,
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
    with window(browser) as page:
        yield page


def sent_to(page: Page) -> list[str]:
    """The hosts that are called by scripts from now on."""
    hosts: list[str] = []
    page.on(
        "request",
        lambda sent: hosts.append(sent.url.split("/")[2]) if sent.resource_type in {"fetch", "xhr"} else None,
    )
    return hosts


def test_a_photo_is_cut_by_the_server_that_is_written_into_the_page(
    page: Page, site: Copy, open_server: str, chelsea: Image.Image
):
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in {"error", "warning"} else None)
    page.goto(site.naming(open_server))
    host = open_server.removeprefix("http://")
    expect(page.get_by_text(f"The photo goes only to {host}. Nothing is stored there.")).to_be_visible()
    expect(page.get_by_role("link", name="API docs")).to_have_attribute("href", f"{open_server}/docs")
    expect(page.get_by_text(re.compile(r"knows \d+ names"))).to_be_visible()
    choose(page, encoded(chelsea))
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
    page.get_by_text("Use it from code", exact=True).click()
    expect(page.get_by_role("tabpanel")).to_contain_text(f"curl {open_server}/cut")
    assert complaints == []


def test_the_servers_samples_are_offered(page: Page, site: Copy, open_server: str):
    page.goto(site.naming(open_server))
    page.get_by_role("button", name="Cat", exact=True).click()
    expect(page.get_by_role("img", name="Your photo cat.jpg")).to_be_visible()
    expect(page.get_by_role("checkbox", name=re.compile("^cat, "))).to_be_visible()


def test_what_the_server_says_of_a_mistake_is_read(page: Page, site: Copy, open_server: str, chelsea: Image.Image):
    page.goto(site.naming(open_server))
    choose(page, encoded(chelsea))
    page.get_by_label("What to cut out").fill("kat")
    page.get_by_role("button", name="Cut out", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("No object is called “kat”")


def test_a_server_that_lets_nobody_in_is_told(page: Page, site: Copy, server: Server, chelsea: Image.Image):
    page.goto(site.naming(server.url))
    choose(page, encoded(chelsea))
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(f"This page cannot reach {server.url.removeprefix('http://')}.")
    expect(alert).to_contain_text(f"not allow pages from {site.host}")
    expect(alert.get_by_role("button", name="Try again")).to_be_visible()


class Collector(http.server.SimpleHTTPRequestHandler):
    """Takes whatever it is sent, from whomever."""

    def log_message(self, *_: object) -> None:
        pass

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


@pytest.mark.parametrize("at", ["the server", "a copy that names none", "a copy that names another"])
def test_a_link_has_photos_sent_nowhere_else(
    page: Page, site: Copy, server: Server, open_server: str, tmp_path: Path, chelsea: Image.Image, at: str
):
    hosts = sent_to(page)
    with hosted(tmp_path, Collector) as stranger:
        if at == "the server":
            page.goto(f"{server.url}/?api={stranger}")
        else:
            page.goto(f"{site.naming(*([open_server] if at.endswith('another') else []))}?api={stranger}")
        told = page.get_by_role("alert").get_by_text(f"names a server, “{stranger}”, that it does not send photos to.")
        expect(told).to_be_visible()
        choose(page, encoded(chelsea))
        page.get_by_role("button", name="Cut out", exact=True).click()
        expect(told).to_be_visible()
        expect(page.get_by_role("region", name="Model")).to_contain_text("This page has no server.")
        assert hosts == []
        # It would have been heard.
        page.goto(site.naming(stranger))
        choose(page, encoded(chelsea))
        expect(page.get_by_role("alert")).to_be_visible()
        assert set(hosts) == {stranger.removeprefix("http://")}


def test_the_servers_own_page_sends_them_nowhere_else_whatever_is_written_into_it(
    page: Page, server: Server, tmp_path: Path, chelsea: Image.Image
):
    """Its policy holds them back."""
    written = (ROOT / "frontend" / "static" / "index.html").read_text()
    with hosted(tmp_path, Collector) as stranger:
        body = written.replace(META, META.replace('""', f'"{stranger}"'))
        page.route(f"{server.url}/", lambda route: route.fulfill(body=body, headers=route.fetch().headers, status=200))
        hosts: list[str] = []
        page.on("response", lambda reply: hosts.append(reply.url.split("/")[2]))
        page.goto(f"{server.url}/")
        choose(page, encoded(chelsea))
        expect(page.get_by_role("alert")).to_contain_text("this page may only call its own server")
        assert set(hosts) == {server.url.removeprefix("http://")}


def test_a_link_chooses_among_the_servers_that_are_written_into_the_page(
    page: Page, site: Copy, open_server: str, tmp_path: Path
):
    with hosted(tmp_path, Collector) as first:
        written = site.naming(first, open_server)
        for asked, chosen in (("", first), (f"?api={open_server}", open_server), (f"?api={open_server}/", open_server)):
            page.goto(written + asked)
            expect(page.get_by_text(f"The photo goes only to {chosen.removeprefix('http://')}.")).to_be_visible()
        expect(page.get_by_text(re.compile(r"knows \d+ names"))).to_be_visible()


WRONG = ["cut.example.org", "ftp://cut.example.org", "javascript:alert(1)", "https://me:key@cut.example.org", "//"]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("written", "the objectcut-server of this page, is not the address of a server"),
        ("asked", "that it does not send photos to"),
    ],
)
def test_what_is_no_address_is_told_and_nothing_is_sent(
    page: Page, site: Copy, chelsea: Image.Image, how: str, told: str, wrong: str
):
    hosts = sent_to(page)
    page.goto(site.naming(wrong) if how == "written" else f"{site.naming()}?api={wrong}")
    alert = page.get_by_role("alert").get_by_text(f"“{wrong}”")
    expect(alert).to_contain_text(told)
    expect(page.get_by_role("region", name="Model")).to_contain_text("This page has no server.")
    choose(page, encoded(chelsea))
    expect(alert).to_be_visible()
    page.get_by_role("button", name="Cut out", exact=True).click()
    expect(alert).to_be_visible()
    assert hosts == []


def test_a_long_name_of_a_server_fits_a_narrow_window(page: Page, site: Copy):
    host = f"{'x' * 60}.{'y' * 60}.example"
    page.route(f"https://{host}/*", lambda route: route.abort())
    page.set_viewport_size({"width": 320, "height": 800})
    written = site.naming(f"https://{host}")
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    page.goto(written)
    expect(page.get_by_text(f"The photo goes only to {host}.")).to_be_visible()
    assert page.evaluate(overflow) == 0
    page.goto(f"{written}?api={'z' * 3000}")
    expect(page.get_by_role("alert").get_by_text(f"“{'z' * 200}”")).to_be_visible()
    assert page.evaluate(overflow) == 0


@pytest.mark.parametrize(
    ("server", "docs"),
    [
        ("https://cut.example.org", "https://cut.example.org/docs"),
        ("https://example.org/objectcut", "https://example.org/objectcut/docs"),
        ("http://10.0.0.7:8000/cut/?lang=es", "http://10.0.0.7:8000/cut/docs"),
        ("", "{site}docs"),
    ],
)
def test_addresses_with_and_without_a_path(page: Page, site: Copy, server: str, docs: str):
    page.route(re.compile(r"^https?://[\w.]*(example|10\.0\.0)"), lambda route: route.abort())
    url = site.naming(server)
    page.goto(url)
    link = page.get_by_role("link", name="API docs")
    assert link.evaluate("link => link.href") == docs.format(site=url)
