"""The same photo and options in every way in which a request may bring them."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import time
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote, urlencode

import pytest
from conftest import encoded
from PIL import Image
from starlette.requests import Request

from gateway.incoming import read
from objectcut.errors import CutError
from objectcut.request.options import CutOptions
from objectcut.request.parse import CutRequest
from objectcut.settings import Settings

PHOTO = encoded(Image.effect_noise((60, 40), 90), "PNG")
TEXT = base64.b64encode(PHOTO).decode()
ASKED = CutRequest("cut", PHOTO, None, CutOptions(objects=("cat", "dog"), crop=True))
OPTIONS = {"objects": "cat,dog", "crop": "true"}
QUERY = "objects=cat&objects=dog&crop=true"
FORM = "multipart/form-data; boundary=edge"
URLENCODED = "application/x-www-form-urlencoded"
JSON = json.dumps({"image_base64": TEXT, "objects": ["cat", "dog"], "crop": True}).encode()


def incoming(
    body: bytes, content_type: str | None = None, query: str = "", limit: int = 100_000, **headers: str
) -> CutRequest:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if content_type is not None:
        sent["content-type"] = content_type
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/cut",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
    }

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    return asyncio.run(read(Request(scope, receive), "cut", Settings(max_body_bytes=limit)))


def form(*, photo: bytes = PHOTO, disposition: str = 'name="image_file"; filename="cat.png"', **fields: str) -> bytes:
    parts = [(disposition, photo), *((f'name="{name}"', value.encode()) for name, value in fields.items())]
    return (
        b"".join(
            b"--edge\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (d.encode(), data) for d, data in parts
        )
        + b"--edge--\r\n"
    )


@pytest.mark.parametrize(
    "content_type",
    [
        *(None, "", "image/png", "image/x-anything", "application/octet-stream", "binary/octet-stream", URLENCODED),
        *("text/plain", "application/json", "multipart/form-data", "nonsense"),
    ],
)
def test_a_photo_as_the_body(content_type: str | None):
    assert incoming(PHOTO, content_type, QUERY) == replace(ASKED, bare=True)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (form(**OPTIONS), FORM),
        (form(**OPTIONS), "multipart/form-data"),
        (form(**OPTIONS), None),
        (form(disposition='name="image_file"', **OPTIONS), FORM),
        (form(disposition="name=\"image_file\"; filename*=UTF-8''%E7%8C%AB.png", **OPTIONS), FORM),
        (form(disposition='name="image_base64"', photo=TEXT.encode(), **OPTIONS), FORM),
        (form(disposition='name="image_base64"; filename="cat.b64"', photo=TEXT.encode(), **OPTIONS), FORM),
        (JSON, "application/json"),
        (JSON, URLENCODED),
        (JSON, None),
        (urlencode({**OPTIONS, "image_base64": TEXT}).encode(), URLENCODED),
        (f"objects=cat,dog&crop=true&image_base64={TEXT}".encode(), URLENCODED),
        (f"objects=cat,dog&crop=true&image_base64={TEXT}".encode(), None),
        (f"objects=cat&objects=dog&crop=1&image_base64=data:image/png;BASE64,{TEXT}".encode(), URLENCODED),
        (f"objects=cat,dog&crop=1&image_file={quote(PHOTO)}".encode(), URLENCODED),
    ],
)
@pytest.mark.parametrize(
    ("encoding", "pack"),
    [(None, bytes), ("gzip", gzip.compress), ("deflate", zlib.compress)],
    ids=["plain", "gzip", "deflate"],
)
def test_a_form_and_json(body: bytes, content_type: str | None, encoding: str | None, pack):
    headers = {} if encoding is None else {"content_encoding": encoding}
    assert incoming(pack(body), content_type, **headers) == ASKED


def test_base64_keeps_its_plus_in_an_urlencoded_form():
    assert "+" in TEXT
    assert incoming(f"image_base64={TEXT}".encode(), URLENCODED).photo == PHOTO


def test_a_background_image_is_a_file_or_text():
    for disposition in ('name="background_image"; filename="b.png"', 'name="background_image"'):
        for photo in (PHOTO, TEXT.encode()):
            body = form(disposition=disposition, photo=photo, image_base64=TEXT)
            assert incoming(body, FORM).backdrop == PHOTO


@pytest.mark.parametrize(
    ("call", "code", "says"),
    [
        ((b"", None), "invalid_request", "The body is empty."),
        ((b"", URLENCODED), "invalid_request", "The body is empty."),
        ((b"", "image/png"), "invalid_request", "'image_file' is empty"),
        ((b"", FORM), "invalid_request", "The form cannot be read"),
        ((b"Dear photo", "text/plain"), "invalid_request", "The body is neither."),
        ((TEXT.encode(), None), "invalid_request", "The body holds base64 text, which belongs in 'image_base64'."),
        ((JSON, "application/json", "crop=1"), "invalid_request", "not in the query string"),
        ((form(), FORM, "crop=1"), "invalid_request", "not in the query string"),
        ((b"objects=cat", URLENCODED, "crop=1"), "invalid_request", "not in the query string"),
        ((PHOTO, "image/png", "nonsense"), "invalid_request", "'nonsense' is not a field of this call."),
        ((PHOTO, "image/png", "Objects=cat"), "invalid_request", "Did you mean 'objects'?"),
        ((PHOTO, "image/png", "crop=true&crop=false"), "invalid_request", "'crop' was sent 2 times."),
        ((PHOTO, "image/png", "model=a&model=a"), "invalid_request", "'model' was sent 2 times."),
        ((PHOTO, "image/png", "objects=cat&" * 41), "invalid_request", "The query string has more than 40 parameters."),
        ((PHOTO, "image/png", "objects=" + "a" * 60_000), "invalid_request", "more than 100 characters"),
        ((PHOTO, "image/png", "x" * 60_000), "invalid_request", "is not a field of this call."),
        ((PHOTO, "image/png", "%FF=%FF&%00"), "invalid_request", "is not a field of this call."),
        ((form(disposition="name=IMAGE_FILE"), FORM), "invalid_request", "Did you mean 'image_file'?"),
        ((form(photo=TEXT.encode()), FORM), "invalid_request", "'image_file' holds base64 text"),
        ((JSON, "application/json", "", 100), "body_too_large", "The photo has"),
    ],
)
def test_what_is_wrong_is_said(call: tuple[object, ...], code: str, says: str):
    with pytest.raises(CutError) as caught:
        incoming(*call)
    assert caught.value.code == code
    assert says in caught.value.message
    assert len(caught.value.message) < 300


def test_a_body_that_unpacks_to_too_much_or_to_nothing():
    with pytest.raises(CutError, match=r"larger than 0\.1 MB"):
        incoming(gzip.compress(bytes(100_001)), "image/png", content_encoding="gzip")
    with pytest.raises(CutError, match="'Content-Encoding: br'") as caught:
        incoming(PHOTO, "image/png", content_encoding="br")
    assert caught.value.status == 415


def filled(unit: bytes, size: int = 10_000_000) -> bytes:
    return unit * (size // len(unit))


def with_photo(fields: bytes) -> bytes:
    return b'{"image_base64": "%s", %s}' % (TEXT.encode(), fields)


def part(name: bytes, data: bytes, *headers: bytes) -> bytes:
    lines = b"\r\n".join([b'Content-Disposition: form-data; name="%s"' % name, *headers])
    return b"--edge\r\n%s\r\n\r\n%s\r\n" % (lines, data)


HOSTILE: dict[str, tuple[Callable[[], tuple[bytes, str, str]], str]] = {
    "separators": (lambda: (b"crop=1" + filled(b"&"), URLENCODED, ""), "more than 40 fields"),
    "separators alone": (lambda: (filled(b"&"), URLENCODED, ""), "The body is neither."),
    "blanks": (lambda: (filled(b" ") + b"x", "", ""), "The body is neither."),
    "broken escapes": (lambda: (b"image_base64=" + filled(b"%"), URLENCODED, ""), "has a '%' without"),
    "escapes": (lambda: (b"image_base64=" + filled(b"%21"), URLENCODED, ""), "not valid base64"),
    "no base64": (lambda: (b"image_base64=" + filled(b"\xff"), URLENCODED, ""), "not valid base64"),
    "words": (lambda: (b"image_base64=" + filled(b"A ") + b"?", URLENCODED, ""), "not valid base64"),
    "long option": (lambda: (b"objects=" + filled(b"a,"), URLENCODED, ""), "'objects' is longer than"),
    "long name": (lambda: (b"crop=1&" + filled(b"%41"), URLENCODED, ""), "is not a field of this call"),
    "query": (lambda: (PHOTO, "", "&".join(f"a{i}" for i in range(10_000))), "more than 40 parameters"),
    "ids": (lambda: (with_photo(b'"pick": [' + filled(b"1,") + b"1]"), "", ""), "bytes beside 'image_base64'"),
    "ids in text": (lambda: (with_photo(b'"pick": "' + filled(b"1,") + b'"'), "", ""), "bytes beside"),
    "wrong names": (lambda: (with_photo(b'"objects": [' + filled(b"1,", 60_000) + b"1]"), "", ""), "valid string"),
    "boxes": (lambda: (with_photo(b'"box": [' + filled(b"[],") + b"1]"), "", ""), "bytes beside"),
    "fields": (lambda: (b"{" + b",".join(b'"k%d":1' % i for i in range(900_000)) + b"}", "", ""), "bytes beside"),
    "nested": (lambda: (with_photo(filled(b'"a":{', 60_000)), "", ""), "not valid JSON"),
    "nested further": (lambda: (with_photo(filled(b'"a":{')), "", ""), "bytes beside"),
    "repeated": (lambda: (b"{" + filled(b'"image_base64":"",') + b"}", "", ""), "was sent several times"),
    "escaped quotes": (lambda: (b'{"image_base64": "' + filled(b'\\"') + b'"}', "", ""), "bytes beside"),
    "escaped letters": (lambda: (b'{"image_base64": "' + filled(b"\\u0041") + b'?"}', "", ""), "not valid base64"),
    "escaped slashes": (lambda: (b'{"image_base64": "' + filled(b"ab\\/") + b'?"}', "", ""), "not valid base64"),
    "no end": (lambda: (b'{"image_base64": "' + filled(b"A"), "", ""), "not valid JSON"),
    "surrogates": (lambda: (b'{"image_base64": "data:,\\ud800"}', "", ""), "not valid base64"),
    "parts": (lambda: (part(b"a", b"1") * 100_000 + b"--edge--", FORM, ""), "more than 40 fields"),
    "header of a part": (lambda: (part(b"a", b"1", b"X: " + filled(b"1")), FORM, ""), "Maximum header size"),
    "boundary": (lambda: (b"--", "multipart/form-data; boundary=" + "b" * 60_000, ""), "Boundary length"),
    "form without end": (lambda: (part(b"image_file", filled(b"\r\n--")), FORM, ""), "ends before its last boundary"),
    "list in a form": (lambda: (part(b"pick", b"[" + filled(b"1,")) + b"--edge--", FORM, ""), "'pick' is longer than"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_text_is_refused_before_it_costs_much(case: str):
    make, says = HOSTILE[case]
    call = make()
    tracemalloc.start()
    began = time.monotonic()
    with pytest.raises(CutError) as caught:
        incoming(*call, limit=20_000_000)
    seconds = time.monotonic() - began
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert caught.value.code == "invalid_request"
    assert says in caught.value.message
    assert len(caught.value.body("")) < 600
    assert most < 60e6, "the body has 10 MB"
    assert seconds < 5
