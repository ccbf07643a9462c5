"""What the gateway answers by itself, without a TorchServe behind it: a photo that it understood ends with 503."""

from __future__ import annotations

import base64
import gzip

import httpx
import pytest
from conftest import encoded, told
from PIL import Image

PHOTO = encoded(Image.new("RGB", (6, 4), "teal"))
TEXT = base64.b64encode(PHOTO).decode()
UNDERSTOOD = (503, "not_ready")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("OPTIONS", "/missing", (405, "method_not_allowed")),
        ("OPTIONS", "/labels", (405, "method_not_allowed")),
        ("OPTIONS", "/cut", (405, "method_not_allowed")),
        ("POST", "/labels", (405, "method_not_allowed")),
        ("POST", "/page.js", (405, "method_not_allowed")),
        ("DELETE", "/detect/", (405, "method_not_allowed")),
        ("PUT", "/", (405, "method_not_allowed")),
        ("GET", "/missing", (404, "not_found")),
        ("GET", "/cut/more", (404, "not_found")),
        ("GET", "/samples/dog.png", (404, "not_found")),
        ("GET", "/%00", (404, "not_found")),
        ("GET", "/%FF", (404, "not_found")),
        ("GET", "/%ED%A0%80", (404, "not_found")),
        ("GET", "/..%2F..%2Fpyproject.toml", (404, "not_found")),
        ("GET", "/" + "a" * 5000, (404, "not_found")),
        ("GET", "/" + "a/" * 5000, (404, "not_found")),
    ],
)
def test_an_address_that_nobody_answers(method: str, path: str, expected: tuple[int, str], client: httpx.Client):
    reply = client.request(method, path)
    assert told(reply) == expected
    assert (reply.status_code == 405) == ("allow" in reply.headers)
    assert len(reply.content) < 1000


URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
GZIP = {"Content-Encoding": "gzip"}
CALLS = [
    ("a file", {"files": {"image_file": PHOTO}}, UNDERSTOOD),
    ("base64 by curl -d", {"content": f"image_base64={TEXT}", "headers": URLENCODED}, UNDERSTOOD),
    ("no type", {"content": PHOTO, "params": {"objects": "猫、狗", "crop": "yes"}}, UNDERSTOOD),
    ("curl's type", {"content": PHOTO, "params": {"objects": "cat"}, "headers": URLENCODED}, UNDERSTOOD),
    ("AWS's type", {"content": PHOTO, "headers": {"Content-Type": "binary/octet-stream"}}, UNDERSTOOD),
    ("a packed photo", {"content": gzip.compress(PHOTO), "headers": GZIP}, UNDERSTOOD),
    ("another packing", {"content": PHOTO, "headers": {"Content-Encoding": "br"}}, (415, "unsupported_image")),
    ("a bomb", {"content": gzip.compress(bytes(50_000_000)), "headers": GZIP}, (413, "body_too_large")),
    ("a large photo", {"content": PHOTO + bytes(1_000_000)}, (413, "body_too_large")),
    ("no body", {}, (400, "invalid_request")),
    ("a text", {"content": "Dear photo"}, (400, "invalid_request")),
    ("base64 as a file", {"files": {"image_file": TEXT}}, (400, "invalid_request")),
    ("half a form", {"content": "--edge\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=edge"}},
     (400, "invalid_request")),
    ("an unknown word in the query", {"content": PHOTO, "params": "nonsense"}, (400, "invalid_request")),
    ("a long query", {"content": PHOTO, "params": {"objects": "a" * 60_000}}, (400, "invalid_request")),
    ("no colour", {"content": PHOTO, "params": {"background": "rgb(1 2)"}}, (400, "invalid_request")),
    ("a colour", {"content": PHOTO, "params": {"background": "rgb(0 80 160 / 50%)"}}, UNDERSTOOD),
    ("a large id", {"content": PHOTO, "params": {"pick": "9007199254740991"}}, UNDERSTOOD),
    ("an id that is too large", {"content": PHOTO, "params": {"pick": "9007199254740992"}}, (400, "invalid_request")),
    ("a long Accept", {"content": PHOTO, "headers": {"Accept": "image/png," * 1200}}, (400, "invalid_request")),
    ("a very long Accept", {"content": PHOTO, "headers": {"Accept": "a" * 500_000}}, (400, "invalid_request")),
    ("no text in Accept", {"content": PHOTO, "headers": {b"Accept": b"image/\xff\xfe"}}, UNDERSTOOD),
]  # fmt: skip


@pytest.mark.parametrize(("what", "call", "expected"), CALLS, ids=[call[0] for call in CALLS])
def test_a_request_is_understood_or_told_what_is_wrong(
    what: str, call: dict[str, object], expected: tuple[int, str], client: httpx.Client
):
    assert told(client.post("/cut", **call)) == expected, what
