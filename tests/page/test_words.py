"""The page in another language than English, and from right to left, in a real browser and against the real server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import PATIENCE_MS, READY_S, ROOT, Server, encoded, start, stop, wait_until
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route, expect
from safetensors.torch import load_file
from window import WIDE

from objectcut.errors import STATUS
from objectcut.network import checkpoint
from objectcut.network.card import read_card


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(reduced_motion="reduce", locale="es-ES", viewport=WIDE) as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context


@pytest.fixture
def page(context: BrowserContext, server: Server) -> Iterator[Page]:
    complaints: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(server.url)
    expect(page.get_by_text(re.compile(r"conoce \d+ nombres"))).to_be_visible()
    yield page
    assert complaints == []


def choose(page: Page, content: bytes, name: str = "chelsea.png", kind: str = "image/png") -> None:
    page.locator("#file").set_input_files([{"name": name, "mimeType": kind, "buffer": content}])
    expect(page.get_by_text(name, exact=True)).to_be_visible()


def ask_for(page: Page, names: str) -> None:
    page.get_by_label("Qué recortar").fill(names)
    page.get_by_role("button", name="Recortar").click()


def cutout(page: Page, names: str) -> Locator:
    return page.get_by_role("img", name=f"Recorte de {names}", exact=True)


def test_objects_are_called_by_the_persons_words(page: Page, chelsea: Image.Image):
    expect(page).to_have_title(re.compile("recorta objetos"))
    choose(page, encoded(chelsea))
    cat = page.get_by_role("checkbox", name=re.compile("^gato, .* fuera de la selección$"))
    expect(page.locator(".object-label")).to_have_text("gato")
    cat.click()
    expect(cutout(page, "gato")).to_be_visible()
    with page.expect_download() as event:
        page.get_by_role("button", name="Descargar").click()
    assert event.value.suggested_filename == "chelsea-gato.png"


@pytest.mark.parametrize(
    ("language", "cat"),
    [
        ("en", "^cat, .* not taken$"),
        ("de-AT", "^Katze, .* nicht ausgewählt$"),
        ("fr", "^chat, .* non sélectionné$"),
        (
            "ca",
            "^gat, .* fuera de la selección$",
        ),  # a language of names alone: the rest is in the next one of the browser
        ("zh-CN", "^猫, .* fuera de la selección$"),
    ],
)
def test_objects_have_names_in_each_language(
    context: BrowserContext, server: Server, chelsea: Image.Image, language: str, cat: str
):
    page = context.new_page()
    page.goto(f"{server.url}/?lang={language}")
    choose(page, encoded(chelsea))
    expect(page.get_by_role("checkbox", name=re.compile(cat))).to_be_visible()


def test_objects_get_their_words_when_these_come_later(context: BrowserContext, server: Server, chelsea: Image.Image):
    page = context.new_page()
    held: list[Route] = []
    page.route("**/labels", lambda route: held.append(route))
    page.goto(server.url)
    choose(page, encoded(chelsea))
    expect(page.get_by_role("checkbox", name=re.compile("^cat, "))).to_be_visible()
    held[0].continue_()
    expect(page.get_by_role("checkbox", name=re.compile("^gato, "))).to_be_visible()
    expect(page.locator(".object-label")).to_have_text("gato")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [("ga", "gato"), ("kitt", "gatokitten"), ("cat", "gatocat"), ("per", "persona"), ("persona, per", "perro")],
)
def test_known_names_are_offered_in_the_persons_words(page: Page, chelsea: Image.Image, typed: str, offered: str):
    choose(page, encoded(chelsea))
    page.get_by_label("Qué recortar").fill(typed)
    expect(page.get_by_role("option").first).to_have_text(offered)


def test_a_name_that_was_offered_is_cut_out(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    page.get_by_label("Qué recortar").fill("ga")
    page.get_by_role("option", name="gato").click()
    page.get_by_role("button", name="Recortar").click()
    expect(cutout(page, "gato")).to_be_visible()
    expect(page.get_by_role("checkbox", name=re.compile("^gato, .*, en la selección"))).to_be_visible()


@pytest.mark.parametrize(
    ("asked", "told", "offers"),
    [
        ("gatto", "Ningún objeto se llama «gatto».", ["gato"]),
        ("perro, coche", "No se ha encontrado lo siguiente en la foto: perro, coche.", ["gato", "Dibujar un recuadro"]),
    ],
)
def test_a_name_that_fails_is_told_with_offers(
    page: Page, chelsea: Image.Image, asked: str, told: str, offers: list[str]
):
    choose(page, encoded(chelsea))
    ask_for(page, asked)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(told)
    expect(alert.get_by_role("button")).to_have_text(offers)
    if "gato" in offers:
        alert.get_by_role("button", name="gato").click()
        expect(cutout(page, "gato")).to_be_visible()
        expect(page.get_by_label("Nombres que recortar").get_by_role("listitem")).to_have_text("gato")


def test_an_ambiguous_name_is_told_with_its_choices(context: BrowserContext, chelsea: Image.Image, tmp_path: Path):
    """By a model of one's own: the bundled one with every class listed."""
    bundled, own = ROOT / "model_store" / "bundled.safetensors", tmp_path / "own.safetensors"
    checkpoint.write(load_file(bundled), replace(read_card(bundled), name="own", unlisted=()), own)
    process, url, said = start(tmp_path / "run", MODEL=str(own))
    try:
        wait_until(lambda: b"Ctrl-C stops it" in said.read_bytes() or process.poll() is not None, READY_S, "the start")
        page = context.new_page()
        page.goto(url)
        expect(page.get_by_text(re.compile("own .* conoce 21 nombres"))).to_be_visible()
        choose(page, encoded(chelsea))
        ask_for(page, "机车")
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("«机车» puede significar varias cosas")
        expect(alert.get_by_role("button")).to_have_text(["moto", "tren"])
    finally:
        stop(process)


