"""Random calls of the server, which schemathesis makes from the server's own description, `/openapi.json`.

Owns what the description cannot tell: real photos, words that mean something, addresses that reach nobody, and what
becomes of a body on its way. Leaves to schemathesis what fits the description, what does not, and whether an answer
does.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from random import Random
from typing import Any

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

from fuzzing.files import damaged

_PHOTO_FIELDS = ("image_url", "image_base64", "image_file_b64", "image_file", "url", "file")
_IN_BASE64 = ("image_base64", "image_file_b64", "background_image")
_WORDS = (
    *("cat", "person", "people", "kat", "dog, cat", "white", "#ff8800", "blur:20", "5%", "10", "4 white", "16:9"),
    *("640x480", "center", "10% 90%", "255,0,0,128", "10% 10% 90% 90%", "30px", "original", "", " ", "\0"),
    *(
        "\N{RIGHT-TO-LEFT OVERRIDE}tac",
        "\N{PILE OF POO}" * 50,
        "../../../etc/passwd",
        "\r\nX-Odd: 1",
        "%00%ff",
        "1e999",
    ),
    *("-0", "0x10", "[", "[1,2", "{}", "null", "--", "9" * 400, "a" * 20_000),
)
# None of them can be reached from outside of this machine, and none needs a name to be resolved.
_ADDRESSES = (
    *("http://127.0.0.1/", "http://[::1]:80/", "http://169.254.169.254/latest", "file:///etc/passwd", "http://0/"),
    *("http://10.0.0.1:22/", "gopher://127.0.0.1/", "http://user@127.0.0.1/", "http://%00/", "http://[", "//"),
)
_ACCEPTS = (
    *("image/png", "application/json", "*/*", "image/webp;q=0.5, image/*", "application/zip", "text/html", ",;q=x"),
)
# What hypothesis never makes, for it keeps numbers in the range of a double, and bodies small.
_ODD: tuple[Any, ...] = (10**400, float("nan"), float("-inf"), [None] * 2000, [[]], {"a": [{}]}, "a" * 200_000)
_DEEP = (b"[" * 2000, b'{"objects":' * 2000 + b"1" + b"}" * 2000)
_MODES = GenerationMode("positive"), GenerationMode("negative")
_BOUNDARY = "a-boundary-that-no-file-has"
_CHECKS = [checks.status_code_conformance, checks.content_type_conformance, checks.response_schema_conformance]
_ALIKE = 10  # calls that are made at a time: beginning costs hypothesis more than going on
_LEFT_OUT = 0.75  # of the fields, for of many some never go together
_ODD_SHARE, _PACKED, _DAMAGED = 0.05, 0.1, 0.05
AnyCase = Case[Any]


class Calls:
    """Calls that fit the description and calls that do not, without an end. The same numbers make the same calls.

    Args:
        description: what `/openapi.json` says.
        photos: whole image files.
        rng: chooses among the operations.
    """

    def __init__(self, description: Mapping[str, Any], photos: Sequence[bytes], rng: Random) -> None:
        self._photos, self._rng = list(photos), rng
        files = st.sampled_from(self._photos)
        schemathesis.openapi.format("binary", files)
        schemathesis.openapi.format("byte", files.map(lambda photo: base64.b64encode(photo).decode()))
        schemathesis.openapi.format("uri", st.sampled_from(_ADDRESSES))
        schemathesis.openapi.format("words", st.sampled_from(_WORDS) | st.text(max_size=100))
        for kind in ("image/jpeg", "image/png", "image/webp", "image/heic", "image/avif", "application/octet-stream"):
            schemathesis.openapi.media_type(kind, files)
        self._schema = schemathesis.openapi.from_dict(_explained(description))
        self._kinds = [
            operation.as_strategy(generation_mode=mode)
            for operation in (found.ok() for found in self._schema.get_all_operations() if isinstance(found, Ok))
            for mode in _MODES
            for _ in range(4 if operation.body and not operation.headers else 1)  # a wrong key hides all else
            if mode.is_positive or operation.body or any(operation.iter_parameters())
        ]

    def drawn(self) -> Iterator[AnyCase]:
        """Yield calls without an end."""
        while True:
            yield from _drawn(self._rng.choice(self._kinds), self._rng.getrandbits(64))

    def cut(self) -> AnyCase:
        """Return the call to which a damaged file belongs, for `objection`."""
        return self._schema["/cut"]["POST"].Case()

    def request(self, client: httpx.Client, case: AnyCase, rng: Random) -> httpx.Request:
        """Return a call as it is sent: with few of its fields, and now and then odd, damaged or packed."""
        fields = _few(case.body, rng) if isinstance(case.body, dict) else None
        if fields is not None:
            case.body = fields
        # Beside a body with fields a query is a mistake, which hides all others.
        case.query = _few(case.query, rng) if fields is None or rng.random() < _ODD_SHARE else {}
        prepared = requests.Request(**case.as_transport_kwargs(base_url=str(client.base_url))).prepare()
        headers = {name: value for name, value in prepared.headers.items() if name != "Content-Length"}
        content = _bytes(prepared.body)
        kind, found, boundary = str(headers.get("Content-Type", "")).partition("boundary=")
        if found:  # a new one each time
            content = content.replace(boundary.encode(), _BOUNDARY.encode())
            headers["Content-Type"] = f"{kind}{found}{_BOUNDARY}"
        if fields is not None and case.media_type == "application/json" and rng.random() < _ODD_SHARE:
            odd = json.dumps({**fields, rng.choice([*fields, "objects"]): rng.choice(_ODD)}).encode()
            content = rng.choice((*_DEEP, odd))
        if content and rng.random() < _DAMAGED:
            content = damaged(content, self._photos, rng)
        if content and rng.random() < _PACKED:
            headers["Content-Encoding"] = rng.choice(("gzip", "deflate", "br", "gzip, gzip", "identity"))
            content = gzip.compress(content, mtime=0) if rng.random() < 0.7 else content
        headers["Accept"] = rng.choice(_ACCEPTS)
        sent = [(name.encode(), _bytes(value, "latin-1")) for name, value in headers.items()]
        return client.build_request(str(prepared.method), str(prepared.url), headers=sent, content=content)


def _bytes(value: Any, encoding: str = "utf-8") -> bytes:
    return value.encode(encoding) if isinstance(value, str) else value or b""


def objection(case: AnyCase, reply: httpx.Response) -> str | None:
    """Return what the description does not say of this answer to a call; None for one that is as described."""
    reply.request.read()
    try:
        case.validate_response(reply, checks=_CHECKS)
    except FailureGroup as group:
        failure = group.exceptions[0]
        return f"{failure.title}: {failure.message}" if isinstance(failure, Failure) else str(failure)
    return None


def error_code(body: Mapping[str, Any]) -> str:
    """Return the code of an error, in the server's own shape or in that of remove.bg.

    Raises:
        LookupError, TypeError: it has neither.
    """
    told = body["errors"][0]["detail"].partition(",")[0] if "errors" in body else body["code"]
    return str(told)


def _drawn(strategy: st.SearchStrategy[AnyCase], number: int) -> list[AnyCase]:
    """Return what hypothesis makes of a strategy and a number: nothing now and then."""
    drawn: list[AnyCase] = []

    @seed(number)
    @settings(
        max_examples=_ALIKE,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(case: AnyCase) -> None:
        drawn.append(case)

    with suppress(ValueError):  # schemathesis meets bytes where it asks whether its body is wrong as it should be
        draw()
    return drawn


def _few(fields: Mapping[str, Any], rng: Random) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name in _PHOTO_FIELDS or rng.random() > _LEFT_OUT}


def _explained(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description with what people read there: what a text means, and that there is one photo."""
    explained = deepcopy(dict(description))
    for operations in explained["paths"].values():
        bodies = [operation.get("requestBody", {}).get("content", {}) for operation in operations.values()]
        meant: dict[str, Any] = {}
        for body in bodies:
            meant |= body.get("application/json", {}).get("schema", {}).get("properties", {})
        for parameter in (each for operation in operations.values() for each in operation.get("parameters", ())):
            parameter["schema"] = _meaning(parameter["name"], parameter["schema"], meant)
        for schema in (kind["schema"] for body in bodies for kind in body.values()):
            if properties := schema.get("properties"):
                schema["properties"] = {name: _meaning(name, each, meant) for name, each in properties.items()}
                schema["oneOf"] = [{"required": [name]} for name in _PHOTO_FIELDS if name in properties]
    return explained


def _meaning(name: str, schema: Mapping[str, Any], meant: Mapping[str, Any]) -> Any:
    """Return the schema of a field, which in a form and a query is text, whatever it means."""
    if schema.get("format") == "binary":
        return schema
    if name in _IN_BASE64:
        return {"type": "string", "format": "byte"}
    if name.endswith("url"):
        return {"type": "string", "format": "uri"}
    return _with_words(meant.get(name, schema))


def _with_words(schema: Any) -> Any:
    """Return a schema whose free texts are words that the server may know."""
    if isinstance(schema, list):
        return [_with_words(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "string" and "enum" not in schema:
        return {"type": "string", "format": "words"}
    return {key: _with_words(value) for key, value in schema.items()}
