"""The page in front of a server that wants a key of those who send photos."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from conftest import Server, encoded, gateway
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from window import choose, window

from objectcut.keys import NONE, new_key
from objectcut.settings import Settings


@dataclass(frozen=True)
class Locked:
    """A server that wants a key, and one that is good."""

    url: str
    key: str


@pytest.fixture(scope="module")
def locked(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    ports, key = server.run.ports(), new_key()
    assert ports is not None
    keys = tmp_path_factory.mktemp("keys") / "keys.json"
    NONE.with_key("shop", key, "caller").write(keys)
    settings = Settings(
        callers="keys",
        keys=keys,
        inference_url=f"http://127.0.0.1:{ports.inference}",
        management_url=f"http://127.0.0.1:{ports.management}",
        metrics_url=f"http://127.0.0.1:{ports.metrics}",
        key_file=server.run.key_file,
    )
    with gateway(settings) as url:
        yield Locked(url, key)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with window(browser, locale="en") as page:
        yield page


def cut_the_cat(page: Page) -> None:
    page.get_by_label("What to cut out").fill("cat")
    page.get_by_role("button", name="Cut out", exact=True).click()
    expect(page.get_by_role("img", name="Cut-out of cat", exact=True)).to_be_visible()


def test_the_key_is_asked_for_once_and_kept_by_the_tab_alone(
    page: Page, browser: Browser, locked: Locked, chelsea: Image.Image
):
    page.goto(locked.url)
    choose(page, encoded(chelsea))
    dialog = page.get_by_role("dialog", name="This server wants a key")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Your key").fill("oc_wrong")
    dialog.get_by_role("button", name="Continue").click()
    expect(dialog.get_by_role("alert")).to_contain_text("key")  # what is wrong with it
    dialog.get_by_label("Your key").fill(locked.key)
    dialog.get_by_label("Your key").press("Enter")
    expect(dialog).to_have_count(0)
    cut_the_cat(page)

    page.reload()
    choose(page, encoded(chelsea))
    cut_the_cat(page)
    expect(dialog).to_have_count(0)
    kept = page.evaluate("JSON.stringify([localStorage, document.cookie])")
    assert locked.key not in kept
    with window(browser, locale="en") as other:
        other.goto(locked.url)
        choose(other, encoded(chelsea))
        expect(other.get_by_role("dialog")).to_be_visible()


def test_who_has_no_key_is_told_and_may_try_again(browser: Browser, locked: Locked, chelsea: Image.Image):
    with window(browser, locale="es") as page:
        page.goto(locked.url)
        page.locator("input[type=file]").first.set_input_files(
            [{"name": "chelsea.png", "mimeType": "image/png", "buffer": encoded(chelsea)}]
        )
        dialog = page.get_by_role("dialog", name="Este servidor pide una clave")
        dialog.get_by_role("button", name="Cancelar").click()
        expect(dialog).to_have_count(0)
        expect(page.get_by_role("alert").filter(has_text="clave")).to_be_visible()