def test_a_name_of_another_model_leads_to_the_known_ones(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    ask_for(page, "cuchillo")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("El modelo que está en uso no conoce «cuchillo».")
    alert.get_by_role("button", name="Mostrar los nombres conocidos").click()
    names = page.locator("[role=option] span")
    expect(names.first).to_have_text("gato")  # what is in the photo
    expect(names.get_by_text("persona", exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"no picture", "No se puede leer la foto"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "No se aceptan archivos SVG."),
        (
            encoded(Image.new("1", (6000, 5000)), "TIFF"),  # which the browser cannot make smaller
            "píxeles. Se aceptan como mucho 25 megapíxeles y 16.384 píxeles por lado",
        ),
    ],
    ids=["damaged", "a drawing", "too large"],
)
def test_a_photo_that_is_refused_is_told(page: Page, content: bytes, told: str):
    choose(page, content, "foto.png")
    expect(page.get_by_role("alert")).to_contain_text(told)


def test_an_address_that_is_refused_is_told(page: Page):
    address = page.get_by_label("o su dirección web")
    address.fill("http://10.0.0.1/gato.jpg")
    address.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("El servidor no obtiene fotos de esa dirección")


def test_what_has_no_words_of_its_own_is_told_in_the_servers(page: Page, chelsea: Image.Image):
    choose(page, encoded(chelsea))
    ask_for(page, ", ".join(f"gato {number}" for number in range(101)))
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("El servidor no acepta lo que se le ha pedido")
    expect(alert.get_by_text("'objects' has 101 names; at most 100 are accepted.")).to_have_attribute("lang", "en")


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("es", "Un lienzo de 12.000 x 12.000 píxeles es demasiado grande: se aceptan como mucho 25 megapíxeles."),
        ("de", "Eine Leinwand von 12.000 x 12.000 Pixeln ist zu groß: Höchstens 25 Megapixel sind möglich."),
        ("fr", "Un canevas de 12 000 x 12 000 pixels est trop grand : au plus 25 mégapixels sont possibles."),
    ],
)
def test_a_canvas_that_is_too_large_is_told(page: Page, server: Server, language: str, told: str):
    """The page offers none: what the server says of one that somebody kept in the browser's storage."""
    page.goto(f"{server.url}/?lang={language}")
    words = page.evaluate(
        """async () => {
            const { ApiError } = await import("./server/api.js");
            const details = { field: "canvas", width: 12000, height: 12000, max_pixels: 25_000_000 };
            return (await import("./words/errors.js")).wordsFor(new ApiError("image_too_large", "", { details }));
        }"""
    )
    assert re.sub(r"\s", " ", words.replace("\N{MULTIPLICATION SIGN}", "x")).startswith(told)


