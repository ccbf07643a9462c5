"""How the page starts in a real browser, and what it says where it cannot; no model is needed for that."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from conftest import PATIENCE_MS, ROOT, gateway
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from objectcut.settings import Settings

STATIC = ROOT / "frontend" / "static"
TITLES = {
    "en": "Name an object, get it cut out.",
    "es": "Nombra un objeto y quedará recortado.",
    "de": "Nenne ein Objekt, und es wird freigestellt.",
    "fr": "Nommez un objet, il est détouré.",
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The address of a gateway without a TorchServe behind it."""
    with gateway(Settings()) as address:
        yield address


@pytest.fixture(params=["reduce", "no-preference"])
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """With and without animations: the words come by one."""
    with browser.new_context(locale="en-US", reduced_motion=request.param) as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context


def modules() -> list[str]:
    """page.js and all that it imports before it begins, by their paths in the folder."""
    found = [STATIC / "page.js"]
    for path in found:
        imports = re.findall(r'^(?:import|export) (?:[^;]*? from )?"(\.[\w./]+)";', path.read_text(), re.M)
        found += dict.fromkeys(each for name in imports if (each := (path.parent / name).resolve()) not in found)
    return [path.relative_to(STATIC).as_posix() for path in found]


def test_every_module_that_the_page_begins_with_is_preloaded():
    written = re.findall(r'<link rel="modulepreload" href="([\w./]+)">', (STATIC / "index.html").read_text())
    assert sorted(written) == sorted(modules())


@pytest.mark.parametrize("module", ["page.js", "words/texts.js", "photo/sources.js"])
@pytest.mark.parametrize("status", [404, 500])
def test_a_module_that_fails_is_named(context: BrowserContext, url: str, module: str, status: int):
    page = context.new_page()
    page.route(f"**/{module}", lambda route: route.fulfill(status=status, body="no"))
    page.goto(url)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("ObjectCut has not started.")
    expect(alert).to_contain_text(f"This could not be loaded: {module}.")
    expect(page.get_by_role("heading")).to_have_count(0)  # nothing without words stands beside it
    page.unroute_all()
    alert.get_by_role("link", name="reload the page").click()
    expect(page.get_by_role("heading", name=TITLES["en"])).to_be_visible()
    expect(page.get_by_text("ObjectCut has not started.")).to_be_hidden()


@pytest.mark.parametrize("module", ["page.js", "server/address.js"])
def test_a_module_that_never_comes_is_named_after_a_moment(context: BrowserContext, url: str, module: str):
    page = context.new_page()
    held: list[Route] = []
    page.route(f"**/{module}", lambda route: held.append(route))
    page.goto(url, wait_until="commit")
    expect(page.get_by_text(f"Still loading: {module}.")).to_be_visible()
    expect(page.get_by_role("link", name="reload the page")).to_be_visible()
    for route in held:  # it may come yet
        route.continue_()
    expect(page.get_by_role("heading", name=TITLES["en"])).to_be_visible()
    expect(page.get_by_text("ObjectCut has not started.")).to_be_hidden()


def test_a_script_that_stops_is_told(context: BrowserContext, url: str):
    page = context.new_page()
    page.route("**/sources.js", lambda route: route.fulfill(body="cracked(", content_type="text/javascript"))
    page.goto(url)
    expect(page.get_by_role("alert")).to_contain_text("It stopped at an error.")


def test_words_come_even_where_no_script_does(context: BrowserContext, url: str):
    page = context.new_page()
    page.route("**/*.js", lambda route: route.abort())
    page.goto(url)
    alert = page.get_by_role("alert")
    for words in (
        "ObjectCut has not started.",
        "ObjectCut no ha arrancado.",
        "ObjectCut ist nicht gestartet.",
        "ObjectCut n\N{RIGHT SINGLE QUOTATION MARK}a pas démarré.",
    ):
        expect(alert.get_by_text(words)).to_be_visible()


def test_in_spanish(context: BrowserContext, url: str):
    page = context.new_page()
    page.route("**/photo/photo.js", lambda route: route.abort())
    page.goto(f"{url}/?lang=es")
    expect(page.get_by_role("alert")).to_contain_text("ObjectCut no ha arrancado.")
    expect(page.get_by_role("alert")).to_contain_text("No se ha podido cargar: photo/photo.js.")
    expect(page.get_by_text("ObjectCut has not started.")).to_have_count(0)


@pytest.mark.parametrize(
    ("language", "started", "told"),
    [
        ("de", "ObjectCut ist nicht gestartet.", "Konnte nicht geladen werden: words/de.js."),
        (
            "fr",
            "ObjectCut n\N{RIGHT SINGLE QUOTATION MARK}a pas démarré.",
            "pas pu être chargé\N{NO-BREAK SPACE}: words/fr.js.",
        ),
    ],
)
def test_words_that_are_missing_are_named_like_the_rest(
    context: BrowserContext, url: str, language: str, started: str, told: str
):
    page = context.new_page()
    page.route(re.compile(r"/words/\w\w\.js$"), lambda route: route.fulfill(status=404, body="no"))
    page.goto(f"{url}/?lang={language}")
    expect(page.get_by_role("alert").get_by_role("paragraph")).to_have_text(
        [re.compile(re.escape(started)), re.compile(re.escape(told))]
    )


def test_without_javascript_the_page_says_that_it_needs_it(browser: Browser, url: str):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(url)
        expect(page.get_by_text("It needs JavaScript")).to_be_visible()
        expect(page.get_by_text("Necesita JavaScript")).to_be_visible()
        expect(page.get_by_text("Es braucht JavaScript")).to_be_visible()
        expect(page.get_by_text("Il lui faut JavaScript")).to_be_visible()
        expect(page.get_by_role("link", name="API")).to_have_count(4)
        expect(page.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("es", "es"),
        ("ES-mx", "es"),
        ("de", "de"),
        ("fr-CA", "fr"),
        ("ca", "en"),
        ("constructor", "en"),
        ("__proto__", "en"),
        ("toString", "en"),
        ("hasOwnProperty", "en"),
        ("", "en"),
        ("-", "en"),
        ("x" * 5000, "en"),
        ("%00%ff<b>", "en"),
    ],
)
def test_whatever_language_the_address_asks_for(page: Page, url: str, asked: str, language: str):
    page.goto(f"{url}/?lang={asked}")
    expect(page.get_by_role("heading", name=TITLES[language])).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == language


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window in which nothing may fail, but what the server without a model does not answer."""
    complaints: list[str] = []
    with browser.new_context(locale="en-US") as context:
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
        yield page
    assert complaints == []
