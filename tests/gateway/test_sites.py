"""What pages of other sites can have a visitor's browser do, by the headers that browsers send."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from conftest import alone, gateway

JSON = b'{"image_base64": "aaaa"}'
OTHER = "https://other.example.org"


def clients(**settings: object) -> Iterator[httpx.Client]:
    with gateway(alone(**settings)) as url, httpx.Client(base_url=url, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def local() -> Iterator[httpx.Client]:
    """A gateway on loopback, as `make serve` starts it."""
    yield from clients()


@pytest.fixture(scope="module")
def public() -> Iterator[httpx.Client]:
    """One that listens on all addresses."""
    yield from clients(host="0.0.0.0", origins=("https://photos.example.org",))


@pytest.fixture(scope="module")
def named() -> Iterator[httpx.Client]:
    yield from clients(host="0.0.0.0", hosts=("cut.example.org",))


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:9", "[::1]:8000", "LOCALHOST", "a.localhost"]
)
def test_a_server_on_loopback_is_called_by_its_own_names(local: httpx.Client, host: str):
    assert local.get("/health/live", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["attacker.example.org", "attacker.example.org:8000", "127.0.0.1.example.org", "localhost.example.org", "[::2]"],
)
def test_a_page_that_renamed_itself_to_loopback_gets_nothing(local: httpx.Client, host: str):
    """DNS rebinding: to the browser it is one site with the page."""
    for reply in (
        local.get("/", headers={"Host": host}),
        local.get("/labels", headers={"Host": host}),
        local.post("/cut", content=JSON, headers={"Host": host, "Content-Type": "application/json"}),
    ):
        assert (reply.status_code, reply.json()["code"]) == (400, "invalid_request")
        assert "OBJECTCUT_HOSTS" in reply.json()["message"]
        assert reply.json()["details"] == {"header": "Host"}


def test_a_public_server_is_called_as_others_call_it_unless_it_has_names(public: httpx.Client, named: httpx.Client):
    assert public.get("/health/live", headers={"Host": "whatever.example.org"}).status_code == 200
    assert named.get("/health/live", headers={"Host": "whatever.example.org"}).status_code == 400
    for host in ("cut.example.org", "CUT.example.org:443", "localhost:8000"):  # the last is a probe's
        assert named.get("/health/live", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "heard"),
    [
        ({}, True),  # a program
        ({"Origin": "http://{host}"}, True),
        ({"Origin": "https://photos.example.org"}, True),
        ({"Origin": "https://photos.example.org", "Sec-Fetch-Site": "cross-site"}, True),
        ({"Origin": "https://{host}", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "https://cut.example.org", "Sec-Fetch-Site": "same-origin"}, True),  # a proxy renamed the host
        ({"Origin": OTHER}, False),
        ({"Origin": OTHER, "Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "http://{host}", "Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "nonsense"}, False),
        ({"Origin": "http://["}, False),
    ],
)
@pytest.mark.parametrize(
    "content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain", "image/png"]
)
def test_only_the_servers_own_pages_and_named_ones_may_send(
    public: httpx.Client, headers: dict[str, str], heard: bool, content_type: str
):
    host = public.base_url.netloc.decode()
    sent = {name: value.replace("{host}", host) for name, value in headers.items()}
    reply = public.post("/cut", content=JSON, headers={"Content-Type": content_type, **sent})
    assert ("OBJECTCUT_ORIGINS" in reply.text) is not heard
    if not heard:
        assert (reply.status_code, reply.json()["details"]) == (400, {"header": "Origin"})


def test_a_star_lets_all_pages_send():
    for client in clients(origins=("*",)):
        assert "ORIGINS" not in client.post("/cut", content=JSON, headers={"Origin": OTHER}).text


@pytest.mark.parametrize(
    ("content_type", "taken"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ("application/x-www-form-urlencoded", True),  # curl's own
        ("", True),
        ("text/plain", False),
        ("Text/Plain;charset=UTF-8", False),
    ],
)
def test_json_is_sent_as_json(local: httpx.Client, content_type: str, taken: bool):
    """Plain text is what any page may send without a question."""
    reply = local.post("/cut", content=JSON, headers={"Content-Type": content_type} if content_type else {})
    assert ("'Content-Type: application/json'" in reply.text) is not taken