def test_every_error_has_words(page: Page):
    told = page.evaluate("async () => Object.keys((await import('./words/es.js')).WORDS)")
    assert [code for code in STATUS if f"error.{code}" not in told] == []


def test_the_model_is_told(page: Page):
    model = page.get_by_role("region", name="Modelo")
    expect(model).to_contain_text("Está en uso el modelo pequeño incluido: 16 nombres.")
    expect(model.get_by_role("code")).to_have_text("make weights")


@pytest.mark.parametrize("locale", ["en", "es", "de", "fr"])
def test_what_was_cut_out_is_told_in_full_beside_the_buttons(
    browser: Browser, server: Server, chelsea: Image.Image, locale: str
):
    with browser.new_context(locale=locale, viewport={"width": 1366, "height": 768}) as context:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.add_init_script("navigator.canShare = () => true")  # as on most laptops, unlike the browser of the tests
        page.goto(server.url)
        choose(page, encoded(chelsea))
        page.get_by_role("checkbox", name="%").click()
        told = page.locator("#cutout").get_by_text(re.compile(r"^1 [Oo]bj\w+, [\d.,]+ s$"))
        expect(told).to_be_visible()
        buttons = page.locator("#outputs").get_by_role("button")
        expect(buttons).to_have_count(3)
        assert told.evaluate("(element) => element.scrollWidth <= element.clientWidth")
        right = told.evaluate("(element) => element.getBoundingClientRect().right")
        assert right < buttons.first.evaluate("(element) => element.getBoundingClientRect().left")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1366, 768)])
@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_no_words_are_wider_than_their_control(
    page: Page, server: Server, chelsea: Image.Image, language: str, width: int, height: int
):
    page.set_viewport_size({"width": width, "height": height})
    page.goto(f"{server.url}/?lang={language}")
    choose(page, encoded(chelsea))
    page.locator("#cut").click()
    expect(page.locator("#download")).to_be_visible()
    page.locator("#look details").evaluate_all("(folds) => folds.forEach((fold) => { fold.open = true; })")
    page.locator("#look-canvas").select_option("own")
    page.locator("#look-canvas-width").fill("800")
    page.locator("#look-canvas-height").fill("800")
    page.locator("#look-outline").fill("4")
    page.locator("label:has(> [name=look-background][value=colour])").click()
    expect(page.locator("#look-position")).to_be_visible()
    wide = page.evaluate(
        """() => [...document.querySelectorAll("main :is(button, label, legend, summary, p, select, .segments span)")]
            .filter((control) => control.checkVisibility() && !control.closest(".visually-hidden, .file-name"))
            .filter(({ clientWidth, scrollWidth }) => clientWidth && scrollWidth > clientWidth)
            .map((control) => `${control.outerHTML.slice(0, 160)}: ${control.textContent.trim()}`)"""
    )
    assert wide == []


@pytest.mark.parametrize("width", [320, 1366])
def test_from_right_to_left_everything_stays_inside(page: Page, chelsea: Image.Image, width: int):
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate("document.documentElement.dir = 'rtl'")
    choose(page, encoded(chelsea))
    ask_for(page, "gato")
    expect(cutout(page, "gato")).to_be_visible()
    for fold in ("Más", "Úsalo en tu código"):
        page.get_by_text(fold, exact=True).click()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    for part in ("#cut-form", "#photo", "#cutout", "#tools", "#outputs", "#from-code", "#look", "#model"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["x"] >= 0, part
        assert box["x"] + box["width"] <= width, part
