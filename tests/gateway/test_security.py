"""The headers of the gateway's answers: what a browser may do and keep."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from conftest import gateway
from playwright.sync_api import Browser, expect

from gateway.security import docs_policy
from objectcut.settings import Settings

PAGE = ("/", "/page.js", "/theme.css", "/favicon.svg", "/openapi.json", "/health/live")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The gateway alone, without a TorchServe behind it."""
    with gateway(Settings()) as url:
        yield url


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("path", [*PAGE, "/docs-assets/swagger-ui.css", "/missing"])
def test_the_page_may_do_little(client: httpx.Client, path: str):
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"


def test_the_docs_may_run_the_script_inside_them_and_no_other(client: httpx.Client):
    reply = client.get("/docs")
    scripts = re.search(r"script-src ([^;]*)", reply.headers["content-security-policy"])
    assert scripts is not None
    assert re.fullmatch(r"'self' 'sha256-[\w+/]{43}='", scripts[1])
    assert reply.headers["referrer-policy"] == "no-referrer"


def test_a_script_is_allowed_by_its_hash():
    # printf 'alert(1)' | openssl dgst -sha256 -binary | base64
    assert docs_policy(b"<script>alert(1)</script>")["script-src"] == (
        "'self' 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"
    )


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
@pytest.mark.parametrize("path", ["/", "/page.js"])
def test_a_file_of_the_page_is_asked_for_again_and_sent_when_it_changed(client: httpx.Client, path: str, encoding: str):
    first = client.get(path, headers={"Accept-Encoding": encoding})
    assert first.headers["cache-control"] == "no-cache"
    again = client.get(path, headers={"Accept-Encoding": encoding, "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(path, headers={"If-None-Match": '"older"'}).status_code == 200


def test_a_browser_has_nothing_to_complain_of(address: str, browser: Browser):
    complaints: list[str] = []
    page = browser.new_page()
    page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
    page.goto(address)
    page.wait_for_load_state("networkidle")
    page.goto(f"{address}/docs")
    page.get_by_role("button", name="POST /cut Cut").click()
    expect(page.get_by_role("button", name="Try it out")).to_be_visible()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.get_by_text("Request URL")).to_be_visible()
    page.close()
    assert complaints == []
