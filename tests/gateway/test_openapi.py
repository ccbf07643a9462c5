"""What /openapi.json says of the calls; tests/test_server.py sends a request by it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from objectcut.errors import STATUS
from objectcut.request.options import CutOptions, DetectOptions

SOURCES = {"image_url", "image_base64", "image_file"}


@pytest.fixture(scope="module")
def paths(client: httpx.Client) -> dict[str, Any]:
    return client.get("/openapi.json").json()["paths"]


@pytest.mark.parametrize(
    ("path", "options", "behind"), [("/cut", CutOptions, {"background_image"}), ("/detect", DetectOptions, set())]
)
def test_every_option_stands_in_every_kind_of_body(path: str, options: type, behind: set[str], paths: dict[str, Any]):
    call = paths[path]["post"]
    fields = set(options.model_json_schema()["properties"])
    content = call["requestBody"]["content"]
    assert {parameter["name"] for parameter in call["parameters"]} == fields
    assert set(content["multipart/form-data"]["schema"]["properties"]) == fields | SOURCES | behind
    assert set(content["application/json"]["schema"]["properties"]) == fields | SOURCES - {"image_file"} | behind
    assert all(each.get("description") for each in content["multipart/form-data"]["schema"]["properties"].values())


def test_every_error_of_a_cut_is_named_with_its_status(paths: dict[str, Any]):
    named = {}
    for status, reply in paths["/cut"]["post"]["responses"].items():
        schema = reply["content"]["application/json"]["schema"]["properties"]
        named |= dict.fromkeys(schema.get("code", {}).get("enum", ()), int(status))
    assert named == {code: STATUS[code] for code in named}
    assert {"object_not_found", "unreadable_image", "image_too_large", "not_ready", "internal"} <= set(named)
    assert {"unauthorized", "rate_limited"} <= set(named), "where the server has keys and limits"


def test_the_errors_for_removebgs_programs_are_in_their_words(paths: dict[str, Any]):
    replies = paths["/v1.0/removebg"]["post"]["responses"]
    schemas = {
        status: replies[status]["content"]["application/json"]["schema"] for status in replies if status != "200"
    }
    codes = {
        status: set(schema["properties"]["errors"]["items"]["properties"]["code"]["enum"])
        for status, schema in schemas.items()
    }
    assert set(codes) == {"400", "403", "429", "500", "503"}
    assert codes["400"] >= {"missing_source", "unknown_foreground", "file_too_large", "invalid_request"}
    assert (codes["403"], codes["429"]) == ({"auth_failed"}, {"rate_limit_exceeded"})


@pytest.mark.parametrize("path", ["/cut", "/detect", "/v1.0/removebg", "/api/remove"])
def test_a_field_that_is_not_described_is_refused(path: str, paths: dict[str, Any], client: httpx.Client):
    content = paths[path]["post"]["requestBody"]["content"]
    forms = {kind: body["schema"] for kind, body in content.items() if body["schema"]["type"] == "object"}
    assert [schema["additionalProperties"] for schema in forms.values()] == [False] * 3
    assert client.post(path, files={"nobody_knows": b"x"}).status_code == 400


def test_what_finds_nothing_is_no_error_of_detect(paths: dict[str, Any]):
    assert "422" not in paths["/detect"]["post"]["responses"]
