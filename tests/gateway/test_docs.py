"""How /docs looks to people; what it says is in test_openapi."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import alone, gateway
from playwright.sync_api import Browser, expect


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with gateway(alone()) as url:
        yield url


def test_they_are_dark_when_the_system_is_and_lead_back_to_the_page(address: str, browser: Browser) -> None:
    page = browser.new_page(color_scheme="light")
    papers = set()
    page.goto(f"{address}/docs")
    for scheme, ink in (("light", "rgb(59, 65, 81)"), ("dark", "rgb(228, 230, 230)")):  # Swagger UI's own
        page.emulate_media(color_scheme=scheme)
        expect(page.locator(".swagger-ui .info .title")).to_be_visible()
        expect(page.locator(".opblock-summary-description").first).to_have_css("color", ink)
        shown = page.locator(".swagger-ui").first.evaluate("shown => getComputedStyle(shown).backgroundColor")
        page.goto(address)
        assert shown == page.evaluate("getComputedStyle(document.body).backgroundColor")
        papers.add(shown)
        page.goto(f"{address}/docs")
    assert len(papers) == 2
    page.get_by_role("link", name="ObjectCut", exact=True).click()
    expect(page).to_have_url(f"{address}/")
    page.close()
