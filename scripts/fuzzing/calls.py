"""Random calls of the server, made from its own description, `/openapi.json`.

Owns what a value can look like that fits the schema, or does not. The photos are those that it is given.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any
from urllib.parse import quote

import httpx

_ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 10**400, 1e308, float("nan"), float("-inf"), [], {}, [[]], {"a": [{}]}, [None] * 2000),
    *("", " ", "\0", "a" * 20_000, "\N{RIGHT-TO-LEFT OVERRIDE}tac", "\N{PILE OF POO}" * 50, "../../../etc/passwd"),
    *("%00%ff", "1e999", "-0", "0x10", "[", "[1,2", "{}", "null", "a,b;c\nd", "\r\nX-Odd: 1", "--", "' OR 1=1"),
)
_WORDS = ("cat", "person", "people", "kat", "dog, cat", "white", "#ff8800", "blur:20", "5%", "10", "true", "1,2,3,4")
# None of them can be reached from outside of this machine, and none needs a name to be resolved.
_ADDRESSES = (
    *("http://127.0.0.1/", "http://[::1]:80/", "http://169.254.169.254/latest", "file:///etc/passwd", "http://0/"),
    *(
        "http://10.0.0.1:22/",
        "gopher://127.0.0.1/",
        "http://user@127.0.0.1/",
        "http://%00/",
        "http://[",
        "//",
        "http://",
    ),
)
_ACCEPTS = (
    "image/png",
    "application/json",
    "*/*",
    "image/webp;q=0.5, image/*",
    "application/zip",
    "text/html",
    ",;q=x",
)
_ODD_SHARE, _LEFT_OUT = 0.15, 0.7
_DEEP = 2000


def error_code(body: Mapping[str, Any]) -> str:
    """Return the code of an error, in the server's own shape or in that of remove.bg.

    Raises:
        LookupError, TypeError: it has neither.
    """
    told = body["errors"][0]["detail"].partition(",")[0] if "errors" in body else body["code"]
    return str(told)


def calls(description: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, Any]]]:
    """Return method, path and operation of every call that the server describes, those with a body several times."""
    return [
        (method.upper(), path, operation)
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
        for _ in range(4 if "requestBody" in operation else 1)
    ]


def call(
    client: httpx.Client, method: str, path: str, operation: Mapping[str, Any], photos: Sequence[bytes], rng: Random
) -> httpx.Request:
    """Return a random request for one of these calls."""
    headers = {"Accept": rng.choice(_ACCEPTS)}
    query: dict[str, str] = {}
    parameters = operation.get("parameters", [])
    for parameter in parameters:
        if parameter["in"] == "path":
            name = parameter["name"]
            path = path.replace(f"{{{name}}}", quote(_text(_string({}, rng))[:200], safe="") or "x")
        elif parameter["in"] == "header":
            headers[parameter["name"]] = rng.choice(("", "Bearer", "Bearer x", f"Bearer {'a' * 500}", "Basic eDp4"))
    kinds = list(operation.get("requestBody", {}).get("content", {}))
    if not kinds or rng.random() < 0.02:
        return client.build_request(method, path, params=_queried(parameters, rng), headers=headers)
    kind = rng.choice(kinds)
    schema = operation["requestBody"]["content"][kind].get("schema", {})
    if kind == "application/json":
        content = _json(_object(schema, photos, rng), rng)
    elif kind == "multipart/form-data":
        fields = {name: _part(value) for name, value in _object(schema, photos, rng).items()}
        form = client.build_request(method, path, files=fields) if fields else None
        content, kind = (form.read(), form.headers["content-type"]) if form else (b"", kind)
    elif kind == "application/x-www-form-urlencoded":
        pairs = [f"{name}={quote(_text(value), safe='')}" for name, value in _object(schema, photos, rng).items()]
        content = "&".join(pairs).encode()
    else:
        query, content = _queried(parameters, rng), rng.choice(photos)
    if rng.random() < 0.1:
        headers["Content-Encoding"] = rng.choice(("gzip", "deflate", "br", "gzip, gzip", "identity"))
        content = gzip.compress(content) if rng.random() < 0.7 else content
    return client.build_request(method, path, params=query, headers={**headers, "Content-Type": kind}, content=content)


def _queried(parameters: Sequence[Mapping[str, Any]], rng: Random) -> dict[str, str]:
    named = [each["name"] for each in parameters if each["in"] == "query" and rng.random() > _LEFT_OUT]
    return {name: _text(_string({}, rng))[:2000] for name in named}


def _object(schema: Mapping[str, Any], photos: Sequence[bytes], rng: Random) -> dict[str, Any]:
    """Some fields of a request, in most cases with one photo."""
    fields = {
        name: _value(each, rng) for name, each in schema.get("properties", {}).items() if rng.random() > _LEFT_OUT
    }
    pictures = {name for name in schema.get("properties", {}) if name.startswith(("image_", "background_image"))}
    for name in pictures & set(fields):
        fields.pop(name)
    for name in sorted(pictures):
        if rng.random() < 1 / len(pictures):
            fields[name] = _picture(name, schema["properties"][name], photos, rng)
    return fields


def _picture(name: str, schema: Mapping[str, Any], photos: Sequence[bytes], rng: Random) -> Any:
    if rng.random() < _ODD_SHARE:
        return rng.choice(_ODD)
    if name == "image_url":
        return rng.choice(_ADDRESSES)
    photo = rng.choice(photos)
    return photo if schema.get("format") == "binary" else base64.b64encode(photo).decode()


def _value(schema: Mapping[str, Any], rng: Random) -> Any:
    if rng.random() < _ODD_SHARE:
        return rng.choice(_ODD)
    if "anyOf" in schema:
        return _value(rng.choice(schema["anyOf"]), rng)
    if "enum" in schema:
        return rng.choice(schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        listed = schema.get("prefixItems") or [schema.get("items", {})] * rng.randint(0, 5)
        return [_value(each, rng) for each in listed]
    if kind in {"integer", "number"}:
        low, high = schema.get("minimum", -1000), schema.get("maximum", 1000)
        number = rng.choice((low, high, rng.uniform(low, high), high * 2 + 1))
        return int(number) if kind == "integer" else number
    if kind == "boolean":
        return rng.random() < 0.5
    return None if kind == "null" else _string(schema, rng)


def _string(schema: Mapping[str, Any], rng: Random) -> str:
    longest = int(schema.get("maxLength", 50))
    return rng.choice((*_WORDS, "x" * longest, "x" * (longest + 1), str(rng.choice(_ODD))))


def _json(body: Any, rng: Random) -> bytes:
    """In most cases the body as it is; else something that only looks like JSON, or is no object."""
    odd = rng.random()
    if odd < 0.02:
        return b"[" * _DEEP
    if odd < 0.04:
        return b'{"objects":' * _DEEP + b"1" + b"}" * _DEEP
    text = json.dumps(body if odd < 0.95 else rng.choice(_ODD))
    return (text if odd < 0.9 else text[: rng.randrange(len(text))]).encode()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=lambda _: "")


def _part(value: Any) -> tuple[str | None, bytes]:
    return ("photo.jpg", value) if isinstance(value, bytes) else (None, _text(value).encode())
